package authz_test

import data.authz

test_users if authz.allow with input as {"user": "alice"}

test_strangers if not authz.allow with input as {"user": "eve"}

test_ignored if not data.notes
