package rivals

twin(a) if {
	some b in input.resource_changes
	b.name == a.name
	b.type == a.type
	b.address != a.address
}

deny contains a.address if {
	some a in input.resource_changes
	twin(a)
}
