package old

p {
	input.x
}
