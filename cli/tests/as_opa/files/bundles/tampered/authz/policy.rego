# METADATA
# title: Who may do what
# description: Admins may do everything.
# authors:
# - Ann <ann@example.com>
# custom:
#   stage: beta
package authz

default allow := false

# METADATA
# entrypoint: true
# title: Allow
allow if input.user in data.authz.admins

# METADATA
# scope: rule
# related_resources:
# - ref: https://example.com/deny
#   description: why
deny contains sprintf("%s is not allowed", [input.user]) if not allow
