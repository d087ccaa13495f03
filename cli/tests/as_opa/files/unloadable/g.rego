package g
z := 1 + "a"
