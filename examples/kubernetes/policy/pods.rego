# METADATA
# title: Admission of pods
package kubernetes.admission

pod := input.request.object if input.request.kind.kind == "Pod"

# Containers of every kind, with the name of their list.
containers contains [kind, container] if {
	some kind in ["containers", "initContainers", "ephemeralContainers"]
	some container in pod.spec[kind]
}

# What kubelet itself may do is not asked here.
exempt_namespaces := {"kube-system", "kube-node-lease"}

exempt if input.request.namespace in exempt_namespaces

deny contains msg if {
	some [_, container] in relevant
	object.get(container, ["securityContext", "privileged"], false) == true
	msg := sprintf("container %q must not be privileged", [container.name])
}

relevant contains entry if {
	not exempt
	some entry in containers
}

deny contains msg if {
	some [_, container] in relevant
	not runs_as_user(container)
	msg := sprintf("container %q may run as root: set runAsNonRoot", [container.name])
}

runs_as_user(container) if container.securityContext.runAsNonRoot == true

else if {
	not container.securityContext.runAsNonRoot == false
	pod.spec.securityContext.runAsNonRoot == true
}

deny contains msg if {
	some [_, container] in relevant
	object.get(container, ["securityContext", "allowPrivilegeEscalation"], true) != false
	msg := sprintf("container %q may gain privileges: set allowPrivilegeEscalation to false", [container.name])
}

deny contains msg if {
	some [_, container] in relevant
	dropped := {upper(capability) | some capability in object.get(container, ["securityContext", "capabilities", "drop"], [])}
	not "ALL" in dropped
	msg := sprintf("container %q must drop all capabilities", [container.name])
}

allowed_capabilities := {"NET_BIND_SERVICE", "CHOWN"}

deny contains msg if {
	some [_, container] in relevant
	added := {capability | some capability in container.securityContext.capabilities.add}
	forbidden := added - allowed_capabilities
	forbidden != set()
	msg := sprintf("container %q adds capabilities: %s", [container.name, concat(", ", forbidden)])
}

deny contains msg if {
	some [_, container] in relevant
	object.get(container, ["securityContext", "readOnlyRootFilesystem"], false) == false
	not container.name in exceptions.writable_root
	msg := sprintf("container %q must have a read-only root file system", [container.name])
}

# A pod may name exceptions in an annotation, as a JSON document.
default exceptions := {"writable_root": []}

exceptions := object.union({"writable_root": []}, document) if {
	text := pod.metadata.annotations["policy.acme.example/exceptions"]
	document := json.unmarshal(text)
}

registries := ["registry.acme.example/", "ghcr.io/acme/"]

deny contains msg if {
	some [_, container] in relevant
	every registry in registries {
		not startswith(container.image, registry)
	}
	msg := sprintf("container %q: image %s is not from our registries", [container.name, container.image])
}

deny contains msg if {
	some [_, container] in relevant
	tag(container.image) in {"", "latest"}
	msg := sprintf("container %q: image %s has no fixed tag", [container.name, container.image])
}

# The part after the last colon, unless it belongs to a port; digests are fixed.
tag(image) := "digest" if contains(image, "@sha256:")

else := text if {
	parts := split(image, "/")
	last := parts[count(parts) - 1]
	[_, text] := split(last, ":")
}

else := ""

deny contains msg if {
	some ["containers", container] in relevant
	some resource in ["cpu", "memory"]
	not container.resources.limits[resource]
	msg := sprintf("container %q has no %s limit", [container.name, resource])
}

deny contains msg if {
	some [_, container] in relevant
	bytes := memory(container.resources.limits.memory)
	bytes > max_memory
	msg := sprintf("container %q: memory limit %s is over %dGi", [container.name, container.resources.limits.memory, max_memory / gib])
}

gib := (1024 * 1024) * 1024

max_memory := 4 * gib

memory(text) := to_number(trim_suffix(text, suffix)) * factor if {
	some suffix, factor in {"Ki": 1024, "Mi": 1024 * 1024, "Gi": gib, "M": 1000000, "G": 1000000000}
	endswith(text, suffix)
}

deny contains msg if {
	not exempt
	some setting in ["hostNetwork", "hostPID", "hostIPC"]
	pod.spec[setting] == true
	msg := sprintf("pod must not use %s", [setting])
}

deny contains msg if {
	not exempt
	some volume in pod.spec.volumes
	path := volume.hostPath.path
	not path in {"/etc/ssl/certs", "/usr/share/ca-certificates"}
	msg := sprintf("volume %q mounts %s of the host", [volume.name, path])
}

deny contains msg if {
	some [_, container] in relevant
	some port in container.ports
	port.hostPort
	msg := sprintf("container %q takes port %d of the host", [container.name, port.hostPort])
}

required_labels := {
	"app.kubernetes.io/name": `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`,
	"app.kubernetes.io/version": `^v?[0-9]+\.[0-9]+\.[0-9]+`,
	"acme.example/team": `^team-[a-z]+$`,
}

deny contains msg if {
	some label, pattern in required_labels
	value := object.get(pod.metadata.labels, label, "")
	not regex.match(pattern, value)
	msg := sprintf("label %s: %q does not match %s", [label, value, pattern])
}

deny contains msg if {
	some [_, container] in relevant
	some variable in container.env
	regex.match(`(?i)(password|secret|token)`, variable.name)
	variable.value
	msg := sprintf("container %q: %s stands in clear text, use a secret", [container.name, variable.name])
}

deny contains msg if {
	some ["containers", container] in relevant
	missing := [probe | some probe in ["livenessProbe", "readinessProbe"]; not container[probe]]
	count(missing) == 2
	msg := sprintf("container %q has neither %s nor %s", [container.name, missing[0], missing[1]])
}

deny contains "the service account token is mounted: set automountServiceAccountToken to false" if {
	not exempt
	object.get(pod, ["spec", "automountServiceAccountToken"], true)
	not pod.spec.serviceAccountName in {"controller", "operator"}
}

# The answer that the API server wants.
response := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"response": {"uid": input.request.uid, "allowed": count(deny) == 0, "status": {"message": concat("; ", sort(deny))}},
}
