package example

allow if input.user == "alice"

f(x) := 1 if x > 0
f(x) := 2 if x > 1

sub(a, b) := a - b
