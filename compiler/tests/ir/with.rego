package a

p if input.x == 1

now := time.now_ns()

fake(_) := 7

f(x) := x

test_input if p with input.x as 1

test_whole if {
	p with input as {"x": 1} with data.b.c as 2
}

test_nested if {
	not p with input as {}
	x := [y | some y in input.ys; p] with input.ys as [1]
	count(x) == 1
}

test_mock if {
	now == 5 with time.now_ns as 5
	f(1) == 7 with f as fake
	f(1) == 3 with f as 3
	count([1]) == 7 with count as fake
}
