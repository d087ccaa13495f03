package vv_test

obj := {"a": {"b": [1, 2]}}

test_input_eq if {
	input.x == 1
}

test_input_eq2 if {
	input.x == 1 with input as {"x": 2}
}

test_obj if {
	obj.a.b[0] == 2
}

test_gt if {
	x := 5
	y := [1, 2]
	count(y) > x
}

test_every if {
	xs := [1, 2, 3]
	every x in xs {
		x < 3
	}
}

test_compr if {
	a := {z | some z in [1, 2]}
	{y | some y in [3]} == a
}

test_some if {
	some i, v in ["a", "b"]
	i == 2
	v == "b"
}

test_not if {
	p := {"q": true}
	not p.q
}

test_multi if {
	x := {
		"a": 1,
		"b": 2,
	}
	x == {
		"a": 1,
		"b": 3,
	}
}

test_fn if f(1) == f(2)

f(x) := x + 1

test_in if 3 in [1, 2]

test_string if {
	s := "hello world, this is a rather long string that will not fit into the sixty four chars"
	startswith(s, "x")
}
