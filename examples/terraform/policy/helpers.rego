# METADATA
# title: Terraform plan rules
# description: What must not be applied, and what somebody should look at.
package terraform

# Resources as they will be: everything that is created or changed.
planned contains change if {
	some change in input.resource_changes
	change.mode == "managed"
	some action in change.change.actions
	action in {"create", "update"}
}

deleted contains change if {
	some change in input.resource_changes
	"delete" in change.change.actions
}

# Resources of one type, by address.
of_type(kind) := {change.address: change.change.after |
	some change in planned
	change.type == kind
}

environment := object.get(input, ["variables", "environment", "value"], "unknown")

is_production if environment in {"prod", "production"}

# A list, also where a single thing stands without one: policy documents do both.
as_list(x) := x if is_array(x)

else := [x]

port_between(port, from, to) if {
	from <= port
	port <= to
}

open_cidrs := {"0.0.0.0/0", "::/0"}

sensitive_ports := {
	22: "SSH",
	3306: "MySQL",
	3389: "RDP",
	5432: "PostgreSQL",
}
