package main

deny contains ""

deny contains 5

deny contains ["not", "a", "message"]

deny_number := 3

deny_empty := []

deny_text := "text"

deny_list := ["one", "two"]

deny_object[key] := "value" if some key in ["a", "b"]

violation_undefined contains "never" if input.never

warn_nested contains {"msg": "object", "list": [1, 2.5, null, true], "z": {"b": 1, "a": 2}}

denied contains "not asked"

deny_x_y contains "two words"
