//! Workflow commands of GitHub Actions: lines that become annotations.

use std::io::{self, Write};

/// How loud an annotation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Error,
    Notice,
}

/// `::error file=a.rego,line=1,col=2,title=..::message`
pub fn annotation(
    out: &mut impl Write,
    level: Level,
    place: Option<(&str, u32, u32)>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    let level = match level {
        Level::Error => "error",
        Level::Notice => "notice",
    };
    write!(out, "::{level} ")?;
    if let Some((file, line, col)) = place {
        write!(out, "file={},line={line},col={col},", property(file))?;
    }
    writeln!(out, "title={}::{}", property(title), data(message))
}

/// A message: line ends would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property, which commas and colons would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        let mut out = Vec::new();
        annotation(
            &mut out,
            Level::Error,
            Some(("a,b.rego", 3, 1)),
            "t:x",
            "50%\nno: more, or less",
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb.rego,line=3,col=1,title=t%3Ax::50%25%0Ano: more, or less\n"
        );
    }
}
