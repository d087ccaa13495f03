package old

q if input.x
