//! Collects policies and documents and compiles them.

use std::num::NonZero;
use std::sync::{Arc, OnceLock};

use regovm_compiler::input_paths;
use regovm_compiler::options::Options;
use regovm_core::builtin::Table;
use regovm_core::value::Frozen;
use regovm_core::{Code, Constant, Diagnostic, SourceId, SourceMap, Span, yaml};
use regovm_parser::ast::{AnnotationTarget, Module, RegoVersion, Rule, Term};
use regovm_parser::{Keyword, ParseOptions, Parser};

use crate::builtin::Builtin;
use crate::capabilities::Capabilities;
use crate::compile::Phase;
use crate::dependencies::Dependencies;
#[cfg(feature = "bundle")]
use crate::document;
use crate::document::{Data, Document};
use crate::explain::Explain;
use crate::inspect::Inspection;
use crate::modules::{self, Addition, Parsed, Text};
use crate::observe::{Coverage, Covered, Observe, UncoveredKind};
use crate::outline::{self, ModuleOutline};
use crate::policy::PreparedPolicy;
use crate::report::{ErrorReport, Failure, Stage};

/// Where a query is read: its package and imports.
#[derive(Clone, Debug, Default)]
pub struct QueryContext {
    /// `a.b`: names in the query may be rules of this package.
    pub package: Option<String>,
    /// `data.lib` or `data.lib as l`.
    pub imports: Vec<String>,
}

/// Policies and documents on their way to a [`PreparedPolicy`].
///
/// ```
/// use regovm::Engine;
/// let mut engine = Engine::new();
/// engine.add_module("p.rego", "package p\nallow if input.user == \"alice\"\n");
/// let policy = engine.prepare("data.p.allow")?;
/// let mut session = policy.session();
/// let answer = session.eval_json(br#"{"user": "alice"}"#)?;
/// assert_eq!(answer.value(), Some(serde_json::json!(true)));
/// # Ok::<(), regovm::Failure>(())
/// ```
pub struct Engine {
    sources: SourceMap,
    version: RegoVersion,
    future_keywords: Vec<Keyword>,
    skip_annotations: bool,
    options: Options,
    modules: Vec<Module>,
    documents: Vec<Document>,
    #[cfg(feature = "bundle")]
    overlays: Vec<document::Overlay>,
    /// The documents merged, once they were needed.
    data: OnceLock<Data>,
    /// What could not be read: how much was added before it, and why.
    unread: Vec<(usize, Unread)>,
    /// For each document how much was added before it.
    document_places: Vec<usize>,
    added: usize,
    capabilities: Option<Capabilities>,
    builtins: Arc<Table>,
    disabled: Vec<String>,
    observe: Option<Observe>,
    profiled: bool,
}

/// What [`Engine::into_checked`] leaves. A program that ends anyway may forget it (`std::mem::forget`): to take apart
/// the trees of thousands of policies takes time.
pub struct Checked {
    _engine: Engine,
    _modules: Vec<Module>,
}

/// What [`Engine::prepare_test_queries`] gives.
pub(crate) struct TestQueries {
    pub(crate) policy: PreparedPolicy,
    /// Queries that have errors: their numbers, ascending, and why. The others have moved up.
    pub(crate) refused: Vec<(usize, Failure)>,
}

/// Why something could not be read.
enum Unread {
    /// It is a policy that does not parse.
    Policy(Vec<Diagnostic>),
    /// What the caller says.
    Other(String),
}

/// Adds a text that has to be UTF-8.
pub(crate) fn source_of(
    sources: &mut SourceMap,
    name: &str,
    bytes: &[u8],
) -> Result<SourceId, Vec<Diagnostic>> {
    let mut add = |text: &str| {
        sources
            .add(name, text)
            .map_err(|error| vec![Diagnostic::new(Code::Parse, Span::NONE, error.to_string())])
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => add(text),
        Err(invalid) => {
            let id = add(&String::from_utf8_lossy(bytes))?;
            let at = sources.get(id).base + invalid.valid_up_to() as u32;
            Err(vec![Diagnostic::new(
                Code::Parse,
                Span::new(at, at + 1),
                "illegal utf-8 character",
            )])
        }
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    /// An engine without policies and data, reading Rego v1.
    pub fn new() -> Engine {
        Engine {
            sources: SourceMap::default(),
            version: RegoVersion::default(),
            future_keywords: Vec::new(),
            skip_annotations: false,
            options: Options::default(),
            modules: Vec::new(),
            documents: Vec::new(),
            #[cfg(feature = "bundle")]
            overlays: Vec::new(),
            data: OnceLock::new(),
            unread: Vec::new(),
            document_places: Vec::new(),
            added: 0,
            capabilities: None,
            builtins: crate::builtins(),
            disabled: Vec::new(),
            observe: None,
            profiled: false,
        }
    }

    /// Switches rewrites of the optimiser off by their names ([`rewrites`](crate::rewrites) lists them). Answers stay the
    /// same.
    ///
    /// # Errors
    /// The first name that is no rewrite's.
    pub fn disable_rewrites(&mut self, names: &[&str]) -> Result<&mut Engine, Failure> {
        for name in names {
            if !crate::rewrites().any(|(known, _)| known == *name) {
                let known: Vec<&str> = crate::rewrites().map(|(known, _)| known).collect();
                let hint = format!("rewrites are {}", known.join(", "));
                let message = format!("there is no rewrite {name}");
                return Err(Failure::message(Stage::Compile, message).with_hint(Some(hint)));
            }
            self.disabled.push((*name).to_owned());
        }
        Ok(self)
    }

    /// Compiles what is prepared from now on to be observed; see [`observe`](crate::observe). It runs slower then, and its
    /// programs cannot be saved.
    pub fn set_observe(&mut self, observe: Option<Observe>) -> &mut Engine {
        self.observe = observe;
        self
    }

    /// Whether what is prepared from now on will be measured by a [`CostRecorder`](crate::observe::CostRecorder): then it
    /// knows which of its loops no index serves, and what would help.
    pub fn set_profiled(&mut self, profiled: bool) -> &mut Engine {
        self.profiled = profiled;
        self
    }

    /// What was covered of the policies. `others` are further runs of the same, without index or without early exit: they
    /// tell why something was not covered.
    pub fn coverage(&self, covered: &Covered, others: &[(UncoveredKind, Covered)]) -> Coverage {
        Coverage::of(&self.sources, &self.modules, covered, others)
    }

    /// Adds a built-in of yours; see [`builtin`](crate::builtin).
    ///
    /// Policies that are saved name it: load them with [`Engine::load`] of an engine that has it. Capabilities do not
    /// concern it; [`Engine::set_unsafe_builtins`] does.
    ///
    /// # Errors
    /// The name is none, or another built-in's; the signature is none, or does not fit the body.
    pub fn add_builtin(&mut self, builtin: Builtin) -> Result<&mut Engine, Failure> {
        builtin
            .add_to(Arc::make_mut(&mut self.builtins))
            .map_err(|(message, hint)| {
                Failure::message(Stage::Compile, message).with_hint(Some(hint))
            })?;
        Ok(self)
    }

    /// Adds a built-in, or puts another body in the place of one. No stability promise.
    #[cfg(feature = "internals")]
    pub fn replace_builtin(&mut self, builtin: regovm_core::builtin::Builtin) -> &mut Engine {
        Arc::make_mut(&mut self.builtins).add(builtin);
        self
    }

    /// What policies may use: the [capabilities](Engine::set_capabilities) that were set, and the built-ins that were
    /// added. For tools written for OPA (`opa check --capabilities`), which do not know the latter.
    ///
    /// ```
    /// use regovm::{Builtin, Engine};
    /// let mut engine = Engine::new();
    /// let double = |x: i64| Ok::<_, String>(Some(2 * x));
    /// engine.add_builtin(Builtin::new("acme.double", "(x: num) -> y: num", double).doc("Twice x."))?;
    /// assert!(engine.capabilities().to_json().contains("Twice x."));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn capabilities(&self) -> Capabilities {
        match &self.capabilities {
            Some(capabilities) => capabilities.with_custom(&self.builtins),
            None => Capabilities::with_all(&self.builtins),
        }
    }

    /// The dialect of the modules added from now on.
    pub fn set_version(&mut self, version: RegoVersion) -> &mut Engine {
        self.version = version;
        self
    }

    /// On how many threads many policies are read and checked: as many as the machine has processors, unless there is a
    /// number. Nothing but the time that it takes depends on it.
    pub fn set_threads(&mut self, threads: Option<NonZero<usize>>) -> &mut Engine {
        self.options.threads = threads;
        self
    }

    /// Future keywords that modules and queries may use without importing them.
    pub fn set_future_keywords(&mut self, keywords: Vec<Keyword>) -> &mut Engine {
        self.future_keywords = keywords;
        self
    }

    /// Strict mode: unused imports, arguments and variables are errors.
    pub fn set_strict(&mut self, strict: bool) -> &mut Engine {
        self.options.strict = strict;
        self
    }

    /// Errors after which compilation stops; 0 is no limit. The default is 10.
    pub fn set_error_limit(&mut self, limit: usize) -> &mut Engine {
        self.options.error_limit = limit;
        self
    }

    /// Keeps calls of `print`; otherwise they are erased.
    pub fn set_enable_print(&mut self, enable: bool) -> &mut Engine {
        self.options.enable_print = enable;
        self
    }

    /// Whether `# METADATA` comments are read and their schemas used; the default is yes.
    pub fn set_process_annotations(&mut self, process: bool) -> &mut Engine {
        self.skip_annotations = !process;
        self
    }

    /// Whether a rule at a path where `data` has a value is an error; the default is yes. Otherwise base data wins.
    pub fn set_check_data_conflicts(&mut self, check: bool) -> &mut Engine {
        self.options.check_data_conflicts = check;
        self
    }

    /// Built-ins that policies may not call.
    pub fn set_unsafe_builtins(&mut self, names: Vec<String>) -> &mut Engine {
        self.options.unsafe_builtins = names;
        self
    }

    /// What the policies that are added from now on may use; without capabilities all that this build has.
    pub fn set_capabilities(&mut self, capabilities: Capabilities) -> &mut Engine {
        self.capabilities = Some(capabilities);
        self
    }

    /// Adds a JSON Schema: without a name it describes the input; `["a", "b"]` is `schema.a.b` of annotations.
    pub fn add_schema(&mut self, name: Vec<String>, text: &str) -> Result<&mut Engine, String> {
        let schema: Constant = yaml::read_constant(text).map_err(|e| e.to_string())?;
        self.options.schemas.push((name, schema));
        Ok(self)
    }

    /// Adds a policy. Its errors are reported by [`Engine::check`] and [`Engine::prepare`].
    pub fn add_module(&mut self, name: &str, text: &str) -> &mut Engine {
        self.add_module_bytes(name, text.as_bytes())
    }

    /// Adds a policy that may not be UTF-8, which is an error like any other.
    pub fn add_module_bytes(&mut self, name: &str, bytes: &[u8]) -> &mut Engine {
        let parsed = self.parsed(&[(name, bytes, self.version)]);
        parsed
            .into_iter()
            .for_each(|parsed| self.add_parsed(parsed));
        self
    }

    /// Adds many policies, each with its name. It is as if they were added one after the other, but many are read on several
    /// [threads](Engine::set_threads).
    ///
    /// ```
    /// use regovm::Engine;
    /// let files = (0..100).map(|n| (format!("p{n}.rego"), format!("package p{n}\nallow if input.n == {n}\n")));
    /// let mut engine = Engine::new();
    /// engine.add_modules(files);
    /// let mut session = engine.prepare("data.p42.allow")?.session();
    /// assert_eq!(session.eval_json(br#"{"n": 42}"#)?.value(), Some(true.into()));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn add_modules<N: AsRef<str>, T: AsRef<[u8]>>(
        &mut self,
        modules: impl IntoIterator<Item = (N, T)>,
    ) -> &mut Engine {
        let modules: Vec<(N, T)> = modules.into_iter().collect();
        let texts: Vec<Text<'_>> = modules
            .iter()
            .map(|(name, text)| (name.as_ref(), text.as_ref(), self.version))
            .collect();
        let parsed = self.parsed(&texts);
        parsed
            .into_iter()
            .for_each(|parsed| self.add_parsed(parsed));
        self
    }

    /// Adds policies, documents and notes in their order; the policies are read as by [`Engine::add_modules`].
    ///
    /// ```
    /// use regovm::{Addition, Document, Engine};
    /// let policy = Addition::Module {
    ///     name: "p.rego".into(),
    ///     bytes: b"package p\nallow if input.user in data.users\n".to_vec(),
    /// };
    /// let data = Addition::Document(Document::json("users.json", r#"{"users": ["alice"]}"#));
    /// let mut engine = Engine::new();
    /// engine.add_all(vec![policy, data]);
    /// let mut session = engine.prepare("data.p.allow")?.session();
    /// assert_eq!(session.eval_json(br#"{"user": "alice"}"#)?.value(), Some(true.into()));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn add_all(&mut self, additions: Vec<Addition>) -> &mut Engine {
        let texts: Vec<Text<'_>> = additions
            .iter()
            .filter_map(|addition| match addition {
                Addition::Module { name, bytes } => Some((&**name, &**bytes, self.version)),
                _ => None,
            })
            .collect();
        let mut parsed = self.parsed(&texts).into_iter();
        for addition in additions {
            match addition {
                Addition::Module { .. } => parsed
                    .by_ref()
                    .take(1)
                    .for_each(|parsed| self.add_parsed(parsed)),
                Addition::Document(document) => drop(self.add_document(document)),
                Addition::Unreadable(message) => drop(self.add_unreadable(message)),
            }
        }
        self
    }

    fn add_parsed(&mut self, parsed: Parsed) {
        match parsed {
            Ok(module) => self.modules.push(module),
            Err(errors) => self.unread.push((self.added, Unread::Policy(errors))),
        }
        self.added += 1;
    }

    /// Notes that a file could not be read, in words that name it. That is an error like the one of a policy that does not
    /// parse: it is reported with those of the others, in the order in which everything was added.
    ///
    /// ```
    /// use regovm::Engine;
    /// let mut engine = Engine::new();
    /// engine.add_unreadable("open a.rego: permission denied").add_module("b.rego", "package");
    /// assert_eq!(engine.check().unwrap_err().errors.len(), 2);
    /// ```
    pub fn add_unreadable(&mut self, message: impl Into<String>) -> &mut Engine {
        self.unread
            .push((self.added, Unread::Other(message.into())));
        self.added += 1;
        self
    }

    /// Parses modules, each of a dialect; their texts are kept.
    fn parsed(&mut self, texts: &[Text<'_>]) -> Vec<Parsed> {
        let options = self.parse_options(self.version);
        let capabilities = self.capabilities.as_ref();
        let parse = |parser: &mut Parser, sources: &SourceMap, id, version| {
            if let Some(refusal) = capabilities.and_then(|c| c.refuses(version)) {
                return Err(vec![refusal]);
            }
            let options = ParseOptions {
                version,
                ..options.clone()
            };
            parser.module(sources, id, &options)
        };
        let threads = modules::threads_for(texts, self.options.threads);
        modules::parse_all(&mut self.sources, texts, threads, &parse)
    }

    /// Adds a bundle: its policies, each in its dialect, and its data, which takes the place of what documents have at its
    /// roots. That several bundles fit together is checked by [`check_roots`](crate::bundle::check_roots).
    ///
    /// # Errors
    /// A policy does not parse; the manifest does not fit to the policies and data; only a WebAssembly module has a rule.
    /// In OPA's words.
    #[cfg(feature = "bundle")]
    pub fn add_bundle(
        &mut self,
        bundle: &crate::bundle::Bundle,
    ) -> Result<&mut Engine, crate::bundle::BundleError> {
        self.add_readable_bundle(bundle)?;
        bundle.check_runs()?;
        Ok(self)
    }

    /// The same for a bundle that may have rules in WebAssembly, to look at it or to write it again.
    ///
    /// # Errors
    /// As [`Engine::add_bundle`].
    #[cfg(feature = "bundle")]
    pub fn add_readable_bundle(
        &mut self,
        bundle: &crate::bundle::Bundle,
    ) -> Result<&mut Engine, crate::bundle::BundleError> {
        let version = bundle.manifest.version().unwrap_or(self.version);
        let mut texts: Vec<Text<'_>> = Vec::with_capacity(bundle.modules.len());
        let mut unknown = Ok(());
        for file in &bundle.modules {
            match bundle.manifest.version_of(&file.relative, version) {
                Ok(version) => texts.push((&file.path, &file.text, version)),
                Err(error) => {
                    // What stands before it comes first.
                    unknown = Err(error);
                    break;
                }
            }
        }
        let mut modules = Vec::with_capacity(texts.len());
        for parsed in self.parsed(&texts) {
            modules.push(
                parsed.map_err(|errors| {
                    Failure::from_diagnostics(Stage::Load, errors, &self.sources)
                })?,
            );
        }
        unknown?;
        bundle.check(bundle.modules.iter().zip(&modules))?;
        self.modules.extend(modules);
        let roots = bundle.manifest.roots().iter().map(|root| {
            let keys = root.split('/').filter(|key| !key.is_empty());
            keys.map(str::to_owned).collect()
        });
        self.data = OnceLock::new();
        self.overlays.push(document::Overlay {
            roots: roots.collect(),
            data: bundle.data().clone(),
        });
        Ok(self)
    }

    fn parse_options(&self, version: RegoVersion) -> ParseOptions {
        ParseOptions {
            version,
            future_keywords: self.future_keywords.clone(),
            process_annotations: !self.skip_annotations,
            is_builtin: Some(crate::is_builtin),
        }
    }

    /// The paths below `data` that the metadata of packages and rules name as entrypoints, sorted.
    pub fn entrypoints(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for module in &self.modules {
            for block in module.annotations.iter().filter(|block| block.entrypoint) {
                found.push(match block.target {
                    AnnotationTarget::Package => path_of(&module.package.path),
                    AnnotationTarget::Rule(rule) => {
                        let rule = module.rules.get(rule as usize);
                        rule.map(|rule| path_of_rule(module, rule))
                            .unwrap_or_default()
                    }
                });
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// If there are rules at a path below `data`, above or below it.
    pub fn has_rules_at(&self, path: &[String]) -> bool {
        self.modules.iter().any(|module| {
            module.rules.iter().any(|rule| {
                let place = path_of_rule(module, rule);
                place.starts_with(path) || path.starts_with(&place)
            })
        })
    }

    /// Adds a document to `data`.
    pub fn add_document(&mut self, document: Document) -> &mut Engine {
        self.documents.push(document);
        self.document_places.push(self.added);
        self.added += 1;
        self.data = OnceLock::new();
        self
    }

    /// The documents that were added, in that order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The errors of the policies that did not parse; if there are some, with those of files that could not be read and of
    /// documents.
    ///
    /// # Errors
    /// There is one.
    pub fn check_parsed(&self) -> Result<(), Failure> {
        if self.unread.is_empty() {
            return Ok(());
        }
        let errors = Data::of_documents(&self.documents).err();
        Err(self.load_failure(errors.unwrap_or_default()))
    }

    /// All that went wrong while everything was added, in that order.
    fn load_failure(&self, of_documents: Vec<(usize, ErrorReport)>) -> Failure {
        let mut all: Vec<(usize, ErrorReport)> = of_documents
            .into_iter()
            .map(|(document, error)| (self.document_places[document], error))
            .collect();
        for (place, unread) in &self.unread {
            let errors = match unread {
                Unread::Policy(errors) => {
                    Failure::from_diagnostics(Stage::Load, errors.clone(), &self.sources).errors
                }
                Unread::Other(message) => vec![ErrorReport::message(message)],
            };
            all.extend(errors.into_iter().map(|error| (*place, error)));
        }
        all.sort_by_key(|(place, _)| *place);
        Failure {
            stage: Stage::Load,
            errors: all.into_iter().map(|(_, error)| error).collect(),
        }
    }

    /// The documents as one, which is made once for all that is prepared.
    fn merged(&self) -> Result<Data, Failure> {
        if let Some(data) = self.data.get() {
            return Ok(data.clone());
        }
        let data = self.merge()?;
        Ok(self.data.get_or_init(|| data).clone())
    }

    fn merge(&self) -> Result<Data, Failure> {
        #[cfg(feature = "bundle")]
        if !self.overlays.is_empty() {
            let owner = match &self.overlays[..] {
                [only] if self.documents.is_empty() => Some(only),
                overlays => overlays
                    .iter()
                    .rfind(|overlay| overlay.roots.iter().any(Vec::is_empty)),
            };
            return Ok(match owner {
                // There is nothing else, or nothing else counts.
                Some(overlay) => Data::frozen_as(overlay.data.clone()),
                None => {
                    let data = self.document_data()?;
                    let overlaid = document::overlaid(data.frozen(), &self.overlays);
                    Data::frozen_as(Arc::new(overlaid))
                }
            });
        }
        self.document_data()
    }

    fn document_data(&self) -> Result<Data, Failure> {
        Data::of_documents(&self.documents).map_err(|errors| self.load_failure(errors))
    }

    /// What each policy defines, in the order in which they were added.
    ///
    /// ```
    /// use regovm::Engine;
    /// let mut engine = Engine::new();
    /// engine.add_module("p.rego", "package a.b\ndeny contains 1 if input.x\n");
    /// let [module] = &engine.outline()?[..] else { panic!() };
    /// assert_eq!((&*module.package, &*module.rules[0].first), ("data.a.b", "deny"));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    ///
    /// # Errors
    /// Of policies that do not parse.
    pub fn outline(&self) -> Result<Vec<ModuleOutline>, Failure> {
        self.check_parsed()?;
        let name = |module: &Module| {
            let at = self.sources.locate(module.package.span);
            at.map_or_else(String::new, |at| at.file.to_string())
        };
        Ok(self
            .modules
            .iter()
            .map(|module| outline::of(module, &name(module), &self.sources))
            .collect())
    }

    /// Checks all policies without preparing a query.
    pub fn check(&self) -> Result<(), Failure> {
        self.check_modules(self.modules.clone()).map(drop)
    }

    /// The same for an engine that is not needed afterwards: its policies need not be copied.
    ///
    /// ```
    /// use regovm::Engine;
    /// let mut engine = Engine::new();
    /// engine.add_module("p.rego", "package p\nallow if input.user == user");
    /// let failure = engine.into_checked().err().expect("a variable that nothing binds");
    /// assert_eq!(failure.errors[0].message, "var user is unsafe");
    /// ```
    pub fn into_checked(mut self) -> Result<Checked, Failure> {
        let modules = std::mem::take(&mut self.modules);
        let modules = self.check_modules(modules)?;
        Ok(Checked {
            _engine: self,
            _modules: modules,
        })
    }

    fn check_modules(&self, modules: Vec<Module>) -> Result<Vec<Module>, Failure> {
        self.check_parsed()?;
        let data = self.merged()?;
        crate::compile::check(
            &self.sources,
            modules,
            &self.callable(),
            &self.options,
            data.frozen(),
        )
    }

    /// What the policies consist of and need.
    ///
    /// # Errors
    /// A policy does not parse or compile. Functions that do not exist are no error.
    pub fn inspect(&self) -> Result<Inspection, Failure> {
        self.check_parsed()?;
        let callable = self.callable();
        let nothing = Frozen::build(|arena| arena.object_from([]));
        let checked = crate::compile::check(
            &self.sources,
            self.modules.clone(),
            &callable,
            &self.options,
            &nothing,
        );
        let checked = match checked {
            Ok(modules) => modules,
            Err(failure) if failure.errors.iter().all(is_undefined_function) => {
                self.modules.clone()
            }
            Err(failure) => return Err(failure),
        };
        Ok(Inspection {
            required: crate::inspect::required(&self.modules, &checked, &callable),
            ..crate::inspect::look(&self.modules, &self.sources)
        })
    }

    /// What a query depends on: see [`Dependencies`].
    ///
    /// # Errors
    /// The query does not parse, or the policies do not compile.
    pub fn dependencies(&self, query: &str) -> Result<Dependencies, Failure> {
        let mut sources = self.sources.clone();
        let parsed = source_of(&mut sources, "", query.as_bytes()).and_then(|id| {
            regovm_parser::parse_query(&sources, id, &self.parse_options(self.version))
        });
        let query = match parsed {
            Ok(query) => query,
            Err(errors) => {
                return Err(Failure::from_diagnostics(Stage::Compile, errors, &sources));
            }
        };
        self.check_parsed()?;
        // Nothing is evaluated, but what cannot be read is told as everywhere.
        self.merged()?;
        let modules = self.modules.clone();
        crate::dependencies::of(
            &sources,
            modules,
            &query.body,
            &self.callable(),
            &self.options,
        )
    }

    /// The built-ins that policies may call.
    fn callable(&self) -> Arc<Table> {
        match &self.capabilities {
            Some(capabilities) => {
                Arc::new(self.builtins.only(|decl| capabilities.allows(decl.name)))
            }
            None => self.builtins.clone(),
        }
    }

    /// Compiles everything for one query, for example `data.terraform.deny`.
    pub fn prepare(&self, query: &str) -> Result<PreparedPolicy, Failure> {
        self.prepare_with(&[query], &QueryContext::default())
    }

    /// Compiles everything for several queries; they are numbered in this order.
    pub fn prepare_with(
        &self,
        queries: &[&str],
        context: &QueryContext,
    ) -> Result<PreparedPolicy, Failure> {
        let data = self.merged()?;
        let compiled = self.job(
            queries,
            context,
            data.frozen(),
            &|_| {},
            crate::compile::compile,
        )?;
        PreparedPolicy::new(compiled, self.builtins.clone(), data)
    }

    /// True if what is prepared can be observed; see [`Engine::set_observe`].
    pub fn is_observed(&self) -> bool {
        self.observe.is_some()
    }

    pub(crate) fn observe(&self) -> Option<Observe> {
        self.observe
    }

    /// As [`Engine::prepare_with`], but observed as is said here, or not at all, whatever [`Engine::set_observe`] says.
    pub fn prepare_observed(
        &self,
        queries: &[&str],
        context: &QueryContext,
        observe: Option<Observe>,
    ) -> Result<PreparedPolicy, Failure> {
        let data = self.merged()?;
        let compiled = self.job(queries, context, data.frozen(), &|_| {}, |job| {
            crate::compile::compile(crate::compile::Job { observe, ..job })
        })?;
        PreparedPolicy::new(compiled, self.builtins.clone(), data)
    }

    /// As [`Engine::prepare_with`]; `done` is called at the end of each phase, so that a caller with a clock can measure
    /// them.
    pub fn prepare_timed(
        &self,
        queries: &[&str],
        context: &QueryContext,
        done: &dyn Fn(Phase),
    ) -> Result<PreparedPolicy, Failure> {
        let data = self.merged()?;
        let compiled = self.job(
            queries,
            context,
            data.frozen(),
            done,
            crate::compile::compile,
        )?;
        PreparedPolicy::new(compiled, self.builtins.clone(), data)
    }

    /// A policy from bytes that [`PreparedPolicy::save`] made, with the data and the built-ins of this engine. No Rego is
    /// parsed; policies that the engine has are not looked at.
    ///
    /// # Errors
    /// The bytes are no saved policy of this version, or name a built-in that the engine does not have.
    ///
    /// ```
    /// use regovm::{Builtin, Engine};
    /// let mut engine = Engine::new();
    /// engine.add_builtin(Builtin::new("acme.double", "(x: num) -> y: num", |x: i64| Ok::<_, String>(Some(2 * x))))?;
    /// let file = engine.prepare("acme.double(input)")?.save();
    /// assert!(Engine::new().load(&file).is_err());
    /// assert_eq!(engine.load(&file)?.session().eval_json(b"21")?.value(), Some(42.into()));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn load(&self, file: &[u8]) -> Result<PreparedPolicy, Failure> {
        PreparedPolicy::read(file, self.builtins.clone(), self.merged()?)
    }

    /// What the compiler makes of everything, as text for people; see [`Explain`].
    ///
    /// ```
    /// use regovm::{Engine, Explain, QueryContext};
    /// let mut engine = Engine::new();
    /// engine.add_module("p.rego", "package p\ntwin(a) if {\n\tsome b in input.rs\n\tb.name == a.name\n}\n");
    /// let plan = engine.explain(&["data.p.twin({})"], &QueryContext::default(), Explain::Plan)?;
    /// assert!(plan.contains("found by index 0, for `b.name == a.name`"), "{plan}");
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn explain(
        &self,
        queries: &[&str],
        context: &QueryContext,
        what: Explain,
    ) -> Result<String, Failure> {
        let data = self.merged()?;
        self.job(queries, context, data.frozen(), &|_| {}, |job| {
            crate::explain::text(job, what)
        })
    }

    fn job<T>(
        &self,
        queries: &[&str],
        context: &QueryContext,
        data: &Frozen,
        done: &dyn Fn(Phase),
        run: impl FnOnce(crate::compile::Job<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.check_parsed()?;
        run(crate::compile::Job {
            sources: self.sources.clone(),
            modules: self.modules.clone(),
            queries,
            context,
            parse_options: self.parse_options(self.version),
            builtins: &self.callable(),
            options: &self.options,
            data,
            disabled: &self.disabled,
            observe: self.observe,
            profiled: self.profiled,
            done,
            refused: None,
        })
    }

    /// The texts of the policies.
    /// Whether another engine has the same modules at the same places.
    #[cfg(test)]
    pub(crate) fn has_same_modules(&self, other: &Engine) -> bool {
        self.modules == other.modules
    }

    pub(crate) fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// The policies that could be read.
    pub(crate) fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Compiles queries of tests, with `modules` in the place of the engine's.
    pub(crate) fn prepare_test_queries(
        &self,
        modules: Vec<Module>,
        queries: &[&str],
        name_operands: bool,
        observe: Option<Observe>,
    ) -> Result<TestQueries, Failure> {
        self.check_parsed()?;
        let data = self.merged()?;
        let mut refused = Vec::new();
        let options = Options {
            test_cases: true,
            trace_test_values: name_operands,
            ..self.options.clone()
        };
        // Tests have no input, so nobody needs to know what they look at.
        let mut disabled = self.disabled.clone();
        disabled.push(input_paths::NAME.to_owned());
        let compiled = crate::compile::compile(crate::compile::Job {
            sources: self.sources.clone(),
            modules,
            queries,
            context: &QueryContext::default(),
            parse_options: self.parse_options(self.version),
            builtins: &self.callable(),
            options: &options,
            data: data.frozen(),
            disabled: &disabled,
            observe,
            profiled: self.profiled,
            done: &|_| {},
            refused: Some(&mut refused),
        })?;
        Ok(TestQueries {
            policy: PreparedPolicy::new(compiled, self.builtins.clone(), data)?,
            refused,
        })
    }
}

fn is_undefined_function(error: &ErrorReport) -> bool {
    error.message.starts_with("undefined function ")
}

/// The keys below `data` of a reference, up to the first that is not a string.
fn path_of(reference: &[Term]) -> Vec<String> {
    let keys = reference.iter().skip(1).map_while(Term::as_str);
    keys.map(str::to_owned).collect()
}

fn path_of_rule(module: &Module, rule: &Rule) -> Vec<String> {
    let mut path = path_of(&module.package.path);
    path.push(rule.head.name.to_string());
    path.extend(path_of(&rule.head.reference));
    path
}
