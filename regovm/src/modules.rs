//! Many policies at once: texts to modules, on several threads.

use std::num::NonZero;
use std::ops::{ControlFlow, Range};

use regovm_core::{Diagnostic, SourceId, SourceMap};
use regovm_parser::Parser;
use regovm_parser::ast::{Module, RegoVersion};

use crate::document::Document;
use crate::engine::source_of;
use crate::parallel;

/// Something for [`Engine::add_all`](crate::Engine::add_all).
#[derive(Clone, Debug)]
pub enum Addition {
    /// As [`Engine::add_module_bytes`](crate::Engine::add_module_bytes).
    Module {
        /// Name for error messages.
        name: String,
        /// The text, which should be UTF-8.
        bytes: Vec<u8>,
    },
    /// As [`Engine::add_document`](crate::Engine::add_document).
    Document(Document),
    /// As [`Engine::add_unreadable`](crate::Engine::add_unreadable).
    Unreadable(String),
}

/// A policy that is to be parsed: its name, its text, and its dialect.
pub(crate) type Text<'a> = (&'a str, &'a [u8], RegoVersion);

/// A policy, or why it is none.
pub(crate) type Parsed = Result<Module, Vec<Diagnostic>>;

/// Texts of fewer bytes than this take less time than a thread to begin.
const WORTH_A_THREAD: usize = 64 << 10;

/// Bytes of texts that a thread takes at a time, at least.
const PORTION: usize = 8 << 10;

/// How many threads some texts are worth, unless a number is wanted.
pub(crate) fn threads_for(texts: &[Text<'_>], wanted: Option<NonZero<usize>>) -> usize {
    if let Some(wanted) = wanted {
        return wanted.get().min(texts.len());
    }
    let bytes: usize = texts.iter().map(|(_, text, _)| text.len()).sum();
    if texts.len() < 2 || bytes < 2 * WORTH_A_THREAD {
        return 1;
    }
    // Asking the system takes time too.
    let most = std::thread::available_parallelism().map_or(1, NonZero::get);
    most.min(bytes / WORTH_A_THREAD)
}

/// Parses texts and keeps them among the sources. The results and the sources are in the order of the texts, whatever the
/// number of threads.
pub(crate) fn parse_all(
    sources: &mut SourceMap,
    texts: &[Text<'_>],
    threads: usize,
    parse: &(dyn Fn(&mut Parser, &SourceMap, SourceId, RegoVersion) -> Parsed + Sync),
) -> Vec<Parsed> {
    let ids: Vec<Result<SourceId, Vec<Diagnostic>>> = texts
        .iter()
        .map(|(name, bytes, _)| source_of(sources, name, bytes))
        .collect();
    let sources = &*sources;
    let parsed_at = |parser: &mut Parser, at: usize| {
        let id = ids[at].as_ref().ok()?;
        Some(parse(parser, sources, *id, texts[at].2))
    };
    let parsed: Vec<Option<Parsed>> = if threads < 2 {
        let mut parser = Parser::default();
        (0..texts.len())
            .map(|at| parsed_at(&mut parser, at))
            .collect()
    } else {
        let portions = portions(texts);
        let mut parsed = Vec::with_capacity(texts.len());
        parallel::in_order(
            threads,
            portions.len(),
            &Parser::default,
            &|parser, portion| {
                let portion = portions[portion].clone();
                Some(portion.map(|at| parsed_at(parser, at)).collect::<Vec<_>>())
            },
            &mut |_, some| {
                parsed.extend(some);
                ControlFlow::Continue(())
            },
        );
        parsed
    };
    let results = ids.into_iter().zip(parsed);
    results
        .map(|(id, parsed)| parsed.unwrap_or_else(|| Err(id.err().unwrap_or_default())))
        .collect()
}

/// Neighbours that are worth the way to a thread.
fn portions(texts: &[Text<'_>]) -> Vec<Range<usize>> {
    let mut portions = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, (_, text, _)) in texts.iter().enumerate() {
        bytes += text.len();
        if bytes >= PORTION {
            portions.push(start..at + 1);
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < texts.len() {
        portions.push(start..texts.len());
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    /// Policies of which some do not parse, or are no UTF-8; documents; and complaints.
    fn additions() -> Vec<Addition> {
        let mut all = Vec::new();
        for number in 0..600 {
            let name = format!("p{number}.rego");
            let text = match number % 50 {
                7 => format!("package p{number}\n\nallow if {{ x[ }}\n"),
                17 => format!("package p{number}\n\nallow if {{ input.x }}\np := 1 if\n"),
                27 => format!("package p{number}\n\n# METADATA\n# scope: nothing\nallow if true\n"),
                _ => format!(
                    "package p{number}\n\nallow if {{\n{}}}\n",
                    "\tinput.user == \"alice\"\n".repeat(number % 40)
                ),
            };
            let mut bytes = text.into_bytes();
            if number % 50 == 37 {
                bytes.push(0xff);
            }
            all.push(Addition::Module { name, bytes });
            match number % 90 {
                80 => all.push(Addition::Unreadable(format!("open {number}.rego: gone"))),
                85 => all.push(Addition::Document(Document::json(
                    format!("{number}.json"),
                    "{",
                ))),
                _ => {}
            }
        }
        all
    }

    fn errors(engine: &Engine) -> Vec<String> {
        let errors = engine.check_parsed().unwrap_err().errors;
        errors.iter().map(|error| format!("{error:?}")).collect()
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let mut one_by_one = Engine::new();
        for addition in additions() {
            match addition {
                Addition::Module { name, bytes } => one_by_one.add_module_bytes(&name, &bytes),
                Addition::Document(document) => one_by_one.add_document(document),
                Addition::Unreadable(message) => one_by_one.add_unreadable(message),
            };
        }
        let wanted = errors(&one_by_one);
        assert!(wanted.len() > 50, "{}", wanted.len());
        for threads in [1, 2, 7] {
            let mut engine = Engine::new();
            engine
                .set_threads(NonZero::new(threads))
                .add_all(additions());
            assert_eq!(errors(&engine), wanted, "{threads} threads");
            assert!(engine.has_same_modules(&one_by_one), "{threads} threads");
        }
    }

    #[test]
    fn portions_are_all_of_the_texts() {
        let long = vec![b' '; PORTION];
        let texts: Vec<Text<'_>> = [1, PORTION, 5, 5, PORTION - 1, 0]
            .map(|length| ("p", &long[..length], RegoVersion::V1))
            .to_vec();
        assert_eq!(portions(&texts), [0..2, 2..5, 5..6]);
        assert!(portions(&[]).is_empty());
        assert_eq!(threads_for(&texts, None), 1);
        assert_eq!(threads_for(&texts, NonZero::new(9)), 6);
    }
}
