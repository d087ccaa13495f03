//! The AWS resources that plans are made of, in groups that belong together.
//!
//! About one thing in five is wrong in a way that a policy wants to find.

use serde_json::{Map, Value, json};

use super::resource::{Action, Resource};
use super::rng::Rng;

const ACCOUNT: &str = "123456789012";
const TEAMS: &[&str] = &[
    "payments",
    "platform",
    "search",
    "identity",
    "analytics",
    "mobile",
];
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-1",
    "us-east-1",
    "eu-west-1",
    "ap-southeast-2",
];
const THINGS: &[&str] = &[
    "api", "web", "worker", "batch", "events", "assets", "audit", "backup", "sessions", "orders",
    "invoices", "users",
];

/// What a group of resources shares.
struct Scene<'a> {
    rng: &'a mut Rng,
    environment: &'static str,
    module: &'a str,
    /// Name of everything in the group.
    name: String,
    region: &'static str,
    team: &'static str,
}

/// The resources of one group, in the order of the plan.
pub fn group(
    rng: &mut Rng,
    environment: &'static str,
    module: &str,
    id: u64,
    number: u64,
) -> Vec<Resource> {
    let thing = rng.pick(THINGS);
    let name = if rng.chance(4) {
        format!("{thing}-tmp-{id}-{number}")
    } else {
        format!("{thing}_{id}_{number}")
    };
    let (region, team) = (rng.pick(REGIONS), rng.pick(TEAMS));
    let kind = rng.below(100);
    let mut scene = Scene {
        rng,
        environment,
        module,
        name,
        region,
        team,
    };
    match kind {
        0..=17 => scene.bucket(),
        18..=33 => scene.security_group(),
        34..=46 => scene.role(),
        47..=61 => scene.instance(),
        62..=70 => scene.database(),
        71..=78 => scene.function(),
        79..=83 => scene.key(),
        84..=86 => scene.cluster(),
        87..=93 => scene.load_balancer(),
        94..=96 => scene.trail(),
        _ => scene.network(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn resource(
    module: &str,
    name: &str,
    kind: &'static str,
    action: Action,
    values: Value,
    computed: Value,
) -> Resource {
    Resource {
        module: module.to_owned(),
        kind,
        name: name.to_owned(),
        index: None,
        action,
        values: object(values),
        computed: object(computed),
        sensitive: &[],
        previous: Map::new(),
        references: Vec::new(),
    }
}

impl Scene<'_> {
    fn action(&mut self) -> Action {
        match self.rng.below(100) {
            0..=44 => Action::Create,
            45..=64 => Action::Update,
            65..=88 => Action::Keep,
            89..=95 => Action::Delete,
            _ => Action::Replace,
        }
    }

    /// Tags, some of them missing; and all tags, with those of the provider.
    fn tagged(&mut self, mut resource: Resource) -> Resource {
        let mut tags = Map::new();
        tags.insert(
            "CostCenter".into(),
            json!(format!("cc-{}", 100 + self.rng.below(40))),
        );
        tags.insert("Environment".into(), json!(self.environment));
        tags.insert("Name".into(), json!(self.dashed()));
        tags.insert("Owner".into(), json!(format!("{}@acme.example", self.team)));
        if self.rng.chance(9) {
            tags.shift_remove("Owner");
        }
        if self.rng.chance(9) {
            tags.shift_remove("CostCenter");
        }
        if self.rng.chance(6) {
            tags.insert("Environment".into(), json!("production"));
        }
        let mut all = tags.clone();
        all.insert("ManagedBy".into(), json!("terraform"));
        let none = self.rng.chance(5);
        resource.values.insert(
            "tags".into(),
            if none {
                Value::Null
            } else {
                Value::Object(tags)
            },
        );
        resource.values.insert(
            "tags_all".into(),
            if none {
                json!({"ManagedBy": "terraform"})
            } else {
                json!(all)
            },
        );
        if resource.action == Action::Update && resource.previous.is_empty() {
            resource
                .previous
                .insert("tags".into(), json!({"Name": self.dashed()}));
        }
        resource
    }

    fn dashed(&self) -> String {
        format!(
            "{}-{}-{}",
            self.environment,
            self.team,
            self.name.replace('_', "-")
        )
    }

    fn bucket(&mut self) -> Vec<Resource> {
        let action = self.action();
        let bucket = format!("acme-{}", self.dashed());
        let arn = format!("arn:aws:s3:::{bucket}");
        let values = json!({
            "bucket": bucket,
            "force_destroy": self.rng.chance(12),
            "object_lock_enabled": false,
            "timeouts": null,
        });
        let computed = json!({
            "arn": arn,
            "id": bucket,
            "bucket_domain_name": format!("{bucket}.s3.amazonaws.com"),
            "region": self.region,
        });
        let made = resource(
            self.module,
            &self.name,
            "aws_s3_bucket",
            action,
            values,
            computed,
        );
        let mut out = vec![self.tagged(made)];
        let reference = vec![
            format!("aws_s3_bucket.{}.bucket", self.name),
            format!("aws_s3_bucket.{}", self.name),
        ];
        if self.rng.chance(82) {
            let strict = self.rng.chance(85);
            let mut block = resource(
                self.module,
                &self.name,
                "aws_s3_bucket_public_access_block",
                action,
                json!({
                    "block_public_acls": true,
                    "block_public_policy": strict,
                    "bucket": bucket,
                    "ignore_public_acls": true,
                    "restrict_public_buckets": strict,
                }),
                json!({"id": bucket}),
            );
            block.references.push(("bucket", reference.clone()));
            out.push(block);
        }
        if self.rng.chance(80) {
            let rule = if self.rng.chance(70) {
                json!({"sse_algorithm": "aws:kms", "kms_master_key_id": format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", self.region, self.rng.hex(32))})
            } else {
                json!({"sse_algorithm": "AES256", "kms_master_key_id": ""})
            };
            let mut encryption = resource(
                self.module,
                &self.name,
                "aws_s3_bucket_server_side_encryption_configuration",
                action,
                json!({
                    "bucket": bucket,
                    "expected_bucket_owner": null,
                    "rule": [{"apply_server_side_encryption_by_default": [rule], "bucket_key_enabled": true}],
                }),
                json!({"id": bucket}),
            );
            encryption.references.push(("bucket", reference.clone()));
            out.push(encryption);
        }
        if self.rng.chance(60) {
            let status = if self.rng.chance(80) {
                "Enabled"
            } else {
                "Suspended"
            };
            let mut versioning = resource(
                self.module,
                &self.name,
                "aws_s3_bucket_versioning",
                action,
                json!({"bucket": bucket, "mfa": null, "versioning_configuration": [{"status": status, "mfa_delete": ""}]}),
                json!({"id": bucket}),
            );
            versioning.references.push(("bucket", reference.clone()));
            out.push(versioning);
        }
        if self.rng.chance(40) {
            let principal = if self.rng.chance(20) {
                json!("*")
            } else {
                json!({"AWS": [format!("arn:aws:iam::{ACCOUNT}:root")]})
            };
            let mut statement = vec![json!({
                "Sid": "Read",
                "Effect": "Allow",
                "Principal": principal,
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [arn.clone(), format!("{arn}/*")],
            })];
            if self.rng.chance(60) {
                statement.push(json!({
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": format!("{arn}/*"),
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }));
            }
            let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
            let mut policy = resource(
                self.module,
                &self.name,
                "aws_s3_bucket_policy",
                action,
                json!({"bucket": bucket, "policy": document}),
                json!({"id": bucket}),
            );
            policy.references.push(("bucket", reference));
            out.push(policy);
        }
        out
    }

    fn security_group(&mut self) -> Vec<Resource> {
        let action = self.action();
        let id = format!("sg-{}", self.rng.hex(17));
        let rules: Vec<Value> = (0..1 + self.rng.below(3))
            .map(|_| self.inline_rule())
            .collect();
        let made = resource(
            self.module,
            &self.name,
            "aws_security_group",
            action,
            json!({
                "description": if self.rng.chance(15) { "Managed by Terraform" } else { "Access to the service" },
                "egress": [{"cidr_blocks": ["0.0.0.0/0"], "description": "", "from_port": 0, "ipv6_cidr_blocks": [], "prefix_list_ids": [], "protocol": "-1", "security_groups": [], "self": false, "to_port": 0}],
                "ingress": rules,
                "name": self.dashed(),
                "revoke_rules_on_delete": false,
            }),
            json!({"arn": format!("arn:aws:ec2:{}:{ACCOUNT}:security-group/{id}", self.region), "id": id, "owner_id": ACCOUNT}),
        );
        let mut out = vec![self.tagged(made)];
        for number in 0..self.rng.below(3) {
            let (from, to, protocol) = self.ports();
            let cidr = self.cidr();
            let kind = if self.rng.chance(75) {
                "ingress"
            } else {
                "egress"
            };
            let mut rule = resource(
                self.module,
                &self.name,
                "aws_security_group_rule",
                action,
                json!({
                    "cidr_blocks": [cidr],
                    "description": null,
                    "from_port": from,
                    "protocol": protocol,
                    "self": false,
                    "to_port": to,
                    "type": kind,
                }),
                json!({"id": format!("sgrule-{}", self.rng.below(4_000_000_000)), "security_group_id": id}),
            );
            rule.index = Some(json!(number));
            rule.references.push((
                "security_group_id",
                vec![
                    format!("aws_security_group.{}.id", self.name),
                    format!("aws_security_group.{}", self.name),
                ],
            ));
            out.push(rule);
        }
        out
    }

    fn ports(&mut self) -> (u64, u64, &'static str) {
        match self.rng.below(10) {
            0 => (22, 22, "tcp"),
            1 => (3389, 3389, "tcp"),
            2 => (5432, 5432, "tcp"),
            3 => (0, 65535, "tcp"),
            4 => (8000, 8999, "tcp"),
            5 => (53, 53, "udp"),
            6 => (80, 80, "tcp"),
            7 => (0, 0, "-1"),
            _ => (443, 443, "tcp"),
        }
    }

    fn cidr(&mut self) -> String {
        if self.rng.chance(25) {
            "0.0.0.0/0".to_owned()
        } else {
            format!("10.{}.{}.0/24", self.rng.below(4), self.rng.below(256))
        }
    }

    fn inline_rule(&mut self) -> Value {
        let (from, to, protocol) = self.ports();
        let cidrs: Vec<String> = (0..1 + self.rng.below(2)).map(|_| self.cidr()).collect();
        let ipv6: &[&str] = if self.rng.chance(6) { &["::/0"] } else { &[] };
        json!({
            "cidr_blocks": cidrs,
            "description": format!("{protocol} {from}"),
            "from_port": from,
            "ipv6_cidr_blocks": ipv6,
            "prefix_list_ids": [],
            "protocol": protocol,
            "security_groups": [],
            "self": false,
            "to_port": to,
        })
    }

    fn statement(&mut self) -> Value {
        let service = self
            .rng
            .pick(&["s3", "sqs", "dynamodb", "logs", "kms", "secretsmanager"]);
        let resource = format!("arn:aws:{service}:{}:{ACCOUNT}:{}", self.region, self.name);
        match self.rng.below(12) {
            0 => json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
            1 => json!({"Effect": "Allow", "Action": [format!("{service}:*")], "Resource": ["*"]}),
            2 => {
                json!({"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*"})
            }
            3 => {
                json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": self.region}}})
            }
            4..=6 => {
                json!({"Effect": "Allow", "Action": format!("{service}:Get*"), "Resource": resource})
            }
            _ => json!({
                "Sid": format!("{}Access", service.to_uppercase()),
                "Effect": "Allow",
                "Action": [format!("{service}:List*"), format!("{service}:Describe*")],
                "Resource": [resource.clone(), format!("{resource}/*")],
            }),
        }
    }

    fn role(&mut self) -> Vec<Resource> {
        let action = self.action();
        let role = self.dashed();
        let trusted = match self.rng.below(12) {
            0 => json!({"AWS": "*"}),
            1..=3 => {
                json!({"AWS": format!("arn:aws:iam::{}:root", 200_000_000_000 + self.rng.below(99_999_999_999))})
            }
            _ => {
                json!({"Service": self.rng.pick(&["ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com"])})
            }
        };
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}],
        });
        let made = resource(
            self.module,
            &self.name,
            "aws_iam_role",
            action,
            json!({
                "assume_role_policy": trust.to_string(),
                "description": null,
                "force_detach_policies": false,
                "max_session_duration": self.rng.pick(&[3600, 3600, 3600, 43200]),
                "name": role,
                "path": "/",
                "permissions_boundary": null,
            }),
            json!({"arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "id": role, "unique_id": format!("AROA{}", self.rng.hex(17).to_uppercase())}),
        );
        let mut out = vec![self.tagged(made)];
        // One statement stands bare, without a list: policies must cope with both.
        let statements: Vec<Value> = (0..1 + self.rng.below(3))
            .map(|_| self.statement())
            .collect();
        let document = if statements.len() == 1 {
            json!({"Version": "2012-10-17", "Statement": statements[0]})
        } else {
            json!({"Version": "2012-10-17", "Statement": statements})
        };
        let kind = if self.rng.chance(60) {
            "aws_iam_role_policy"
        } else {
            "aws_iam_policy"
        };
        let mut policy = resource(
            self.module,
            &self.name,
            kind,
            action,
            json!({"name": format!("{role}-access"), "policy": document.to_string()}),
            json!({"id": format!("{role}:{role}-access")}),
        );
        policy.references.push((
            "role",
            vec![
                format!("aws_iam_role.{}.id", self.name),
                format!("aws_iam_role.{}", self.name),
            ],
        ));
        out.push(policy);
        if self.rng.chance(30) {
            let managed = self.rng.pick(&[
                "AmazonSSMManagedInstanceCore",
                "CloudWatchAgentServerPolicy",
                "AdministratorAccess",
            ]);
            out.push(resource(
                self.module,
                &self.name,
                "aws_iam_role_policy_attachment",
                action,
                json!({"policy_arn": format!("arn:aws:iam::aws:policy/{managed}"), "role": role}),
                json!({"id": format!("{role}-{}", self.rng.hex(26))}),
            ));
        }
        out
    }

    fn instance(&mut self) -> Vec<Resource> {
        let mut out = Vec::new();
        let copies = 1 + self.rng.below(3);
        let kind = self.rng.pick(&[
            "t3.micro",
            "t3.small",
            "t3.medium",
            "m5.large",
            "m5.4xlarge",
            "c6i.2xlarge",
            "p4d.24xlarge",
            "t2.nano",
        ]);
        let image = format!("ami-{}", self.rng.hex(17));
        for number in 0..copies {
            let action = self.action();
            let id = format!("i-{}", self.rng.hex(17));
            let zone = format!("{}{}", self.region, self.rng.pick(&["a", "b", "c"]));
            let tokens = if self.rng.chance(80) {
                "required"
            } else {
                "optional"
            };
            let user_data = if self.rng.chance(7) {
                json!(
                    "#!/bin/sh\nexport AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nexec /opt/app/run\n"
                )
            } else {
                json!("#!/bin/sh\nexec /opt/app/run\n")
            };
            let made = resource(
                self.module,
                &self.name,
                "aws_instance",
                action,
                json!({
                    "ami": image,
                    "associate_public_ip_address": self.rng.chance(15),
                    "availability_zone": zone,
                    "credit_specification": [],
                    "ebs_block_device": [],
                    "ebs_optimized": self.rng.chance(70),
                    "instance_type": kind,
                    "metadata_options": [{"http_endpoint": "enabled", "http_put_response_hop_limit": 1, "http_tokens": tokens}],
                    "monitoring": self.rng.chance(60),
                    "root_block_device": [{"delete_on_termination": true, "encrypted": self.rng.chance(85), "volume_size": 8 + 8 * self.rng.below(8), "volume_type": "gp3"}],
                    "user_data": user_data,
                }),
                json!({
                    "arn": format!("arn:aws:ec2:{}:{ACCOUNT}:instance/{id}", self.region),
                    "id": id,
                    "private_ip": format!("10.0.{}.{}", self.rng.below(256), 4 + self.rng.below(250)),
                }),
            );
            let mut instance = self.tagged(made);
            instance.index = Some(json!(number));
            if action == Action::Update {
                instance
                    .previous
                    .insert("instance_type".into(), json!("t3.large"));
            }
            out.push(instance);
            if self.rng.chance(45) {
                let volume = format!("vol-{}", self.rng.hex(17));
                let made = resource(
                    self.module,
                    &self.name,
                    "aws_ebs_volume",
                    action,
                    json!({
                        "availability_zone": zone,
                        "encrypted": self.rng.chance(80),
                        "iops": 3000,
                        "size": self.rng.pick(&[20, 50, 100, 500, 2000]),
                        "type": "gp3",
                    }),
                    json!({"arn": format!("arn:aws:ec2:{}:{ACCOUNT}:volume/{volume}", self.region), "id": volume}),
                );
                let mut disk = self.tagged(made);
                disk.index = Some(json!(number));
                out.push(disk);
            }
        }
        out
    }

    fn database(&mut self) -> Vec<Resource> {
        let action = self.action();
        let identifier = self.dashed();
        let engine = self.rng.pick(&["postgres", "mysql", "mariadb"]);
        let subnets = resource(
            self.module,
            &self.name,
            "aws_db_subnet_group",
            action,
            json!({"description": "Managed by Terraform", "name": identifier, "subnet_ids": [format!("subnet-{}", self.rng.hex(17)), format!("subnet-{}", self.rng.hex(17))]}),
            json!({"arn": format!("arn:aws:rds:{}:{ACCOUNT}:subgrp:{identifier}", self.region), "id": identifier}),
        );
        let made = resource(
            self.module,
            &self.name,
            "aws_db_instance",
            action,
            json!({
                "allocated_storage": self.rng.pick(&[20, 100, 500]),
                "auto_minor_version_upgrade": true,
                "backup_retention_period": self.rng.pick(&[0, 1, 7, 14, 30]),
                "db_subnet_group_name": identifier,
                "deletion_protection": self.rng.chance(70),
                "engine": engine,
                "engine_version": self.rng.pick(&["16.3", "15.7", "8.0.36"]),
                "identifier": identifier,
                "instance_class": self.rng.pick(&["db.t3.medium", "db.r6g.large", "db.r6g.4xlarge"]),
                "iops": null,
                "multi_az": self.rng.chance(55),
                "parameter_group_name": null,
                "password": "correct-horse-battery",
                "performance_insights_enabled": self.rng.chance(50),
                "publicly_accessible": self.rng.chance(10),
                "storage_encrypted": self.rng.chance(85),
                "username": "app",
            }),
            json!({"arn": format!("arn:aws:rds:{}:{ACCOUNT}:db:{identifier}", self.region), "id": format!("db-{}", self.rng.hex(26).to_uppercase()), "endpoint": format!("{identifier}.{}.{}.rds.amazonaws.com:5432", self.rng.hex(12), self.region)}),
        );
        let mut database = self.tagged(made);
        database.sensitive = &["password"];
        database
            .references
            .push(("password", vec!["var.db_password".to_owned()]));
        if action == Action::Update {
            database
                .previous
                .insert("allocated_storage".into(), json!(10));
        }
        vec![subnets, database]
    }

    fn function(&mut self) -> Vec<Resource> {
        let action = self.action();
        let name = self.dashed();
        let mut variables = json!({"LOG_LEVEL": "info", "STAGE": self.environment});
        if self.rng.chance(15) {
            variables["API_SECRET"] = json!(self.rng.hex(24));
        }
        let made = resource(
            self.module,
            &self.name,
            "aws_lambda_function",
            action,
            json!({
                "architectures": ["arm64"],
                "dead_letter_config": [],
                "environment": [{"variables": variables}],
                "function_name": name,
                "handler": "index.handler",
                "kms_key_arn": "",
                "memory_size": self.rng.pick(&[128, 256, 512, 3008]),
                "reserved_concurrent_executions": -1,
                "runtime": self.rng.pick(&["nodejs20.x", "python3.12", "python3.8", "nodejs14.x", "provided.al2023"]),
                "timeout": self.rng.pick(&[3, 30, 900]),
                "tracing_config": [{"mode": if self.rng.chance(60) { "Active" } else { "PassThrough" }}],
            }),
            json!({"arn": format!("arn:aws:lambda:{}:{ACCOUNT}:function:{name}", self.region), "id": name, "last_modified": "2026-08-01T10:11:12.000+0000"}),
        );
        let mut out = vec![self.tagged(made)];
        if self.rng.chance(70) {
            let retention = self.rng.pick(&[0, 7, 30, 365]);
            out.push(resource(self.module, &self.name,
                "aws_cloudwatch_log_group",
                action,
                json!({"kms_key_id": null, "name": format!("/aws/lambda/{name}"), "retention_in_days": retention, "skip_destroy": false}),
                json!({"arn": format!("arn:aws:logs:{}:{ACCOUNT}:log-group:/aws/lambda/{name}", self.region), "id": format!("/aws/lambda/{name}")}),
            ));
        }
        if self.rng.chance(35) {
            let principal =
                self.rng
                    .pick(&["apigateway.amazonaws.com", "events.amazonaws.com", "*"]);
            out.push(resource(self.module, &self.name,
                "aws_lambda_permission",
                action,
                json!({"action": "lambda:InvokeFunction", "function_name": name, "principal": principal, "statement_id": "AllowInvoke"}),
                json!({"id": "AllowInvoke"}),
            ));
        }
        out
    }

    fn key(&mut self) -> Vec<Resource> {
        let action = self.action();
        let id = format!(
            "{}-{}-{}-{}-{}",
            self.rng.hex(8),
            self.rng.hex(4),
            self.rng.hex(4),
            self.rng.hex(4),
            self.rng.hex(12)
        );
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"}],
        });
        let made = resource(
            self.module,
            &self.name,
            "aws_kms_key",
            action,
            json!({
                "customer_master_key_spec": "SYMMETRIC_DEFAULT",
                "deletion_window_in_days": self.rng.pick(&[7, 30]),
                "description": format!("Key of {}", self.dashed()),
                "enable_key_rotation": self.rng.chance(70),
                "is_enabled": true,
                "multi_region": false,
                "policy": document.to_string(),
            }),
            json!({"arn": format!("arn:aws:kms:{}:{ACCOUNT}:key/{id}", self.region), "id": id, "key_id": id}),
        );
        let alias = resource(
            self.module,
            &self.name,
            "aws_kms_alias",
            action,
            json!({"name": format!("alias/{}", self.dashed())}),
            json!({"id": format!("alias/{}", self.dashed()), "target_key_id": id}),
        );
        vec![self.tagged(made), alias]
    }

    fn cluster(&mut self) -> Vec<Resource> {
        let action = self.action();
        let name = self.dashed();
        let cidrs = if self.rng.chance(40) {
            json!(["0.0.0.0/0"])
        } else {
            json!(["203.0.113.0/24"])
        };
        let logs: &[&str] = if self.rng.chance(60) {
            &["api", "audit", "authenticator"]
        } else {
            &[]
        };
        let made = resource(
            self.module,
            &self.name,
            "aws_eks_cluster",
            action,
            json!({
                "enabled_cluster_log_types": logs,
                "encryption_config": if self.rng.chance(70) { json!([{"provider": [{"key_arn": format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", self.region, self.rng.hex(32))}], "resources": ["secrets"]}]) } else { json!([]) },
                "name": name,
                "role_arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
                "version": self.rng.pick(&["1.31", "1.30", "1.27"]),
                "vpc_config": [{"endpoint_private_access": true, "endpoint_public_access": self.rng.chance(70), "public_access_cidrs": cidrs, "subnet_ids": [format!("subnet-{}", self.rng.hex(17))]}],
            }),
            json!({"arn": format!("arn:aws:eks:{}:{ACCOUNT}:cluster/{name}", self.region), "id": name, "status": "ACTIVE"}),
        );
        let nodes = resource(
            self.module,
            &self.name,
            "aws_eks_node_group",
            action,
            json!({
                "capacity_type": "ON_DEMAND",
                "cluster_name": name,
                "instance_types": [self.rng.pick(&["m5.large", "m5.4xlarge"])],
                "node_group_name": "default",
                "scaling_config": [{"desired_size": 2, "max_size": self.rng.pick(&[4, 10, 50]), "min_size": 1}],
            }),
            json!({"id": format!("{name}:default")}),
        );
        vec![self.tagged(made), nodes]
    }

    fn load_balancer(&mut self) -> Vec<Resource> {
        let action = self.action();
        let name = self.dashed();
        let arn = format!(
            "arn:aws:elasticloadbalancing:{}:{ACCOUNT}:loadbalancer/app/{name}/{}",
            self.region,
            self.rng.hex(16)
        );
        let made = resource(
            self.module,
            &self.name,
            "aws_lb",
            action,
            json!({
                "access_logs": [{"bucket": "acme-lb-logs", "enabled": self.rng.chance(60), "prefix": null}],
                "drop_invalid_header_fields": self.rng.chance(60),
                "enable_deletion_protection": self.rng.chance(50),
                "internal": self.rng.chance(40),
                "load_balancer_type": "application",
                "name": name,
            }),
            json!({"arn": arn, "id": arn, "dns_name": format!("{name}.{}.elb.amazonaws.com", self.region)}),
        );
        let mut out = vec![self.tagged(made)];
        let redirect = json!({"redirect": [{"host": "#{host}", "port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}], "type": "redirect"});
        let forward =
            json!({"redirect": [], "target_group_arn": format!("{arn}/tg"), "type": "forward"});
        let plain = if self.rng.chance(75) {
            redirect
        } else {
            forward.clone()
        };
        let policy = self.rng.pick(&[
            "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "ELBSecurityPolicy-2016-08",
        ]);
        for (number, values) in [
            json!({"certificate_arn": null, "default_action": [plain], "port": 80, "protocol": "HTTP", "ssl_policy": null}),
            json!({"certificate_arn": format!("arn:aws:acm:{}:{ACCOUNT}:certificate/{}", self.region, self.rng.hex(32)), "default_action": [forward], "port": 443, "protocol": "HTTPS", "ssl_policy": policy}),
        ]
        .into_iter()
        .enumerate()
        {
            let mut listener = resource(self.module, &self.name,
                "aws_lb_listener",
                action,
                values,
                json!({"id": format!("{arn}/{number}"), "load_balancer_arn": arn}),
            );
            listener.index = Some(json!(if number == 0 { "http" } else { "https" }));
            listener.references.push(("load_balancer_arn", vec![format!("aws_lb.{}.arn", self.name), format!("aws_lb.{}", self.name)]));
            out.push(listener);
        }
        out
    }

    fn trail(&mut self) -> Vec<Resource> {
        let action = self.action();
        let name = self.dashed();
        let made = resource(
            self.module,
            &self.name,
            "aws_cloudtrail",
            action,
            json!({
                "enable_log_file_validation": self.rng.chance(65),
                "enable_logging": true,
                "event_selector": [],
                "include_global_service_events": true,
                "is_multi_region_trail": self.rng.chance(65),
                "kms_key_id": if self.rng.chance(60) { json!(format!("arn:aws:kms:{}:{ACCOUNT}:key/{}", self.region, self.rng.hex(32))) } else { Value::Null },
                "name": name,
                "s3_bucket_name": "acme-cloudtrail",
            }),
            json!({"arn": format!("arn:aws:cloudtrail:{}:{ACCOUNT}:trail/{name}", self.region), "id": name}),
        );
        vec![self.tagged(made)]
    }

    fn network(&mut self) -> Vec<Resource> {
        let action = self.action();
        let id = format!("vpc-{}", self.rng.hex(17));
        let second = self.rng.below(32);
        let made = resource(
            self.module,
            &self.name,
            "aws_vpc",
            action,
            json!({"cidr_block": format!("10.{second}.0.0/16"), "enable_dns_hostnames": true, "enable_dns_support": true, "instance_tenancy": "default"}),
            json!({"arn": format!("arn:aws:ec2:{}:{ACCOUNT}:vpc/{id}", self.region), "id": id}),
        );
        let mut out = vec![self.tagged(made)];
        for (number, zone) in ["a", "b", "c"].into_iter().enumerate() {
            let made = resource(
                self.module,
                &self.name,
                "aws_subnet",
                action,
                json!({
                    "availability_zone": format!("{}{zone}", self.region),
                    "cidr_block": format!("10.{second}.{number}.0/24"),
                    "map_public_ip_on_launch": self.rng.chance(20),
                }),
                json!({"id": format!("subnet-{}", self.rng.hex(17)), "vpc_id": id}),
            );
            let mut subnet = self.tagged(made);
            subnet.index = Some(json!(format!("{}{zone}", self.region)));
            subnet.references.push((
                "vpc_id",
                vec![
                    format!("aws_vpc.{}.id", self.name),
                    format!("aws_vpc.{}", self.name),
                ],
            ));
            out.push(subnet);
        }
        out
    }
}
