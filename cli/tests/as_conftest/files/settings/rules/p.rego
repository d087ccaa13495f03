package one

deny contains "one" if input.a

warn contains "careful" if input.b
