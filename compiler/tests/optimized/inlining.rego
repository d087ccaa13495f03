package p

is_bucket(r) if r.type == "bucket"

# A rule that is a constant, and one that is a path.
kinds := {"bucket", "volume"}

resources := input.plan.resources

# Several blocks.
is_open(r) if r.open == true

is_open(r) if r.acl == "public"

default is_small(_) := false

is_small(r) if r.size < 10

buckets contains r.name if {
	some r in resources
	is_bucket(r)
	is_open(r)
	not is_small(r)
	r.kind in kinds
}

# Too much: a loop, and different values that are a conflict.
has_owner(r) if {
	some tag in r.tags
	tag == "owner"
}

size(r) := 1 if r.small

size(r) := 2 if r.large

owned contains size(r) if {
	some r in resources
	has_owner(r)
}

# The function may be replaced.
twice(x) := y if y := plus(x, x)

four := twice(2)
