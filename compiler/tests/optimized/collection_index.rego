package p

# A loop in a loop; the key of the outer member is computed in the inner body.
self_join contains [a.address, b.address] if {
	some a in input.rs
	some b in input.rs
	a.name == b.name
	a.address != b.address
}

# The same through a function.
twin(a) if {
	some b in input.rs
	b.name == a.name
	b.address != a.address
}

negated contains a.address if {
	some a in input.rs
	not twin(a)
}

# Two keys, and one that is computed by a built-in: nothing is left out where its errors count.
two_keys contains a if {
	some a in input.rs
	some b in input.rs
	b.region == a.region
	count(b.tags) == count(a.tags)
}

# Rules that look for constants share the index that tells most members apart.
buckets contains r if {
	some r in input.rs
	r.mode == "managed"
	r.type == "bucket"
}

roles contains r if {
	some r in input.rs
	r.mode == "managed"
	r.type == "role"
}

# What is seen ends what may be left out.
seen contains r if {
	some r in input.rs
	time.now_ns() > 1
	r.type == "bucket"
}

# Both sides depend on the member.
neither contains r if {
	some r in input.rs
	r.name == r.type
}
