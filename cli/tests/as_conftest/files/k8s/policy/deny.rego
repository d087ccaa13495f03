package main

import data.services

deny contains msg if {
	input.kind == "Deployment"
	not input.spec.template.spec.securityContext.runAsNonRoot
	msg := sprintf("%s must not run as root", [input.metadata.name])
}

deny contains msg if {
	input.kind == "Deployment"
	not input.spec.selector.matchLabels.app
	msg := "needs a label <app> & more"
}

warn contains msg if {
	input.kind == "Service"
	not input.metadata.name in services.allowed
	msg := sprintf("service %v is not known", [input.metadata.name])
}

violation contains {"msg": msg, "replicas": input.spec.replicas, "details": {"least": 2}} if {
	input.kind == "Deployment"
	input.spec.replicas < 2
	msg := "too few replicas"
}

deny_latest contains msg if {
	some container in input.spec.template.spec.containers
	endswith(container.image, ":latest")
	msg := sprintf("%s is not pinned", [container.name])
}

exception contains rules if {
	input.metadata.name == "old"
	rules := ["latest"]
}
