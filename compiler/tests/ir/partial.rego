package a

s contains x if some x in input.xs

s contains "always"

o[k] := v if some k, v in input.o

mixed[x].q := 1 if some x in input.xs

mixed.a.r contains 2

mixed.b.c := 3 if input.first

else := 4

sets[x][y] contains z if {
	some x, y in input.m
	z := x
}

constant.ref.head := 1 if input.x
