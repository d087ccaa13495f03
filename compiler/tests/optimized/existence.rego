package p

# Whether there are members is all that is asked.
some_large if count([r | some r in input.rs; r.size > 10]) > 0

none_large if count({r.name | some r in input.rs; r.size > 10}) == 0

not_empty if {r.name | some r in input.rs; r.size > 10} != set()

# Where an error of a built-in ends the query, it must not be missed.
tmp if {
	names := [r.name | some r in input.rs; startswith(r.name, "tmp")]
	input.wanted
	count(names) >= 1
}

# As a value.
any_large := count([r | some r in input.rs; r.size > 10]) != 0

# How many there are is asked, or what they are.
two if count([r | some r in input.rs; r.size > 10]) > 1

which := names if {
	names := [r.name | some r in input.rs; r.size > 10]
	count(names) > 0
}

# An array is no set, and the clock differs from call to call.
other_kind if [r | some r in input.rs; r.size > 10] != set()

clock if count([r | some r in input.rs; r.size > time.now_ns()]) > 0
