package example_test

import data.example

test_ok if example.allow with input as {"user": "alice"}

test_bad if {
	print("hello", input.x)
	example.allow with input as {"user": "bob"}
}

todo_test_x if false

test_err if example.f(3) == 1

test_cases[name] if {
	some name, tc in {"one": {"a": 1, "b": 1, "e": 0}, "two": {"a": 1, "b": 2, "e": 0}}
	example.sub(tc.a, tc.b) == tc.e
}

test_dup if true
test_dup if false
test_false := false
test_str := "abc"
test_set contains 1
nested.test_y if true
test_deep.inner if false
test_many[a][b] if {
	some a in ["x", "y"]
	some b in [1, 2]
	not b == 2
}
test_none[name] if {
	some name in input.names
	true
}

test_two_lines if {
	print("one")
	print("two", [1, "x"])
	input.nothing
}

test_function(x) := x

test_unknown_keys[[1, x]] if {
	some x in ["a", "b"]
	x == "a"
}

default test_default := false

test_default if 1 == 1
