package p_test

test_a if {
	data.p.allow with input.x as 1
	data.p.allow
}

test_b if {
	data.p.n > 1
}

test_c if {
	data.p.n > 1
	data.p.n < 1 with input.names as ["a"]
}

test_d if {
	data.p.names["a"] with input.names as ["b"]
}

test_e if {
	x := data.p.names with input.names as ["b"]
	x == {"c"}
}

test_f if {
	not data.p.allow with input.x as 1
}

test_g if {
	data.p.obj.a == 2 with input.obj as {"a": 1}
}

test_h if {
	data.p.f(data.p.n) == 3
}

test_i if {
	some k
	data.p.obj[k] == 3 with input.obj as {"a": 1}
}

test_j if {
	count(data.p.names) + data.p.n == 3
}

test_k if {
	every x in data.p.names { x == 3 }
	data.p.n == data.p.f(1)
}

test_l if {
	{data.p.n, 2} == {1, data.p.n}
}

lower := data.p.n

test_m if {
	lower == 0
	lower == 1
}

test_n if {
	lower == 0
	lower == 0; lower != count(data.p.names)
}
