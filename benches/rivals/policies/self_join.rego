package rivals

deny contains msg if {
	some a in input.resource_changes
	some b in input.resource_changes
	a.name == b.name
	a.type == b.type
	a.address < b.address
	msg := sprintf("%s %s", [a.address, b.address])
}
