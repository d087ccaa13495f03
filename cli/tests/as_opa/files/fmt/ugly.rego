package ugly
import data.b
import data.a # beside
# above
allow if{input.user=="admin"; not denied}
deny contains msg if { msg := sprintf("%s is bad", [
input.user, input.role]) }
x := {"a":1,
"b":{1,2,3}}
f(x)=y if{y:=x+1} else := 2 if { x > 3 }
p := [v|some v in [1,2];v>1]
