package p

# The first four are chosen by their type, the fifth runs for every member, the sixth has another collection.
deny contains r.name if {
	some r in input.rs
	r.type == "a"
}

deny contains r.name if {
	some r in input.rs
	r.type == "b"
	startswith(r.name, "x")
}

deny contains r.name if {
	some r in input.rs
	r.type == "c"
}

deny contains key if {
	some key, r in input.rs
	r.type == "d"
}

deny contains r.name if {
	some r in input.rs
	not r.owner
}

deny contains r.name if {
	some r in input.others
	r.type == "e"
}

# An object may have two values for one key: those loops stay apart.
names[r.name] := r.type if some r in input.rs

names[r.type] := r.name if some r in input.rs
