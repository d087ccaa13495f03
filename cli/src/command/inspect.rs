//! `regovm inspect`

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::{Args, ValueEnum};
use regovm::bundle::{Bundle, BundleError, SavedProgram, paths};
use regovm::{Annotation, Engine, Failure, Inspection, Stage};
use serde_json::{Map, Value, json};

use super::version;
use crate::bundles::{self, Reading};
use crate::load::{Wanted, load};
use crate::render::{errors, go_json, table};

/// Output formats of `inspect`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Tables
    Pretty,
    /// JSON, with what the policies need
    Json,
}

/// `regovm inspect`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm inspect bundle.tar.gz\n  regovm inspect -a -f json policy/ | jq .capabilities.builtins\n\nExit status: 0, or 1 if the bundle cannot be read."
)]
pub struct InspectArgs {
    /// A bundle (a folder or an archive), or a policy
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// List metadata too
    #[arg(short, long)]
    pub annotations: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: Format,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
}

/// Cells of tables are shorter than this.
const CELL: usize = 50;
/// Lines of metadata are shorter than this.
const LINE: usize = 80;

/// Runs the command and gives its exit status.
pub fn run(args: &InspectArgs) -> io::Result<u8> {
    let [path] = &args.paths[..] else {
        return crate::usage_error("specify exactly one OPA bundle or path", "inspect");
    };
    let mut found = match look(args, path) {
        Ok(found) => found,
        Err(error) => {
            let mut err = io::stderr().lock();
            writeln!(err, "error: {}", error.message)?;
            match &error.hint {
                Some(hint) => writeln!(err, "\thint: {hint}")?,
                None => {
                    drop(err);
                    errors::print_hint(error.advice())?;
                }
            }
            return Ok(crate::FAILED);
        }
    };
    if !args.annotations {
        found.inspection.annotations.clear();
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Json => go_json::write_indented(&mut out, &found.json())?,
        Format::Pretty => found.write(&mut out)?,
    }
    out.flush()?;
    Ok(0)
}

/// What there is to say.
struct Found {
    bundle: Option<Bundle>,
    inspection: Inspection,
    /// Files by the part of `data` that they are about.
    namespaces: BTreeMap<String, Vec<String>>,
}

fn look(args: &InspectArgs, path: &str) -> Result<Found, BundleError> {
    let mut engine = Engine::new();
    engine.set_version(version(args.v0_compatible));
    let failed = |failure: Failure| {
        let during = match failure.stage {
            Stage::Load => " during loading",
            _ => "",
        };
        BundleError::new(failure.plain_text(during).trim_end())
    };
    let bundle = if path.ends_with(".rego") {
        let files = load(&[path.to_owned()], &[], Wanted::All)
            .map_err(|message| failed(Failure::message(Stage::Load, message)))?;
        super::engine_with(files, &mut engine);
        None
    } else {
        let reading = Reading {
            without_data: true,
            ..Reading::unverified(&[])
        };
        let bundles = bundles::load(&[path.to_owned()], reading)?;
        bundles::add_readable(&mut engine, &bundles)?;
        bundles.into_iter().next()
    };
    let inspection = engine.inspect().map_err(failed)?;
    let mut namespaces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |namespace: String, file: String| {
        namespaces.entry(namespace).or_default().push(file);
    };
    for (package, file) in &inspection.packages {
        add(package.clone(), paths::clean(file));
    }
    if let Some(bundle) = &bundle {
        for file in &bundle.data_files {
            let inside = paths::clean(&file.relative);
            let folders = inside.trim_start_matches('/').split('/');
            let mut keys: Vec<&str> = folders.collect();
            keys.pop();
            keys.insert(0, "data");
            add(keys.join("."), paths::clean(&file.path));
        }
        for resolver in &bundle.manifest.wasm {
            let entrypoint = resolver.entrypoint.trim_start_matches('/');
            add(
                format!("data.{}", entrypoint.replace('/', ".")),
                resolver.module.clone(),
            );
        }
    }
    Ok(Found {
        bundle,
        inspection,
        namespaces,
    })
}

impl Found {
    fn json(&self) -> Value {
        let mut json = Map::new();
        let mut signatures = Map::new();
        if let Some(bundle) = &self.bundle {
            let manifest = serde_json::from_str(&bundle.manifest_with_roots().to_json());
            json.insert("manifest".to_owned(), manifest.unwrap_or_default());
            if let Some(tokens) = &bundle.signatures.tokens {
                signatures.insert("signatures".to_owned(), json!(tokens));
            }
            if !bundle.signatures.plugin.is_empty() {
                signatures.insert("plugin".to_owned(), json!(bundle.signatures.plugin));
            }
        }
        json.insert("signatures_config".to_owned(), signatures.into());
        let modules = self.wasm_modules();
        if !modules.is_empty() {
            json.insert("wasm_modules".to_owned(), modules.into());
        }
        if !self.namespaces.is_empty() {
            json.insert("namespaces".to_owned(), json!(self.namespaces));
        }
        if !self.inspection.annotations.is_empty() {
            let blocks = self.inspection.annotations.iter().map(annotation_json);
            json.insert("annotations".to_owned(), blocks.collect());
        }
        json.insert("capabilities".to_owned(), self.inspection.required.clone());
        if let Some(program) = self.program() {
            let program = json!({"entrypoints": program.entrypoints});
            json.insert("program".to_owned(), program);
        }
        Value::Object(json)
    }

    fn program(&self) -> Option<SavedProgram> {
        let file = self.bundle.as_ref()?.program.as_ref()?;
        SavedProgram::read(file).ok()
    }

    fn wasm_modules(&self) -> Vec<Value> {
        let Some(bundle) = &self.bundle else {
            return Vec::new();
        };
        let modules = bundle.wasm.iter().map(|module| {
            let resolvers = bundle.manifest.wasm.iter();
            let entrypoints: Vec<String> = resolvers
                .filter(|resolver| resolver.module == module.path)
                .map(|resolver| format!("data.{}", resolver.entrypoint.replace('/', ".")))
                .collect();
            let entrypoints = if entrypoints.is_empty() {
                Value::Null
            } else {
                json!(entrypoints)
            };
            json!({"entrypoints": entrypoints, "path": module.path, "url": module.url})
        });
        modules.collect()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let manifest = self.bundle.as_ref().map_or_else(Vec::new, manifest_rows);
        write_table(out, "MANIFEST", ["FIELD", "VALUE"], manifest, 2)?;
        let namespaces = self.namespaces.iter().flat_map(|(namespace, files)| {
            files
                .iter()
                .map(move |file| [namespace.clone(), shortened_path(file)])
        });
        let namespaces = namespaces.collect();
        write_table(out, "NAMESPACES", ["NAMESPACE", "FILE"], namespaces, 1)?;
        if let Some(program) = self.program() {
            let rows = program
                .entrypoints
                .iter()
                .map(|entrypoint| ["Entrypoint".to_owned(), shortened_path(entrypoint)]);
            write_table(out, "PROGRAM", ["FIELD", "VALUE"], rows.collect(), 1)?;
        }
        if !self.inspection.annotations.is_empty() {
            writeln!(out, "ANNOTATIONS:")?;
        }
        for annotation in &self.inspection.annotations {
            write_annotation(out, annotation)?;
        }
        Ok(())
    }
}

/// A table in which cells of the first columns are empty where they would repeat the one above.
fn write_table(
    out: &mut impl Write,
    title: &str,
    head: [&str; 2],
    mut rows: Vec<[String; 2]>,
    merged: usize,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    for at in (1..rows.len()).rev() {
        let (above, here) = rows.split_at_mut(at);
        let (Some(above), Some(here)) = (above.last(), here.first_mut()) else {
            continue;
        };
        for (cell, above) in here.iter_mut().zip(above).take(merged) {
            if cell == above {
                cell.clear();
            }
        }
    }
    let head = head.map(str::to_owned);
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    writeln!(out, "{title}:\n{}", table::render(&head, &rows))
}

fn manifest_rows(bundle: &Bundle) -> Vec<[String; 2]> {
    let manifest = &bundle.manifest;
    let mut rows = Vec::new();
    let mut add = |field: &str, value: String| rows.push([field.to_owned(), value]);
    if let Some(version) = manifest.rego_version {
        add("Rego Version", version.to_string());
    }
    if !manifest.revision.is_empty() {
        add("Revision", shortened(&manifest.revision, CELL));
    }
    let mut roots = manifest.roots().to_vec();
    roots.sort();
    if roots != [""] {
        roots
            .iter()
            .for_each(|root| add("Roots", shortened_path(root)));
    }
    if let Some(metadata) = manifest.metadata.as_ref().filter(|map| !map.is_empty()) {
        let text = go_json::compact(&Value::Object(metadata.clone()));
        add("Metadata", shortened(&text, CELL));
    }
    rows
}

/// The beginning of a text that is too long.
fn shortened(text: &str, width: usize) -> String {
    if text.len() < width {
        return text.to_owned();
    }
    format!("{}...", &text[..text.floor_char_boundary(width - 3)])
}

/// A path that is too long, without some of its folders behind the first.
fn shortened_path(path: &str) -> String {
    if path.len() < CELL {
        return path.to_owned();
    }
    let folder = paths::folder(path);
    let folder = folder.trim_start_matches('/');
    let inner = match folder.find('/') {
        Some(at) if at > 0 => &folder[at + 1..],
        _ => folder,
    };
    // As much of it as is too much, with the dots that stand for it.
    let kept = CELL.saturating_sub(path.len() - inner.len() + 3);
    let cut = match inner.len().checked_sub(kept) {
        Some(length) => &inner[..inner.floor_char_boundary(length)],
        None => "",
    };
    if cut.len() > 3 {
        path.replacen(cut, "...", 1)
    } else {
        path.to_owned()
    }
}

fn annotation_json(annotation: &Annotation) -> Value {
    let mut json = Map::new();
    json.insert("annotations".to_owned(), annotation.fields.clone());
    if let Some(at) = &annotation.location {
        let place = json!({"file": &*at.file, "row": at.row, "col": at.col});
        json.insert("location".to_owned(), place);
    }
    json.insert("path".to_owned(), annotation.path.clone());
    Value::Object(json)
}

fn write_annotation(out: &mut impl Write, annotation: &Annotation) -> io::Result<()> {
    let fields = &annotation.fields;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let title = match text("title").trim() {
        "" => &annotation.name,
        title => title,
    };
    writeln!(out, "{title}\n{}\n", "=".repeat(title.len().min(LINE)))?;
    if !text("description").is_empty() {
        writeln!(out, "{}\n", text("description"))?;
    }
    writeln!(out, "Package:  {}", annotation.package)?;
    if let Some(rule) = &annotation.rule {
        writeln!(out, "Rule:     {rule}")?;
    }
    if let Some(at) = &annotation.location {
        writeln!(out, "Location: {}:{}", at.file, at.row)?;
    }
    if !text("scope").is_empty() {
        writeln!(out, "Scope: {}", text("scope"))?;
    }
    if fields.get("entrypoint") == Some(&Value::Bool(true)) {
        writeln!(out, "Entrypoint: true")?;
    }
    writeln!(out)?;
    let list = |name: &str| -> &[Value] {
        let list = fields.get(name).and_then(Value::as_array);
        list.map_or(&[], Vec::as_slice)
    };
    let member = |value: &Value, name: &str| -> String {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let organizations = list("organizations").iter().map(|organization| {
        let name = organization.as_str().unwrap_or_default();
        (String::new(), name.replace('\n', " "))
    });
    write_list(out, "Organizations", organizations.collect(), "")?;
    let authors = list("authors").iter().map(|author| {
        let (name, email) = (member(author, "name"), member(author, "email"));
        let author = match (name.is_empty(), email.is_empty()) {
            (_, true) => name,
            (true, false) => format!("<{email}>"),
            (false, false) => format!("{name} <{email}>"),
        };
        (String::new(), author.replace('\n', " "))
    });
    write_list(out, "Authors", authors.collect(), "")?;
    write_list(out, "Schemas", annotation.schemas.clone(), ": ")?;
    let resources = list("related_resources").iter().map(|resource| {
        let name = member(resource, "ref").replace('\n', " ");
        (name, member(resource, "description"))
    });
    write_list(out, "Related Resources", resources.collect(), " ")?;
    let custom = fields.get("custom").and_then(Value::as_object);
    let custom = custom.into_iter().flatten();
    let custom = custom.map(|(name, value)| (name.clone(), go_json::compact(value)));
    write_list(out, "Custom", custom.collect(), ": ")
}

/// Lines of keys and values, the values one below the other.
fn write_list(
    out: &mut impl Write,
    title: &str,
    entries: Vec<(String, String)>,
    separator: &str,
) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    let width = entries.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in &entries {
        let line = if value.is_empty() {
            format!(" {key}")
        } else {
            let pad = " ".repeat(width - key.len());
            format!(" {key}{separator}{pad}{value}")
        };
        writeln!(out, "{}", shortened(&line, LINE))?;
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_lose_folders() {
        let path = "an/an/data/very/long/path/with/many/many/folders/and/more/data.json";
        let short = "an/...th/with/many/many/folders/and/more/data.json";
        assert_eq!(shortened_path(path), short);
        assert_eq!(shortened_path("a/b.rego"), "a/b.rego");
    }
}
