package main

deny[msg] {
	input.a
	msg := "old"
}
