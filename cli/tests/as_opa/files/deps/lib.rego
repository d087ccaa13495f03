package lib

f(x) if data.allowed[x.id]

default g := 1
g := 2 if input.g
else := 3 if data.h
