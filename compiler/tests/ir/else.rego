package a

single := 1 if {
	input.x
} else := 2 if {
	input.y
} else := 3

iterating := x if {
	some x in input.xs
} else := 0

several := x if {
	some x in input.xs
} else := y if {
	some y in input.ys
}

several := 7 if input.seven
