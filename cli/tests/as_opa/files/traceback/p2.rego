package p2

import rego.v1

import data.p

w := object.union_n([{"a": 1}, input.b])

deep(x) := count(walkit(x))

walkit(x) := {v |
	some v in x
	not_ok(v)
}

not_ok(v) if not inner(v)

inner(v) if {
	v > 1
	to_number(v.a) == 2
	regex.match("(", "x")
}

q if {
	some i
	p.xs[i] == 3
	z := {"a": [1, deep([i, 5])]}
	z.a
}

s contains t if {
	t := time.parse_ns("x", "y")
}

u := s[1]

el := 1 if {
	false
} else := v if {
	v := deep([{"a": "1"}, 3])
}

t := $"{deep([4])} x"

default df := 1

df := 3 if p.xs[_] > 1

df := 4 if p.xs[_] > 2

fn(x) := 1 if x.a

fn(x) := 2 if x.b

pf if {
	x := 3
	y := fn({"a": x, "b": "a b\"c"})
	y > 0
}

wi if fn(input.x) with input.x as {"a": 1, "b": 2}
