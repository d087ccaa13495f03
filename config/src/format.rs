//! The formats, and how files are known to have one.

/// A format of configuration files. The names are those of conftest's `--parser`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Format {
    /// Who may review which files.
    Codeowners,
    /// CUE, which is evaluated before it is data.
    Cue,
    /// Bills of materials; JSON here.
    CycloneDx,
    /// `Dockerfile`.
    Dockerfile,
    /// `.env`.
    Dotenv,
    /// Clojure's notation.
    Edn,
    /// `Jenkinsfile`.
    Groovy,
    /// HCL before version 2.
    Hcl1,
    /// HCL: `.tf`, `.tfvars`, `.hcl`.
    Hcl2,
    /// HOCON.
    Hocon,
    /// `.gitignore`, `.dockerignore`.
    Ignore,
    /// INI.
    Ini,
    /// JSON.
    Json,
    /// JSON with comments.
    Jsonc,
    /// Jsonnet, which is evaluated before it is data.
    Jsonnet,
    /// `nginx.conf`.
    Nginx,
    /// Java's properties.
    Properties,
    /// Bills of materials; JSON here.
    Spdx,
    /// Protocol buffers as text.
    Textproto,
    /// TOML.
    Toml,
    /// Varnish's language.
    Vcl,
    /// XML.
    Xml,
    /// YAML, several documents too.
    Yaml,
}

/// Names as conftest lists them, and `jsonc`, which it takes too.
const NAMES: &[(&str, Format)] = &[
    ("codeowners", Format::Codeowners),
    ("cue", Format::Cue),
    ("cyclonedx", Format::CycloneDx),
    ("dockerfile", Format::Dockerfile),
    ("dotenv", Format::Dotenv),
    ("edn", Format::Edn),
    ("groovy", Format::Groovy),
    ("hcl1", Format::Hcl1),
    ("hcl2", Format::Hcl2),
    ("hocon", Format::Hocon),
    ("ignore", Format::Ignore),
    ("ini", Format::Ini),
    ("json", Format::Json),
    ("jsonc", Format::Jsonc),
    ("jsonnet", Format::Jsonnet),
    ("nginx", Format::Nginx),
    ("properties", Format::Properties),
    ("spdx", Format::Spdx),
    ("textproto", Format::Textproto),
    ("toml", Format::Toml),
    ("vcl", Format::Vcl),
    ("xml", Format::Xml),
    ("yaml", Format::Yaml),
];

impl Format {
    /// All of them, those too that cannot be read.
    pub fn all() -> impl Iterator<Item = Format> {
        NAMES.iter().map(|(_, format)| *format)
    }

    /// Those that this build can read, whatever else is said of a text.
    pub fn readable() -> impl Iterator<Item = Format> {
        Format::all().filter(|format| match format {
            Format::Cue
            | Format::Edn
            | Format::Groovy
            | Format::Hcl1
            | Format::Hocon
            | Format::Jsonnet
            | Format::Textproto
            | Format::Vcl => false,
            Format::Hcl2 => cfg!(feature = "hcl"),
            Format::Toml => cfg!(feature = "toml"),
            Format::Xml => cfg!(feature = "xml"),
            _ => true,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let known = NAMES.iter().find(|(_, format)| *format == self);
        known.map_or("", |(name, _)| name)
    }

    /// The format of a name, as `--parser` takes it.
    pub fn named(name: &str) -> Option<Format> {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|(_, format)| *format)
    }

    /// The format of a file, by its name.
    ///
    /// ```
    /// use regovm_config::Format;
    /// assert_eq!(Format::of_file("deploy/main.TF"), Some(Format::Hcl2));
    /// assert_eq!(Format::of_file("Dockerfile.debug"), Some(Format::Dockerfile));
    /// assert_eq!(Format::of_file("README"), None);
    /// ```
    pub fn of_file(path: &str) -> Option<Format> {
        let name = path
            .rsplit(['/', '\\'])
            .next()
            .unwrap_or(path)
            .to_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_or_begins = |word: &str| {
            let rest = name.strip_prefix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if is_or_begins("dockerfile") || extension == "dockerfile" {
            return Some(Format::Dockerfile);
        }
        let by_extension = match extension {
            "yml" => Some(Format::Yaml),
            "hcl" | "tf" | "tfvars" => Some(Format::Hcl2),
            "gitignore" | "dockerignore" => Some(Format::Ignore),
            _ => None,
        };
        if by_extension.is_some() {
            return by_extension;
        }
        if is_or_begins(".env") || extension == "env" {
            return Some(Format::Dotenv);
        }
        if name == "nginx.conf" {
            return Some(Format::Nginx);
        }
        if is_or_begins("jenkinsfile") {
            return Some(Format::Groovy);
        }
        if ["textproto", "textpb", "pbtxt", "txtpb"].contains(&extension) {
            return Some(Format::Textproto);
        }
        if name == "codeowners" {
            return Some(Format::Codeowners);
        }
        Format::named(extension)
    }

    /// What to do with a file of a format that cannot be read.
    pub fn advice(self) -> String {
        let first = |command: &str| {
            format!("make JSON of it first: `{command} | regovm scan --parser json -`")
        };
        match self {
            Format::Cue => first("cue export FILE"),
            Format::Jsonnet => first("jsonnet FILE"),
            Format::Edn => first("jet --to json < FILE"),
            Format::Hcl1 => "write it in HCL 2, or make JSON of it first: `json2hcl -reverse < FILE | regovm scan --parser json -`"
                .to_owned(),
            Format::CycloneDx => {
                "convert it to JSON first: `cyclonedx convert --output-format json`".to_owned()
            }
            Format::Spdx => {
                "convert it to JSON first: `pyspdxtools -i FILE -o FILE.json`".to_owned()
            }
            Format::Textproto => {
                "make JSON of it first: `protoc --encode=MESSAGE SCHEMA < FILE | buf convert SCHEMA --type MESSAGE --to -#format=json`"
                    .to_owned()
            }
            Format::Hocon | Format::Groovy | Format::Vcl => {
                "make JSON of it first, and scan that with --parser json".to_owned()
            }
            Format::Hcl2 => self.build_with("hcl"),
            Format::Toml | Format::Xml => self.build_with(self.name()),
            _ => String::new(),
        }
    }

    fn build_with(self, feature: &str) -> String {
        format!("build regovm-config with its feature `{feature}`")
    }
}
