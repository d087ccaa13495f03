package a

p if [x, "b", {"k": y}] = input.v

q if {
	[x, y] = [y, 1]
	x == input.one
}

r if {
	x := input.x
	{"a": x, "b": z} = input.o
	z[x].deep[x]
	{x, 2} = input.set
}

s if input.grid[i][j] = input.grid[j][i]
