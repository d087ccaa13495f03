package arity

p := plus(1) + 2
