# Every form of rules and expressions.
package forms

import data.lib.strings as text

default allow := false

default level(_) := 0

allow if {
	input.user == "alice"
	not denied
}

denied if "banned" in input.roles

level(n) := "high" if n > 10 else := "middle" if {
	n > 5
} else := "low"

names contains name if {
	some i, name in ["x", "y"]
	i >= 0
}

by_name[name] := count(name) if some name in names

deep.path[x].of.keys := y if {
	some x, y in {"a": 1, "b": 2}
}

deep.sets[x] contains y if {
	x := "a"
	some y in [1, 2, 3]
	y % 2 == 1
}

pairs := [[x, y] | some x in [1, 2]; some y in {3, 4}; x + y != 5]

objects := {k: {v, v * 2} | some k, v in {"p": 1, "q": -2.5e1}}

all_small if every x in [1, 2, 3] {
	x < 10
	x != input.n - 100
}

mocked if allow with input.user as "alice" with input.roles as []

destructured := [a, d] if {
	[a, {"b": [_, d]}] := [1, {"b": [2, 3]}]
}

message := $"user {input.user} has {count(input.roles)} roles {undefined_ref}"

undefined_ref := input.nothing.here

raw := `a\b
c`

walked := [path | walk({"a": [1, {"b": null}]}, [path, _])]

text_of(x) := sprintf("%v and %d", [x, 3])

formatted := text_of({"k": [1, "two", {3}]})
