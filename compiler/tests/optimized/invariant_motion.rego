package p

# The names are collected once, the limit is computed once; what depends on the member is not.
deny contains r.name if {
	some r in input.rs
	allowed := {name | some name in input.allowed; startswith(name, "a")}
	limit := count(input.allowed) + input.more
	count(r.name) > limit
	not r.name in allowed
}
