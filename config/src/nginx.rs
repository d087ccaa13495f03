//! `nginx.conf`: directives with parameters and blocks, in the order of the text.

use crate::error::ConfigError;
use crate::node::{MAX_DEPTH, Node};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut reader = Reader { text, at: 0 };
    let directives = reader.block(0)?;
    Ok(Node::map(0, vec![("directives".to_owned(), directives)]))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// A piece of the text.
enum Token<'t> {
    Word(&'t str),
    End,
    Open,
    Close,
}

impl<'t> Reader<'t> {
    /// The directives up to the end of the block, or of the text.
    fn block(&mut self, depth: usize) -> Result<Node, ConfigError> {
        if depth > MAX_DEPTH {
            return Err(ConfigError::too_deep().at_offset(self.text, self.at));
        }
        let block_at = self.at;
        let mut directives = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        let mut named = 0;
        while let Some((at, token)) = self.token()? {
            let block = match token {
                Token::Word(word) => {
                    if words.is_empty() {
                        named = at;
                    }
                    words.push(word);
                    continue;
                }
                Token::Close if depth > 0 && words.is_empty() => {
                    return Ok(Node::list(block_at, directives));
                }
                Token::Close => {
                    let what = if words.is_empty() {
                        "unexpected }"
                    } else {
                        "the directive is not ended by ;"
                    };
                    return Err(ConfigError::new(what).at_offset(self.text, at));
                }
                Token::End => None,
                Token::Open => Some(self.block(depth + 1)?),
            };
            if words.is_empty() {
                return Err(ConfigError::new("a directive has no name").at_offset(self.text, at));
            }
            directives.push(directive(named, &words, block));
            words.clear();
        }
        if depth > 0 || !words.is_empty() {
            return Err(ConfigError::new("unexpected eof in block")
                .at_offset(self.text, block_at)
                .with_hint("end directives with ; and close blocks with }"));
        }
        Ok(Node::list(block_at, directives))
    }

    fn token(&mut self) -> Result<Option<(usize, Token<'t>)>, ConfigError> {
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start().len();
            let rest = &self.text[self.at..];
            let Some(comment) = rest.strip_prefix('#') else {
                break;
            };
            self.at += 1 + comment.find('\n').unwrap_or(comment.len());
        }
        let start = self.at;
        let rest = &self.text[start..];
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let (length, token) = match first {
            ';' => (1, Token::End),
            '{' => (1, Token::Open),
            '}' => (1, Token::Close),
            '"' | '\'' => {
                let length = quoted(rest, first).ok_or_else(|| {
                    ConfigError::new(format!("{first} is not closed")).at_offset(self.text, start)
                })?;
                (length, Token::Word(&rest[..length]))
            }
            _ => {
                let length = word(rest);
                (length, Token::Word(&rest[..length]))
            }
        };
        self.at += length;
        Ok(Some((start, token)))
    }
}

/// The length of a text in quotation marks, with them.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let close = rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    close.map(|(at, _)| at + 1)
}

/// The length of a word: `${..}` belongs to it.
fn word(rest: &str) -> usize {
    let mut in_variable = false;
    let mut before = ' ';
    let end = rest.find(|c: char| {
        let ends = match c {
            '{' if before == '$' => {
                in_variable = true;
                false
            }
            '}' if in_variable => {
                in_variable = false;
                false
            }
            ';' | '{' | '}' => true,
            _ => c.is_whitespace(),
        };
        before = c;
        ends
    });
    end.unwrap_or(rest.len())
}

fn directive(at: usize, words: &[&str], block: Option<Node>) -> Node {
    let (name, parameters) = words.split_first().map_or(("", words), |(n, p)| (*n, p));
    let mut members = vec![("name".to_owned(), Node::text(at, name))];
    if !parameters.is_empty() {
        let parameters = parameters.iter().map(|word| Node::text(at, *word));
        members.push((
            "parameters".to_owned(),
            Node::list(at, parameters.collect()),
        ));
    }
    if let Some(directives) = block {
        let block = Node::map(at, vec![("directives".to_owned(), directives)]);
        members.push(("block".to_owned(), block));
    }
    Node::map(at, members)
}
