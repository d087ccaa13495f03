package terraform

blocked_buckets contains block.bucket if {
	some block in of_type("aws_s3_bucket_public_access_block")
	block.block_public_acls
	block.block_public_policy
	block.ignore_public_acls
	block.restrict_public_buckets
}

encrypted_buckets contains encryption.bucket if {
	some encryption in of_type("aws_s3_bucket_server_side_encryption_configuration")
	some rule in encryption.rule
	some default_rule in rule.apply_server_side_encryption_by_default
	default_rule.sse_algorithm in ["aws:kms", "aws:kms:dsse", "AES256"]
}

deny contains msg if {
	some address, bucket in of_type("aws_s3_bucket")
	not bucket.bucket in blocked_buckets
	msg := sprintf("%s: bucket %q does not block public access", [address, bucket.bucket])
}

deny contains msg if {
	some address, bucket in of_type("aws_s3_bucket")
	not bucket.bucket in encrypted_buckets
	msg := sprintf("%s: bucket %q has no default encryption", [address, bucket.bucket])
}

deny contains msg if {
	some address, volume in of_type("aws_ebs_volume")
	not volume.encrypted
	msg := sprintf("%s: volume of %d GiB is not encrypted", [address, volume.size])
}

deny contains msg if {
	some address, instance in of_type("aws_instance")
	unencrypted := [device | some device in instance.root_block_device; device.encrypted == false]
	count(unencrypted) > 0
	msg := sprintf("%s: %d root volume(s) not encrypted", [address, count(unencrypted)])
}

deny contains sprintf("%s: database is %s", [address, concat(" and ", problems)]) if {
	some address, db in of_type("aws_db_instance")
	problems := sort(database_problems(db))
	count(problems) > 0
}

database_problems(db) := {problem |
	some problem, bad in {
		"not encrypted": object.get(db, "storage_encrypted", false) == false,
		"publicly accessible": object.get(db, "publicly_accessible", false) == true,
		"without deletion protection": unprotected(db),
	}
	bad
}

unprotected(db) if {
	is_production
	not db.deletion_protection
} else := false

warn contains msg if {
	some address, db in of_type("aws_db_instance")
	days := db.backup_retention_period
	days < 7
	msg := sprintf("%s: backups are kept %d day(s), want at least 7", [address, days])
}
