# query: x := input.x; y = data.a.p[x]; y > 1
# query: data.a.p
# query: true
# query: input.x[_] == 1
package a

p["k"] := 2
