package c

q if input.x ==

r[