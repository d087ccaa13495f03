package rivals

deny contains a.address if {
	some a in input.resource_changes
	same := [b.address | some b in input.resource_changes; b.name == a.name; b.type == a.type]
	count(same) > 1
}
