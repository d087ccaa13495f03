package if.a.contains

import rego.v1

x.if.default := 1

p if {
	some with_value in [input.with.some]
	with_value
}

q[{"composite": [1, 2]}] := true

r := {1, 2} & {2, 3} | {4}

s := {} == set()

t := -1 - -2

u := object.get({"a": {"b": 1}}, ["a", "b"], 0)

v if not p with data.if.a.contains.x as 3
