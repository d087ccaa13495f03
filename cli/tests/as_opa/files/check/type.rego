package type

p := count(1, 2)

q := x

r if { lower(1) }

s := foo.bar(1)
