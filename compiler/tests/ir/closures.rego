package a

array := [x | some x in input.xs; x > 1]

set := {z | some x in input.xs; some y in input.ys; z := x + y}

object := {k: n | some k, v in input.o; n := count(v)}

nested := [[y | some y in x] | some x in input.xs]

none if not input.xs[0] == 1

all if every k, v in input.o {
	startswith(k, "a")
	v > 1
}

member if {
	"x" in input.xs
	not "a", "b" in input.o
}
