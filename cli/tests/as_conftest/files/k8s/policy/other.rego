package k8s.other

deny contains "no team" if not input.metadata.labels.team

warn contains {"msg": "told", "_loc": {"file": "base/deployment.yaml", "line": 7}} if input.kind == "Deployment"
