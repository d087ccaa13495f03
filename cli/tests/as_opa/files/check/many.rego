package many

a := x1
b := x2
c := x3
d := x4
