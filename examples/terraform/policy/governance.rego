package terraform

required_tags := {"CostCenter", "Environment", "Name", "Owner"}

deny contains msg if {
	some change in planned
	"tags" in object.keys(change.change.after)
	present := {name | some name, _ in change.change.after.tags}
	missing := required_tags - present
	count(missing) > 0
	msg := sprintf("%s: missing tags: %s", [change.address, concat(", ", sort(missing))])
}

warn contains msg if {
	some change in planned
	tag := change.change.after.tags.Environment
	tag != environment
	msg := sprintf("%s: tagged %q, but this is %q", [change.address, tag, environment])
}

stateful := {"aws_db_instance", "aws_s3_bucket", "aws_ebs_volume", "aws_kms_key"}

deny contains msg if {
	some change in deleted
	change.type in stateful
	verb := {true: "replaced", false: "deleted"}["create" in change.change.actions]
	msg := sprintf("%s: data is lost when it is %s", [change.address, verb])
}

deny contains msg if {
	some address, key in of_type("aws_kms_key")
	not key.enable_key_rotation
	msg := sprintf("%s: key rotation is off", [address])
}

outdated_runtimes := {"nodejs14.x", "nodejs16.x", "python3.7", "python3.8"}

deny contains msg if {
	some address, function in of_type("aws_lambda_function")
	function.runtime in outdated_runtimes
	msg := sprintf("%s: runtime %s is not supported any more", [address, function.runtime])
}

allowed_families := {"prod": {"t3", "m5", "c6i"}}

deny contains msg if {
	some address, instance in of_type("aws_instance")
	family := split(instance.instance_type, ".")[0]
	not family in object.get(allowed_families, environment, {"t3", "m5"})
	msg := sprintf("%s: instances of family %s are not allowed in %s", [address, family, environment])
}

warn contains msg if {
	some address, trail in of_type("aws_cloudtrail")
	some setting in ["enable_log_file_validation", "is_multi_region_trail"]
	not trail[setting]
	msg := sprintf("%s: %s is off", [address, setting])
}

warn contains msg if {
	some change in planned
	not regex.match(`^[a-z][a-z0-9_]*$`, change.name)
	msg := sprintf("%s: name %q is not in snake_case", [change.address, change.name])
}

# How much changes at once: deletions weigh most.
weights := {"create": 1, "update": 2, "delete": 10}

blast_radius := sum([weight |
	some change in input.resource_changes
	some action in change.change.actions
	weight := weights[action]
])

warn contains sprintf("blast radius %d is over %d", [blast_radius, limit]) if {
	limit := 50
	blast_radius > limit
}

disk_by_environment[environment] := total if {
	total := sum([volume.size | some volume in of_type("aws_ebs_volume")])
}

warn contains sprintf("%d GiB of new disks, about %.2f dollars a month", [total, total * 0.08]) if {
	some total in disk_by_environment
	total > 100
}

# Modules from a repository without a fixed version, however deep.
warn contains msg if {
	walk(input.configuration.root_module, [path, call])
	is_object(call)
	startswith(call.source, "git::")
	not contains(call.source, "?ref=")
	name := path[count(path) - 1]
	msg := sprintf("module %s: source %s is not pinned", [name, trim_prefix(call.source, "git::")])
}

summary := {
	"resources": count(input.resource_changes),
	"by_action": {action: n |
		some action in {"create", "update", "delete", "no-op"}
		n := count([1 | some change in input.resource_changes; action in change.change.actions])
	},
	"denied": count(deny),
	"warnings": count(warn),
	"share_denied": round((1000 * count(deny)) / max([1, count(input.resource_changes)])) / 10,
}
