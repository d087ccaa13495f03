package p

# The message depends on the resource, not on its actions.
deleted contains msg if {
	some r in input.rs
	some action in r.actions
	action in {"delete", "remove"}
	msg := [r.name, "deleted"]
}

# The whole loop decides.
deny contains "large" if {
	some r in input.rs
	r.size > 10
}

# In strict mode an error of a later member counts; the message is without errors.
tmp contains r.name if {
	some r in input.rs
	some tag in r.tags
	startswith(tag, "tmp")
}

# Errors before and after keep their order.
both contains msg if {
	some r in input.rs
	some tag in r.tags
	startswith(tag, "tmp")
	msg := count(r.name)
}

# Each success is an element.
all := [r.name |
	some r in input.rs
	some action in r.actions
	action == "delete"
]

once := {r.name |
	some r in input.rs
	some action in r.actions
	action == "delete"
}

# A function that gives a value.
owner(r) := name if {
	some tag in r.tags
	tag.key == "owner"
	name := input.names[r.name]
}

owners contains owner(r) if some r in input.rs
