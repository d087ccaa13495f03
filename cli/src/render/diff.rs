//! Differences of two texts by lines, in the form that `patch` takes.

use std::io::{self, IsTerminal, Write};

use similar::{ChangeTag, TextDiff};

use super::colour::{self, Colour};

/// Writes what has to change in a file. Coloured on a terminal.
pub fn write(out: &mut impl Write, name: &str, before: &str, after: &str) -> io::Result<()> {
    let coloured = colour::wanted(io::stdout().is_terminal());
    let paint = |colour: Colour, text: &str| colour::paint(coloured, colour, text);
    writeln!(out, "{}", paint(Colour::Bold, &format!("--- {name}")))?;
    writeln!(out, "{}", paint(Colour::Bold, &format!("+++ {name}")))?;
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        writeln!(out, "{}", paint(Colour::Cyan, &hunk.header().to_string()))?;
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            match change.tag() {
                ChangeTag::Equal => writeln!(out, " {line}")?,
                ChangeTag::Delete => {
                    writeln!(out, "{}", paint(Colour::Red, &format!("-{line}")))?;
                }
                ChangeTag::Insert => {
                    writeln!(out, "{}", paint(Colour::Green, &format!("+{line}")))?;
                }
            }
            if change.missing_newline() {
                writeln!(out, "\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_a_patch() {
        let mut out = Vec::new();
        super::write(&mut out, "p.rego", "a\nb\nc\n", "a\nB\nc\n").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "--- p.rego\n+++ p.rego\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
        );
    }
}
