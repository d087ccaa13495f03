package imports
import rego.v1
import data.x
import future.keywords.if

p if x.y
