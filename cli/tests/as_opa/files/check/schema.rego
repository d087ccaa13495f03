package schema

p := input.nope
