package rivals

by_tag := {tag: ids |
	some item in input.items
	some tag in item.tags
	ids := [other.id | some other in input.items; tag in other.tags; other.size > 50]
}

deny contains [tag, total] if {
	some tag, ids in by_tag
	total := sum([id | some id in ids])
	total > 100
}
