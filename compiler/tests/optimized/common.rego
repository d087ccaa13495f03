package p

# The prefix of a path is looked up once, calls with the same operands too.
deny contains msg if {
	some r in input.rs
	r.change.after.size > 10
	count(r.change.after.tags) > 3
	not startswith(r.change.after.name, "x")
	msg := [r.change.after.name, count(r.change.after.tags)]
}

# A field that is compared and never read again stays one instruction.
field contains r.name if {
	some r in input.rs
	r.type == "bucket"
	some tag in r.tags
	tag == r.type
}

# Each block for itself: what one has computed another may not have.
f(x) := count(x.a) if x.b

f(x) := count(x.a) if x.c

# The clock.
clock := [time.now_ns(), time.now_ns()]

# Another overlay, another value.
q := [input.a.b, input.a.b] if input.a.b == 1 with input.a.b as 1
