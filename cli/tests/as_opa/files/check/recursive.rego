package recursive

p if q

q if p
