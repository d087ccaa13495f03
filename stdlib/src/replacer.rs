//! Replacing many texts in one pass.

use std::collections::HashMap;

use regovm_core::builtin::BuiltinError;

use crate::text::Text;

/// Pairs of old and new text. At each place the first pair that matches counts, and what was
/// replaced is not looked at again.
pub(crate) struct Replacer<'t> {
    pairs: &'t [(&'t str, &'t str)],
    nodes: Vec<Node>,
}

/// A place in the trie of the old texts.
#[derive(Default)]
struct Node {
    next: HashMap<u8, usize>,
    /// The first pair whose old text ends here.
    pair: Option<usize>,
}

impl<'t> Replacer<'t> {
    pub(crate) fn new(pairs: &'t [(&'t str, &'t str)]) -> Replacer<'t> {
        let mut nodes = vec![Node::default()];
        for (i, (old, _)) in pairs.iter().enumerate() {
            let mut at = 0;
            for byte in old.bytes() {
                let fresh = nodes.len();
                at = *nodes[at].next.entry(byte).or_insert(fresh);
                if at == fresh {
                    nodes.push(Node::default());
                }
            }
            nodes[at].pair.get_or_insert(i);
        }
        Replacer { pairs, nodes }
    }

    /// The first pair, by their order, whose old text is here, and how far it was looked.
    fn lookup(&self, text: &[u8], skip_empty: bool) -> (Option<(&'t str, &'t str)>, usize) {
        let mut node = &self.nodes[0];
        let mut best = if skip_empty { None } else { node.pair };
        let mut looked = 1;
        for byte in text {
            let Some(next) = node.next.get(byte) else {
                break;
            };
            looked += 1;
            node = &self.nodes[*next];
            best = match (best, node.pair) {
                (Some(best), Some(pair)) => Some(best.min(pair)),
                (best, pair) => best.or(pair),
            };
        }
        (best.map(|pair| self.pairs[pair]), looked)
    }

    /// Go looks at every byte, so the empty text occurs within characters too. The bytes that it
    /// parts are no text, and come out as replacement characters.
    pub(crate) fn replace(
        &self,
        text: &str,
        out: &mut Text<'_, '_, '_>,
    ) -> Result<(), BuiltinError> {
        let bytes = text.as_bytes();
        let mut copied = 0;
        let mut at = 0;
        let mut skip_empty = false;
        while at <= bytes.len() {
            let (pair, looked) = self.lookup(&bytes[at..], skip_empty);
            out.work(looked)?;
            skip_empty = false;
            match pair {
                // Nothing for nothing, which must not part characters either.
                Some(("", "")) => skip_empty = true,
                Some((old, new)) => {
                    push_bytes(out, &bytes[copied..at])?;
                    out.push_str(new)?;
                    at += old.len();
                    copied = at;
                    skip_empty = old.is_empty();
                }
                None => at += 1,
            }
        }
        push_bytes(out, &bytes[copied..])
    }
}

fn push_bytes(out: &mut Text<'_, '_, '_>, bytes: &[u8]) -> Result<(), BuiltinError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => out.repeat(char::REPLACEMENT_CHARACTER, bytes.len()),
    }
}
