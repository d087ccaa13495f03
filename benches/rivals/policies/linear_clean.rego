package rivals
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_s3_bucket"
	r.change.after.versioning == false
	msg := sprintf("%s: versioning is off", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_db_instance"
	r.change.after.publicly_accessible == true
	msg := sprintf("%s: public", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_instance"
	r.change.after.associate_public_ip_address
	msg := sprintf("%s: public ip", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_kms_key"
	not r.change.after.enable_key_rotation
	msg := sprintf("%s: rotation", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.mode == "managed"
	r.change.after.tags
	not r.change.after.tags.Environment
	r.change.actions[_] == "create"
	msg := sprintf("%s: no environment", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.change.actions[_] == "delete"
	r.type == "aws_ebs_volume"
	msg := sprintf("%s: deleted", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_security_group_rule"
	r.change.after.cidr_blocks[_] == "0.0.0.0/0"
	msg := sprintf("%s: open", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.type == "aws_iam_policy"
	contains(r.change.after.policy, "\"*\"")
	msg := sprintf("%s: star", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	startswith(r.name, "tmp")
	msg := sprintf("%s: tmp", [r.address])
}
deny contains msg if {
	some r in input.resource_changes
	r.change.after.size > 5000
	msg := sprintf("%s: large", [r.address])
}
