package v0
import future.keywords.in
deny[msg] { msg := "x"; input.a in [1, 2] }
allow { input.user == "admin" }
allow = false { input.x } else = true { input.y }
obj[k] = v { k := "a"; v := 1 }
