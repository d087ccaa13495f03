//! From tokens to events: the pieces of the documents of a text, in order.

use std::borrow::Cow;

use super::cursor::Mark;
use super::problem::{Problem, forbidden, parsed};
use super::scan::{Kind, Scanner, Style, Token};
use super::{CONTROL_CHARACTERS, YamlError};

/// What a text consists of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event<'t> {
    /// A text, number, truth value or nothing.
    Scalar {
        /// What it says, without marks.
        text: Cow<'t, str>,
        /// How it is written.
        style: Style,
        /// Anchor and tag.
        properties: Properties<'t>,
    },
    /// The value of an anchor.
    Alias(&'t str),
    /// The beginning of a sequence.
    SequenceStart(Properties<'t>),
    /// The end of the innermost sequence.
    SequenceEnd,
    /// The beginning of a mapping: keys and values take turns.
    MappingStart(Properties<'t>),
    /// The end of the innermost mapping.
    MappingEnd,
    /// The end of a document.
    DocumentEnd,
}

/// What stands in front of a value.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Properties<'t> {
    /// The name by which aliases call it.
    pub anchor: Option<&'t str>,
    /// Its tag, in full.
    pub tag: Option<String>,
}

/// What comes next in a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Key,
    Value,
    /// The value of a key that has no colon.
    NoValue,
}

/// A collection that has begun.
enum Open {
    /// Begins at the mark.
    Sequence(Mark),
    /// Dashes in the column of the key that they are the value of.
    Indentless,
    Mapping(Mark, Turn),
    FlowSequence {
        begin: Mark,
        is_first: bool,
    },
    /// A pair without braces, in brackets.
    Pair(Turn),
    /// Its end has no token.
    PairEnd,
    FlowMapping {
        begin: Mark,
        is_first: bool,
        turn: Turn,
    },
}

/// Between documents, or in one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin {
        is_first: bool,
    },
    /// The value of a document, which may be missing behind `---`.
    Root {
        is_explicit: bool,
    },
    End,
    Over,
}

/// Which values may come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    /// Also dashes that are not indented.
    Member,
}

/// Reads a text piece by piece.
pub struct Events<'t> {
    scanner: Scanner<'t>,
    /// Nothing more comes.
    is_over: bool,
    stage: Stage,
    open: Vec<Open>,
    /// Handles of tags, and what they stand for.
    handles: Vec<(&'t str, String)>,
}

/// An event and where it begins.
type Placed<'t> = (Event<'t>, Mark);

impl<'t> Iterator for Events<'t> {
    type Item = Result<Placed<'t>, YamlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let event = self.event();
        let found = match self.scanner.cursor.forbidden() {
            Some(at) => Err(forbidden(CONTROL_CHARACTERS, at)),
            None => event,
        };
        self.is_over = !matches!(found, Ok(Some(_)));
        found.map_err(YamlError::from).transpose()
    }
}

impl<'t> Events<'t> {
    /// Begins with a text.
    pub fn new(text: &'t str) -> Events<'t> {
        Events {
            scanner: Scanner::new(text),
            is_over: false,
            stage: Stage::Begin { is_first: true },
            open: Vec::new(),
            handles: Vec::new(),
        }
    }

    fn event(&mut self) -> Result<Option<Placed<'t>>, Problem> {
        let event = match self.open.last() {
            None => return self.between(),
            Some(Open::Sequence(begin)) => {
                let begin = *begin;
                self.entry(begin)
            }
            Some(Open::Indentless) => self.indentless_entry(),
            Some(Open::Mapping(begin, turn)) => {
                let (begin, turn) = (*begin, *turn);
                self.member(begin, turn)
            }
            Some(Open::FlowSequence { begin, is_first }) => {
                let (begin, is_first) = (*begin, *is_first);
                self.flow_entry(begin, is_first)
            }
            Some(Open::Pair(turn)) => {
                let turn = *turn;
                self.pair(turn)
            }
            Some(Open::PairEnd) => {
                let mark = self.scanner.peek()?.start;
                self.open.pop();
                Ok((Event::MappingEnd, mark))
            }
            Some(Open::FlowMapping {
                begin,
                is_first,
                turn,
            }) => {
                let (begin, is_first, turn) = (*begin, *is_first, *turn);
                self.flow_member(begin, is_first, turn)
            }
        };
        event.map(Some)
    }

    /// Takes the token that was looked at, and looks at the next one.
    fn after(&mut self) -> Result<&Token<'t>, Problem> {
        self.scanner.take();
        self.scanner.peek()
    }

    fn turn(&mut self, to: Turn) {
        match self.open.last_mut() {
            Some(Open::Mapping(_, turn) | Open::Pair(turn)) => *turn = to,
            Some(Open::FlowMapping { turn, is_first, .. }) => {
                *turn = to;
                *is_first = false;
            }
            _ => {}
        }
    }

    /// Begins and ends documents.
    fn between(&mut self) -> Result<Option<Placed<'t>>, Problem> {
        if let Stage::Begin { is_first } = self.stage {
            self.begin(is_first)?;
        }
        match self.stage {
            Stage::Root { is_explicit } => {
                self.stage = Stage::End;
                let token = self.scanner.peek()?;
                let is_missing = matches!(
                    token.kind,
                    Kind::Version(..)
                        | Kind::TagDirective(..)
                        | Kind::DocumentStart
                        | Kind::DocumentEnd
                        | Kind::StreamEnd
                );
                if is_explicit && is_missing {
                    let mark = token.start;
                    return Ok(Some(nothing(mark)));
                }
                self.node(Place::Block).map(Some)
            }
            Stage::End => {
                let token = self.scanner.peek()?;
                let mark = token.start;
                if token.kind == Kind::DocumentEnd {
                    self.scanner.take();
                }
                self.handles.clear();
                self.stage = Stage::Begin { is_first: false };
                Ok(Some((Event::DocumentEnd, mark)))
            }
            Stage::Begin { .. } | Stage::Over => Ok(None),
        }
    }

    /// What stands in front of the value of a document. Only the first one needs no `---`.
    fn begin(&mut self, is_first: bool) -> Result<(), Problem> {
        while !is_first && self.scanner.peek()?.kind == Kind::DocumentEnd {
            self.scanner.take();
        }
        self.stage = match self.scanner.peek()?.kind {
            Kind::StreamEnd => {
                self.stage = Stage::Over;
                return Ok(());
            }
            Kind::Version(..) | Kind::TagDirective(..) | Kind::DocumentStart => {
                Stage::Root { is_explicit: true }
            }
            _ => Stage::Root {
                is_explicit: !is_first,
            },
        };
        self.directives()?;
        if self.stage == (Stage::Root { is_explicit: true }) {
            let token = self.scanner.peek()?;
            if token.kind != Kind::DocumentStart {
                let message = "did not find expected <document start>";
                return Err(parsed(message, None, token.start));
            }
            self.scanner.take();
        }
        Ok(())
    }

    fn directives(&mut self) -> Result<(), Problem> {
        let mut has_version = false;
        loop {
            let token = self.scanner.peek()?;
            let mark = token.start;
            match &token.kind {
                Kind::Version(..) if has_version => {
                    return Err(parsed("found duplicate %YAML directive", None, mark));
                }
                Kind::Version(1, 1) => has_version = true,
                Kind::Version(..) => {
                    return Err(parsed("found incompatible YAML document", None, mark));
                }
                Kind::TagDirective(handle, prefix) => {
                    if self.handles.iter().any(|(known, _)| known == handle) {
                        return Err(parsed("found duplicate %TAG directive", None, mark));
                    }
                    self.handles.push((handle, prefix.clone()));
                }
                _ => break,
            }
            self.scanner.take();
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if self.handles.iter().all(|(known, _)| *known != handle) {
                self.handles.push((handle, prefix.to_owned()));
            }
        }
        Ok(())
    }

    /// A value, or the beginning of one.
    fn node(&mut self, place: Place) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let begin = token.start;
        if let Kind::Alias(name) = token.kind {
            self.scanner.take();
            return Ok((Event::Alias(name), begin));
        }
        let properties = self.properties()?;
        let token = self.scanner.peek()?;
        let mark = token.start;
        let is_block = place != Place::Flow;
        let event = match &token.kind {
            Kind::BlockEntry if place == Place::Member => {
                self.open.push(Open::Indentless);
                return Ok((Event::SequenceStart(properties), begin));
            }
            Kind::Scalar(..) => {
                let (text, style) = match self.scanner.take().map(|token| token.kind) {
                    Some(Kind::Scalar(text, style)) => (text, style),
                    _ => (Cow::default(), Style::Plain),
                };
                Event::Scalar {
                    text,
                    style,
                    properties,
                }
            }
            Kind::FlowSequenceStart => {
                self.scanner.take();
                self.open.push(Open::FlowSequence {
                    begin: mark,
                    is_first: true,
                });
                Event::SequenceStart(properties)
            }
            Kind::FlowMappingStart => {
                self.scanner.take();
                self.open.push(Open::FlowMapping {
                    begin: mark,
                    is_first: true,
                    turn: Turn::Key,
                });
                Event::MappingStart(properties)
            }
            Kind::BlockSequenceStart if is_block => {
                self.scanner.take();
                self.open.push(Open::Sequence(mark));
                Event::SequenceStart(properties)
            }
            Kind::BlockMappingStart if is_block => {
                self.scanner.take();
                self.open.push(Open::Mapping(mark, Turn::Key));
                Event::MappingStart(properties)
            }
            _ if properties != Properties::default() => Event::Scalar {
                text: Cow::default(),
                style: Style::Plain,
                properties,
            },
            _ => {
                let message = "did not find expected node content";
                return Err(parsed(message, Some(begin), mark));
            }
        };
        Ok((event, begin))
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<Properties<'t>, Problem> {
        let mut properties = Properties::default();
        let begin = self.scanner.peek()?.start;
        let mut tag = None;
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                Kind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                }
                Kind::Tag(handle, suffix) if tag.is_none() => {
                    tag = Some((*handle, suffix.clone(), token.start));
                }
                _ => break,
            }
            self.scanner.take();
        }
        if let Some((handle, suffix, mark)) = tag {
            let known = self.handles.iter().find(|(known, _)| *known == handle);
            properties.tag = Some(match known {
                _ if handle.is_empty() => suffix,
                Some((_, prefix)) => format!("{prefix}{suffix}"),
                None => return Err(parsed("found undefined tag handle", Some(begin), mark)),
            });
        }
        Ok(properties)
    }

    /// Closes the innermost collection at its last token.
    fn close(&mut self, event: Event<'t>, mark: Mark) -> Result<Placed<'t>, Problem> {
        self.scanner.take();
        self.open.pop();
        Ok((event, mark))
    }

    fn entry(&mut self, begin: Mark) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            Kind::BlockEntry => match self.after()?.kind {
                Kind::BlockEntry | Kind::BlockEnd => Ok(nothing(end)),
                _ => self.node(Place::Block),
            },
            Kind::BlockEnd => self.close(Event::SequenceEnd, start),
            _ => {
                let message = "did not find expected '-' indicator";
                Err(parsed(message, Some(begin), start))
            }
        }
    }

    fn indentless_entry(&mut self) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != Kind::BlockEntry {
            self.open.pop();
            return Ok((Event::SequenceEnd, start));
        }
        match self.after()?.kind {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => Ok(nothing(end)),
            _ => self.node(Place::Block),
        }
    }

    fn member(&mut self, begin: Mark, turn: Turn) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        let is_key = turn == Turn::Key;
        match token.kind {
            Kind::Key if is_key => self.turn(Turn::Value),
            Kind::Value if !is_key => self.turn(Turn::Key),
            Kind::BlockEnd if is_key => return self.close(Event::MappingEnd, start),
            _ if is_key => {
                return Err(parsed("did not find expected key", Some(begin), start));
            }
            _ => {
                self.turn(Turn::Key);
                return Ok(nothing(start));
            }
        }
        match self.after()?.kind {
            Kind::Key | Kind::Value | Kind::BlockEnd => Ok(nothing(end)),
            _ => self.node(Place::Member),
        }
    }

    /// Over the comma in front of all but the first element, to that element or to the end.
    fn after_comma(
        &mut self,
        is_first: bool,
        end: &Kind<'t>,
        problem: Problem,
    ) -> Result<&Token<'t>, Problem> {
        let kind = &self.scanner.peek()?.kind;
        if !is_first && kind != end {
            if *kind != Kind::FlowEntry {
                return Err(problem);
            }
            self.scanner.take();
        }
        self.scanner.peek()
    }

    fn flow_entry(&mut self, begin: Mark, is_first: bool) -> Result<Placed<'t>, Problem> {
        let at = self.scanner.peek()?.start;
        let problem = parsed("did not find expected ',' or ']'", Some(begin), at);
        let token = self.after_comma(is_first, &Kind::FlowSequenceEnd, problem)?;
        let start = token.start;
        match token.kind {
            Kind::FlowSequenceEnd => return self.close(Event::SequenceEnd, start),
            Kind::Key => {
                self.scanner.take();
                self.entered();
                self.open.push(Open::Pair(Turn::Key));
                return Ok((Event::MappingStart(Properties::default()), start));
            }
            _ => {}
        }
        self.entered();
        self.node(Place::Flow)
    }

    /// What comes next in brackets is not the first element.
    fn entered(&mut self) {
        if let Some(Open::FlowSequence { is_first, .. }) = self.open.last_mut() {
            *is_first = false;
        }
    }

    fn pair(&mut self, turn: Turn) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if turn == Turn::Key {
            // go-yaml takes the token of a value, or a comma, for the missing key.
            let is_missing = matches!(
                token.kind,
                Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd
            );
            self.turn(Turn::Value);
            if is_missing {
                self.scanner.take();
                return Ok(nothing(end));
            }
            return self.node(Place::Flow);
        }
        let has_value = token.kind == Kind::Value;
        if let Some(pair) = self.open.last_mut() {
            *pair = Open::PairEnd;
        }
        if has_value {
            let token = self.after()?;
            if !matches!(token.kind, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                return self.node(Place::Flow);
            }
        }
        Ok(nothing(start))
    }

    fn flow_member(
        &mut self,
        begin: Mark,
        is_first: bool,
        turn: Turn,
    ) -> Result<Placed<'t>, Problem> {
        let token = self.scanner.peek()?;
        let mut start = token.start;
        match turn {
            Turn::NoValue => {
                self.turn(Turn::Key);
                return Ok(nothing(start));
            }
            Turn::Value => {
                let has_value = token.kind == Kind::Value;
                self.turn(Turn::Key);
                if has_value {
                    let token = self.after()?;
                    if !matches!(token.kind, Kind::FlowEntry | Kind::FlowMappingEnd) {
                        return self.node(Place::Flow);
                    }
                    start = token.start;
                }
                return Ok(nothing(start));
            }
            Turn::Key => {}
        }
        let problem = parsed("did not find expected ',' or '}'", Some(begin), start);
        let token = self.after_comma(is_first, &Kind::FlowMappingEnd, problem)?;
        let start = token.start;
        match token.kind {
            Kind::FlowMappingEnd => return self.close(Event::MappingEnd, start),
            Kind::Key => {
                self.turn(Turn::Value);
                let token = self.after()?;
                let is_missing = matches!(
                    token.kind,
                    Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd
                );
                if is_missing {
                    let start = token.start;
                    return Ok(nothing(start));
                }
            }
            _ => self.turn(Turn::NoValue),
        }
        self.node(Place::Flow)
    }
}

/// A value that is not there.
fn nothing<'t>(mark: Mark) -> Placed<'t> {
    let event = Event::Scalar {
        text: Cow::default(),
        style: Style::Plain,
        properties: Properties::default(),
    };
    (event, mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &str) -> String {
        let shown = |properties: Properties<'_>| {
            let anchor = properties.anchor.map(|name| format!("&{name} "));
            let tag = properties.tag.map(|tag| format!("<{tag}> "));
            anchor.unwrap_or_default() + &tag.unwrap_or_default()
        };
        let mut out = String::new();
        for event in Events::new(text) {
            match event {
                Err(error) => return format!("{out}{error}"),
                Ok((event, mark)) => {
                    out += &match event {
                        Event::Scalar {
                            text, properties, ..
                        } => format!(
                            "{}{text:?}@{}:{} ",
                            shown(properties),
                            mark.row(),
                            mark.col()
                        ),
                        Event::Alias(name) => format!("*{name} "),
                        Event::SequenceStart(properties) => shown(properties) + "[ ",
                        Event::SequenceEnd => "] ".to_owned(),
                        Event::MappingStart(properties) => shown(properties) + "{ ",
                        Event::MappingEnd => "} ".to_owned(),
                        Event::DocumentEnd => "; ".to_owned(),
                    }
                }
            }
        }
        out.trim_end().to_owned()
    }

    #[test]
    fn documents_become_events() {
        for (text, want) in [
            ("", ""),
            ("---\n---\na", r#"""@2:1 ; "a"@3:1 ;"#),
            (
                "a:\n- b\n-\nc:",
                r#"{ "a"@1:1 [ "b"@2:3 ""@3:2 ] "c"@4:1 ""@4:3 } ;"#,
            ),
            ("- - a\n  - b\n- c", r#"[ [ "a"@1:5 "b"@2:5 ] "c"@3:3 ] ;"#),
            (
                "? a\n? - b\n: c",
                r#"{ "a"@1:3 ""@2:1 [ "b"@2:5 ] "c"@3:3 } ;"#,
            ),
            (
                "[a: b, {c, d: }, ? e]",
                r#"[ { "a"@1:2 "b"@1:5 } { "c"@1:9 ""@1:10 "d"@1:12 ""@1:15 } { "e"@1:20 ""@1:21 } ] ;"#,
            ),
            (
                "&x !!str a: *x",
                r#"{ &x <tag:yaml.org,2002:str> "a"@1:1 *x } ;"#,
            ),
            ("%TAG !e! tag:x,\n---\n!e!y {}", "<tag:x,y> { } ;"),
            ("!<%41> a", r#"<A> "a"@1:1 ;"#),
            ("a\n b\n\n c #d", r#""a b\nc"@1:1 ;"#),
            ("'a''b\n\n c'", r#""a'b\nc"@1:1 ;"#),
            (
                r#""a\x41\u00e9 \
   b""#,
                r#""aAé b"@1:1 ;"#,
            ),
            (
                "- |\n  a\n\n   b\n\n- >2-\n    c\n  d\n  e\n",
                r#"[ "a\n\n b\n"@1:3 "  c\nd e"@6:3 ] ;"#,
            ),
            (
                "[a]\n]",
                "[ \"a\"@1:2 ] ; yaml: line 1: did not find expected <document start>",
            ),
        ] {
            assert_eq!(events(text), want, "{text}");
        }
    }
}
