//! Fuzz targets and their oracles.
//!
//! A target takes bytes and must not panic, whatever they are; what it compares, it compares inside. [`run`] feeds it
//! mutations of real texts from a seeded generator, so that a failure can be had again: `cargo run -p regovm-fuzz --
//! [TARGET] [--runs N] [--seed S]`. The tests of this crate run each target for a short while.

mod mutate;
mod targets;

pub use mutate::{Mutator, Random};
pub use targets::{TARGETS, Target};

/// Texts that mutation starts from, by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seeds {
    /// Rego modules.
    Rego,
    /// JSON documents.
    Json,
    /// YAML documents.
    Yaml,
    /// Configuration files of all formats.
    Config,
    /// Saved programs.
    Programs,
}

/// The texts of a kind.
pub fn seeds(kind: Seeds) -> Vec<Vec<u8>> {
    match kind {
        Seeds::Rego => vec![
            include_bytes!("../seeds/forms.rego").to_vec(),
            include_bytes!("../seeds/keywords.rego").to_vec(),
            include_bytes!("../seeds/v0.rego").to_vec(),
        ],
        Seeds::Json => vec![
            include_bytes!("../../examples/kubernetes/admission.json").to_vec(),
            br#"{"a":[1,-2.5e10,true,null,"\u00e9\ud83d\ude00\n"],"b":{"a":{},"b":[]},"a":12345678901234567890123}"#.to_vec(),
        ],
        Seeds::Yaml => vec![
            b"a: [1, 2]\nb: &x {c: yes, d: 0o17}\ne: *x\nf: |\n  text\n  more\n---\nsecond: 1\n".to_vec(),
            b"- a\n- b: 1\n  <<: {c: 2}\n- 'it''s'\n- \"\\u00e9\"\n- 2001-01-01\n".to_vec(),
        ],
        Seeds::Config => config_files(),
        Seeds::Programs => targets::saved_programs(),
    }
}

/// The files that the readers of formats are tested with.
fn config_files() -> Vec<Vec<u8>> {
    macro_rules! files {
        ($($name:literal)*) => {
            vec![$(include_bytes!(concat!("../../config/tests/files/", $name)).to_vec()),*]
        };
    }
    files![
        "CODEOWNERS" "Dockerfile" "comments.jsonc" "dates.toml" "escapes.properties" "expressions.tf" "labels.hcl"
        "names.xml" "nginx.conf" "object.json" "rules.gitignore" "sections.ini" "stream.yaml" "variables.env"
    ]
}

/// Runs a target on `runs` mutations of its seeds.
pub fn run(target: &Target, seed: u64, runs: u64) {
    let mut mutator = Mutator::new(seed, seeds(target.seeds));
    for _ in 0..runs {
        (target.run)(&mutator.text());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_survives_a_short_run() {
        for target in TARGETS {
            run(target, 1, 300);
        }
    }
}
