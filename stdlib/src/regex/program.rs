//! Patterns as instructions for [`super::threads`]: one for each character, as Go has them.
//!
//! The automata of the `regex` crate read bytes, so that `\pL{1000}` has some hundred thousand states, and building them
//! cannot be interrupted. Here a class is one instruction, and its ranges are there once.

use regex_syntax::hir::{Class as HirClass, HirKind};
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::Claim;

use super::translate::{Assertion, Piece, Repetition, Translation};
use crate::operand::failed;

/// The number of an instruction.
pub(super) type At = u32;

/// One instruction; each names what comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Char(char, At),
    Class(u32, At),
    Assert(Assertion, At),
    /// Remembers the place in a slot.
    Save(u32, At),
    /// Goes on at both, and prefers the first.
    Split(At, At),
    Match,
}

/// A set of characters.
#[derive(Debug)]
pub(super) struct Class {
    ascii: u128,
    ranges: Vec<(char, char)>,
}

impl Class {
    /// Reads a class in the syntax of the `regex` crate.
    fn parse(text: &str) -> Option<Class> {
        let mut class = Class {
            ascii: 0,
            ranges: Vec::new(),
        };
        match regex_syntax::parse(text).ok()?.kind() {
            HirKind::Class(HirClass::Unicode(ranges)) => {
                let ranges = ranges.ranges().iter();
                class.ranges = ranges.map(|range| (range.start(), range.end())).collect();
            }
            HirKind::Class(HirClass::Bytes(ranges)) => {
                let ranges = ranges.ranges().iter();
                class.ranges = ranges
                    .map(|range| (range.start() as char, range.end() as char))
                    .collect();
            }
            HirKind::Literal(literal) => {
                let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
                class.ranges = vec![(c, c)];
            }
            _ => return None,
        }
        for c in 0..128_u8 {
            class.ascii |= u128::from(class.search(c as char)) << c;
        }
        Some(class)
    }

    fn search(&self, c: char) -> bool {
        let at = self.ranges.partition_point(|(_, end)| *end < c);
        self.ranges.get(at).is_some_and(|(start, _)| *start <= c)
    }

    #[inline]
    pub(super) fn contains(&self, c: char) -> bool {
        match c as u32 {
            code @ 0..128 => self.ascii >> code & 1 == 1,
            _ => self.search(c),
        }
    }
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) classes: Vec<Class>,
    pub(super) start: At,
    /// Nothing matches but at the start of the text.
    pub(super) anchored: bool,
    /// Bytes that it takes.
    pub(super) bytes: usize,
    /// What compiling it was charged.
    pub(super) units: u64,
}

/// A part of the tree of a pattern.
#[derive(Clone, Copy)]
enum Node {
    Empty,
    Char(char),
    Class(u32),
    Assert(Assertion),
    /// Children one after the other: a part of the list.
    Concat(u32, u32),
    Alternate(u32, u32),
    Repeat(u32, Repetition),
    Capture(u32, u32),
}

type NodeIndex = u32;

/// The tree of a pattern.
#[derive(Default)]
struct Tree {
    nodes: Vec<Node>,
    /// Whether the node matches the empty text.
    nullable: Vec<bool>,
    children: Vec<NodeIndex>,
}

impl Tree {
    fn add(&mut self, node: Node) -> NodeIndex {
        let below = |from: u32, to: u32| {
            let children = self.children[from as usize..to as usize].iter();
            children.map(|child| self.nullable[*child as usize])
        };
        let nullable = match node {
            Node::Empty | Node::Assert(_) => true,
            Node::Char(_) | Node::Class(_) => false,
            Node::Concat(from, to) => below(from, to).all(|nullable| nullable),
            Node::Alternate(from, to) => below(from, to).any(|nullable| nullable),
            Node::Repeat(of, repetition) => repetition.min == 0 || self.nullable[of as usize],
            Node::Capture(of, _) => self.nullable[of as usize],
        };
        self.nodes.push(node);
        self.nullable.push(nullable);
        self.nodes.len() as NodeIndex - 1
    }

    fn join(&mut self, parts: &[NodeIndex], node: fn(u32, u32) -> Node) -> NodeIndex {
        match parts {
            [] => self.add(Node::Empty),
            [only] => *only,
            parts => {
                let from = self.children.len() as u32;
                self.children.extend_from_slice(parts);
                self.add(node(from, self.children.len() as u32))
            }
        }
    }

    /// The tree of the pieces, with its root.
    fn read(cx: &mut Call<'_, '_>, pieces: &[Piece]) -> Result<(Tree, NodeIndex), BuiltinError> {
        let mut tree = Tree::default();
        // Of each open group: its number, its finished alternatives, the parts of the one being read.
        let mut open = vec![(None, Vec::new(), Vec::new())];
        for (at, piece) in pieces.iter().enumerate() {
            if at.is_multiple_of(1024) {
                cx.charge((pieces.len() - at).min(1024) as u64)?;
            }
            let Some((_, alternatives, parts)) = open.last_mut() else {
                break;
            };
            match *piece {
                Piece::Char(c) => parts.push(tree.add(Node::Char(c))),
                Piece::Class(class) => parts.push(tree.add(Node::Class(class))),
                Piece::Assert(assertion) => parts.push(tree.add(Node::Assert(assertion))),
                Piece::Bar => alternatives.push(tree.join(&std::mem::take(parts), Node::Concat)),
                Piece::Open(number) => open.push((number, Vec::new(), Vec::new())),
                Piece::Repeat(repetition) => {
                    if let Some(last) = parts.pop() {
                        parts.push(tree.add(Node::Repeat(last, repetition)));
                    }
                }
                Piece::Close => {
                    let Some((number, mut alternatives, parts)) = open.pop() else {
                        break;
                    };
                    alternatives.push(tree.join(&parts, Node::Concat));
                    let mut group = tree.join(&alternatives, Node::Alternate);
                    if let Some(number) = number {
                        group = tree.add(Node::Capture(group, number));
                    }
                    if let Some((_, _, parts)) = open.last_mut() {
                        parts.push(group);
                    }
                }
            }
        }
        let (_, mut alternatives, parts) = open.pop().unwrap_or_default();
        alternatives.push(tree.join(&parts, Node::Concat));
        let root = tree.join(&alternatives, Node::Alternate);
        Ok((tree, root))
    }
}

/// What is still to be done by the compiler, which goes from the end of the pattern to its start: each task finds the
/// place behind its part in a register, and leaves the place where its part starts there.
enum Task {
    Node(NodeIndex),
    /// So many copies of a node.
    Copies(NodeIndex, u16),
    /// A node that was just compiled can be left out; so many more copies before it can, too.
    Optional {
        node: NodeIndex,
        more: u16,
        behind: At,
        lazy: bool,
    },
    /// The end of a loop whose first instruction is a split that is not known yet.
    Loop {
        split: At,
        behind: At,
        lazy: bool,
        entry: Entry,
    },
    /// The alternatives before some child, of which the ones behind start here.
    Alternatives {
        from: u32,
        before: u32,
        behind: At,
        others: Option<At>,
    },
    Save(u32),
}

/// Where a loop is entered.
enum Entry {
    /// Before the question whether to go round again.
    Split,
    /// At its body.
    Body,
    /// As the body, but it can be left out.
    Question,
}

struct Compiler<'c, 'a, 'h> {
    cx: &'c mut Call<'a, 'h>,
    code: Vec<Instruction>,
    memory: Claim<'a>,
    units: u64,
}

impl Compiler<'_, '_, '_> {
    fn emit(&mut self, instruction: Instruction) -> Result<At, BuiltinError> {
        if self.code.len() == self.code.capacity() {
            let more = self.code.len().max(64);
            self.memory
                .grow(self.cx.arena, more * size_of::<Instruction>())?;
            self.code.reserve_exact(more);
        }
        self.code.push(instruction);
        Ok(self.code.len() as At - 1)
    }

    fn split(&mut self, into: At, past: At, lazy: bool) -> Result<At, BuiltinError> {
        self.emit(choice(into, past, lazy))
    }

    fn run(&mut self, tree: &Tree, root: NodeIndex) -> Result<At, BuiltinError> {
        // As in Go, 0 and 1 are the slots of the whole match.
        let mut next = self.emit(Instruction::Match)?;
        let mut tasks = vec![Task::Save(0), Task::Node(root), Task::Save(1)];
        let mut done = 0_u64;
        while let Some(task) = tasks.pop() {
            done += 1;
            if done.is_multiple_of(1024) {
                self.cx.charge(256)?;
                self.units += 256;
            }
            match task {
                Task::Save(slot) => next = self.emit(Instruction::Save(slot, next))?,
                Task::Node(node) => match tree.nodes[node as usize] {
                    Node::Empty => {}
                    Node::Char(c) => next = self.emit(Instruction::Char(c, next))?,
                    Node::Class(class) => next = self.emit(Instruction::Class(class, next))?,
                    Node::Assert(assertion) => {
                        next = self.emit(Instruction::Assert(assertion, next))?;
                    }
                    Node::Concat(from, to) => {
                        let children = &tree.children[from as usize..to as usize];
                        tasks.extend(children.iter().map(|child| Task::Node(*child)));
                    }
                    Node::Alternate(from, to) => {
                        tasks.push(Task::Alternatives {
                            from,
                            before: to - 1,
                            behind: next,
                            others: None,
                        });
                        tasks.push(Task::Node(tree.children[to as usize - 1]));
                    }
                    Node::Capture(of, number) => tasks.extend([
                        Task::Save(2 * number),
                        Task::Node(of),
                        Task::Save(2 * number + 1),
                    ]),
                    Node::Repeat(of, Repetition { min, max, lazy }) => match max {
                        Some(max) => {
                            tasks.push(Task::Copies(of, min));
                            if max > min {
                                tasks.push(Task::Optional {
                                    node: of,
                                    more: max - min - 1,
                                    behind: next,
                                    lazy,
                                });
                                tasks.push(Task::Node(of));
                            }
                        }
                        None => {
                            let split = self.emit(Instruction::Match)?;
                            tasks.push(Task::Copies(of, min.saturating_sub(1)));
                            let entry = match (min, tree.nullable[of as usize]) {
                                (0, false) => Entry::Split,
                                // So that an empty round has the priority that it has in Go.
                                (0, true) => Entry::Question,
                                _ => Entry::Body,
                            };
                            tasks.push(Task::Loop {
                                split,
                                behind: next,
                                lazy,
                                entry,
                            });
                            tasks.push(Task::Node(of));
                            next = split;
                        }
                    },
                },
                Task::Copies(_, 0) => {}
                Task::Copies(node, count) => {
                    tasks.extend([Task::Copies(node, count - 1), Task::Node(node)]);
                }
                Task::Optional {
                    node,
                    more,
                    behind,
                    lazy,
                } => {
                    next = self.split(next, behind, lazy)?;
                    if let Some(more) = more.checked_sub(1) {
                        tasks.push(Task::Optional {
                            node,
                            more,
                            behind,
                            lazy,
                        });
                        tasks.push(Task::Node(node));
                    }
                }
                Task::Loop {
                    split,
                    behind,
                    lazy,
                    entry,
                } => {
                    self.code[split as usize] = choice(next, behind, lazy);
                    next = match entry {
                        Entry::Split => split,
                        Entry::Body => next,
                        Entry::Question => self.split(next, behind, lazy)?,
                    };
                }
                Task::Alternatives {
                    from,
                    before,
                    behind,
                    others,
                } => {
                    let here = match others {
                        None => next,
                        Some(others) => self.split(next, others, false)?,
                    };
                    next = here;
                    if before > from {
                        tasks.push(Task::Alternatives {
                            from,
                            before: before - 1,
                            behind,
                            others: Some(here),
                        });
                        tasks.push(Task::Node(tree.children[before as usize - 1]));
                        next = behind;
                    }
                }
            }
        }
        Ok(next)
    }
}

fn choice(into: At, past: At, lazy: bool) -> Instruction {
    if lazy {
        Instruction::Split(past, into)
    } else {
        Instruction::Split(into, past)
    }
}

impl Program {
    /// Compiles a pattern. Its memory is counted as long as this runs; [`Program::bytes`] is for the caller to count.
    pub(super) fn compile(
        cx: &mut Call<'_, '_>,
        translation: &Translation,
    ) -> Result<Program, BuiltinError> {
        let mut classes = Vec::with_capacity(translation.classes.len());
        let (mut bytes, mut units) = (0, 0);
        for text in &translation.classes {
            let class = Class::parse(text).ok_or_else(|| failed("a class that cannot be read"))?;
            let class_units = 16 + class.ranges.len() as u64 / 8;
            cx.charge(class_units)?;
            units += class_units;
            bytes += size_of::<Class>() + size_of_val(class.ranges.as_slice());
            cx.reserve(bytes)?;
            classes.push(class);
        }
        let tree_bytes = translation.pieces.len() * 2 * (size_of::<Node>() + size_of::<u32>());
        units += translation.pieces.len() as u64;
        let tree_memory = cx.claim(bytes + tree_bytes)?;
        let (tree, root) = Tree::read(cx, &translation.pieces)?;
        let mut compiler = Compiler {
            cx,
            code: Vec::new(),
            memory: Claim::default(),
            units: 0,
        };
        let start = compiler.run(&tree, root)?;
        units += compiler.units;
        let instructions = compiler.code;
        drop(tree_memory);
        bytes += instructions.capacity() * size_of::<Instruction>();
        let anchored = is_anchored(&instructions, start);
        Ok(Program {
            instructions,
            classes,
            start,
            anchored,
            bytes,
            units,
        })
    }
}

/// True if the way from the start leads over the start of the text only.
fn is_anchored(code: &[Instruction], start: At) -> bool {
    let mut at = start;
    // Slots come first; longer ways are rare and may go unnoticed.
    for _ in 0..16 {
        match code.get(at as usize) {
            Some(Instruction::Save(_, next)) => at = *next,
            Some(Instruction::Assert(Assertion::TextStart, _)) => return true,
            _ => return false,
        }
    }
    false
}
