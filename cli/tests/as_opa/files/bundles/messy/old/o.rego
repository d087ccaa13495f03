package messy.old
p[x]{x:=input.xs[_]}
