package conflict

p := 1

p contains 2

default d := 1

default d := 2
