# METADATA
# title: A package
# authors:
# - name: Ann
#   email: ann@example.com
# related_resources:
# - ref: https://example.com
#   description: there
package metadata

# METADATA
# title: A rule
# scope: rule
# custom:
#   b: 1
#   a: [x, 2.5, null]
allow if true # always

# METADATA
# schemas:
# - input: {type: object, properties: {x: {type: string}}}
q := input.x
