package ok

allow if input.x == 1
