package p

# Members without an id, and all if there is none to compare with, are against it.
unlike contains r.id if {
	some r in input.rs
	every x in input.xs {
		x.id != r.id
	}
}

# The rest of the body is asked of members when the index is built.
unlike_large(r) if {
	every i, x in input.xs {
		x.size > 3
		count(x.id) != count(r.id)
		i != 0
	}
}

large contains r.id if {
	some r in input.rs
	unlike_large(r)
}

# Two negations are none.
negated contains r.id if {
	some r in input.rs
	every x in input.xs {
		not x.id == r.id
	}
}

in_function contains r.id if {
	some i, r in input.rs
	every j, x in input.rs {
		not same(i, r, j, x)
	}
}

same(i, r, j, x) if {
	i != j
	r.id == x.id
}

# Another collection each time: it stays what it is.
own contains r.id if {
	some r in input.rs
	every t in r.tags {
		t != r.id
	}
}

# Two things that have to differ: no index.
two contains r.id if {
	some r in input.rs
	every x in input.xs {
		x.id != r.id
		x.size != r.size
	}
}

# The clock is another thing each time.
timed contains r.id if {
	some r in input.rs
	every x in input.xs {
		time.now_ns() > x.size
		x.id != r.id
	}
}
