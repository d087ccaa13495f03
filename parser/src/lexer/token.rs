//! Raw tokens: what the text consists of before newlines, keywords and brackets are understood.

use logos::Logos;

use super::keyword::Keyword;

/// A raw token. Words are told apart later, because imports decide which of them are keywords.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(skip r"[ \t\r\n]+")]
pub enum RawKind {
    /// An identifier or keyword.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Word,
    /// A number without sign.
    #[regex(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")]
    Number,
    /// `".."`
    #[regex(r#""([^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F])*""#)]
    String,
    /// `` `..` ``
    #[regex(r"`[^`]*`")]
    RawString,
    /// `# ..`
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Comment,
    /// `$"` or `` $` ``: the scanner goes on by hand from here.
    #[regex(r#"\$["`]"#)]
    TemplateQuote,
    /// `[`
    #[token("[")]
    LBracket,
    /// `]`
    #[token("]")]
    RBracket,
    /// `{`
    #[token("{")]
    LBrace,
    /// `}`
    #[token("}")]
    RBrace,
    /// `(`
    #[token("(")]
    LParen,
    /// `)`
    #[token(")")]
    RParen,
    /// `,`
    #[token(",")]
    Comma,
    /// `:`
    #[token(":")]
    Colon,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `.`
    #[token(".")]
    Dot,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `&`
    #[token("&")]
    Ampersand,
    /// `|`
    #[token("|")]
    Pipe,
    /// `=`
    #[token("=")]
    Unify,
    /// `==`
    #[token("==")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `:=`
    #[token(":=")]
    Assign,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterEqual,

    // Not found by logos but by the template layer.
    /// A template string without holes.
    TemplateWhole,
    /// From `$"` to the first `{`.
    TemplateStart,
    /// From the `}` of a hole to the `{` of the next.
    TemplateMiddle,
    /// From the `}` of the last hole to the closing quote.
    TemplateEnd,
}

/// A raw token with its place, as byte offsets into the text.
#[derive(Clone, Copy, Debug)]
pub struct RawToken {
    /// What it is.
    pub kind: RawKind,
    /// Of a word: the keyword that it is where that keyword is active.
    pub keyword: Option<Keyword>,
    /// First byte.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}
