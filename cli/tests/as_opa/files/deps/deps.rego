package policy

import data.lib

allow if is_admin

is_admin if "admin" in input.user.roles

is_admin if {
	x := data.base[_]
	x.name == input.name
	lib.f(x)
}

unused if data.other.q

s contains y if {
	some y in data.list
	not data.deny[y]
}

w if {
	r := input.request
	r.kind == "x"
	obj := r.object
	obj.metadata.labels[k] == "v"
	data.cfg[k].enabled
	{z | z := data.zs[_]}
}
