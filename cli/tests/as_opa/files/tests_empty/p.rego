package empty

allow if input.user == "alice"
