//! Asking a policy, again and again, on one thread.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use regovm_core::host::{Host, NoHost};
use regovm_core::value::{Arena, Value};
use regovm_core::{Code, Constant};
use serde::Serialize;

use crate::answer::Answer;
use crate::convert::{DataError, from_json, to_value};
use crate::document;
use crate::observe::{CostRecorder, Recorder};
use crate::policy::PreparedPolicy;
use crate::report::{ErrorReport, Excerpt, Failure, Stage};
use crate::shared::Follower;

/// Time since a moment that the host chose. The library reads no clock by itself.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Limits of each evaluation of a session; nothing is limited by default.
#[derive(Clone, Default)]
pub struct Budget {
    /// Steps: the same count on every run and every machine.
    pub steps: Option<u64>,
    /// Bytes that values may take, those of the input included; its text is the caller's and does not count.
    pub memory: Option<usize>,
    /// Stop once the clock shows this much; for several evaluations the clock must start anew for each.
    pub deadline: Option<(Duration, Clock)>,
    /// Set to true by any thread to stop the evaluation.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// One thread's way to a policy: its memory is kept and reused from answer to answer.
pub struct Session {
    policy: PreparedPolicy,
    follower: Option<Follower>,
    arena: Arena,
    machine: regovm_vm::Session,
    budget: Budget,
    strict_builtin_errors: bool,
    strict_input: bool,
    /// Members of `data` that only this session sees.
    own_data: Vec<(String, Constant)>,
    indexing: regovm_vm::Indexing,
    recorder: Option<Recorder>,
    costs: Option<CostRecorder>,
    host: Box<dyn Host + Send>,
}

/// Where an input comes from. Texts live as long as the answer, which may point into them.
enum Input<'s, 'i> {
    None,
    Json(&'s [u8]),
    Document(&'s [u8]),
    Ready(Value<'s>),
    Make(&'i Make<'i>),
}

/// Something that makes an input in the arena of a session.
type Make<'i> = dyn for<'a> Fn(&'a Arena) -> Result<Value<'a>, DataError> + 'i;

impl Session {
    pub(crate) fn new(policy: PreparedPolicy) -> Session {
        Session {
            policy,
            follower: None,
            arena: Arena::new(),
            machine: regovm_vm::Session::new(),
            budget: Budget::default(),
            strict_builtin_errors: false,
            strict_input: false,
            own_data: Vec::new(),
            indexing: regovm_vm::Indexing::default(),
            recorder: None,
            costs: None,
            host: Box::new(NoHost),
        }
    }

    /// A session whose policy changes.
    pub(crate) fn following(policy: PreparedPolicy, follower: Follower) -> Session {
        Session {
            follower: Some(follower),
            ..Session::new(policy)
        }
    }

    /// Limits each evaluation from now on.
    pub fn set_budget(&mut self, budget: Budget) -> &mut Session {
        self.budget = budget;
        self
    }

    /// Makes the first error of a built-in end the evaluation; otherwise the call is undefined.
    pub fn set_strict_builtin_errors(&mut self, strict: bool) -> &mut Session {
        self.strict_builtin_errors = strict;
        self
    }

    /// When iterations build indexes; tests set it so that small collections have them. No stability promise.
    #[cfg(feature = "internals")]
    pub fn set_indexing(&mut self, indexing: regovm_vm::Indexing) -> &mut Session {
        self.indexing = indexing;
        self
    }

    /// Makes JSON inputs be checked as a whole. Otherwise the parts that the query cannot look at (see
    /// [`PreparedPolicy::input_paths`]) are skipped, and of what is wrong in them only this is found: brackets that do not
    /// match or are not closed, strings that are not closed or have control characters in them, bytes outside of strings
    /// that JSON does not have there, and too deep nesting.
    pub fn set_strict_input(&mut self, strict: bool) -> &mut Session {
        self.strict_input = strict;
        self
    }

    /// Puts a value at `data.<name>` for evaluations of this session, in the place of what is there; `None` takes it away.
    /// For what differs from input to input, such as the name of its file: the policy and its data stay as they are.
    ///
    /// ```
    /// use regovm::{Constant, Engine};
    /// let policy = Engine::new().prepare("data.file.name")?;
    /// let mut session = policy.session();
    /// session.set_data("file", Some(Constant::Object(vec![("name".into(), "a.json".into())])));
    /// assert_eq!(session.eval_json(b"{}")?.value(), Some(serde_json::json!("a.json")));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn set_data(&mut self, name: &str, value: Option<Constant>) -> &mut Session {
        self.own_data.retain(|(known, _)| known != name);
        self.own_data
            .extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    /// What policies may see of the world: where `print` goes, the clock, the network. Without one they see nothing.
    ///
    /// ```
    /// use regovm::{Constant, Engine, Host};
    ///
    /// struct Webhook;
    /// impl Host for Webhook {
    ///     fn runtime(&mut self) -> Option<Constant> {
    ///         Some(Constant::Object(vec![("version".into(), "7".into())]))
    ///     }
    /// }
    ///
    /// let policy = Engine::new().prepare("opa.runtime().version")?;
    /// let mut session = policy.session();
    /// session.set_host(Box::new(Webhook));
    /// let answer = session.eval_without_input(0)?;
    /// assert_eq!(answer.value(), Some(serde_json::json!("7")));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn set_host(&mut self, host: Box<dyn Host + Send>) -> &mut Session {
        self.host = host;
        self
    }

    /// Who looks on from now on; see [`observe`](crate::observe). Only a policy that was prepared to be observed has
    /// anything to see.
    pub fn set_recorder(&mut self, recorder: Option<Recorder>) -> &mut Session {
        self.recorder = recorder;
        self
    }

    /// Measures what evaluations cost from now on; slower, and with the same steps.
    pub fn set_costs(&mut self, costs: Option<CostRecorder>) -> &mut Session {
        self.costs = costs;
        self
    }

    /// Steps of the last evaluation, also of one that was stopped.
    pub fn steps(&self) -> u64 {
        self.machine.steps()
    }

    /// Evaluates query 0 with an input in JSON. Strings of the answer may lie in the input, which is not copied.
    pub fn eval_json<'s>(&'s mut self, input: &'s [u8]) -> Result<Answer<'s>, Failure> {
        self.run(0, Input::Json(input))
    }

    /// Evaluates query 0 with an input that is in memory: anything that serde serializes, as its JSON. Texts and values are
    /// not written as JSON on the way.
    ///
    /// ```
    /// use regovm::Engine;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Request<'r> {
    ///     user: &'r str,
    ///     roles: &'r [&'r str],
    /// }
    ///
    /// let mut engine = Engine::new();
    /// engine.add_module("p.rego", "package p\nallow if \"admin\" in input.roles\n");
    /// let mut session = engine.prepare("data.p.allow")?.session();
    /// let answer = session.eval(&Request { user: "alice", roles: &["dev", "admin"] })?;
    /// assert_eq!(answer.value(), Some(true.into()));
    /// # Ok::<(), regovm::Failure>(())
    /// ```
    pub fn eval<T: Serialize + ?Sized>(&mut self, input: &T) -> Result<Answer<'_>, Failure> {
        self.eval_query(0, input)
    }

    /// Evaluates a query with an input that is in memory, as [`Session::eval`] does.
    pub fn eval_query<T: Serialize + ?Sized>(
        &mut self,
        query: usize,
        input: &T,
    ) -> Result<Answer<'_>, Failure> {
        self.run(query, Input::Make(&|arena| to_value(input, arena)))
    }

    /// Evaluates query 0 with a JSON value that is in memory.
    pub fn eval_value(&mut self, input: &serde_json::Value) -> Result<Answer<'_>, Failure> {
        self.run(0, Input::Make(&|arena| Ok(from_json(input, arena))))
    }

    /// Evaluates a query with an input that was read before. The memory that the answer tells does not count it.
    pub fn eval_input<'s>(
        &'s mut self,
        query: usize,
        input: &'s crate::Input,
    ) -> Result<Answer<'s>, Failure> {
        self.run(query, Input::Ready(input.frozen().root()))
    }

    /// Evaluates a query without input.
    pub fn eval_without_input(&mut self, query: usize) -> Result<Answer<'_>, Failure> {
        self.run(query, Input::None)
    }

    /// Evaluates a query with an input in JSON.
    pub fn eval_query_json<'s>(
        &'s mut self,
        query: usize,
        input: &'s [u8],
    ) -> Result<Answer<'s>, Failure> {
        self.run(query, Input::Json(input))
    }

    /// Evaluates a query with an input file: JSON, or YAML if it is no JSON.
    pub fn eval_document<'s>(
        &'s mut self,
        query: usize,
        input: &'s [u8],
    ) -> Result<Answer<'s>, Failure> {
        self.run(query, Input::Document(input))
    }

    /// Evaluates a query with an input that `make` builds in the session's arena.
    #[cfg(feature = "internals")]
    pub fn eval_made(
        &mut self,
        query: usize,
        make: &dyn for<'a> Fn(&'a Arena) -> Value<'a>,
    ) -> Result<Answer<'_>, Failure> {
        self.run(query, Input::Make(&|arena| Ok(make(arena))))
    }

    fn run<'s>(&'s mut self, query: usize, input: Input<'s, '_>) -> Result<Answer<'s>, Failure> {
        if let Some(policy) = self.follower.as_mut().and_then(Follower::news) {
            self.policy = policy;
        }
        self.arena.restart(self.budget.memory.unwrap_or(usize::MAX));
        let Session {
            policy,
            follower: _,
            arena,
            machine,
            budget,
            strict_builtin_errors,
            strict_input,
            own_data,
            indexing,
            recorder,
            costs,
            host,
        } = self;
        let (policy, arena): (&PreparedPolicy, &Arena) = (policy, arena);
        let deadline = budget.deadline.clone().map(|(budget, clock)| {
            let passed = move || clock() >= budget;
            regovm_vm::Deadline {
                passed: Rc::new(passed),
                budget,
            }
        });
        let options = regovm_vm::Options {
            max_steps: budget.steps,
            deadline,
            cancel: budget.cancel.clone(),
            strict_builtin_errors: *strict_builtin_errors,
            indexing: *indexing,
            ..regovm_vm::Options::default()
        };
        let wanted = document::Wanted {
            projection: policy.projection(query),
            strict: *strict_input,
        };
        let mut reading = options.reading();
        let read = match input {
            Input::None => Ok(None),
            Input::Json(bytes) => document::read_json(bytes, arena, &wanted).map(Some),
            Input::Document(bytes) => document::read_input(bytes, arena, &wanted).map(Some),
            Input::Ready(value) => Ok(Some(value)),
            Input::Make(make) => make(arena)
                .map(Some)
                .map_err(|wrong| wrong.to_string().into()),
        };
        // A used-up budget is an error of the evaluation wherever it is noticed.
        if let Some(what) = reading.stopped(arena) {
            let mut report = ErrorReport::message(format!("{what} in the input"));
            report.code = Some(Code::EvalCancel);
            report.hint = read.err().and_then(|e| e.hint);
            return Err(Failure {
                stage: Stage::Evaluate,
                errors: vec![report],
            });
        }
        drop(reading);
        let input =
            read.map_err(|e| Failure::message(Stage::Input, e.message).with_hint(e.hint))?;
        let target = regovm_vm::Target {
            program: policy.program(),
            linked: policy.linked(),
            data: Some(policy.data().frozen().root()),
            shown: shown(policy, own_data, arena),
        };
        let result = match recorder {
            Some(recorder) => recorder.watch(policy.program(), |observer| {
                let watch = regovm_vm::Watch {
                    observer: Some(observer),
                    profile: None,
                };
                machine.run_watched(target, query, arena, input, &options, host.as_mut(), watch)
            }),
            None => match costs {
                Some(costs) => {
                    let watch = regovm_vm::Watch {
                        observer: None,
                        profile: Some(&mut *costs.lock()),
                    };
                    machine.run_watched(target, query, arena, input, &options, host.as_mut(), watch)
                }
                None => machine.run(target, query, arena, input, &options, host.as_mut()),
            },
        };
        match result {
            Ok(answer) => {
                let shape = policy.query(query);
                Ok(Answer::new(answer, shape, arena.used()))
            }
            Err(error) => {
                let sources = &policy.program().sources;
                let mut report = ErrorReport::message(error.message);
                report.code = Some(error.code);
                report.location = sources.locate(error.span);
                report.excerpt = Excerpt::of(error.span, sources);
                Err(Failure {
                    stage: Stage::Evaluate,
                    errors: vec![report],
                })
            }
        }
    }
}

/// `data` with the members that only the session sees; none if there are none.
fn shown<'a>(
    policy: &'a PreparedPolicy,
    own: &[(String, Constant)],
    arena: &'a Arena,
) -> Option<Value<'a>> {
    if own.is_empty() {
        return None;
    }
    let common = policy.data().frozen().root().as_object();
    let is_hidden = |key: &Value<'_>| own.iter().any(|(name, _)| key.as_str() == Some(name));
    let common = common.into_iter().flat_map(|object| object.iter());
    let own = own
        .iter()
        .map(|(name, value)| (arena.string(name), arena.constant(value)));
    Some(arena.object_from(common.filter(|(key, _)| !is_hidden(key)).chain(own)))
}
