package rivals

allowed := {tag | some tag in input.allowed}

deny contains item.id if {
	some item in input.items
	tags := {tag | some tag in item.tags}
	count(tags - allowed) > 0
	count(tags & allowed) < count(tags | allowed)
}
