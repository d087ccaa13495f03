package example

import rego.v1

default allow := false

allow if {
	input.user in data.admins
	input.action == "read"
}

n := count(data.admins)

names contains name if some name in data.admins

conflict := 1 if n > 0

conflict := 2 if n > 0

half(x) := x / 2
