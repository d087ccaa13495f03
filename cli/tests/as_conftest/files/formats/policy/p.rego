package main

deny contains msg if {
	some name, bucket in input.resource.aws_s3_bucket
	bucket[_].acl == "public-read"
	msg := sprintf("bucket %s is public", [name])
}

deny contains "server runs as root" if input.server.user == "root"

deny contains sprintf("port %d", [input.server.port]) if input.server.port < 1024

deny contains sprintf("FROM %s", [concat(" ", command.Value)]) if {
	some command in input
	command.Cmd == "from"
	contains(command.Value[0], "latest")
}

deny contains sprintf("stage %d runs as %v", [command.Stage, command.Value]) if {
	some command in input
	command.Cmd == "user"
}

deny contains "debug in .env" if input.DEBUG == "true"

deny contains sprintf("artifact %s", [input.project.artifactId]) if input.project.artifactId

warn contains sprintf("ignored: %s", [entry.Value]) if {
	some entry in input
	entry.Kind == "NegatedPath"
}

warn contains sprintf("owner %s of %s", [owner.value, rule.pattern]) if {
	some rule in input.rules
	some owner in rule.owners
}

warn contains sprintf("url %s", [input["service.url"]]) if input["service.url"]

warn contains sprintf("file %s", [data.conftest.file.name]) if data.conftest.file.name

warn contains sprintf("expression %s", [input.locals[0].name]) if input.locals

warn contains sprintf("directive %s", [d.name]) if some d in input.directives
