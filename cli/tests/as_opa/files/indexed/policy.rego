package ix

import rego.v1

allow if {
	glob.match("a:*:c", [":"], input.path)
}

allow if {
	glob.match("x:**", [":"], input.path)
	input.y
}

allow if {
	glob.match("b/*", ["/", ":"], input.path)
	1 == 2
}

allow if glob.match("c.d.*", [], input.path)

deny contains 1 if strings.any_prefix_match(input.path, ["a", "b:"])

deny contains 2 if strings.any_prefix_match(input.path, {"z", "b/"})

deny contains 3 if {
	strings.any_prefix_match(input.path, ["/a", "/b"])
	strings.any_suffix_match(input.path, [".go", ".rego"])
}

deny contains 4 if strings.any_suffix_match(input.path, ["c", ".rego"])

deny contains 5 if strings.any_suffix_match(input.path, "go")

deny contains 6 if {
	xs := ["q", "a:"]
	strings.any_prefix_match(input.path, xs)
}

f(x) if glob.match("a:*", [":"], x)

f(x) if glob.match("*:b:*", [":"], x)

f(x) if x == 3

g := [f(input.path), f(3)]
