package p

# Each tag of a member is a key.
by_tag[tag] contains other.name if {
	some r in input.rs
	some tag in r.tags
	some other in input.rs
	tag in other.tags
}

# So is what a loop over what the member holds compares.
shared contains [a.name, b.name] if {
	some a in input.rs
	some b in input.rs
	some tag in b.tags
	tag.key == a.name
}

wildcard contains a.name if {
	some a in input.rs
	some b in input.rs
	b.actions[_] == a.action
	b.kind == "x"
}

# A key of one value is enough.
single contains [a.name, b.name] if {
	some a in input.rs
	some b in input.rs
	a.name == b.parent
	a.tag in b.tags
}

# The tags of a resource are gone through once.
tiny contains r.name if {
	some r in input.rs
	some tag in r.tags
	tag.key == "owner"
}

# So are those of an argument; but not what does not come from it.
tagged(r) if {
	some tag in r.tags
	tag.key == "owner"
}

known(r) if {
	some other in input.others
	other.name == r.name
}

untagged contains r.name if {
	some r in input.rs
	not tagged(r)
	not known(r)
}
