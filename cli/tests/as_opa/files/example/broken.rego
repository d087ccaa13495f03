package broken

p if {
	x :=
}
