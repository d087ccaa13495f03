package strict

import data.unused

f(x) := 1

p if { y := 1; input.z }
