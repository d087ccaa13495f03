//! Runs a [`Program`] over a text with one thread for each way that is still open: linear in the text times the pattern,
//! and it can be stopped after every character. The first way in the order of preference wins, as in Go.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::Claim;

use super::program::{At, Instruction, Program};
use super::translate::Assertion;

/// Steps of threads per unit of work.
const PER_UNIT: u64 = 8;
/// Units between two charges.
const CHUNK: u64 = 256;

const NO_PLACE: usize = usize::MAX;

/// The instructions at which threads wait for a character, in the order of preference.
struct Waiting {
    /// Where an instruction stands in `order`, if it does.
    place: Vec<u32>,
    order: Vec<At>,
    /// Slots of each waiting thread, in its order.
    slots: Vec<usize>,
}

impl Waiting {
    fn new(instructions: usize) -> Waiting {
        Waiting {
            place: vec![0; instructions],
            order: Vec::new(),
            slots: Vec::new(),
        }
    }

    fn has(&self, at: At) -> bool {
        self.order.get(self.place[at as usize] as usize) == Some(&at)
    }

    fn clear(&mut self) {
        self.order.clear();
        self.slots.clear();
    }
}

/// What is left to follow of the ways from an instruction.
enum Way {
    To(At),
    /// The other ways do not have what was saved in a slot.
    Restore(usize, usize),
}

/// A search in a text.
pub(super) struct Search<'s, 'a, 'h> {
    program: &'s Program,
    text: &'s str,
    cx: &'s mut Call<'a, 'h>,
    /// Slots of each thread: two for the whole match, two for each group, or none.
    width: usize,
    now: Waiting,
    then: Waiting,
    ways: Vec<Way>,
    /// Instructions that were looked at for the present place without waiting there.
    current: Vec<usize>,
    memory: Claim<'a>,
    unpaid: u64,
}

impl<'s, 'a, 'h> Search<'s, 'a, 'h> {
    /// A search that fills so many slots.
    pub(super) fn new(
        cx: &'s mut Call<'a, 'h>,
        program: &'s Program,
        text: &'s str,
        width: usize,
    ) -> Result<Search<'s, 'a, 'h>, BuiltinError> {
        let len = program.instructions.len();
        cx.charge(len as u64 / 64 + 1)?;
        let memory = cx.claim(2 * len * size_of::<u32>())?;
        Ok(Search {
            program,
            text,
            cx,
            width,
            now: Waiting::new(len),
            then: Waiting::new(len),
            ways: Vec::new(),
            current: vec![NO_PLACE; width],
            memory,
            unpaid: 0,
        })
    }

    fn work(&mut self, steps: u64) -> Result<(), BuiltinError> {
        self.unpaid += steps;
        if self.unpaid >= CHUNK * PER_UNIT {
            self.cx.charge(self.unpaid / PER_UNIT)?;
            self.unpaid %= PER_UNIT;
            let lists = [&self.now, &self.then].map(|list| {
                list.order.capacity() * size_of::<At>() + list.slots.capacity() * size_of::<usize>()
            });
            let ways = self.ways.capacity() * size_of::<Way>();
            let fixed = 2 * self.program.instructions.len() * size_of::<u32>();
            self.memory
                .grow_to(self.cx.arena, fixed + lists[0] + lists[1] + ways)?;
        }
        Ok(())
    }

    /// The slots of the match that begins first, at a place or behind it.
    pub(super) fn run(mut self, start: usize) -> Result<Option<Vec<usize>>, BuiltinError> {
        let text = self.text;
        let mut found: Option<Vec<usize>> = None;
        let mut at = start;
        loop {
            let begins = found.is_none() && (at == 0 || !self.program.anchored);
            if self.now.order.is_empty() && !begins {
                break;
            }
            let rest = &text[at..];
            let c = rest.chars().next();
            if begins {
                self.current.fill(NO_PLACE);
                // Less preferred than whatever waits here already.
                let start = self.program.start;
                let mut now = std::mem::replace(&mut self.now, Waiting::new(0));
                let done = self.follow(&mut now, start, at);
                self.now = now;
                done?;
            }
            let behind = at + c.map_or(1, char::len_utf8);
            let now = std::mem::replace(&mut self.now, Waiting::new(0));
            let mut then = std::mem::replace(&mut self.then, Waiting::new(0));
            for (index, waiting) in now.order.iter().enumerate() {
                self.work(1)?;
                let slots = index * self.width..(index + 1) * self.width;
                let next = match self.program.instructions[*waiting as usize] {
                    Instruction::Char(wanted, next) if c == Some(wanted) => next,
                    Instruction::Class(class, next)
                        if c.is_some_and(|c| self.program.classes[class as usize].contains(c)) =>
                    {
                        next
                    }
                    Instruction::Match => {
                        // The threads behind this one are preferred less.
                        found = Some(now.slots[slots].to_vec());
                        break;
                    }
                    _ => continue,
                };
                self.current.copy_from_slice(&now.slots[slots]);
                self.follow(&mut then, next, behind)?;
            }
            if found.is_some() && self.width == 0 {
                break;
            }
            self.now = then;
            self.then = now;
            self.then.clear();
            if c.is_none() {
                break;
            }
            at = behind;
        }
        self.cx.charge(self.unpaid / PER_UNIT)?;
        Ok(found)
    }

    /// Follows all ways from an instruction to those that wait for a character.
    fn follow(&mut self, list: &mut Waiting, from: At, at: usize) -> Result<(), BuiltinError> {
        self.ways.push(Way::To(from));
        while let Some(way) = self.ways.pop() {
            let mut next = match way {
                Way::Restore(slot, old) => {
                    self.current[slot] = old;
                    continue;
                }
                Way::To(next) => next,
            };
            loop {
                self.work(1 + self.width as u64 / 8)?;
                if list.has(next) {
                    break;
                }
                // Every instruction has its place here, so that none is met twice; those that do not wait are skipped.
                list.place[next as usize] = list.order.len() as u32;
                list.order.push(next);
                list.slots.extend_from_slice(&self.current);
                match self.program.instructions[next as usize] {
                    Instruction::Char(..) | Instruction::Class(..) | Instruction::Match => break,
                    Instruction::Split(first, second) => {
                        self.ways.push(Way::To(second));
                        next = first;
                    }
                    Instruction::Save(slot, after) => {
                        if let Some(place) = self.current.get_mut(slot as usize) {
                            let old = std::mem::replace(place, at);
                            self.ways.push(Way::Restore(slot as usize, old));
                        }
                        next = after;
                    }
                    Instruction::Assert(assertion, after) => {
                        if !holds(assertion, self.text, at) {
                            break;
                        }
                        next = after;
                    }
                }
            }
        }
        Ok(())
    }
}

fn holds(assertion: Assertion, text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    let behind = bytes.get(at);
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| *b == b'_' || b.is_ascii_alphanumeric());
    match assertion {
        Assertion::TextStart => before.is_none(),
        Assertion::TextEnd => behind.is_none(),
        Assertion::LineStart => before.is_none_or(|byte| *byte == b'\n'),
        Assertion::LineEnd => behind.is_none_or(|byte| *byte == b'\n'),
        Assertion::WordEdge => is_word(before) != is_word(behind),
        Assertion::NoWordEdge => is_word(before) == is_word(behind),
    }
}
