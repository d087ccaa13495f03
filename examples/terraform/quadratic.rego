# A policy that is right, and slow by accident: what `regovm eval --profile` is for. examples/README.md tells the story.
package terraform.quadratic

# Each bucket needs an encryption configuration of its own.
deny contains msg if {
	some bucket in input.resource_changes
	bucket.type == "aws_s3_bucket"
	not is_encrypted(bucket)
	msg := sprintf("%s is not encrypted", [bucket.address])
}

# The plan has no link from a bucket to its configuration, but the addresses end alike. For each bucket this looks at all
# resources: no index can find what `endswith` is true for.
is_encrypted(bucket) if {
	some other in input.resource_changes
	endswith(other.address, sprintf(".%s", [bucket.name]))
	startswith(other.type, "aws_s3_bucket_server_side_encryption")
}
