//! Functions over strings. Positions and lengths count characters: code points.

use std::borrow::Cow;

use num_bigint::BigInt;
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{self, ArrayBuilder, Value, View};
use regovm_core::work;

use crate::declare::builtin;
use crate::go::format::{Argument, LONGEST_PLAIN, Parts, plain_parts, push_formatted};
use crate::operand::{
    Outcome, array, elements, failed, integer, number_text, object, operands, plain_integer,
    string, wrong, wrong_element, wrong_type,
};
use crate::replacer::Replacer;
use crate::text::{BLOCK, Text, char_offset, charge_big, charge_bytes, count_chars, find, written};

const CATEGORIES: &[&str] = &["strings"];

/// Bytes of a node of a replacer, with a table of its own.
const REPLACER_NODE: usize = 160;

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "concat",
        signature: "(delimiter: str, collection: [str]|{str}) -> output: str",
        doc: "The strings of an array, or of a set in order, with the delimiter between them.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"concat(", ", ["a", "b"])"#, r#""a, b""#),
            (r#"concat("/", {"b", "a"})"#, r#""a/b""#),
            (r#"concat(",", [1])"#, ""),
        ],
        body: concat,
    },
    builtin! {
        name: "contains",
        signature: "(haystack: str, needle: str) -> result: bool",
        doc: "Whether the needle occurs in the string.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"contains("abc", "bc")"#, "true"), (r#"contains("abc", "")"#, "true")],
        body: contains,
    },
    builtin! {
        name: "startswith",
        signature: "(search: str, base: str) -> result: bool",
        doc: "Whether the first string begins with the second.",
        cost: Cost::Linear("bytes of the prefix"),
        examples: [(r#"startswith("abc", "ab")"#, "true")],
        body: startswith,
    },
    builtin! {
        name: "endswith",
        signature: "(search: str, base: str) -> result: bool",
        doc: "Whether the first string ends with the second.",
        cost: Cost::Linear("bytes of the suffix"),
        examples: [(r#"endswith("abc", "bc")"#, "true")],
        body: endswith,
    },
    builtin! {
        name: "indexof",
        signature: "(haystack: str, needle: str) -> output: num",
        doc: "The position of the first occurrence of the needle, or -1. An empty needle is an error.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"indexof("añb", "b")"#, "2"),
            (r#"indexof("abc", "x")"#, "-1"),
            (r#"indexof("abc", "")"#, ""),
        ],
        body: indexof,
    },
    builtin! {
        name: "indexof_n",
        since: (0, 37),
        signature: "(haystack: str, needle: str) -> output: [num]",
        doc: "The positions of all occurrences of the needle, also of those that overlap. An empty needle is an error.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"indexof_n("banana", "ana")"#, "[1, 3]"), (r#"indexof_n("abc", "x")"#, "[]")],
        body: indexof_n,
    },
    builtin! {
        name: "lower",
        signature: "(x: str) -> y: str",
        doc: "The string in lower case, character by character.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"lower("AbÇ")"#, r#""abç""#)],
        body: lower,
    },
    builtin! {
        name: "upper",
        signature: "(x: str) -> y: str",
        doc: "The string in upper case, character by character: ß stays, as no single character is its capital.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"upper("aßç")"#, r#""AßÇ""#)],
        body: upper,
    },
    builtin! {
        name: "replace",
        signature: "(x: str, old: str, new: str) -> y: str",
        doc: "Replaces every occurrence of a text. The empty text occurs before every character and at the end.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"replace("banana", "an", "o")"#, r#""booa""#),
            (r#"replace("ab", "", "-")"#, r#""-a-b-""#),
        ],
        body: replace,
    },
    builtin! {
        name: "strings.replace_n",
        signature: "(patterns: obj<str=>str>, value: str) -> output: str",
        doc: "Replaces every key by its value, in one pass over the string. Where several keys match, the first in order counts.",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"strings.replace_n({"a": "b", "b": "c"}, "ab")"#, r#""bc""#),
            (r#"strings.replace_n({"<": "&lt;", ">": "&gt;"}, "<b>")"#, r#""&lt;b&gt;""#),
        ],
        body: replace_n,
    },
    builtin! {
        name: "split",
        signature: "(x: str, delimiter: str) -> ys: [str]",
        doc: "The parts of the string between delimiters. An empty delimiter splits into characters.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"split("a/b//c", "/")"#, r#"["a", "b", "", "c"]"#),
            (r#"split("añ", "")"#, r#"["a", "ñ"]"#),
            (r#"split("", ",")"#, r#"[""]"#),
        ],
        body: split,
    },
    builtin! {
        name: "strings.split_n",
        since: (1, 19),
        signature: "(x: str, delimiter: str, n: num) -> ys: [str]",
        doc: "The first n parts of the string between delimiters, or with a negative n the last ones.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"strings.split_n("a.b.c", ".", 2)"#, r#"["a", "b"]"#),
            (r#"strings.split_n("a.b.c", ".", -1)"#, r#"["c"]"#),
            (r#"strings.split_n("a.b.c", ".", 0)"#, "[]"),
        ],
        body: split_n,
    },
    builtin! {
        name: "sprintf",
        signature: "(format: str, values: [any]) -> output: str",
        doc: "Fills a format with values, by the rules of Go: %v for any value, %d %x %o %b for integers, %f %e %g for other numbers, %s %q for text, and %T for the type. A verb that does not fit leaves a text like %!d(string=a).",
        cost: Cost::Linear("bytes of the result"),
        examples: [
            (r#"sprintf("%s has %d of %v", ["a", 2, [1, "x"]])"#, r#""a has 2 of [1, \"x\"]""#),
            (r#"sprintf("%5.2f|%-4d|%04x", [1.5, 7, 255])"#, r#"" 1.50|7   |00ff""#),
            (r#"sprintf("%d", ["a"])"#, r#""%!d(string=a)""#),
            (r#"sprintf("%d", [])"#, r#""%!d(MISSING)""#),
            (r#"sprintf("%[2]d %[1]d", [1, 2])"#, r#""2 1""#),
        ],
        body: sprintf,
    },
    builtin! {
        name: "substring",
        signature: "(value: str, offset: num, length: num) -> output: str",
        doc: "A part of the string. A negative length takes all that follows; a negative offset is an error.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"substring("abcdef", 2, 3)"#, r#""cde""#),
            (r#"substring("abc", 1, -1)"#, r#""bc""#),
            (r#"substring("abc", 9, 1)"#, r#""""#),
            (r#"substring("abc", -1, 1)"#, ""),
        ],
        body: substring,
    },
    builtin! {
        name: "trim",
        signature: "(value: str, cutset: str) -> output: str",
        doc: "Removes every character of a set from both ends of the string. The cutset is no prefix: its order does not matter.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim("xyaxyx", "yx")"#, r#""a""#)],
        body: trim,
    },
    builtin! {
        name: "trim_left",
        signature: "(value: str, cutset: str) -> output: str",
        doc: "Removes every character of a set from the start of the string.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim_left("xyax", "yx")"#, r#""ax""#)],
        body: trim_left,
    },
    builtin! {
        name: "trim_right",
        signature: "(value: str, cutset: str) -> output: str",
        doc: "Removes every character of a set from the end of the string.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim_right("xaxy", "yx")"#, r#""xa""#)],
        body: trim_right,
    },
    builtin! {
        name: "trim_prefix",
        signature: "(value: str, prefix: str) -> output: str",
        doc: "The string without a prefix; unchanged if it does not begin with it.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim_prefix("refs/heads/main", "refs/")"#, r#""heads/main""#)],
        body: trim_prefix,
    },
    builtin! {
        name: "trim_suffix",
        signature: "(value: str, suffix: str) -> output: str",
        doc: "The string without a suffix; unchanged if it does not end with it.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim_suffix("a.rego", ".rego")"#, r#""a""#)],
        body: trim_suffix,
    },
    builtin! {
        name: "trim_space",
        signature: "(value: str) -> output: str",
        doc: "The string without white space at its ends.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"trim_space(" \ta\n")"#, r#""a""#)],
        body: trim_space,
    },
    builtin! {
        name: "strings.any_prefix_match",
        since: (0, 44),
        signature: "(search: str|[str]|{str}, base: str|[str]|{str}) -> result: bool",
        doc: "Whether some string of the first operand begins with some string of the second.",
        cost: Cost::Linear("elements, times their logarithm"),
        examples: [
            (r#"strings.any_prefix_match(["a/b", "c/d"], {"c/", "x/"})"#, "true"),
            (r#"strings.any_prefix_match("abc", "b")"#, "false"),
        ],
        body: any_prefix_match,
    },
    builtin! {
        name: "strings.any_suffix_match",
        since: (0, 44),
        signature: "(search: str|[str]|{str}, base: str|[str]|{str}) -> result: bool",
        doc: "Whether some string of the first operand ends with some string of the second.",
        cost: Cost::Linear("elements, times their logarithm"),
        examples: [(r#"strings.any_suffix_match({"a.rego", "b.txt"}, [".json", ".rego"])"#, "true")],
        body: any_suffix_match,
    },
    builtin! {
        name: "strings.count",
        since: (0, 67),
        signature: "(search: str, substring: str) -> output: num",
        doc: "How often a text occurs, without overlap. The empty text occurs once more than there are characters.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"strings.count("banana", "an")"#, "2"), (r#"strings.count("abc", "")"#, "4")],
        body: count,
    },
    builtin! {
        name: "strings.reverse",
        since: (0, 36),
        signature: "(x: str) -> y: str",
        doc: "The characters from last to first.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"strings.reverse("año")"#, r#""oña""#)],
        body: reverse,
    },
];

/// Two strings, with the work of searching one in the other charged.
fn two_strings<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Result<[&'a str; 2], BuiltinError> {
    let [x, y] = operands(arguments)?;
    let (x, y) = (string(x, 1)?, string(y, 2)?);
    charge_bytes(cx, x.len() + y.len())?;
    Ok([x, y])
}

fn boolean<'a>(value: bool) -> Outcome<'a> {
    Ok(Some(Value::boolean(value)))
}

/// A part of an operand: shares the operand's text, or the operand itself when it is all of it.
fn part<'a>(cx: &mut Call<'a, '_>, whole: Value<'a>, part: &'a str) -> Outcome<'a> {
    let same = whole
        .as_str()
        .is_some_and(|whole| whole.len() == part.len());
    Ok(Some(if same {
        whole
    } else {
        cx.arena.string_ref(part)
    }))
}

/// So many texts are put together without being copied first.
const FEW_PARTS: usize = 8;

fn concat<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [delimiter, collection] = operands(arguments)?;
    let delimiter = string(delimiter, 1)?;
    let parts = elements(collection).ok_or_else(|| wrong_type(2, &["set", "array"], collection))?;
    if let [only] = parts
        && only.is_string()
    {
        return Ok(Some(*only));
    }
    let mut len = delimiter
        .len()
        .saturating_mul(parts.len().saturating_sub(1));
    for chunk in parts.chunks(1024) {
        cx.charge(chunk.len() as u64)?;
        for part in chunk {
            let text = part
                .as_str()
                .ok_or_else(|| wrong_element(2, collection, "string", *part))?;
            len = len.saturating_add(text.len());
        }
    }
    let texts = || parts.iter().map(|part| part.as_str().unwrap_or(""));
    if parts.len() <= FEW_PARTS && len <= LONGEST_PLAIN {
        let mut pieces = Parts::new();
        for (i, text) in texts().enumerate() {
            if i > 0 {
                pieces.push(delimiter);
            }
            pieces.push(text);
        }
        charge_bytes(cx, len)?;
        return Ok(Some(cx.arena.concat(&pieces)));
    }
    cx.charge(1)?;
    let mut out = Text::new(cx);
    out.room(len)?;
    for (i, text) in texts().enumerate() {
        if i > 0 {
            out.push_str(delimiter)?;
        }
        out.push_str(text)?;
    }
    Ok(Some(out.finish()))
}

fn contains<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [haystack, needle] = two_strings(cx, arguments)?;
    boolean(find(cx, haystack, needle, 0)?.is_some())
}

fn startswith<'a>(_: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, prefix] = operands(arguments)?;
    boolean(string(x, 1)?.starts_with(string(prefix, 2)?))
}

fn endswith<'a>(_: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, suffix] = operands(arguments)?;
    boolean(string(x, 1)?.ends_with(string(suffix, 2)?))
}

/// The operands of a search, which may not be for nothing.
fn search<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
) -> Result<[&'a str; 2], BuiltinError> {
    let [haystack, needle] = two_strings(cx, arguments)?;
    if needle.is_empty() {
        return Err(failed("empty search character"));
    }
    Ok([haystack, needle])
}

fn indexof<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [haystack, needle] = search(cx, arguments)?;
    let position = match find(cx, haystack, needle, 0)? {
        Some(at) => count_chars(cx, &haystack[..at])? as i64,
        None => -1,
    };
    Ok(Some(cx.arena.integer(position)))
}

fn indexof_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [haystack, needle] = search(cx, arguments)?;
    let first = needle.chars().next().map_or(1, char::len_utf8);
    let mut positions = ArrayBuilder::new();
    let (mut from, mut counted, mut position) = (0, 0, 0);
    while let Some(at) = find(cx, haystack, needle, from)? {
        position += count_chars(cx, &haystack[counted..at])? as i64;
        counted = at;
        positions.push(cx.arena, cx.arena.integer(position))?;
        from = at + first;
        // Finding a long needle again and again at every place is the worst case.
        cx.charge(needle.len() as u64 / 64 + 1)?;
    }
    Ok(Some(positions.finish(cx.arena)))
}

fn lower<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    let map = |c: char| match c.is_ascii() {
        true => c.to_ascii_lowercase(),
        false => simple_lower(c),
    };
    map_chars(cx, x, text, map, str::to_ascii_lowercase)
}

fn upper<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    let map = |c: char| match c.is_ascii() {
        true => c.to_ascii_uppercase(),
        false => simple_upper(c),
    };
    map_chars(cx, x, text, map, str::to_ascii_uppercase)
}

/// The small form of one character. The only one with a form of two characters is the capital I
/// with a dot; Go takes the first of them.
pub(crate) fn simple_lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The capital of one character, if it is one character.
fn simple_upper(c: char) -> char {
    let mut capitals = c.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        // Greek vowels with iota below have a capital of one character, which the full mapping
        // writes as two.
        _ => match c as u32 {
            code @ (0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7) => {
                char::from_u32(code + 8).unwrap_or(c)
            }
            code @ (0x1fb3 | 0x1fc3 | 0x1ff3) => char::from_u32(code + 9).unwrap_or(c),
            _ => c,
        },
    }
}

fn map_chars<'a>(
    cx: &mut Call<'a, '_>,
    x: Value<'a>,
    text: &'a str,
    map: impl Fn(char) -> char,
    map_ascii: fn(&str) -> String,
) -> Outcome<'a> {
    charge_bytes(cx, text.len())?;
    if text.len() <= BLOCK && text.is_ascii() {
        let changed = |byte: &u8| map(char::from(*byte)) != char::from(*byte);
        let Some(first) = text.as_bytes().iter().position(changed) else {
            return Ok(Some(x));
        };
        cx.reserve(2 * text.len())?;
        let (same, rest) = text.split_at(first);
        return Ok(Some(cx.arena.concat(&[same, &map_ascii(rest)])));
    }
    if text.chars().all(|c| map(c) == c && work::effort(1)) {
        return Ok(Some(x));
    }
    let mut out = Text::new(cx);
    out.room(text.len())?;
    for c in text.chars() {
        out.push(map(c))?;
    }
    Ok(Some(out.finish()))
}

fn replace<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, old, new] = operands(arguments)?;
    let (text, old, new) = (string(x, 1)?, string(old, 2)?, string(new, 3)?);
    charge_bytes(cx, text.len() + old.len())?;
    if old == new || find(cx, text, old, 0)?.is_none() {
        return Ok(Some(x));
    }
    let mut out = Text::new(cx);
    if old.is_empty() {
        Replacer::new(&[(old, new)]).replace(text, &mut out)?;
        return Ok(Some(out.finish()));
    }
    let mut rest = 0;
    while let Some(at) = out.find(text, old, rest)? {
        out.push_str(&text[rest..at])?;
        out.push_str(new)?;
        rest = at + old.len();
    }
    out.push_str(&text[rest..])?;
    Ok(Some(out.finish()))
}

fn replace_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [patterns, x] = operands(arguments)?;
    let (patterns, text) = (object(patterns, 1)?, string(x, 2)?);
    cx.charge(patterns.len() as u64)?;
    // Pairs, and for each byte of a key perhaps a node with a table of its own.
    let keys = patterns.keys().iter().filter_map(|key| key.as_str());
    let nodes = keys
        .map(str::len)
        .sum::<usize>()
        .saturating_mul(REPLACER_NODE);
    let _memory = cx.claim(nodes.saturating_add(patterns.len() * 32))?;
    let mut pairs = Vec::with_capacity(patterns.len());
    for (key, value) in patterns.iter() {
        let key = key
            .as_str()
            .ok_or_else(|| wrong(1, "non-string key found in pattern object"))?;
        let value = value
            .as_str()
            .ok_or_else(|| wrong(1, "non-string value found in pattern object"))?;
        pairs.push((key, value));
    }
    charge_bytes(cx, text.len())?;
    cx.charge(pairs.iter().map(|(key, _)| key.len() as u64).sum())?;
    let mut out = Text::new(cx);
    Replacer::new(&pairs).replace(text, &mut out)?;
    if out.as_str() == text {
        return Ok(Some(x));
    }
    Ok(Some(out.finish()))
}

/// The parts between delimiters, at most `limit` of them: the last one is the rest then.
fn parts<'a>(
    cx: &mut Call<'a, '_>,
    text: &'a str,
    delimiter: &str,
    limit: usize,
) -> Result<ArrayBuilder<'a>, BuiltinError> {
    let mut parts = ArrayBuilder::new();
    let mut at = 0;
    while limit > 0 && (!delimiter.is_empty() || at < text.len()) {
        // Paid for many at once: most texts have few.
        if parts.len() % MANY_PARTS == MANY_PARTS - 1 {
            cx.charge(MANY_PARTS as u64)?;
        }
        let next = match delimiter {
            _ if parts.len() + 1 == limit => None,
            "" => {
                let c = text[at..].chars().next();
                c.map(|c| at + c.len_utf8())
                    .filter(|next| *next < text.len())
            }
            delimiter => find(cx, text, delimiter, at)?,
        };
        let end = next.unwrap_or(text.len());
        parts.push(cx.arena, cx.arena.string_ref(&text[at..end]))?;
        match next {
            Some(next) => at = next + delimiter.len(),
            None => break,
        }
    }
    cx.charge((parts.len() % MANY_PARTS) as u64)?;
    Ok(parts)
}

/// Parts between two looks at the budgets.
const MANY_PARTS: usize = 64;

fn split<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text, delimiter] = two_strings(cx, arguments)?;
    let parts = parts(cx, text, delimiter, usize::MAX)?;
    if let [_] = parts.as_slice() {
        // Not in parts: the text itself, which is there already.
        return Ok(Some(cx.arena.array(&arguments[..1])));
    }
    Ok(Some(parts.finish(cx.arena)))
}

fn split_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text, delimiter, n] = operands(arguments)?;
    let (text, delimiter, n) = (string(text, 1)?, string(delimiter, 2)?, integer(n, 3)?);
    charge_bytes(cx, text.len() + delimiter.len())?;
    let limit = usize::try_from(n).unwrap_or(usize::MAX);
    // One more, which is the rest.
    let parts = parts(cx, text, delimiter, limit.saturating_add(1))?;
    let parts = parts.as_slice();
    let wanted = if n >= 0 {
        &parts[..parts.len().min(limit)]
    } else {
        let last = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
        &parts[parts.len().saturating_sub(last)..]
    };
    Ok(Some(cx.arena.array(wanted)))
}

fn sprintf<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [format, values] = operands(arguments)?;
    let (format, values) = (string(format, 1)?, array(values, 2)?);
    charge_bytes(cx, format.len())?;
    cx.charge(values.len() as u64)?;
    let mut parts = Parts::new();
    if let Some(bytes) = plain_parts(cx.arena, format, values.as_slice(), &mut parts) {
        charge_bytes(cx, bytes)?;
        return Ok(Some(cx.arena.concat(&parts)));
    }
    let mut memory = cx.claim(values.len() * size_of::<Argument<'_>>())?;
    let mut converted = Vec::with_capacity(values.len());
    for value in values.iter() {
        let argument = argument(cx, value)?;
        if let Argument::Text(Cow::Owned(text)) = &argument {
            memory.grow(cx.arena, text.capacity())?;
        }
        converted.push(argument);
    }
    let mut out = Text::new(cx);
    push_formatted(&mut out, format, &converted)?;
    Ok(Some(out.finish()))
}

/// A value as the Go value that OPA formats. The text of a number decides: with a point or an
/// exponent it is a float, also where the value is whole.
fn argument<'a>(cx: &mut Call<'a, '_>, value: Value<'a>) -> Result<Argument<'a>, BuiltinError> {
    Ok(match value.view() {
        View::Integer(n) => Argument::Integer(n),
        View::String(text) => Argument::Text(Cow::Borrowed(text.as_str())),
        View::Number(n) if n.text().contains(['.', 'e', 'E']) => {
            let float = n.to_f64();
            if float.is_finite() {
                Argument::Float(float)
            } else {
                Argument::Text(Cow::Borrowed(n.text()))
            }
        }
        View::Number(n) => match plain_integer(value) {
            Some(n) => Argument::Integer(n),
            None => {
                charge_big(cx, n.text().len() as u64 * 4)?;
                match n.text().parse::<BigInt>() {
                    Ok(n) => Argument::Big(n),
                    Err(_) => Argument::Text(number_text(value)),
                }
            }
        },
        _ => Argument::Text(Cow::Owned(rego_text(cx, value)?)),
    })
}

/// A value in Rego's syntax. Whoever keeps it counts its memory.
pub(crate) fn rego_text(cx: &mut Call<'_, '_>, value: Value<'_>) -> Result<String, BuiltinError> {
    Ok(written(cx, value, regovm_core::json::rego_text)?.0)
}

fn substring<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, offset, length] = operands(arguments)?;
    let (text, offset, length) = (string(x, 1)?, integer(offset, 2)?, integer(length, 3)?);
    let Ok(offset) = usize::try_from(offset) else {
        return Err(failed("negative offset"));
    };
    charge_bytes(cx, text.len())?;
    let rest = &text[char_offset(cx, text, offset)?..];
    let taken = match usize::try_from(length) {
        Ok(length) => &rest[..char_offset(cx, rest, length)?],
        Err(_) => rest,
    };
    part(cx, x, taken)
}

/// A string and what to cut off it.
fn cut<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
    cut: impl Fn(&'a str, &str) -> &'a str,
) -> Outcome<'a> {
    let [text, what] = two_strings(cx, arguments)?;
    part(cx, arguments[0], cut(text, what))
}

fn trim<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    charge_cutset(cx, arguments)?;
    cut(cx, arguments, |text, set| {
        text.trim_matches(|c| work::effort(1) && set.contains(c))
    })
}

fn trim_left<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    charge_cutset(cx, arguments)?;
    cut(cx, arguments, |text, set| {
        text.trim_start_matches(|c| work::effort(1) && set.contains(c))
    })
}

fn trim_right<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    charge_cutset(cx, arguments)?;
    cut(cx, arguments, |text, set| {
        text.trim_end_matches(|c| work::effort(1) && set.contains(c))
    })
}

/// Every character may be looked for in the whole cutset.
fn charge_cutset<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Result<(), BuiltinError> {
    let [text, set] = operands(arguments)?;
    let len = |value: Value<'a>| value.as_str().map_or(0, str::len) as u64;
    cx.charge(len(text).saturating_mul(len(set) / 64))
}

fn trim_prefix<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    cut(cx, arguments, |text, prefix| {
        text.strip_prefix(prefix).unwrap_or(text)
    })
}

fn trim_suffix<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    cut(cx, arguments, |text, suffix| {
        text.strip_suffix(suffix).unwrap_or(text)
    })
}

fn trim_space<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len())?;
    part(cx, x, text.trim())
}

/// The strings of an operand that is one or a collection of them.
fn some_strings<'a>(value: Value<'a>, position: usize) -> Result<Vec<&'a str>, BuiltinError> {
    if let Some(text) = value.as_str() {
        return Ok(vec![text]);
    }
    let elements =
        elements(value).ok_or_else(|| wrong_type(position, &["string", "set", "array"], value))?;
    elements
        .iter()
        .map(|element| {
            element
                .as_str()
                .ok_or_else(|| wrong_element(position, value, "string", *element))
        })
        .collect()
}

fn affixes<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
    matches: impl Fn(&str, &str) -> bool,
    order: impl Fn(&str, &str) -> std::cmp::Ordering,
) -> Outcome<'a> {
    let [search, base] = operands(arguments)?;
    let len = |value: Value<'a>| value.collection_len().unwrap_or(1);
    let n = len(search) as u64;
    cx.charge((n + len(base) as u64) * (u64::from(n.max(1).ilog2()) + 1))?;
    let _memory = cx.claim((len(search) + len(base)) * size_of::<&str>())?;
    let (mut search, base) = (some_strings(search, 1)?, some_strings(base, 2)?);
    charge_bytes(cx, search.iter().chain(&base).map(|text| text.len()).sum())?;
    // Strings with a common prefix stand together when sorted, right after the prefix itself.
    value::sort_by(cx.arena, &mut search, |a, b| order(a, b))?;
    let found = base.iter().any(|affix| {
        let at = search.partition_point(|text| order(text, affix).is_lt());
        work::effort(32);
        search.get(at).is_some_and(|text| matches(text, affix))
    });
    boolean(found)
}

fn any_prefix_match<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    affixes(
        cx,
        arguments,
        |text, prefix| text.starts_with(prefix),
        |a, b| a.cmp(b),
    )
}

fn any_suffix_match<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let backward = |a: &str, b: &str| a.bytes().rev().cmp(b.bytes().rev());
    affixes(
        cx,
        arguments,
        |text, suffix| text.ends_with(suffix),
        backward,
    )
}

fn count<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [text, part] = two_strings(cx, arguments)?;
    if part.is_empty() {
        let count = count_chars(cx, text)? as i64 + 1;
        return Ok(Some(cx.arena.integer(count)));
    }
    let (mut count, mut at) = (0, 0);
    while let Some(found) = find(cx, text, part, at)? {
        cx.charge(1)?;
        count += 1;
        at = found + part.len();
    }
    Ok(Some(cx.arena.integer(count)))
}

fn reverse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    let mut out = Text::new(cx);
    out.room(text.len())?;
    for c in text.chars().rev() {
        out.push(c)?;
    }
    Ok(Some(out.finish()))
}
