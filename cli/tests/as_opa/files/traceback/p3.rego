package p3

import rego.v1

a if {
	x := {"a": [0]}
	i := 0
	y := 1 / x.a[i]
}

b if {
	x := {"a": [0]}
	i := 0
	x.a[i] / i == 2
}

c if {
	x := [{"a": [0]}]
	j := 0
	some k
	bad(x[k].a, x[k].a[j])
}

bad(m, n) if {
	some q
	m[q] == 1 / n
}

bad2(m) if m.a[1 / m.b]

d if bad2({"a": [1], "b": 0})

e if {
	x := {"b": 0}
	count([y | y := 1 / x.b]) == 1
	not x.b
}

f if {
	xs := {"b": {"c": 0}}
	z := object.get(xs, "b", 1)
	w := xs.b.c + (1 / z.c)
}

g contains {"a": v, "b": w} if {
	v := input[x]
	w := v.b / 0
}
