package a

p contains path if {
	walk(input, [path, value])
	value == 1
}

q contains v if walk(input.x, [_, v])

r contains pair if walk(input, pair)
