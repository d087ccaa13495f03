//! Which inputs there are, and what they say.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use regex::Regex;
use regovm_config::Format;

use crate::load::reason;
use crate::mapped::{self, Bytes};

/// The argument that means standard input.
const STDIN: &str = "-";

/// What could not be done, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// The input, as results name it.
    pub file: String,
    /// The namespace, if it is about one.
    pub namespace: Option<String>,
    /// Where in the input.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Trouble {
    /// About an input as a whole.
    pub fn of(file: &str, message: impl Into<String>) -> Trouble {
        Trouble {
            file: file.to_owned(),
            namespace: None,
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// With what to do about it.
    pub fn with_hint(self, hint: impl Into<String>) -> Trouble {
        Trouble {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// A file, or standard input.
#[derive(Debug)]
pub struct Input {
    /// Its name in results.
    pub name: String,
    /// Where it is read from; nothing for standard input.
    path: Option<PathBuf>,
}

/// Finds the inputs of all arguments; those that are not there are troubles.
pub fn find(
    arguments: &[String],
    ignore: Option<&Regex>,
    stdin_name: Option<&str>,
) -> (Vec<Input>, Vec<Trouble>) {
    let mut search = Search {
        ignore,
        found: Vec::new(),
        names: HashSet::new(),
        folders: HashSet::new(),
        troubles: Vec::new(),
    };
    for argument in arguments.iter().filter(|argument| !argument.is_empty()) {
        match argument.as_str() {
            STDIN => search.add(stdin_name.unwrap_or(STDIN).to_owned(), None),
            path => search.argument(path),
        }
    }
    (search.found, search.troubles)
}

struct Search<'r> {
    ignore: Option<&'r Regex>,
    found: Vec<Input>,
    names: HashSet<String>,
    /// Folders that were seen, by their real names: links may go round.
    folders: HashSet<PathBuf>,
    troubles: Vec<Trouble>,
}

impl Search<'_> {
    fn add(&mut self, name: String, path: Option<PathBuf>) {
        let is_ignored = path.is_some() && self.ignore.is_some_and(|ignore| ignore.is_match(&name));
        if !is_ignored && self.names.insert(name.clone()) {
            self.found.push(Input { name, path });
        }
    }

    fn argument(&mut self, argument: &str) {
        let path = Path::new(argument);
        match fs::metadata(path) {
            Ok(kind) if kind.is_dir() => self.folder(path),
            Ok(_) => self.add(argument.to_owned(), Some(path.to_owned())),
            Err(_) if argument.contains(['*', '?', '[']) => self.pattern(argument),
            Err(error) => {
                let message = format!("get file info: stat {argument}: {}", reason(&error));
                let trouble = Trouble::of(argument, message);
                self.troubles.push(
                    trouble.with_hint("name files, folders, patterns, or - for standard input"),
                );
            }
        }
    }

    fn pattern(&mut self, pattern: &str) {
        let matches = match glob::glob(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                let message = format!("{pattern} is no pattern: {error}");
                return self.troubles.push(Trouble::of(pattern, message));
            }
        };
        let before = self.found.len() + self.troubles.len();
        for path in matches.flatten() {
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.add(path.display().to_string(), Some(path));
            }
        }
        if before == self.found.len() + self.troubles.len() {
            let trouble = Trouble::of(pattern, format!("no file matches {pattern}"));
            self.troubles
                .push(trouble.with_hint("** matches folders, * all but slashes"));
        }
    }

    /// Searches a folder for files of formats that we know, in the order of their names.
    fn folder(&mut self, folder: &Path) {
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        if !self.folders.insert(real) {
            return;
        }
        let entries =
            fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let name = folder.display().to_string();
                let message = format!("open {name}: {}", reason(&error));
                return self.troubles.push(Trouble::of(&name, message));
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = match folder == Path::new(".") {
                true => PathBuf::from(entry.file_name()),
                false => folder.join(entry.file_name()),
            };
            if path.is_dir() {
                self.folder(&path);
                continue;
            }
            let name = path.components().collect::<PathBuf>().display().to_string();
            if Format::of_file(&name).is_some() {
                self.add(name, Some(path));
            }
        }
    }
}

impl Input {
    /// Whether it is standard input, which can be read once only.
    pub fn is_stdin(&self) -> bool {
        self.path.is_none()
    }

    /// How it is written, by `--parser` or its name.
    pub fn format(&self, parser: Option<Format>) -> Result<Format, Trouble> {
        if let Some(format) = parser {
            return Ok(format);
        }
        let Some(path) = &self.path else {
            return Ok(Format::Yaml);
        };
        Format::of_file(&path.to_string_lossy()).ok_or_else(|| {
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            Trouble::of(&self.name, format!("unknown parser: {extension}"))
                .with_hint("say with --parser how the input is written")
        })
    }

    /// What it says.
    pub fn read(&self) -> Result<Bytes, Trouble> {
        let read = match &self.path {
            Some(path) => mapped::file(path),
            None => {
                let mut bytes = Vec::new();
                io::stdin()
                    .read_to_end(&mut bytes)
                    .map(|_| Bytes::Read(bytes))
            }
        };
        read.map_err(|error| {
            let message = format!("open {}: {}", self.name, reason(&error));
            Trouble::of(&self.name, message)
        })
    }
}
