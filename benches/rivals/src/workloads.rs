//! The workloads: policies of this folder, inputs from seeded generators.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use regovm_benches::ingest::Text;
use regovm_benches::workloads::{allow_rules, library, roles, words};
use serde_json::{Value, json};

use crate::Error;
use crate::engines::Job;

/// Something that all engines do.
pub struct Workload {
    pub name: String,
    /// The policy and the size, if the chart shows it.
    pub series: Option<(String, u64)>,
    pub job: Job,
    /// Ours is also run with all budgets set.
    pub with_budgets: bool,
    /// How fast sonic-rs reads the input is measured too.
    pub with_reader: bool,
    /// Nothing but reading the input is looked at.
    pub only_reading: bool,
    /// Engines that would take too long by far: quadratic ones on large plans.
    pub hopeless: Vec<&'static str>,
}

/// Policies over Terraform plans: name, file, whether there is a twin by hand, whether others are quadratic in it.
const PLANS: &[(&str, &str, bool, bool)] = &[
    (
        "linear",
        include_str!("../policies/linear.rego"),
        true,
        false,
    ),
    (
        "linear, few findings",
        include_str!("../policies/linear_clean.rego"),
        true,
        false,
    ),
    ("walk", include_str!("../policies/walk.rego"), false, false),
    (
        "self join",
        include_str!("../policies/self_join.rego"),
        true,
        true,
    ),
    (
        "join in a function",
        include_str!("../policies/in_function.rego"),
        true,
        true,
    ),
    (
        "negated existence",
        include_str!("../policies/negated.rego"),
        true,
        true,
    ),
    (
        "comprehension for each",
        include_str!("../policies/comprehension.rego"),
        true,
        true,
    ),
    (
        "join on two keys",
        include_str!("../policies/two_keys.rego"),
        true,
        true,
    ),
];

/// Policies without a plan: name, text, whether it is measured from the bytes of its input.
const SMALL: &[(&str, &str)] = &[
    ("strings", include_str!("../policies/strings.rego")),
    ("sets", include_str!("../policies/sets.rego")),
    (
        "comprehensions",
        include_str!("../policies/comprehensions.rego"),
    ),
];

/// All workloads; what they read is written below `work`.
pub fn all(work: &Path, quick: bool) -> Result<Vec<Workload>, Error> {
    let sizes: &[u64] = if quick {
        &[300, 1_000]
    } else {
        &[1_000, 10_000, 50_000]
    };
    let place = Place { work };
    let mut workloads = Vec::new();
    let plans: Vec<(u64, PathBuf)> = sizes
        .iter()
        .map(|size| Ok((*size, place.plan(*size)?)))
        .collect::<Result<_, Error>>()?;
    let library = library(200);
    let mut policies = PLANS.to_vec();
    policies.insert(1, ("library of 200 rules", &library, false, false));
    for (name, policy, native, quadratic) in policies {
        let policy = place.text(&format!("{name}.rego"), policy)?;
        for (size, plan) in &plans {
            let far = quadratic && *size > 10_000;
            workloads.push(Workload {
                name: format!("{name}, {size} resources"),
                series: Some((name.to_owned(), *size)),
                job: Job {
                    native: native.then(|| name.to_owned()),
                    policy: policy.clone(),
                    query: "data.rivals.deny".to_owned(),
                    input: Some(plan.clone()),
                    data: None,
                    runs: 11,
                    from_bytes: false,
                },
                with_budgets: name == "linear",
                with_reader: name == "linear",
                only_reading: false,
                hopeless: if far {
                    vec!["regorus", "regorus-vm", "opa"]
                } else {
                    Vec::new()
                },
            });
        }
    }
    let runs = if quick { 50 } else { 1_000 };
    let mut add = |name: &str, from_bytes, policy: &str, input: &Value, data: Option<&Value>| {
        let file = name.replace(' ', "-");
        workloads.push(Workload {
            name: name.to_owned(),
            series: None,
            job: Job {
                native: None,
                policy: place.text(&format!("{file}.rego"), policy)?,
                query: "data.rivals.deny".to_owned(),
                input: Some(place.text(&format!("{file}.json"), &input.to_string())?),
                data: data
                    .map(|data| place.text(&format!("{file}-data.json"), &data.to_string()))
                    .transpose()?,
                runs,
                from_bytes,
            },
            with_budgets: name == "admission review",
            with_reader: name == "admission review",
            only_reading: false,
            hopeless: Vec::new(),
        });
        Ok::<(), Error>(())
    };
    let review: Value =
        serde_json::from_str(include_str!("../../../examples/kubernetes/admission.json"))?;
    add(
        "admission review",
        true,
        include_str!("../policies/admission.rego"),
        &review,
        None,
    )?;
    let request = json!({"user": "user7777", "action": "read", "resource": "thing3"});
    for rules in [10, 1_000] {
        add(
            &format!("{rules} allow rules"),
            true,
            &allow_rules(rules),
            &request,
            None,
        )?;
    }
    let request = json!({"user": "user77", "action": "write", "resource": "thing3"});
    let roles = roles(10_000);
    add(
        "10000 roles as data",
        true,
        include_str!("../policies/rbac.rego"),
        &request,
        Some(&roles),
    )?;
    for (name, policy) in SMALL {
        add(name, false, policy, &words(200), None)?;
    }
    // A policy that looks at all of it, so that all of it is read.
    let whole = place.text("whole.rego", "package rivals\n\ndeny := count(input)\n")?;
    for text in Text::odd() {
        let file = text.name.replace([' ', ','], "-");
        workloads.push(Workload {
            name: text.name,
            series: None,
            job: Job {
                native: None,
                policy: whole.clone(),
                query: "data.rivals.deny".to_owned(),
                input: Some(place.text(&format!("{file}.json"), &text.bytes)?),
                data: None,
                runs: 21,
                from_bytes: false,
            },
            with_budgets: false,
            with_reader: true,
            only_reading: true,
            hopeless: Vec::new(),
        });
    }
    Ok(workloads)
}

/// What whole commands evaluate: the linear rules over the largest plan.
pub fn commands(work: &Path, quick: bool) -> Result<Vec<(String, Job)>, Error> {
    let size = if quick { 1_000 } else { 50_000 };
    let place = Place { work };
    let job = Job {
        native: None,
        policy: place.text("linear.rego", include_str!("../policies/linear.rego"))?,
        query: "data.rivals.deny".to_owned(),
        input: Some(place.plan(size)?),
        data: None,
        runs: 1,
        from_bytes: true,
    };
    Ok(vec![(format!("linear, {size} resources"), job)])
}

struct Place<'w> {
    work: &'w Path,
}

impl Place<'_> {
    fn text(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, Error> {
        let path = std::path::absolute(self.work.join(name))?;
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn plan(&self, resources: u64) -> Result<PathBuf, Error> {
        let path = std::path::absolute(self.work.join(format!("plan-{resources}.json")))?;
        if !path.exists() {
            let half = path.with_extension("half");
            let mut out = BufWriter::with_capacity(1 << 20, File::create(&half)?);
            regovm_benches::plan::write_plan(&mut out, 1, resources as usize)?;
            drop(out);
            std::fs::rename(half, &path)?;
        }
        Ok(path)
    }
}
