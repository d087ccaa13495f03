# query: data.apps[x].allow
# query: data.apps[input.app].allow.deep[y]
# query: data.apps[x][y]
# query: data.apps
# query: data.other[x].y
# query: data.apps.allow_list[x]
package apps

allow_list contains "a"

one.allow if input.x

two.allow := {"deep": input.y}

two.reason := "no"

three.sub.allow := 3

f(x) := x
