package old

import future.keywords.every

default p = false

p {
	input.x[_] == "a"
} {
	input.y[k].z = k
}

q[x] {
	x := ["a", "b"][_]
}

r[k] = v {
	v := {"k": 1}[k]
}

f(x) = y {
	y := x + 1
} else = 0 {
	true
}
