package example_test

import data.example

test_ok_too if example.allow with input as {"user": "alice"}

test_concat[tc.note] if {
	some tc in [
		{"note": "empty + empty", "a": [], "b": [], "exp": []},
		{"note": "wrong", "a": [1], "b": [], "exp": [2]},
		{"note": "undefined", "a": [1], "b": "y", "exp": [2]},
		{"note": 7, "a": [1], "b": [], "exp": [1]},
		{"note": {"x": 1}, "a": [], "b": [], "exp": []},
	]
	act := array.concat(tc.a, tc.b)
	act == tc.exp
}

test_manual[name] if {
	some name in ["a", "b"]
	internal.test_case(["by hand", name])
	name == "a"
}

test_else if {
	false
} else := true

test_contains contains "x" if false

test_value[k] := v if some k, v in {"a": true, "b": false, "c": null, "d": {"e": true, "f": false}}

a.b.test_deep["k"] if false

a["test_quoted x"].y if true

test_with_time if time.now_ns() > 0

test_slow if sum([x | some i in numbers.range(1, 3000); some j in numbers.range(1, 3000); x := i * j]) == 0
