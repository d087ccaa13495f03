//! A policy that is replaced while sessions ask it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::policy::PreparedPolicy;
use crate::session::Session;

/// A place for a [`PreparedPolicy`] that others take turns in: a new version, the same with other data.
///
/// Each evaluation of a session that [`SharedPolicy::session`] made runs from its beginning to its end with the policy and
/// the data that were there when it began; the next one has what is there then.
///
/// ```
/// use regovm::{Document, DocumentFormat, Engine, SharedPolicy};
///
/// let mut engine = Engine::new();
/// engine.add_module("p.rego", "package p\nallow if input.user in data.users\n");
/// let policy = engine.prepare("data.p.allow")?;
/// let users = |list: &str| Document {
///     name: "users.json".to_owned(),
///     path: Vec::new(),
///     format: DocumentFormat::Json,
///     bytes: format!(r#"{{"users": {list}}}"#).into_bytes(),
/// };
/// let shared = SharedPolicy::new(policy.with_documents(&[users(r#"["alice"]"#)])?);
///
/// // A thread that decides, as long as there is something to decide.
/// let (questions, asked) = std::sync::mpsc::channel::<&str>();
/// let (answers, answered) = std::sync::mpsc::channel();
/// let theirs = shared.clone();
/// let thread = std::thread::spawn(move || {
///     let mut session = theirs.session();
///     for input in asked {
///         let allowed = session.eval_json(input.as_bytes()).map(|answer| !answer.is_undefined());
///         let _ = answers.send(allowed);
///     }
/// });
/// let bob = r#"{"user": "bob"}"#;
/// questions.send(bob)?;
/// assert!(!answered.recv()??);
///
/// // Bob joins; nobody waits for it.
/// shared.replace(policy.with_documents(&[users(r#"["alice", "bob"]"#)])?);
/// questions.send(bob)?;
/// assert!(answered.recv()??);
/// drop(questions);
/// thread.join().map_err(|_| "the thread is gone")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SharedPolicy {
    slot: Arc<Slot>,
}

struct Slot {
    /// Counts replacements, so that sessions look at the lock only when there is something new.
    version: AtomicU64,
    policy: RwLock<PreparedPolicy>,
    /// Held by whoever brings another policy, as long as he makes it.
    updating: Mutex<()>,
}

impl SharedPolicy {
    /// A place with its first policy.
    pub fn new(policy: PreparedPolicy) -> SharedPolicy {
        SharedPolicy {
            slot: Arc::new(Slot {
                version: AtomicU64::new(0),
                policy: RwLock::new(policy),
                updating: Mutex::new(()),
            }),
        }
    }

    /// Puts another policy into the place and gives the one that was there. Evaluations that have begun go on with that.
    pub fn replace(&self, policy: PreparedPolicy) -> PreparedPolicy {
        let _turn = self.turn();
        self.put(policy)
    }

    /// Makes another policy of the one that is there, and puts it into the place. Updates take turns, so that none of several
    /// is lost, say of one thread that brings policies and one that brings data. Evaluations do not wait for them.
    ///
    /// `make` must not update or replace the policy itself: it would wait for its own turn for ever.
    ///
    /// ```
    /// use regovm::{Document, Engine, Failure, SharedPolicy};
    /// let shared = SharedPolicy::new(Engine::new().prepare("data.answer")?);
    /// let mut session = shared.session();
    /// shared.update(|now| now.with_documents(&[Document::json("d.json", r#"{"answer": 42}"#)]))?;
    /// assert_eq!(session.eval_without_input(0)?.value(), Some(42.into()));
    /// # Ok::<(), Failure>(())
    /// ```
    ///
    /// # Errors
    /// What `make` gives; the policy stays.
    pub fn update<E>(
        &self,
        make: impl FnOnce(&PreparedPolicy) -> Result<PreparedPolicy, E>,
    ) -> Result<PreparedPolicy, E> {
        let _turn = self.turn();
        Ok(self.put(make(&self.current())?))
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        let turns = &self.slot.updating;
        turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, policy: PreparedPolicy) -> PreparedPolicy {
        let mut place = self
            .slot
            .policy
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, policy);
        self.slot.version.fetch_add(1, Ordering::Release);
        old
    }

    /// The policy that is there.
    pub fn current(&self) -> PreparedPolicy {
        self.versioned().0
    }

    /// A session for one thread, which follows the place.
    pub fn session(&self) -> Session {
        let (policy, version) = self.versioned();
        Session::following(
            policy,
            Follower {
                shared: self.clone(),
                version,
            },
        )
    }

    fn versioned(&self) -> (PreparedPolicy, u64) {
        let place = self
            .slot
            .policy
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        (place.clone(), self.slot.version.load(Ordering::Acquire))
    }
}

/// What a session remembers of the place that it follows.
pub(crate) struct Follower {
    shared: SharedPolicy,
    version: u64,
}

impl Follower {
    /// The policy that has come into the place since the last look, if one has.
    pub(crate) fn news(&mut self) -> Option<PreparedPolicy> {
        if self.shared.slot.version.load(Ordering::Acquire) == self.version {
            return None;
        }
        let (policy, version) = self.shared.versioned();
        self.version = version;
        Some(policy)
    }
}
