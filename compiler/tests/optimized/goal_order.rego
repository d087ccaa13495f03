package p

# In strict mode the order of the errors counts: there are two versions.
large contains r.name if {
	some r in input.rs
	regex.match("^tmp", r.name)
	r.type == "bucket"
	r.size > 10
}

# No errors, one version.
member contains r.name if {
	some r in input.rs
	not known(r)
	r.type == "bucket"
}

known(r) if {
	some other in input.others
	other.name == r.name
}

# What depends on the call stays behind it, and so does what comes after something that is seen.
parts contains r.name if {
	some r in input.rs
	x := regex.match("^a", r.name)
	x == r.wanted
}

clock contains r.name if {
	some r in input.rs
	time.now_ns() > r.time
	r.type == "bucket"
}
