package rivals

deny contains msg if {
	walk(input.resource_changes, [path, value])
	value == "0.0.0.0/0"
	msg := sprintf("%v is open", [path])
}
