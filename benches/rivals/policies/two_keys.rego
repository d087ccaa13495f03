package rivals

deny contains a.address if {
	some a in input.resource_changes
	some b in input.resource_changes
	a.mode == b.mode
	a.name == b.name
	a.address != b.address
}
