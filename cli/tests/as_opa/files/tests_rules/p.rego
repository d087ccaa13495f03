package p

default allow := false

allow if input.x == 1

names contains n if some n in input.names

obj[k] := v if some k, v in input.obj

n := count(names)

f(x) := x + n
