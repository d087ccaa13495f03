package rivals

default deny := true

deny := false if {
	some name in data.users[input.user]
	some role in data.roles
	role.name == name
	some grant in role.grants
	grant.action == input.action
	grant.resource == input.resource
}
