package rivals

pod := input.request.object

containers contains container if some container in pod.spec.containers

containers contains container if some container in pod.spec.initContainers

deny contains msg if {
	some container in containers
	container.securityContext.privileged == true
	msg := sprintf("container %s is privileged", [container.name])
}

deny contains msg if {
	some container in containers
	not container.securityContext.runAsNonRoot
	msg := sprintf("container %s may run as root", [container.name])
}

deny contains msg if {
	some container in containers
	not container.securityContext.readOnlyRootFilesystem
	msg := sprintf("container %s can write its file system", [container.name])
}

deny contains msg if {
	some container in containers
	object.get(container, ["securityContext", "allowPrivilegeEscalation"], true)
	msg := sprintf("container %s may gain privileges", [container.name])
}

deny contains msg if {
	some container in containers
	not container.resources.limits.memory
	msg := sprintf("container %s has no limit of memory", [container.name])
}

deny contains msg if {
	some container in containers
	not container.resources.limits.cpu
	msg := sprintf("container %s has no limit of processor time", [container.name])
}

deny contains msg if {
	some container in containers
	endswith(container.image, ":latest")
	msg := sprintf("container %s runs the latest image", [container.name])
}

deny contains msg if {
	some container in containers
	not startswith(container.image, "registry.example.com/")
	msg := sprintf("container %s: image %s is not ours", [container.name, container.image])
}

deny contains msg if {
	some container in containers
	some port in container.ports
	port.hostPort
	msg := sprintf("container %s takes port %d of the host", [container.name, port.hostPort])
}

deny contains msg if {
	some container in containers
	some variable in container.env
	contains(lower(variable.name), "password")
	variable.value
	msg := sprintf("container %s has a password in %s", [container.name, variable.name])
}

deny contains "the pod shares the network of the host" if pod.spec.hostNetwork

deny contains "the pod shares the processes of the host" if pod.spec.hostPID

deny contains msg if {
	some volume in pod.spec.volumes
	volume.hostPath
	msg := sprintf("volume %s is a path of the host", [volume.name])
}

deny contains msg if {
	some label in {"app", "team", "environment"}
	not pod.metadata.labels[label]
	msg := sprintf("label %s is missing", [label])
}

deny contains "pods do not belong into the default namespace" if input.request.namespace == "default"
