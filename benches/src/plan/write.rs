//! Writes a plan section by section.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::catalogue;
use super::layout::{Module, layout};
use super::resource::Resource;
use super::rng::Rng;

/// Writes a plan with exactly `resources` resource changes, one resource a line.
///
/// # Errors
/// Only those of the writer.
pub fn write_plan(out: &mut impl Write, seed: u64, resources: usize) -> io::Result<()> {
    let root = layout(seed, resources);
    let environment = Rng::at(seed, &[1]).pick(&["prod", "staging", "dev"]);
    let plan = Plan {
        seed,
        environment,
        root,
    };
    plan.write(out)?;
    out.flush()
}

struct Plan {
    seed: u64,
    environment: &'static str,
    root: Module,
}

impl Plan {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(
            out,
            "{{\"format_version\":\"1.2\",\"terraform_version\":\"1.9.8\",\n\"variables\":"
        )?;
        let variables = json!({
            "db_password": {"value": "correct-horse-battery"},
            "environment": {"value": self.environment},
            "max_instances": {"value": 24},
            "owner": {"value": "platform@acme.example"},
            "regions": {"value": ["us-east-1", "eu-west-1"]},
        });
        serde_json::to_writer(&mut *out, &variables)?;

        write!(out, ",\n\"planned_values\":{{\"outputs\":")?;
        serde_json::to_writer(&mut *out, &self.outputs(false))?;
        write!(out, ",\"root_module\":")?;
        self.state_module(out, &self.root, |r| r.action.remains(), Resource::planned)?;
        write!(out, "}},\n\"resource_changes\":[")?;
        let mut first = true;
        self.changes(out, &self.root, &mut first)?;
        write!(out, "\n],\n\"output_changes\":")?;
        let mut changes = Map::new();
        for (name, output) in self.outputs(false) {
            let sensitive = output["sensitive"].clone();
            changes.insert(
                name,
                json!({
                    "actions": ["create"],
                    "before": null,
                    "after": output["value"],
                    "after_unknown": false,
                    "before_sensitive": sensitive,
                    "after_sensitive": sensitive,
                }),
            );
        }
        serde_json::to_writer(&mut *out, &changes)?;

        write!(
            out,
            ",\n\"prior_state\":{{\"format_version\":\"1.0\",\"terraform_version\":\"1.9.8\",\"values\":{{\"outputs\":"
        )?;
        serde_json::to_writer(&mut *out, &self.outputs(true))?;
        write!(out, ",\"root_module\":")?;
        self.state_module(out, &self.root, |r| r.action.existed(), Resource::prior)?;

        write!(out, "}}}},\n\"configuration\":{{\"provider_config\":")?;
        let providers = json!({
            "aws": {
                "name": "aws",
                "full_name": "registry.terraform.io/hashicorp/aws",
                "version_constraint": "~> 5.60",
                "expressions": {
                    "region": {"constant_value": "us-east-1"},
                    "default_tags": [{"tags": {"constant_value": {"ManagedBy": "terraform"}}}],
                },
            },
        });
        serde_json::to_writer(&mut *out, &providers)?;
        write!(out, ",\"root_module\":")?;
        self.configuration(out, &self.root)?;
        let checks = json!([]);
        write!(
            out,
            "}},\n\"relevant_attributes\":[],\"checks\":{checks},\"timestamp\":\"2026-08-20T09:30:00Z\",\"applyable\":true,\"complete\":true,\"errored\":false}}\n"
        )
    }

    fn outputs(&self, prior: bool) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert(
            "environment".into(),
            json!({"sensitive": false, "type": "string", "value": self.environment}),
        );
        if !prior {
            out.insert(
                "admin_token".into(),
                json!({"sensitive": false, "type": "string", "value": Rng::at(self.seed, &[2]).hex(32)}),
            );
            out.insert(
                "db_password".into(),
                json!({"sensitive": true, "type": "string", "value": "correct-horse-battery"}),
            );
        }
        out.insert(
            "vpc_cidrs".into(),
            json!({"sensitive": false, "type": ["list", "string"], "value": ["10.0.0.0/16", "10.1.0.0/16"]}),
        );
        out
    }

    fn each_resource(
        &self,
        module: &Module,
        visit: &mut dyn FnMut(&Resource) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut left = module.own;
        let mut group = 0;
        while left > 0 {
            let mut rng = Rng::at(self.seed, &[3, module.id, group]);
            let mut resources = catalogue::group(
                &mut rng,
                self.environment,
                &module.address,
                module.id,
                group,
            );
            resources.truncate(left);
            left -= resources.len();
            group += 1;
            for resource in &resources {
                visit(resource)?;
            }
        }
        Ok(())
    }

    fn state_module<W: Write>(
        &self,
        out: &mut W,
        module: &Module,
        shown: fn(&Resource) -> bool,
        show: fn(&Resource) -> Value,
    ) -> io::Result<()> {
        write!(out, "{{")?;
        if !module.address.is_empty() {
            write!(out, "\"address\":{},", json!(module.address))?;
        }
        write!(out, "\"resources\":[")?;
        let mut first = true;
        self.each_resource(module, &mut |resource| {
            if !shown(resource) {
                return Ok(());
            }
            separate(out, &mut first)?;
            serde_json::to_writer(&mut *out, &show(resource))?;
            Ok(())
        })?;
        write!(out, "\n]")?;
        if !module.children.is_empty() {
            write!(out, ",\"child_modules\":[")?;
            for (position, child) in module.children.iter().enumerate() {
                if position > 0 {
                    write!(out, ",")?;
                }
                self.state_module(out, child, shown, show)?;
            }
            write!(out, "]")?;
        }
        write!(out, "}}")
    }

    fn changes<W: Write>(&self, out: &mut W, module: &Module, first: &mut bool) -> io::Result<()> {
        self.each_resource(module, &mut |resource| {
            separate(out, first)?;
            serde_json::to_writer(&mut *out, &resource.change())?;
            Ok(())
        })?;
        for child in &module.children {
            self.changes(out, child, first)?;
        }
        Ok(())
    }

    fn configuration<W: Write>(&self, out: &mut W, module: &Module) -> io::Result<()> {
        write!(out, "{{\"resources\":[")?;
        let mut first = true;
        self.each_resource(module, &mut |resource| {
            // What is deleted has left the configuration; copies stand there once.
            let copy = resource
                .index
                .as_ref()
                .is_some_and(|index| index.as_u64().is_some_and(|n| n > 0));
            if !resource.action.remains() || copy {
                return Ok(());
            }
            separate(out, &mut first)?;
            serde_json::to_writer(&mut *out, &resource.configuration())?;
            Ok(())
        })?;
        write!(out, "\n]")?;
        if !module.children.is_empty() {
            write!(out, ",\"module_calls\":{{")?;
            for (position, child) in module.children.iter().enumerate() {
                if position > 0 {
                    write!(out, ",")?;
                }
                write!(
                    out,
                    "\n{}:{{\"source\":{},",
                    json!(child.call),
                    json!(child.source)
                )?;
                if child.source.starts_with("terraform-aws-modules/") {
                    write!(out, "\"version_constraint\":\"~> 5.0\",")?;
                }
                write!(
                    out,
                    "\"expressions\":{{\"environment\":{{\"references\":[\"var.environment\"]}}}},\"module\":"
                )?;
                self.configuration(out, child)?;
                write!(out, "}}")?;
            }
            write!(out, "}}")?;
        }
        write!(
            out,
            ",\"variables\":{{\"environment\":{{\"description\":\"Where this runs\"}}}}}}"
        )
    }
}

fn separate(out: &mut impl Write, first: &mut bool) -> io::Result<()> {
    let text = if *first { "\n" } else { ",\n" };
    *first = false;
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::write_plan;

    fn plan(seed: u64, resources: usize) -> (Vec<u8>, Value) {
        let mut text = Vec::new();
        write_plan(&mut text, seed, resources).unwrap();
        let value = serde_json::from_slice(&text).unwrap();
        (text, value)
    }

    #[test]
    fn size_and_addresses() {
        for resources in [0, 1, 40, 700] {
            let (_, plan) = plan(5, resources);
            let changes = plan["resource_changes"].as_array().unwrap();
            assert_eq!(changes.len(), resources);
            let addresses: HashSet<_> = changes
                .iter()
                .map(|c| c["address"].as_str().unwrap())
                .collect();
            assert_eq!(addresses.len(), resources, "addresses are unique");
        }
    }

    #[test]
    fn same_seed_same_bytes() {
        assert_eq!(plan(1, 100).0, plan(1, 100).0);
        assert_ne!(plan(1, 100).0, plan(2, 100).0);
    }

    #[test]
    fn before_and_after_follow_the_actions() {
        let (_, plan) = plan(11, 500);
        let mut seen = HashSet::new();
        for change in plan["resource_changes"].as_array().unwrap() {
            let change = &change["change"];
            let actions = change["actions"].to_string();
            assert_eq!(
                change["before"].is_null(),
                actions == r#"["create"]"#,
                "{change}"
            );
            assert_eq!(
                change["after"].is_null(),
                actions == r#"["delete"]"#,
                "{change}"
            );
            seen.insert(actions);
        }
        assert_eq!(seen.len(), 5, "{seen:?}");
    }

    #[test]
    fn the_checked_in_plan_is_what_the_generator_writes() {
        let checked_in = include_bytes!("../../../examples/terraform/plan.json");
        assert!(plan(1, 40).0 == checked_in, "run examples/record");
    }
}
