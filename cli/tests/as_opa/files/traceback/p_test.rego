package p_test

import data.p
import data.p2

test_conflict if p.n == 1

test_function if {
	x := {"a": 1, "b": 2}
	p2.fn(x) == 1
}

test_fine if true
