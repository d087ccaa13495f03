package main

deny contains msg if {
	input.a
}
