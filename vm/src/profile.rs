//! Where a run spends its time, steps and memory: instruction by instruction, for each way of calls that leads to a
//! function. The program is the one that always runs, with all its rewrites.

use hashbrown::HashMap;

/// What an instruction has cost so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Costs {
    /// How often it ran.
    pub runs: u64,
    /// Nanoseconds of the clock.
    pub nanos: u64,
    /// Steps.
    pub steps: u64,
    /// Bytes that the arena grew by.
    pub bytes: u64,
    /// Calls whose result was known.
    pub known: u64,
    /// Iterations that an index served, and those that visited all members though they have an index.
    pub index_hits: u64,
    /// See `index_hits`.
    pub index_misses: u64,
    /// Iterations that began to visit members one by one.
    pub begun: u64,
    /// Members that iterations visited.
    pub members: u64,
}

impl Costs {
    /// Adds the costs of something else.
    pub fn add(&mut self, other: &Costs) {
        self.runs += other.runs;
        self.nanos += other.nanos;
        self.steps += other.steps;
        self.bytes += other.bytes;
        self.known += other.known;
        self.index_hits += other.index_hits;
        self.index_misses += other.index_misses;
        self.begun += other.begun;
        self.members += other.members;
    }
}

/// A function, called along one way of calls.
#[derive(Debug)]
pub struct CallNode {
    /// The number of the function.
    pub function: u32,
    /// Who called it.
    pub parent: Option<usize>,
    /// The instruction that called it.
    pub caller: u32,
    /// How often it was called and had to run.
    pub calls: u64,
    /// What each of its instructions has cost.
    pub code: HashMap<u32, Costs>,
    children: HashMap<(u32, u32), usize>,
}

/// Collects the costs of runs. The caller brings the clock, which gives nanoseconds.
pub struct Profile {
    clock: Box<dyn FnMut() -> u64 + Send>,
    nodes: Vec<CallNode>,
    current: usize,
    /// The instruction that runs, and what clock, steps and arena showed when it began.
    running: Option<(u32, [u64; 3])>,
}

impl Profile {
    /// An empty profile.
    pub fn new(clock: Box<dyn FnMut() -> u64 + Send>) -> Profile {
        Profile {
            clock,
            nodes: Vec::new(),
            current: 0,
            running: None,
        }
    }

    /// The ways of calls; callers stand before those that they call.
    pub fn nodes(&self) -> &[CallNode] {
        &self.nodes
    }

    pub(crate) fn instruction(&mut self, pc: usize, steps: u64, bytes: usize) {
        self.pay(steps, bytes);
        let now = (self.clock)();
        self.running = Some((pc as u32, [now, steps, bytes as u64]));
        self.costs(pc as u32).runs += 1;
    }

    fn pay(&mut self, steps: u64, bytes: usize) {
        let Some((pc, [nanos, steps_before, bytes_before])) = self.running.take() else {
            return;
        };
        let now = (self.clock)();
        let costs = self.costs(pc);
        costs.nanos += now.saturating_sub(nanos);
        costs.steps += steps.saturating_sub(steps_before);
        costs.bytes += (bytes as u64).saturating_sub(bytes_before);
    }

    pub(crate) fn costs(&mut self, pc: u32) -> &mut Costs {
        let current = self.current;
        self.nodes[current].code.entry(pc).or_default()
    }

    pub(crate) fn enter(&mut self, function: u32, caller: usize, steps: u64, bytes: usize) {
        if self.nodes.is_empty() {
            self.nodes.push(CallNode {
                function,
                parent: None,
                caller: caller as u32,
                calls: 1,
                code: HashMap::new(),
                children: HashMap::new(),
            });
            self.current = 0;
            return;
        }
        if self.running.is_none() {
            // The next run of the same query.
            self.current = 0;
            self.nodes[0].calls += 1;
            return;
        }
        self.pay(steps, bytes);
        let (parent, key) = (self.current, (caller as u32, function));
        let child = match self.nodes[parent].children.get(&key) {
            Some(child) => *child,
            None => {
                let child = self.nodes.len();
                self.nodes.push(CallNode {
                    function,
                    parent: Some(parent),
                    caller: caller as u32,
                    calls: 0,
                    code: HashMap::new(),
                    children: HashMap::new(),
                });
                self.nodes[parent].children.insert(key, child);
                child
            }
        };
        self.nodes[child].calls += 1;
        self.current = child;
    }

    pub(crate) fn leave(&mut self, steps: u64, bytes: usize) {
        self.pay(steps, bytes);
        if let Some(parent) = self.nodes[self.current].parent {
            self.current = parent;
        }
    }

    pub(crate) fn end(&mut self, steps: u64, bytes: usize) {
        if !self.nodes.is_empty() {
            self.pay(steps, bytes);
        }
        self.current = 0;
    }
}
