package main

deny_latest contains msg if {
	some container in input.spec.template.spec.containers
	endswith(container.image, ":latest")
	msg := sprintf("%s is not pinned", [container.name])
}

exception contains rules if {
	input.metadata.name == "old"
	rules := ["latest"]
}
