package q_test

test_plain if {
	some tc in [{"a": 1}]
	tc.a == 2
}

test_keyed[k] if {
	some k in ["a"]
	tc := {"a": 1}
	tc.a == 2
}

a.test_deep if {
	tc := {"a": 1}
	tc.a == 2
}
