//! Conftest's own built-ins: configuration as values of policies, mostly for their tests.

use std::path::{Path, PathBuf};

use regovm::builtin::BuiltinError;
use regovm::value::from_json;
use regovm::{Builtin, Engine, Failure};
use regovm_config::{Documents, Format, documents};
use serde_json::{Value, json};

/// Adds `parse_config`, `parse_config_file` and `parse_combined_config_files`.
pub fn add(engine: &mut Engine) -> Result<(), Failure> {
    let of_text = Builtin::new(
        "parse_config",
        "(parser: str, configuration: str) -> parsed: any",
        |parser: String, text: String| {
            let format =
                Format::named(&parser).ok_or_else(|| format!("unknown parser: {parser}"))?;
            parse(format, text.as_bytes()).map(Some)
        },
    );
    let of_file = Builtin::over_values(
        "parse_config_file",
        "(path: str) -> parsed: any",
        |cx, arguments| {
            let path = arguments.first().and_then(|path| path.as_str());
            let path = path.ok_or_else(|| BuiltinError::operand(1, "must be string"))?;
            let file = beside(cx.place().as_deref(), path);
            let parsed = parse_file(&file).map_err(BuiltinError::value)?;
            Ok(Some(from_json(&parsed, cx.arena)))
        },
    );
    let of_files = Builtin::over_values(
        "parse_combined_config_files",
        "(paths: [str]) -> parsed: any",
        |cx, arguments| {
            let paths = arguments.first().and_then(|paths| paths.as_array());
            let paths = paths.ok_or_else(|| BuiltinError::operand(1, "must be array"))?;
            let place = cx.place();
            let mut all = Vec::new();
            for path in paths.iter() {
                let path = path
                    .as_str()
                    .ok_or_else(|| BuiltinError::operand(1, "must be array of strings"))?;
                let file = beside(place.as_deref(), path);
                let parsed = parse_file(&file).map_err(BuiltinError::value)?;
                let contents = match parsed {
                    Value::Array(documents) => documents,
                    one => vec![one],
                };
                let path = file.display().to_string();
                all.extend(contents.into_iter().map(|one| (path.clone(), one)));
            }
            all.sort_by(|a, b| a.0.cmp(&b.0));
            let combined: Value = all
                .into_iter()
                .map(|(path, contents)| json!({"path": path, "contents": contents}))
                .collect();
            Ok(Some(from_json(&combined, cx.arena)))
        },
    );
    for builtin in [
        of_text.doc("Configuration in a format of `regovm scan`, as inputs are."),
        of_file.doc("The configuration of a file, whose path begins at the policy's folder."),
        of_files.doc("The configurations of several files as an array of objects with `path` and `contents`."),
    ] {
        engine.add_builtin(builtin)?;
    }
    Ok(())
}

/// A path beside the policy that names it.
fn beside(place: Option<&str>, path: &str) -> PathBuf {
    let policy = place
        .and_then(|place| place.rsplit_once(':'))
        .map(|(file, _)| file);
    let folder = policy.and_then(|file| Path::new(file).parent());
    let mut whole = PathBuf::new();
    for part in folder.unwrap_or(Path::new("")).join(path).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if whole.file_name().is_some() => {
                whole.pop();
            }
            other => whole.push(other),
        }
    }
    whole
}

fn parse_file(file: &Path) -> Result<Value, String> {
    let name = file.display().to_string();
    let format = Format::of_file(&name)
        .ok_or_else(|| format!("create config parser: {name}: unknown format"))?;
    let is_outside = || {
        let working = std::env::current_dir().ok()?.canonicalize().ok()?;
        Some(!file.canonicalize().ok()?.starts_with(working))
    };
    if is_outside() == Some(true) {
        return Err(format!(
            "read config file {name}: policies read files below the working directory only"
        ));
    }
    let text = std::fs::read(file)
        .map_err(|error| format!("read config file {name}: {}", crate::load::reason(&error)))?;
    parse(format, &text)
}

fn parse(format: Format, text: &[u8]) -> Result<Value, String> {
    let found = documents(format, text).map_err(|error| format!("unmarshal config: {error}"))?;
    let value = |json: &[u8]| {
        serde_json::from_slice::<Value>(json).map_err(|error| format!("unmarshal config: {error}"))
    };
    match &found {
        Documents::One(one) => value(one),
        Documents::Several(_) => found.iter().map(value).collect(),
    }
}
