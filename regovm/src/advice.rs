//! What to do about an error: for those that the stage which found them gave no hint of its own.
//!
//! OPA's messages stay as they are, because programs look for them. This table tells people what they mean.

use regovm_core::Code;

/// The hints of a code, by a part of the message. The first that fits counts; the last of each list always fits.
type Hints = &'static [(&'static str, &'static str)];

const V0: &str = "this is Rego v0: read it with --v0-compatible, or make it Rego v1 once and for all with `regovm fmt --v0-v1 --write`";

const PARSE: Hints = &[
    ("keyword is required before", V0),
    ("`contains` keyword is required", V0),
    (
        "cannot be used for rule name",
        "a rule looks like `allow if { .. }`, `name := value` or `deny contains msg if { .. }`; if this does, it is Rego v1: leave out --v0-compatible, or write `import rego.v1` below the package",
    ),
    (
        "package expected",
        "a policy starts with `package name`; nothing but comments stands before it",
    ),
    (
        "empty module",
        "a policy starts with `package name`, and rules follow",
    ),
    (
        "unexpected package",
        "a file has one package: move the rules that follow to a file of their own",
    ),
    (
        "unexpected import path",
        "import from data or input: `import data.lib.name`; built-ins need no import",
    ),
    ("unexpected import alias", "choose another name behind `as`"),
    (
        "invalid import",
        "Rego v1 needs no import of keywords: take the line out; Rego v0 has `import rego.v1` and `import future.keywords`",
    ),
    (
        "imports cannot be aliased",
        "take out `as` and the name behind it",
    ),
    (
        "unexpected keyword, must be one of",
        "this keyword needs a newer version of the language, or there is a typo in it",
    ),
    (
        "non-terminated string",
        "close the string with \" on the same line, or write it between ` and `, where it may have several lines",
    ),
    (
        "illegal escape sequence",
        "write \\\\ for a backslash, or write the string between ` and `, where backslashes mean nothing; for patterns that is best",
    ),
    (
        "illegal string literal",
        "write \\\\ for a backslash, or write the string between ` and `, where backslashes mean nothing",
    ),
    (
        "non-breaking space",
        "the text was copied from a page: replace the character by a plain space",
    ),
    (
        "byte-order mark",
        "save the file as UTF-8 without a byte-order mark",
    ),
    (
        "illegal ! character",
        "write `not x` for the opposite, and `a != b` to compare",
    ),
    (
        "illegal $ character",
        "Rego has no $: variables are plain names",
    ),
    (
        "without leading zero",
        "write the number without zeros in front, or as a string",
    ),
    ("illegal number", "write it as JSON does: 12, -0.5, 1e9"),
    ("invalid float", "write it as JSON does: 12, -0.5, 1e9"),
    (
        "max parsing recursion depth",
        "split the expression, or move the value to a data file",
    ),
    (
        "illegal default rule",
        "a default is a constant: `default allow := false`",
    ),
    (
        "expected default rule value term",
        "a default is a constant: `default allow := false`",
    ),
    (
        "found empty body",
        "put an expression between the braces, or leave them out",
    ),
    (
        "rule body expected",
        "behind `if` stands an expression, or several between { and }",
    ),
    (
        "missing body",
        "behind `every x in xs` stands a body: `every x in xs { x > 0 }`",
    ),
    (
        "can only be used with multi-value rule",
        "write `name contains value if { .. }`",
    ),
    (
        "cannot be used for rule head",
        "give the value a name in the body, and use the name in the head",
    ),
    (
        "rule argument list must take at least one",
        "a rule without arguments is written without parentheses",
    ),
    (
        "else keyword cannot be used",
        "`else` is for rules with one value: `name := 1 if { .. } else := 2`",
    ),
    (
        "rule name conflicts with built-in",
        "give the rule another name",
    ),
    (
        "non-terminated",
        "close what is opened here: count the brackets",
    ),
    (
        "expected \\n or ; or }",
        "each expression of a body stands on a line of its own, or behind a semicolon; operators are ==, !=, <, in, :=, &, |",
    ),
    (
        "yaml:",
        "below `# METADATA` stands YAML, indented with spaces",
    ),
    (
        "annotation",
        "below `# METADATA` stand scope, title, description, entrypoint, schemas, custom and others; the next statement is what they describe",
    ),
    (
        "schema",
        "schemas are written `- input: schema.name` or `- input.path: {type: string}`",
    ),
    (
        "unexpected eof",
        "something is missing at the end: count the brackets",
    ),
    (
        "",
        "up to the mark the text is Rego: look at what stands there, and at the line before; if the policy is old, try --v0-compatible",
    ),
];

const COMPILE: Hints = &[
    (
        "must not shadow",
        "give it another name: input and data are taken, as are names that are imported already",
    ),
    (
        "conflicting rule for data path",
        "a rule and a data file say the same document: rename the rule, or load the data elsewhere (`-d prefix:file.json`)",
    ),
    (
        "package declaration",
        "rename the rule or the package: they are the same document",
    ),
    (
        "assigned above",
        "`:=` makes a variable once: compare with ==, or choose another name",
    ),
    (
        "declared above",
        "`some` makes a variable once: take the second out, or choose another name",
    ),
    (
        "referenced above",
        "move the assignment before the first use, or choose another name",
    ),
    (
        "assigned before",
        "`:=` makes a variable once: compare with ==, or choose another name",
    ),
    ("redeclared", "arguments need different names"),
    (
        "assigned var",
        "use it, name it _, or take it out; without --strict it is no error",
    ),
    (
        "declared var",
        "use it, name it _, or take it out; without --strict it is no error",
    ),
    (
        "unused",
        "use it or take it out; without --strict it is no error",
    ),
    (
        "cannot assign to",
        "to the left of := stands a name, or an array or object of names; == compares",
    ),
    (
        "cannot assign vars inside",
        "assign before the expression, and use the name inside",
    ),
    (
        "shadowed",
        "a variable has the name of the function: rename the variable",
    ),
    (
        "is undeclared",
        "give it a value before: `x := ..` or `some x in ..`",
    ),
    (
        "rule arguments cannot contain calls",
        "give the argument a name, and compare in the body",
    ),
    (
        "must reference existing input, data, or a function",
        "behind `with` stands input, data, a part of them, or a function: `with input.user as \"ada\"`",
    ),
    (
        "cannot partially replace virtual document",
        "replace the rule as a whole: `with data.package.rule as value`",
    ),
    (
        "with keyword replacing built-in",
        "replace it by a value, or by a function with as many arguments",
    ),
    (
        "deprecated built-in function calls",
        "say it anew: any(xs) is `true in xs`, all(xs) is `every x in xs { x }`, re_match is regex.match, net.cidr_overlap is net.cidr_contains, set_diff(a, b) is a - b",
    ),
    (
        "unsafe built-in function calls",
        "these capabilities forbid the function: take the call out, or allow it",
    ),
    (
        "error limit reached",
        "repair the first errors, or show all of them with `regovm check --max-errors 0`",
    ),
    (
        "schema",
        "check the path behind --schema, and the names in the annotations",
    ),
    (
        "template-string",
        "an expression between { and } in a template has one value; give it a name before",
    ),
    (
        "",
        "see the expression that is named; `regovm check` shows all errors of a policy at once",
    ),
];

const TYPE: Hints = &[
    (
        "conflicting rules",
        "rules of one name are of one kind: all `name := value`, all `name contains value`, or all functions with as many arguments",
    ),
    (
        "multiple default rules",
        "a rule has one default: take the others out",
    ),
    (
        "conflicts with:",
        "one rule has the place that another one needs for its members: rename one of them",
    ),
    (
        "has arity",
        "call it with as many arguments as it takes; `regovm capabilities --current` has the built-ins",
    ),
    (
        "arity mismatch",
        "call it with as many arguments as it takes; docs/builtins.md has the built-ins",
    ),
    (
        "too many arguments",
        "call it with as many arguments as `want` shows",
    ),
    (
        "too few arguments",
        "call it with as many arguments as `want` shows",
    ),
    (
        "invalid argument",
        "`have` is what the call gives, `want` what the function takes: to_number, sprintf and is_string change and test types",
    ),
    (
        "undefined function",
        "load the file that defines it and import its package (`import data.lib`), or see `regovm capabilities --current` for the built-ins",
    ),
    (
        "used as reference, not called",
        "call it with its arguments: f(x)",
    ),
    (
        "undefined ref",
        "nothing can be there: check the spelling against the rules, the schema or `want`",
    ),
    (
        "match error",
        "the two sides have different types and are never equal: compare values of one type, or change one with to_number or sprintf",
    ),
    (
        "undefined schema",
        "load the schema with --schema, and name it as the file is named: schema.input for input.json",
    ),
    (
        "illegal call to relation",
        "call it as an expression of its own: walk(x, [path, value])",
    ),
    (
        "",
        "`have` is what there is, `want` what is needed; without schemas and annotations fewer types are known",
    ),
];

const UNSAFE: Hints = &[
    (
        "expression is unsafe",
        "a variable in it has no value: give it one before with `some x in ..` or `x := ..`",
    ),
    (
        "",
        "nothing gives it a value: write `some x in ..` or `x := ..` outside of `not`, or correct the name if it is meant to be a rule, an import or input",
    ),
];

const RECURSION: Hints = &[(
    "",
    "rules must not lead back to themselves: break the circle where it is least needed; for trees and graphs there are walk and graph.reachable",
)];

const CONFLICT: Hints = &[
    (
        "object keys must be unique",
        "two members of the object have the same key and different values: collect them, {key: [v | ..] | ..}, or choose another key",
    ),
    (
        "function",
        "two bodies hold for the same arguments with different values: let them exclude each other, or write `else`",
    ),
    (
        "",
        "two bodies hold at once with different values: let them exclude each other, write `else`, or collect all values with `contains`",
    ),
];

const CANCEL: Hints = &[
    (
        "step budget",
        "allow more with --max-steps, or see where they go: `regovm eval --profile-by steps`",
    ),
    (
        "time budget",
        "allow more with --timeout, or see where it goes: `regovm eval --profile`",
    ),
    (
        "memory budget",
        "allow more with --max-memory, or see where it goes: `regovm eval --profile-by bytes`",
    ),
    (
        "call depth",
        "functions call each other too deeply: use walk, or comprehensions",
    ),
    (
        "cancelled",
        "it was stopped from outside; with Ctrl-C that is all there is to it",
    ),
    (
        "http.send",
        "the other side did not answer in time: see \"timeout\" and \"raise_error\" of http.send",
    ),
    ("", "`regovm eval --profile` shows where the time goes"),
];

const BUILTIN: Hints = &[
    (
        "http.send",
        "with \"raise_error\": false the policy sees the error itself; the network is reached where --allow-net names the host",
    ),
    ("divide by zero", "compare with 0 before dividing"),
    (
        "",
        "test the value before (is_string, is_number, json.is_valid, ..); such errors end the evaluation with --strict-builtin-errors only",
    ),
];

const INTERNAL: Hints = &[(
    "",
    "the policy meets what cannot be evaluated: see the expression that is named",
)];

const WITH: Hints = &[(
    "",
    "the value behind `with` cannot be merged into the document: replace the whole document, or a part of an object",
)];

/// Errors without a code: of loading, of the command line.
const OTHER: Hints = &[
    (
        "no such file or directory",
        "check the spelling; paths are relative to the folder in which the command runs",
    ),
    (
        "cannot find",
        "check the spelling; paths are relative to the folder in which the command runs",
    ),
    (
        "permission denied",
        "the file is there, but this user may not use it: see `ls -l`",
    ),
    ("is a directory", "name a file in the folder"),
    ("not a directory", "a part of the path is a file"),
    (
        "requires at least 1 path",
        "name inputs, files or folders: `regovm exec --help` has examples",
    ),
    ("but not both", "leave one of them out"),
    ("without running benchmarks", "add --bench"),
    ("threshold must be", "a percentage: --threshold 80"),
    (
        "no tests were run",
        "tests are rules whose names begin with test_, in files that are loaded; --run may leave them all out",
    ),
    (
        "undefined result",
        "nothing is defined for this input: `regovm why` names the expression that failed",
    ),
    (
        "wasm",
        "there is no WebAssembly: use -t regovm for a compiled program, or -t rego",
    ),
    ("entrypoint", "name what is asked for: -e package/rule"),
    (
        "expected mapping",
        "write FROM:TO, for example -p data.lib.foo:data.bar",
    ),
    (
        "unexpected diff",
        "`regovm fmt --diff` shows what would change, `regovm fmt --write` changes it",
    ),
    ("No space left", "make room on the disk, or write elsewhere"),
    (
        "merge error",
        "two files give the same path of data: load one of them elsewhere (`-d prefix:file.json`)",
    ),
    (
        "multiple default",
        "a rule has one default: take the others out",
    ),
    (
        "not a profile",
        "write one with `regovm eval --profile-out x.json`",
    ),
    (
        "yaml",
        "check the indentation, and quote texts that hold `: ` or start with *, &, % or @",
    ),
    (
        "JSON",
        "the file has to be JSON: `regovm scan --parser` reads other formats",
    ),
    (
        "invalid character",
        "the file has to be JSON: look for a missing quote or comma before that place",
    ),
    (
        "unexpected end",
        "the file ends too early: was it written to its end?",
    ),
    (
        "unexpected EOF",
        "the file ends too early: was it written to its end?",
    ),
];

/// What to do about an error with this code and message; `None` if the message says it itself.
pub fn advice(code: Option<Code>, message: &str) -> Option<&'static str> {
    let says_it = message.contains("(hint") && !message.contains("try updating OPA");
    if says_it || message.contains("(use a different") {
        return None;
    }
    // Some messages have the text of another error in them.
    let named = || {
        let mut codes = Code::ALL.iter().copied();
        codes.find(|code| message.contains(&format!("{code}: ")))
    };
    let hints = match code.or_else(named) {
        Some(Code::Parse) => PARSE,
        Some(Code::Compile) => COMPILE,
        Some(Code::Type) => TYPE,
        Some(Code::UnsafeVar) => UNSAFE,
        Some(Code::Recursion) => RECURSION,
        Some(Code::EvalConflict) => CONFLICT,
        Some(Code::EvalCancel) => CANCEL,
        Some(Code::EvalType | Code::EvalBuiltin) => BUILTIN,
        Some(Code::EvalInternal) => INTERNAL,
        Some(Code::EvalWithMerge) => WITH,
        None => OTHER,
    };
    let fits = |part: &&(&str, &str)| message.contains(part.0);
    hints.iter().find(fits).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_a_last_word() {
        for code in Code::ALL {
            assert!(
                advice(Some(*code), "what nobody has seen").is_some(),
                "{code}"
            );
        }
    }

    #[test]
    fn what_says_it_itself_is_left_alone() {
        let message = "rules must not shadow input (use a different rule name)";
        assert_eq!(advice(Some(Code::Compile), message), None);
        let message =
            "var in is unsafe (hint: `import future.keywords.in` to import a future keyword)";
        assert_eq!(advice(Some(Code::UnsafeVar), message), None);
    }
}
