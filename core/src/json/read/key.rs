//! Keys of objects.

use super::lanes::{self, Lanes, Work};
use super::{Frame, JsonError, Keep, Kind, Reader};
use crate::value::{EVERYTHING, NOTHING, NodeId, Wanted};

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    /// Reads up to the next value of an object that is wanted, and says what is wanted of it. False if there is none any
    /// more, and something comes that is no comma. `first` is the key whose value the object is, or lies in, if the
    /// object begins here.
    #[inline(always)]
    pub(super) fn members<L: Lanes, const PROJECTED: bool>(
        &mut self,
        lanes: L,
        here: &mut Frame,
        mut first: Option<NodeId>,
        wanted: &mut Wanted,
    ) -> Result<bool, JsonError> {
        loop {
            self.space(lanes);
            if here.kind == Kind::Object {
                let mut guess = match first {
                    Some(of) => self.shapes.guess_first(of),
                    None => self.shapes.guess(here.node),
                };
                // What came first in the last object here may belong to objects of which other parts are wanted.
                if PROJECTED && first.is_some() && self.shapes.root(guess) != here.node {
                    guess = self.shapes.guess(here.node);
                }
                if self.foreseen(lanes, guess) {
                    here.node = guess;
                    if PROJECTED {
                        *wanted = self.shapes.below(guess);
                    }
                } else {
                    *wanted = lanes.run(NewKey {
                        reader: self,
                        here,
                        first,
                        guess,
                    })?;
                }
            } else {
                *wanted = self.dictionary_key::<L, PROJECTED>(lanes, here)?;
            }
            if !PROJECTED || *wanted != NOTHING {
                return Ok(true);
            }
            if self.at >= self.look_at {
                self.look()?;
            }
            self.space(lanes);
            self.skip(lanes)?;
            self.space(lanes);
            if self.byte() != b',' {
                return Ok(false);
            }
            self.at += 1;
            first = None;
        }
    }

    /// True if the key of a node and a colon come here; they are read then.
    #[inline(always)]
    fn foreseen<L: Lanes>(&mut self, lanes: L, guess: NodeId) -> bool {
        let (pattern, mask, len) = self.shapes.pattern(guess);
        let Some(block) = lanes::block(self.text, self.at) else {
            return false;
        };
        let same = u64::from(lanes.equal(block, pattern)) & mask == mask;
        if same {
            self.at += len;
        }
        same
    }

    /// Takes note of the node of a key; says what is wanted of its value.
    #[inline(always)]
    fn came_to(&mut self, here: &mut Frame, first: Option<NodeId>, next: NodeId) -> Wanted {
        if let Some(of) = first {
            self.shapes.began(of, next);
        }
        here.node = next;
        self.shapes.below(next)
    }

    fn wanted_of(&self, of: &Frame, key: &str) -> Wanted {
        self.projection
            .map_or(EVERYTHING, |projection| projection.member(of.wanted, key))
    }

    /// A key that has no shape: from now on the keys of the object lie beside their values.
    #[cold]
    fn no_shape(&mut self, here: &mut Frame, key: &str) -> Result<Wanted, JsonError> {
        let keys = self.shapes.keys_of(here.node);
        let values = self.values.split_off(here.base.min(self.values.len()));
        for (key, value) in keys.into_iter().zip(values) {
            self.push(key)?;
            self.push(value)?;
        }
        here.kind = Kind::Dictionary;
        let wanted = self.wanted_of(here, key);
        if wanted != NOTHING {
            let key = self.make_string(key)?;
            self.push(key)?;
        }
        Ok(wanted)
    }

    /// The key of a member of a dictionary, and its colon; says what is wanted of its value.
    #[inline(always)]
    fn dictionary_key<L: Lanes, const PROJECTED: bool>(
        &mut self,
        lanes: L,
        here: &Frame,
    ) -> Result<Wanted, JsonError> {
        if self.byte() != b'"' {
            return self.unexpected("looking for beginning of object key string");
        }
        if PROJECTED && here.wanted != EVERYTHING {
            return self.projected_key(here);
        }
        let key = self.string(lanes)?;
        self.colon()?;
        self.push(key)?;
        Ok(EVERYTHING)
    }

    fn projected_key(&mut self, here: &Frame) -> Result<Wanted, JsonError> {
        let key = self.text_of_string()?;
        self.colon()?;
        let wanted = self.wanted_of(here, &key);
        if wanted != NOTHING {
            let key = self.make_string(&key)?;
            self.push(key)?;
        }
        Ok(wanted)
    }

    #[inline(always)]
    pub(super) fn colon(&mut self) -> Result<(), JsonError> {
        if self.byte() != b':' {
            self.last_space();
            if self.byte() != b':' {
                return self.unexpected("after object key");
            }
        }
        self.at += 1;
        Ok(())
    }
}

/// Nodes beside the one that was foreseen that are looked at before the key is looked up.
const SIBLINGS: usize = 6;

/// Reads a key that was not foreseen, and its colon; says what is wanted of its value.
struct NewKey<'r, 'a, 't, 'p, K> {
    reader: &'r mut Reader<'a, 't, 'p, K>,
    here: &'r mut Frame,
    /// See [`Reader::members`].
    first: Option<NodeId>,
    /// What was foreseen; a root if nothing was.
    guess: NodeId,
}

impl<'a, 't, 'p, K: Keep<'a, 't>> Work for NewKey<'_, 'a, 't, 'p, K> {
    type Out = Result<Wanted, JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Result<Wanted, JsonError> {
        let NewKey {
            reader,
            here,
            first,
            guess,
        } = self;
        if reader.byte() != b'"' {
            return reader.unexpected("looking for beginning of object key string");
        }
        let mut sibling = guess;
        for _ in 0..SIBLINGS {
            sibling = reader.shapes.sibling(sibling);
            if sibling == guess {
                break;
            }
            if reader.foreseen(lanes, sibling) {
                reader.shapes.came(here.node, sibling);
                return Ok(reader.came_to(here, first, sibling));
            }
        }
        let plain = lanes::plain(lanes, reader.text, reader.at + 1);
        let key = match plain.text {
            Some(text) if reader.text.get(plain.end) == Some(&b'"') => {
                reader.at = plain.end + 1;
                text.into()
            }
            _ => reader.text_of_string()?,
        };
        reader.colon()?;
        let (projection, of) = (reader.projection, here.wanted);
        let wanted = || projection.map_or(EVERYTHING, |projection| projection.member(of, &key));
        match reader.shapes.step(here.node, &key, wanted) {
            Some(next) => Ok(reader.came_to(here, first, next)),
            None => reader.no_shape(here, &key),
        }
    }
}
