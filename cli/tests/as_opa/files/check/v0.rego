package v0

p { input.x }
