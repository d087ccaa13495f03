//! Colours for terminals.

/// What a piece of text is shown in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Heavy
    Bold,
    /// What goes, and errors
    Red,
    /// What comes
    Green,
    /// Where
    Cyan,
    /// Advice
    Yellow,
}

/// Whether there are colours on a stream: only on a terminal, and not if `NO_COLOR` is set.
pub fn wanted(terminal: bool) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    terminal && !refused && !dumb
}

/// A text in a colour, if colours are wanted.
pub fn paint(wanted: bool, colour: Colour, text: &str) -> String {
    let code = match colour {
        Colour::Bold => "1",
        Colour::Red => "31",
        Colour::Green => "32",
        Colour::Cyan => "36",
        Colour::Yellow => "33",
    };
    if wanted {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
