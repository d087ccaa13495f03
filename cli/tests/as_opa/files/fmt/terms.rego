package terms

import data.x.y as z

default d := {"a": [1, 2.50, "s"], "b": null}

f(_, {"k": v}, [w]) := v + (w * 2) if {
	some k, u in input.xs with input as {"xs": [1]}
	every a in [1, 2] { a > 0 }
	not input.off
	{s | s := input.set[_]}
	{o: 1 | o := input.o}
	count([c | c := 1]) == 1
	x := -input.n
	z.a["b c"][k].d == `raw`
	some q, r
	input.q[q] = r
	msg := $"a {k} b"
	set() != {1, "x"}
} else := 3

s.t[u].v contains u if some u in [1]
