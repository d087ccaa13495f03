package both

import rego.v1

p if input.x
