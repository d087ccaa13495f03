//! Configuration files as policies see them: text of many formats becomes JSON text, and a path into that JSON becomes a
//! line and column of the text.
//!
//! The JSON is what conftest shows to policies, so that policies written for it hold: blocks of HCL are arrays, a
//! Dockerfile is a list of commands, each document of a YAML stream is an input of its own.
//!
//! ```
//! use regovm_config::{Format, Step, documents, places};
//!
//! let text = b"[server]\nport = 80\n";
//! let documents = documents(Format::Ini, text)?;
//! assert_eq!(documents.iter().collect::<Vec<_>>(), [br#"{"server":{"port":80}}"#]);
//! let path = [Step::name("server"), Step::name("port")];
//! let place = places(Format::Ini, text, &[(0, &path)])[0].unwrap();
//! assert_eq!((place.line, place.column), (2, 1));
//! # Ok::<(), regovm_config::ConfigError>(())
//! ```
//!
//! Nothing here reads files or the environment. What a text may ask for is bounded: collections nest to a limited depth,
//! and every reader takes time in proportion to its text.

mod codeowners;
mod dockerfile;
mod dotenv;
mod error;
mod format;
#[cfg(feature = "hcl")]
mod hcl;
mod ignore;
mod ini;
mod json;
mod jsonc;
mod lines;
mod nginx;
mod node;
mod place;
mod properties;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "xml")]
mod xml;
mod yaml;

use std::borrow::Cow;

pub use error::ConfigError;
pub use format::Format;
pub use place::{Place, Step};

use node::{Content, Node};

/// What a text consists of, as JSON texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Documents<'t> {
    /// One document. JSON is borrowed as it stands, and not checked.
    One(Cow<'t, [u8]>),
    /// Documents that are inputs of their own: those of a YAML stream, or the elements of an array.
    Several(Vec<Cow<'t, [u8]>>),
}

impl Documents<'_> {
    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let all = match self {
            Documents::One(one) => std::slice::from_ref(one),
            Documents::Several(all) => all.as_slice(),
        };
        all.iter().map(|text| &**text)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Documents::One(_) => 1,
            Documents::Several(all) => all.len(),
        }
    }

    /// True for an empty array, which has no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a text. Of JSON only its outermost brackets are looked at: who evaluates it checks it.
pub fn documents(format: Format, text: &[u8]) -> Result<Documents<'_>, ConfigError> {
    match format {
        Format::Json => json::documents(text),
        Format::Jsonc => Ok(owned(json::documents(&jsonc::without_comments(text)?)?)),
        // Bills of materials are JSON here; XML would need their schema.
        Format::CycloneDx | Format::Spdx if begins_like_json(text) => json::documents(text),
        Format::Yaml => yaml::documents(lines::utf8(text)?),
        _ => {
            let tree = tree(format, lines::utf8(text)?)?;
            let json = |node: &Node| Cow::Owned(node.to_json().into_bytes());
            Ok(match &tree.content {
                Content::List(elements) => Documents::Several(elements.iter().map(json).collect()),
                _ => Documents::One(json(&tree)),
            })
        }
    }
}

/// Where values stand: for each number of a document and path in it, the place of the member or element; `None` if the
/// path leads nowhere.
pub fn places(format: Format, text: &[u8], wanted: &[(usize, &[Step])]) -> Vec<Option<Place>> {
    let found = match format {
        Format::Json => Some(json::places(text, wanted)),
        Format::CycloneDx | Format::Spdx => Some(json::places(text, wanted)),
        Format::Jsonc => jsonc::without_comments(text)
            .ok()
            .map(|plain| json::places(&plain, wanted)),
        Format::Yaml => lines::utf8(text)
            .ok()
            .map(|text| yaml::places(text, wanted)),
        _ => lines::utf8(text)
            .ok()
            .and_then(|text| tree(format, text).ok())
            .map(|tree| places_in(&tree, text, wanted)),
    };
    found.unwrap_or_else(|| vec![None; wanted.len()])
}

fn places_in(tree: &Node, text: &[u8], wanted: &[(usize, &[Step])]) -> Vec<Option<Place>> {
    let find = |(document, path): &(usize, &[Step])| {
        let root = match &tree.content {
            Content::List(elements) => elements.get(*document)?,
            _ => tree,
        };
        root.find(path).map(|node| node.at)
    };
    let offsets: Vec<Option<usize>> = wanted.iter().map(find).collect();
    place::of_offsets(text, &offsets)
}

fn begins_like_json(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{'))
}

fn owned(documents: Documents<'_>) -> Documents<'static> {
    let own = |text: Cow<'_, [u8]>| Cow::Owned(text.into_owned());
    match documents {
        Documents::One(one) => Documents::One(own(one)),
        Documents::Several(all) => Documents::Several(all.into_iter().map(own).collect()),
    }
}

fn tree(format: Format, text: &str) -> Result<Node, ConfigError> {
    match format {
        #[cfg(feature = "hcl")]
        Format::Hcl2 => hcl::read(text),
        #[cfg(feature = "toml")]
        Format::Toml => toml::read(text),
        #[cfg(feature = "xml")]
        Format::Xml => xml::read(text),
        Format::Ini => ini::read(text),
        Format::Dotenv => dotenv::read(text),
        Format::Properties => properties::read(text),
        Format::Dockerfile => dockerfile::read(text),
        Format::Ignore => Ok(ignore::read(text)),
        Format::Codeowners => codeowners::read(text),
        Format::Nginx => nginx::read(text),
        _ => Err(ConfigError::new(format!(
            "there is no reader for {} in this build",
            format.name()
        ))
        .with_hint(format!(
            "{}; there are readers for {}",
            format.advice(),
            Format::readable()
                .map(Format::name)
                .collect::<Vec<_>>()
                .join(", ")
        ))),
    }
}
