package example
allow if input.user == "alice"
names contains n if some n in input.names
conflict := 1 if true
conflict := 2 if input.user == "alice"
nothing := null
