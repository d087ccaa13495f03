//! What Rego v1 demands of the form of a rule.

use regovm_core::{Code, Diagnostic};

use crate::ast::{RegoVersion, Rule};
use crate::lower::is_version_keyword;

/// Checks that the name of a rule is no keyword.
pub fn check_name(rule: &Rule, errors: &mut Vec<Diagnostic>) {
    let head = &rule.head;
    if head.reference.len() < 2 && is_version_keyword(&head.name, RegoVersion::V1) {
        let message = format!("{} keyword cannot be used for rule name", head.name);
        errors.push(Diagnostic::new(Code::Parse, rule.span, message));
    }
}

/// Checks one rule (not its else branches).
pub fn check_rule(rule: &Rule, errors: &mut Vec<Diagnostic>) {
    let head = &rule.head;
    let what = if head.args.is_empty() {
        "rule"
    } else {
        "function"
    };
    check_name(rule, errors);
    let mut error = |message: String| errors.push(Diagnostic::new(Code::Parse, rule.span, message));
    if rule.generated_body && head.generated_value {
        error(format!(
            "{what} must have value assignment and/or body declaration"
        ));
    }
    if !rule.generated_body && !rule.default && !head.keywords.has_if {
        error(format!("`if` keyword is required before {what} body"));
    }
    if head.value.is_none() && head.key.is_some() && !head.keywords.has_contains {
        error("`contains` keyword is required for partial set rules".to_string());
    }
}
