//! One resource, as each section of a plan shows it.

use serde_json::{Map, Value, json};

/// What the plan does with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It does not exist yet.
    Create,
    /// It changes in place.
    Update,
    /// It stays as it is.
    Keep,
    /// It goes away.
    Delete,
    /// It goes away and comes back.
    Replace,
}

impl Action {
    fn names(self) -> Value {
        match self {
            Action::Create => json!(["create"]),
            Action::Update => json!(["update"]),
            Action::Keep => json!(["no-op"]),
            Action::Delete => json!(["delete"]),
            Action::Replace => json!(["delete", "create"]),
        }
    }

    /// Whether the resource is part of the state before the plan.
    pub fn existed(self) -> bool {
        self != Action::Create
    }

    /// Whether the resource is part of the state after the plan.
    pub fn remains(self) -> bool {
        self != Action::Delete
    }
}

/// A resource with everything that the sections of a plan say about it.
#[derive(Debug)]
pub struct Resource {
    /// Address of the module; empty for the root.
    pub module: String,
    /// Type, such as `aws_s3_bucket`.
    pub kind: &'static str,
    /// Name in the configuration.
    pub name: String,
    /// Key of `count` or `for_each`.
    pub index: Option<Value>,
    /// What happens to it.
    pub action: Action,
    /// Attributes known before the resource is applied.
    pub values: Map<String, Value>,
    /// Attributes that the provider computes: unknown while it does not exist.
    pub computed: Map<String, Value>,
    /// Attributes that hold secrets.
    pub sensitive: &'static [&'static str],
    /// Attributes as they were, where an update changes them.
    pub previous: Map<String, Value>,
    /// References in the configuration: attribute to references.
    pub references: Vec<(&'static str, Vec<String>)>,
}

impl Resource {
    /// The whole address, with module and key.
    pub fn address(&self) -> String {
        let prefix = if self.module.is_empty() {
            String::new()
        } else {
            format!("{}.", self.module)
        };
        let key = match &self.index {
            None => String::new(),
            Some(key) => format!("[{key}]"),
        };
        format!("{prefix}{}.{}{key}", self.kind, self.name)
    }

    fn known(&self) -> Map<String, Value> {
        let mut all = self.values.clone();
        if self.action != Action::Create && self.action != Action::Replace {
            all.extend(self.computed.clone());
        }
        sorted(all)
    }

    fn before(&self) -> Value {
        if !self.action.existed() {
            return Value::Null;
        }
        let mut all = self.values.clone();
        all.extend(self.computed.clone());
        all.extend(self.previous.clone());
        Value::Object(sorted(all))
    }

    fn unknown(&self) -> Value {
        let mut out = Map::new();
        match self.action {
            Action::Create | Action::Replace => {
                for key in self.computed.keys() {
                    out.insert(key.clone(), Value::Bool(true));
                }
                // The plan spells out where inside a collection nothing is unknown.
                for (key, value) in &self.values {
                    if let Some(shape) = empty_shape(value) {
                        out.insert(key.clone(), shape);
                    }
                }
                Value::Object(sorted(out))
            }
            Action::Delete => json!({}),
            Action::Update | Action::Keep => Value::Object(out),
        }
    }

    fn sensitive_marks(&self, present: bool) -> Value {
        if !present {
            return Value::Bool(false);
        }
        let mut out = Map::new();
        for key in self.sensitive {
            out.insert((*key).to_owned(), Value::Bool(true));
        }
        for (key, value) in &self.values {
            if let Some(shape) = empty_shape(value) {
                out.entry(key.clone()).or_insert(shape);
            }
        }
        Value::Object(sorted(out))
    }

    fn provider(&self) -> &'static str {
        "registry.terraform.io/hashicorp/aws"
    }

    fn header(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("address".into(), json!(self.address()));
        out.insert("mode".into(), json!("managed"));
        out.insert("type".into(), json!(self.kind));
        out.insert("name".into(), json!(self.name));
        if let Some(index) = &self.index {
            out.insert("index".into(), index.clone());
        }
        out
    }

    /// As `planned_values` shows it.
    pub fn planned(&self) -> Value {
        let mut out = self.header();
        out.insert("provider_name".into(), json!(self.provider()));
        out.insert("schema_version".into(), json!(1));
        out.insert("values".into(), Value::Object(self.known()));
        out.insert("sensitive_values".into(), self.sensitive_marks(true));
        Value::Object(out)
    }

    /// As `prior_state` shows it.
    pub fn prior(&self) -> Value {
        let mut out = self.header();
        out.insert("provider_name".into(), json!(self.provider()));
        out.insert("schema_version".into(), json!(1));
        out.insert("values".into(), self.before());
        out.insert("sensitive_values".into(), self.sensitive_marks(true));
        Value::Object(out)
    }

    /// As `resource_changes` shows it.
    pub fn change(&self) -> Value {
        let mut out = Map::new();
        out.insert("address".into(), json!(self.address()));
        if !self.module.is_empty() {
            out.insert("module_address".into(), json!(self.module));
        }
        out.insert("mode".into(), json!("managed"));
        out.insert("type".into(), json!(self.kind));
        out.insert("name".into(), json!(self.name));
        if let Some(index) = &self.index {
            out.insert("index".into(), index.clone());
        }
        out.insert("provider_name".into(), json!(self.provider()));
        let after = if self.action.remains() {
            Value::Object(self.known())
        } else {
            Value::Null
        };
        let mut change = Map::new();
        change.insert("actions".into(), self.action.names());
        change.insert("before".into(), self.before());
        change.insert("after".into(), after);
        change.insert("after_unknown".into(), self.unknown());
        change.insert(
            "before_sensitive".into(),
            self.sensitive_marks(self.action.existed()),
        );
        change.insert(
            "after_sensitive".into(),
            self.sensitive_marks(self.action.remains()),
        );
        if self.action == Action::Replace {
            change.insert("replace_paths".into(), json!([["name"]]));
        }
        out.insert("change".into(), Value::Object(change));
        if self.action == Action::Replace {
            out.insert(
                "action_reason".into(),
                json!("replace_because_cannot_update"),
            );
        }
        Value::Object(out)
    }

    /// As `configuration` shows it.
    pub fn configuration(&self) -> Value {
        let mut expressions = Map::new();
        for (key, value) in &self.values {
            if self.references.iter().any(|(name, _)| name == key) {
                continue;
            }
            if !value.is_null() {
                expressions.insert(key.clone(), json!({"constant_value": value}));
            }
        }
        for (key, references) in &self.references {
            expressions.insert((*key).to_owned(), json!({"references": references}));
        }
        json!({
            "address": format!("{}.{}", self.kind, self.name),
            "mode": "managed",
            "type": self.kind,
            "name": self.name,
            "provider_config_key": "aws",
            "expressions": sorted(expressions),
            "schema_version": 1,
        })
    }
}

/// The shape that Terraform prints for a collection without marks inside:
/// `{}` for objects, one `{}` or `false` for each element of a list.
fn empty_shape(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(json!({})),
        Value::Array(items) => Some(
            items
                .iter()
                .map(|item| empty_shape(item).unwrap_or(Value::Bool(false)))
                .collect(),
        ),
        _ => None,
    }
}

/// Terraform prints attributes in the order of their names.
fn sorted(map: Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<_> = map.into_iter().collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    entries.into_iter().collect()
}
