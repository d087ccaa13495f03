package a

q := {"x": [1, 2]}

p contains v if v := q.x[_]

r if input[input.k].b[data.base[input.i]]

s if data.base.x[i].y == i

t if {1, 2}[input.x]

u := data.a.q.x[0]
