package a

f(x) := x + 1

g([x, _], {"k": y}, 1) := [x, y]

g(x, x, 2) := x

default h(_) := "none"

h(x) := "found" if input.names[x]

is_big(x) if x > 10

use := f(f(1)) if {
	is_big(input.n)
	not is_big(2)
}
