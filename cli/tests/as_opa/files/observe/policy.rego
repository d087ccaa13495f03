package observed

default allow := false

allow if {
	input.user in input.admins
	input.action == "read"
}

allow if {
	some r in input.roles
	r.name == input.user
	not denied
}

denied if input.action == "delete"

n := count(input.admins)

names contains name if some name in input.admins

kind := "a" if input.kind == "a"

kind := "b" if input.kind == "b"

f(x) := y if {
	x > 1
	y := x * 2
}

f(x) := 0 if x <= 1

doubled := [f(x) | some x in [1, 2, 3]]

all_big if every x in [1, 2, 3] {
	x > 0
	f(x) >= 0
}

pairs := {[i, j] | some i, j; input.admins[i]; input.roles[j]}

has_ada if names["ada"]

has_x if names[input.user]

obj[k] := v if {
	some k, v in {"a": 1, "b": 2}
}

objb := obj.b

objx := obj[input.kind]

w if allow with input.action as "delete" with input.user as "eve"

e := 1 if {
	input.zzz
} else := 2 if {
	input.kind == "a"
} else := 3

nested := [y | x := [1, 2][_]; y := [z | z := x + [3, 4][_]][_]]
