package crlf

p if {
	x := 1 # c
}
