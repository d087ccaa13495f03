package terraform

# One row for each way in, wherever it was written: inline or as a rule of its own.
ways_in contains {"address": address, "cidr": cidr, "from": rule.from_port, "to": rule.to_port, "protocol": rule.protocol} if {
	some address, group in of_type("aws_security_group")
	some rule in group.ingress
	some cidr in array.concat(rule.cidr_blocks, rule.ipv6_cidr_blocks)
}

ways_in contains {"address": address, "cidr": cidr, "from": rule.from_port, "to": rule.to_port, "protocol": rule.protocol} if {
	some address, rule in of_type("aws_security_group_rule")
	rule.type == "ingress"
	some cidr in rule.cidr_blocks
}

deny contains msg if {
	some way in ways_in
	way.cidr in open_cidrs
	way.protocol != "-1"
	some port, service in sensitive_ports
	port_between(port, way.from, way.to)
	msg := sprintf("%s: %s (port %d) is open to %s", [way.address, service, port, way.cidr])
}

deny contains msg if {
	some way in ways_in
	way.cidr in open_cidrs
	way.protocol == "-1"
	msg := sprintf("%s: every port is open to %s", [way.address, way.cidr])
}

deny contains msg if {
	some address, cluster in of_type("aws_eks_cluster")
	some vpc in cluster.vpc_config
	vpc.endpoint_public_access
	open := open_cidrs & {cidr | some cidr in vpc.public_access_cidrs}
	open != set()
	msg := sprintf("%s: the API of the cluster is open to %v", [address, open])
}

deny contains msg if {
	some address, listener in of_type("aws_lb_listener")
	listener.protocol == "HTTP"
	every action in listener.default_action {
		action.type != "redirect"
	}
	msg := sprintf("%s: plain HTTP on port %d is not redirected", [address, listener.port])
}

warn contains msg if {
	some address, listener in of_type("aws_lb_listener")
	listener.ssl_policy != null
	not regex.match(`-TLS13-`, listener.ssl_policy)
	msg := sprintf("%s: old TLS policy %s", [address, listener.ssl_policy])
}

warn contains msg if {
	some address, subnet in of_type("aws_subnet")
	subnet.map_public_ip_on_launch
	msg := sprintf("%s: machines in %s get public addresses", [address, subnet.cidr_block])
}
