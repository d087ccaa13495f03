package p

import rego.v1

xs := [1, 2, 3]

a contains y if {
	some x in xs
	y := f(x, {"k": x})
}

f(x, o) := 1 if {
	x > 0
	count(o) == 1
}

f(x, o) := 2 if {
	some k, v in o
	v > 1
	x > 2
}

g(x) := y if {
	y := x / 0
}

h if {
	every v in xs {
		v < 2
		not bad(v)
	}
}

bad(v) if v / 0 == 2

c := {z | some q in xs; z := g(q)}

n := 1 if xs[0] == 1

n := 2 if {
	m := sum([w |
		w := xs[_]
	])
	m > n2
}

n2 := 3

r := w if { w := n + 1 }

obj[k] := v if {
	some k in ["a", "b"]
	some v in [1, 2]
}

lst := [o | some i; o := to_number(sprintf("x%d", [xs[i]])) with input as {"a": 7}]

chain := 1 if { n2 == 4 } else := 2 if { g(n2) }
