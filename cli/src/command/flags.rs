//! Flags that several commands share, and what they mean.

use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;
use regovm::{Capabilities, Engine, Failure, Host, QueryContext, Stage};

use super::{restrict, version};
use crate::load::reason;
use crate::mapped::{self, Bytes};
use crate::world;

/// Policies and data, and what policies may do: `eval`, `bench`, `exec`.
#[derive(Args, Debug)]
pub struct PolicyFlags {
    /// Policy or data: files, folders (recursively .rego, .json, .yaml), or prefix:path. Repeatable
    #[arg(short, long = "data", value_name = "PATH")]
    pub data: Vec<String>,
    /// Policy and data as a bundle: a folder or an archive, in which only data.json and data.yaml are data and the
    /// .manifest counts. Repeatable
    #[arg(short, long = "bundle", value_name = "PATH")]
    pub bundles: Vec<String>,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Refuse calls of built-ins that these capabilities do not name: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<Capabilities>,
    /// Let policies reach these machines over the network (repeat, or separate with commas; * is all); none by default
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_net: Vec<String>,
}

impl PolicyFlags {
    /// Tells an engine how policies are read and what they may call, before anything is loaded.
    pub fn configure(&self, engine: &mut Engine) {
        engine.set_version(version(self.v0_compatible));
        restrict(engine, self.capabilities.as_ref());
    }

    /// The world that policies see.
    pub fn host(&self) -> Box<dyn Host + Send> {
        Box::new(world::host(&self.allow_net, self.capabilities.as_ref()))
    }

    /// The same without a place to print to.
    pub fn quiet_host(&self) -> Box<dyn Host + Send> {
        Box::new(world::quiet_host(
            &self.allow_net,
            self.capabilities.as_ref(),
        ))
    }
}

/// A query and what it is asked of: `eval`, `bench`.
#[derive(Args, Debug)]
pub struct QueryFlags {
    /// The query, for example data.terraform.deny
    pub query: Vec<String>,
    /// Input document: a JSON or YAML file
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read the input document from standard input
    #[arg(short = 'I', long)]
    pub stdin_input: bool,
    /// Read the query from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Package in which the query is read, for example a.b
    #[arg(long, value_name = "PACKAGE")]
    pub package: Option<String>,
    /// Import for the query, for example data.lib. Repeatable
    #[arg(long = "import", value_name = "REF")]
    pub imports: Vec<String>,
    /// JSON Schema of the input (a file), or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    pub schema: Option<PathBuf>,
}

impl QueryFlags {
    /// Why there is not one query, if there is not.
    pub fn misuse_of_query(&self) -> Option<&'static str> {
        match (self.query.len(), self.stdin) {
            (2.., _) => Some("specify at most one query argument"),
            (0, false) => Some("specify query argument or --stdin"),
            (1, true) => Some("specify query argument or --stdin but not both"),
            _ => None,
        }
    }

    /// The text of the query.
    pub fn text(&self) -> io::Result<String> {
        if let Some(query) = self.query.first() {
            return Ok(query.clone());
        }
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        Ok(text)
    }

    /// How the query is read.
    pub fn context(&self) -> QueryContext {
        QueryContext {
            package: self.package.clone(),
            imports: self.imports.clone(),
        }
    }

    /// The bytes of the input; `stage` is when it is missed.
    pub fn read_input(&self, stage: Stage) -> Result<Option<Bytes>, Failure> {
        let failed = |message: String| Failure::message(stage, message);
        if self.stdin_input {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|e| failed(format!("standard input: {}", reason(&e))))?;
            return Ok(Some(Bytes::Read(bytes)));
        }
        let Some(path) = &self.input else {
            return Ok(None);
        };
        mapped::file(path)
            .map(Some)
            .map_err(|e| failed(format!("open {}: {}", path.display(), reason(&e))))
    }
}
