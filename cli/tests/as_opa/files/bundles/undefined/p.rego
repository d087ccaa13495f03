package p

x := nope(1)
