package p

# What tells most rules apart is compared first, wherever it stands.
allow if {
	input.role == "admin"
	input.method == "GET"
}

allow if {
	input.method == "PUT"
	input.role == "admin"
}

allow if {
	"POST" == input.method
	input.role == "writer"
}

allow if {
	input.method in {"HEAD", "OPTIONS"}
}

allow if input.anonymous

# A function by its argument, with a default.
default port(_) := 0

port("http") := 80

port("https") := 443

port("ssh") := 22

port("smtp") := 25

# Elements of a path.
kind := "users" if input.path[0] == "users"

kind := "groups" if input.path = ["groups", _]

kind := "roles" if input.path[0] == "roles"

kind := "keys" if input.path[0] == "keys"

kind := "logs" if input.path[0] == "logs"

# Too few.
few if input.x == 1

few if input.x == 2

few if input.x == 3

# What is seen comes before the comparison.
late if {
	time.now_ns() > 1
	input.x == 1
}

late if {
	time.now_ns() > 2
	input.x == 2
}

late if {
	time.now_ns() > 3
	input.x == 3
}

late if {
	time.now_ns() > 4
	input.x == 4
}
