package main

deny contains msg if {
	some a in input
	a.contents.kind == "Deployment"
	not has_service(a.contents.metadata.name)
	msg := sprintf("%s: %s has no service", [a.path, a.contents.metadata.name])
}

has_service(name) if {
	some b in input
	b.contents.kind == "Service"
	b.contents.metadata.name == name
}

warn contains sprintf("%d inputs in %s", [count(input), data.conftest.file.name])
