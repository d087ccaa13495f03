package indexed

# Every form: the body runs once, and again for keys that it did not find.
arrays[k] := found if {
	some k in ["a", "b", "z"]
	found := [p.port | some p in input.ports; p.owner == k]
}

sets[k] := found if {
	some k in ["a", "b", "z"]
	found := {p.port | some p in input.ports; p.owner == k}
}

objects[k] := found if {
	some k in ["a", "b", "z"]
	found := {p.port: p.name | some p in input.ports; p.owner == k}
}

two_keys contains [o, n, found] if {
	some o in ["a", "b"]
	some n in ["x", "y"]
	found := [p.port | some p in input.ports; p.owner == o; p.name == n]
}

# What is needed from around cannot be found by the body.
needs[k] := found if {
	some k in ["a", "b"]
	found := [p.port | some p in input.ports; startswith(p.owner, k)]
}

# The index would search where a look-up will do.
searches[k] := found if {
	some k in ["a", "b"]
	found := [p | p := input.by_owner[k][_]]
}

walks[k] := found if {
	some k in [["a", 0], ["b"]]
	found := [v | walk(input.by_owner, [k, v])]
}

# A comprehension inside that mentions what is around.
closes[k] := found if {
	some k in ["a", "b"]
	found := [n | some p in input.ports; p.owner == k; n := count([1 | k == "a"])]
}

# Inside of others: the one around has no cache that could be shared.
nested[k] := found if {
	some k in ["a", "b"]
	found := [n |
		some o in ["x", "y"]
		n := [p.port | some p in input.ports; p.name == o]
	]
}

negated contains k if {
	some k in ["a", "z"]
	not [p | some p in input.ports; p.owner == k] == []
}

every_one contains k if {
	some k in ["a", "b"]
	every n in ["x", "y"] {
		found := [p | some p in input.ports; p.owner == k; p.name == n]
		count(found) < 3
	}
}

# The argument of a function is a key; each call has a cache of its own.
of(owner) := [p.port | some p in input.ports; p.owner == owner]

calls contains [k, of(k)] if some k in ["a", "b", "z"]

# Unless what is around the call has one.
shared contains [k, found, of(k)] if {
	some k in ["a", "b", "z"]
	found := [p.name | some p in input.ports; p.owner == k]
}

inherits contains [k, n] if {
	some k in ["a", "b"]
	_ = [p.name | some p in input.ports; p.owner == k]
	n := count(of(k))
}

overlaid contains [k, found] if {
	some k in ["a", "b"]
	found := of(k) with input.ports as [{"owner": k, "port": 1}]
}

overlaid_then contains [k, found] if {
	some k in ["a", "b"]
	true with input.ports as []
	found := of(k)
}

overlaid_around contains n if {
	n := count(sets) with input.ports as [{"owner": "z", "port": 1}]
}

before contains [k, found] if {
	some k, found
	found = [p.port | some p in input.ports; p.owner == k]
	k = ["a", "b"][_]
}

keyless contains [k, found] if {
	some k in ["a", "b"]
	found := [p.port | some p in input.ports]
}

branches(owner) := found if {
	found := [p.port | some p in input.ports; p.owner == owner; p.port > 100]
	count(found) > 0
} else := [p.port | some p in input.ports; p.owner == owner]

fallback contains [k, branches(k)] if some k in ["a", "b", "z"]

unified contains k if {
	some k in ["a", "b"]
	[80, 443] = [p.port | some p in input.ports; p.owner == k]
}

template contains $"{k} has {[p.port | some p in input.ports; p.owner == k]}" if some k in ["a", "b"]

argument contains count({p.port | some p in input.ports; p.owner == k}) if some k in ["a", "b", "z"]

destructured contains [k, found] if {
	some [k, _] in [["a", 1], ["b", 2]]
	found := {x | some p in input.ports; [k, x] = [p.owner, p.port]}
}
