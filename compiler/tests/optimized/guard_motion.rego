package p

# The type is compared before the actions are visited; the size, which depends on the action, is not moved.
deleted contains r.address if {
	some r in input.resources
	some action in r.actions
	action == "delete"
	r.type == "volume"
	r.sizes[action] > 10
}

# A call may have an error: it stays, and so does what comes after it.
noisy contains name if {
	some name in input.names
	startswith(name, "a")
	input.wanted == true
}
