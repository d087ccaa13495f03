package authz

allow if input.user in data.authz.users
