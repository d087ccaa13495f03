package a

# One value that cannot conflict: the first success returns.
allow if input.user == "admin"

allow if {
	some role in input.roles
	role == "admin"
}

default deny := false

deny if input.blocked

# Values that may conflict.
level := 1 if input.x

level := input.level if input.y

first := x if some x in input.xs
