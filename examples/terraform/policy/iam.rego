package terraform

# Every policy document of the plan: [address, attribute, document].
documents contains [address, attribute, document] if {
	some kind, attribute in {
		"aws_iam_policy": "policy",
		"aws_iam_role_policy": "policy",
		"aws_s3_bucket_policy": "policy",
		"aws_kms_key": "policy",
		"aws_iam_role": "assume_role_policy",
	}
	some address, values in of_type(kind)
	document := json.unmarshal(values[attribute])
}

allow_statements contains [address, attribute, statement] if {
	some [address, attribute, document] in documents
	some statement in as_list(document.Statement)
	statement.Effect == "Allow"
}

deny contains msg if {
	some [address, "policy", statement] in allow_statements
	"*" in as_list(statement.Action)
	"*" in as_list(statement.Resource)
	msg := sprintf("%s: allows every action on every resource", [address])
}

deny contains msg if {
	some [address, attribute, statement] in allow_statements
	anybody(statement.Principal)
	not statement.Condition
	msg := sprintf("%s: %s trusts everybody", [address, replace(attribute, "_", " ")])
}

anybody("*")

anybody(principal) if "*" in as_list(principal.AWS)

privileged := {"iam:PassRole", "iam:CreateAccessKey", "iam:AttachRolePolicy"}

warn contains msg if {
	some [address, _, statement] in allow_statements
	risky := privileged & {action | some action in as_list(statement.Action)}
	count(risky) > 0
	"*" in as_list(statement.Resource)
	msg := sprintf("%s: %s on every resource", [address, concat(", ", risky)])
}

warn contains msg if {
	some [address, _, statement] in allow_statements
	not startswith(address, "aws_kms_key.")
	not contains(address, ".aws_kms_key.")
	some action in as_list(statement.Action)
	[service, "*"] = split(action, ":")
	msg := sprintf("%s: all of %s is allowed", [address, service])
}

deny contains msg if {
	some address, attachment in of_type("aws_iam_role_policy_attachment")
	endswith(attachment.policy_arn, "/AdministratorAccess")
	msg := sprintf("%s: role %s becomes administrator", [address, attachment.role])
}

# Keys of AWS accounts, wherever in a resource they hide.
deny contains msg if {
	some change in planned
	walk(change.change.after, [path, value])
	is_string(value)
	regex.match(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`, value)
	msg := sprintf("%s: access key in %s", [change.address, concat(".", [sprintf("%v", [part]) | some part in path])])
}

deny contains msg if {
	some address, function in of_type("aws_lambda_function")
	some environment_block in function.environment
	some name, value in environment_block.variables
	regex.match(`(?i)(secret|token|password)`, name)
	value != ""
	msg := sprintf("%s: secret %s in clear text", [address, name])
}

warn contains sprintf("output %s looks like a secret and is not marked as sensitive", [name]) if {
	some name, output in input.planned_values.outputs
	not output.sensitive
	regex.match(`(secret|token|password|key)$`, lower(name))
}
