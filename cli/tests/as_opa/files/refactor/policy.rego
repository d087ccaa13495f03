package lib.foo

import data.lib.foo.bar as b

default allow = false

allow if data.lib.foo.x[_] == input.y

q if data.lib.other.z # beside
