//! Hashes; certificates, requests and keys of recorded calls, damaged within their DER and around it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Kind::{Any, Changed, Short, Word};
use crate::{Function, Random, argument, raw, unquoted};

pub const FUNCTIONS: &[Function] = &[
    ("crypto.md5", &[Word]),
    ("crypto.sha1", &[Word]),
    ("crypto.sha256", &[Word]),
    ("crypto.hmac.md5", &[Word, Word]),
    ("crypto.hmac.sha1", &[Word, Word]),
    ("crypto.hmac.sha256", &[Word, Word]),
    ("crypto.hmac.sha512", &[Word, Word]),
    ("crypto.hmac.equal", &[Short, Short]),
    ("crypto.parse_private_keys", &[Changed(damaged)]),
    ("crypto.x509.parse_certificates", &[Changed(damaged)]),
    ("crypto.x509.parse_certificate_request", &[Changed(damaged)]),
    ("crypto.x509.parse_rsa_private_key", &[Changed(damaged)]),
    (
        "crypto.x509.parse_keypair",
        &[Changed(mostly_whole), Changed(mostly_whole)],
    ),
    (
        "crypto.x509.parse_and_verify_certificates",
        &[Changed(chain)],
    ),
    (
        "crypto.x509.parse_and_verify_certificates_with_options",
        &[Changed(chain), Changed(options)],
    ),
];

/// Texts of a type of their own, between lines that name it.
struct Block {
    kind: String,
    der: Vec<u8>,
}

/// The blocks of a text: of PEM, of PEM in base64, or of base64 (a block without a kind).
fn blocks(text: &str) -> Vec<Block> {
    let decoded = STANDARD.decode(text.replace('\n', ""));
    let inner = decoded.as_deref().map(String::from_utf8_lossy);
    let text = inner.as_deref().unwrap_or(text);
    let mut blocks: Vec<_> = text.split("-----BEGIN ").skip(1).collect();
    let found = blocks.drain(..).filter_map(|block| {
        let (kind, rest) = block.split_once("-----")?;
        let (body, _) = rest.split_once("-----END")?;
        let der = STANDARD.decode(body.replace(['\r', '\n'], "")).ok()?;
        let kind = kind.to_owned();
        Some(Block { kind, der })
    });
    let found: Vec<_> = found.collect();
    match decoded {
        Ok(der) if found.is_empty() => vec![Block {
            kind: String::new(),
            der,
        }],
        _ => found,
    }
}

fn written(random: &mut Random, blocks: &[Block]) -> String {
    if let [block] = blocks
        && (block.kind.is_empty() || random.below(8) == 0)
    {
        return STANDARD.encode(&block.der);
    }
    let mut text = String::new();
    for Block { kind, der } in blocks {
        text += &format!("-----BEGIN {kind}-----\n");
        for line in STANDARD.encode(der).as_bytes().chunks(64) {
            text += &String::from_utf8_lossy(line);
            text.push('\n');
        }
        text += &format!("-----END {kind}-----\n");
    }
    if random.below(4) == 0 {
        STANDARD.encode(text)
    } else {
        text
    }
}

/// An operand, as it was or damaged in one of these ways: an element of its DER, a byte of it, a character of the
/// text, the order of the blocks.
fn damaged(random: &mut Random, operands: [&str; 2]) -> String {
    match random.below(8) {
        0..=1 => whole(random, operands, 0),
        2 => whole(random, operands, 1),
        3 => rearranged(random, operands),
        4 => scratched(random, operands),
        _ => whole(random, operands, 2),
    }
}

/// The same, but only one in four is damaged: of a pair, or of a chain that must hold.
fn mostly_whole(random: &mut Random, operands: [&str; 2]) -> String {
    match random.below(4) {
        0 => damaged(random, operands),
        1 => rearranged(random, operands),
        _ => whole(random, operands, 0),
    }
}

fn chain(random: &mut Random, operands: [&str; 2]) -> String {
    mostly_whole(random, operands)
}

/// The operand in another form, its DER damaged so far: not, in a byte, in an element.
fn whole(random: &mut Random, [own, other]: [&str; 2], damage: usize) -> String {
    let Some(text) = unquoted(own) else {
        return own.to_owned();
    };
    let mut blocks = blocks(&text);
    if blocks.is_empty() || (damage == 0 && random.below(2) == 0) {
        return own.to_owned();
    }
    let chosen = random.below(blocks.len());
    let der = &mut blocks[chosen].der;
    match (damage, elements(der)) {
        (0, _) => {}
        (2, Some(mut tree)) => {
            let spare = unquoted(other).and_then(|text| elements(&blocks_der(&text)?));
            let spare = spare.unwrap_or_default();
            for _ in 0..1 + random.below(2) {
                change_element(random, &mut tree, &spare);
            }
            *der = encoded(&tree);
        }
        _ => change_byte(random, der),
    }
    raw(&written(random, &blocks))
}

fn blocks_der(text: &str) -> Option<Vec<u8>> {
    Some(blocks(text).into_iter().next()?.der)
}

/// Blocks of two operands: one is left out, doubled or exchanged, or has another kind.
fn rearranged(random: &mut Random, operands: [&str; 2]) -> String {
    let [Some(own), Some(other)] = operands.map(unquoted) else {
        return operands[0].to_owned();
    };
    let (mut own, other) = (blocks(&own), blocks(&other));
    let at = random.below(own.len() + 1);
    match random.below(5) {
        0 if at < own.len() => own.truncate(at),
        1 => own.rotate_left(at),
        2 if at < own.len() => {
            let kind = random.of(&[
                "CERTIFICATE",
                "CERTIFICATE REQUEST",
                "PRIVATE KEY",
                "RSA PRIVATE KEY",
                "EC PRIVATE KEY",
                "X PRIVATE KEY",
                "PUBLIC KEY",
            ]);
            kind.clone_into(&mut own[at].kind);
        }
        _ => {
            own.splice(at..at, other);
        }
    }
    raw(&written(random, &own))
}

/// Characters of the text are removed, doubled or exchanged.
fn scratched(random: &mut Random, [own, _]: [&str; 2]) -> String {
    let Some(text) = unquoted(own) else {
        return own.to_owned();
    };
    let mut chars: Vec<_> = text.chars().collect();
    for _ in 0..1 + random.below(2) {
        let at = random.below(chars.len() + 1);
        let new = random.of(&["-", "=", "\n", "A", " ", "é", ":", "\r", "/"]);
        let end = (at + random.below(3)).min(chars.len());
        chars.splice(at..end, new.chars());
    }
    raw(&chars.into_iter().collect::<String>())
}

fn change_byte(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len() + 1);
    match random.below(5) {
        0 => bytes.truncate(at),
        1 => bytes.insert(
            at,
            *b"\0\x01\x7f\x80\xff".get(random.below(5)).unwrap_or(&0),
        ),
        2 if at < bytes.len() => {
            bytes.remove(at);
        }
        _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        _ => bytes.push(0),
    }
}

/// An element of DER: its tag, and bytes or elements.
#[derive(Clone)]
struct Element {
    tag: u8,
    /// What stands before the elements in a string of bits: the number of unused ones.
    before: Vec<u8>,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    Elements(Vec<Element>),
}

/// The elements that the bytes are. Strings of bytes and bits that hold elements are taken apart too.
fn elements(mut bytes: &[u8]) -> Option<Vec<Element>> {
    let mut found = Vec::new();
    while let [tag, length, rest @ ..] = bytes {
        let (length, rest) = match usize::from(*length) {
            short @ ..0x80 => (short, rest),
            long => {
                let (digits, rest) = rest.split_at_checked(long - 0x80)?;
                let digits = digits.iter().take(4);
                (
                    digits.fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
                    rest,
                )
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let before = if *tag == 3 { content.len().min(1) } else { 0 };
        let (before, inner) = content.split_at(before);
        let inside = match *tag {
            3 | 4 | 0x20.. => elements(inner),
            _ => None,
        };
        found.push(Element {
            tag: *tag,
            before: before.to_owned(),
            content: match inside {
                Some(elements) => Content::Elements(elements),
                None => Content::Bytes(inner.to_owned()),
            },
        });
        bytes = rest;
    }
    bytes.is_empty().then_some(found)
}

fn encoded(elements: &[Element]) -> Vec<u8> {
    let mut out = Vec::new();
    for element in elements {
        let mut content = element.before.clone();
        match &element.content {
            Content::Bytes(bytes) => content.extend(bytes),
            Content::Elements(elements) => content.extend(encoded(elements)),
        }
        out.push(element.tag);
        let length = content.len().to_be_bytes();
        let digits = &length[length.iter().take_while(|digit| **digit == 0).count()..];
        if content.len() >= 0x80 {
            out.push(0x80 + digits.len() as u8);
        }
        out.extend(if content.is_empty() { &[0] } else { digits });
        out.extend(content);
    }
    out
}

fn count(elements: &[Element]) -> usize {
    let inner = elements.iter().map(|element| match &element.content {
        Content::Elements(inner) => 1 + count(inner),
        Content::Bytes(_) => 1,
    });
    inner.sum()
}

/// The list that holds the element of this number, counted from the outside, and the place there.
fn find(elements: &mut Vec<Element>, mut number: usize) -> (&mut Vec<Element>, usize) {
    for at in 0..elements.len() {
        let inner = match &elements[at].content {
            Content::Elements(inner) => count(inner),
            Content::Bytes(_) => 0,
        };
        match number {
            0 => return (elements, at),
            number if number <= inner => {
                let Content::Elements(inner) = &mut elements[at].content else {
                    unreachable!("it holds elements");
                };
                return find(inner, number - 1);
            }
            _ => number -= 1 + inner,
        }
    }
    (elements, 0)
}

/// One element is left out, doubled, moved, replaced by one of the spare ones, or gets another tag or other bytes.
fn change_element(random: &mut Random, tree: &mut Vec<Element>, spare: &[Element]) {
    if tree.is_empty() {
        return;
    }
    let new = if spare.is_empty() {
        tree[0].clone()
    } else {
        let mut spare = spare.to_vec();
        let number = random.below(count(&spare));
        let (list, at) = find(&mut spare, number);
        list[at].clone()
    };
    let number = random.below(count(tree));
    let (list, at) = find(tree, number);
    match random.below(12) {
        0 => {
            list.remove(at);
        }
        1 => list.insert(at, list[at].clone()),
        2 => list[at..].rotate_left(1),
        3 => list[at] = new,
        4 => list.insert(at, new),
        5 => {
            list[at].tag = *TAGS.get(random.below(TAGS.len())).unwrap_or(&5);
        }
        6 => {
            list[at].tag = new.tag;
        }
        kind => match &mut list[at].content {
            Content::Bytes(bytes) if kind < 10 => change_byte(random, bytes),
            Content::Bytes(bytes) => {
                let text = random.of(CONTENTS);
                *bytes = text.chars().map(|c| c as u8).collect();
            }
            Content::Elements(elements) => elements.clear(),
        },
    }
}

const TAGS: &[u8] = &[
    1, 2, 3, 4, 5, 6, 10, 12, 18, 19, 20, 22, 23, 24, 30, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86, 0x87,
    0xa0, 0xa1, 0xa2, 0xa3, 0x1f,
];

/// Bytes, as the first 256 characters.
const CONTENTS: &[&str] = &[
    "",
    "\0",
    "\u{1}",
    "\0\u{1}",
    "\0\u{80}",
    "\u{7f}",
    "\u{80}",
    "\u{ff}",
    "\u{ff}\u{ff}",
    "a",
    "é",
    "a\0",
    "*.example.com",
    "user@example.com",
    "http://[::1]:80/a?b",
    ":",
    "\u{7f}\0\0\u{1}",
    "*\u{86}H\u{86}÷\r\u{1}\u{1}\u{1}",
    "*\u{86}HÎ=\u{2}\u{1}",
    "+ep",
    "U\u{1d}\u{11}",
    "U\u{1d}\u{13}",
    "U\u{4}\u{3}",
    "240102030405Z",
    "20240102030405Z",
    "20500102030405Z",
    "991332030405Z",
    "240102030405+0100",
];

/// The options of a call, or one of them otherwise.
fn options(random: &mut Random, [own, other]: [&str; 2]) -> String {
    const TIMES: &[&str] = &[
        "1707764645000000000",
        "1704164645000000000",
        "1776164645000000000",
        "1776164645000000001",
        "0",
        "1e18",
        "-1",
        "1.5",
        "\"x\"",
    ];
    const NAMES: &[&str] = &[
        "\"leaf.example.com\"",
        "\"LEAF.example.com.\"",
        "\"a.example.com\"",
        "\"10.0.0.1\"",
        "\"[::1]\"",
        "\"\"",
        "\"*.example.com\"",
        "\"é.org\"",
        "1",
    ];
    const USAGES: &[&str] = &[
        "[]",
        "[\"KeyUsageAny\"]",
        "{\"KeyUsageServerAuth\", \"KeyUsageClientAuth\"}",
        "[\"KeyUsageCodeSigning\"]",
        "[\"KeyUsageNone\", 1, \"x\"]",
        "\"KeyUsageAny\"",
    ];
    let time = random.of(TIMES);
    match random.below(8) {
        0 => format!(
            "{{\"CurrentTime\": {time}, \"DNSName\": {}}}",
            random.of(NAMES)
        ),
        1 => format!(
            "{{\"CurrentTime\": {time}, \"KeyUsages\": {}}}",
            random.of(USAGES)
        ),
        2 => format!("{{\"CurrentTime\": {time}}}"),
        3 => format!(
            "{{\"DNSName\": {}, \"KeyUsages\": {}, \"MaxConstraintComparisons\": {}}}",
            random.of(NAMES),
            random.of(USAGES),
            random.of(&["1", "0", "-1", "1.5", "\"x\"", "1e30"])
        ),
        4 => argument(random, Any),
        5 => other.to_owned(),
        _ => own.to_owned(),
    }
}
