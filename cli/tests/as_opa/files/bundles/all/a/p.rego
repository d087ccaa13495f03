package a.p

allow if input.x == data.a.v
