package crash

p if {
	x in [
		# kept
		1
	]
}
