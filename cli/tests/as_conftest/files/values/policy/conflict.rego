package conflict

deny := ["a"] if input.a

deny := ["b"] if input.a
