package rivals

deny contains msg if {
	some item in input.items
	parts := split(lower(item.name), ".")
	startswith(parts[0], "name-1")
	not endswith(item.name, ".org")
	msg := sprintf("%s: %s (%d)", [trim_prefix(item.name, "Name-"), concat("/", parts), item.size])
}
