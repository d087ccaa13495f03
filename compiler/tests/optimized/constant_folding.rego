package p

limit := 2 + 3

sum := limit + 4

# The body cannot succeed.
never if {
	input.x
	1 + 1 == 3
}

always := input.x if 1 + 1 == 2

# A block that cannot succeed is left out, a `not` of it too.
either if {
	"a" in ["b"]
	input.y
}

either if {
	not 1 == 2
	input.z
}

# An error stays for the run, and so does what depends on the clock.
wrong := count(7)

clock := time.now_ns() + 1

large(x) if x > limit

p contains x if {
	some x in input.xs
	large(x)
}
