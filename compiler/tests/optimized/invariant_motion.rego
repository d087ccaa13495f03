package p

# The names are collected once, the limit is computed once; what depends on the member is not.
deny contains r.name if {
	some r in input.rs
	allowed := {name | some name in input.allowed; startswith(name, "a")}
	limit := count(input.allowed) + input.more
	count(r.name) > limit
	not r.name in allowed
}

# An array that is only asked for members.
among contains r.name if {
	some r in input.rs
	not r.name in [x.name | some x in input.xs]
}

# It is asked for more.
among_and_more contains [r.name, names[0]] if {
	some r in input.rs
	names := [x.name | some x in input.xs]
	r.name in names
}
