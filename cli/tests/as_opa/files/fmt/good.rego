package good

allow if input.user == "admin"
