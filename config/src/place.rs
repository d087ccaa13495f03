//! Places in texts, and paths to values.

/// Where something stands in a text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A step of a path into a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// The member of an object; of an array the element, if it is a number.
    Name(String),
    /// The element of an array.
    Index(usize),
    /// The only element of an array whose member has this text.
    Where(String, String),
}

impl Step {
    /// A member.
    pub fn name(name: impl Into<String>) -> Step {
        Step::Name(name.into())
    }
}

/// The places of offsets of a text: one pass, whatever their number.
pub(crate) fn of_offsets(text: &[u8], offsets: &[Option<usize>]) -> Vec<Option<Place>> {
    let mut order: Vec<(usize, usize)> = offsets
        .iter()
        .enumerate()
        .filter_map(|(i, offset)| offset.filter(|at| *at <= text.len()).map(|at| (at, i)))
        .collect();
    order.sort_unstable();
    let mut places = vec![None; offsets.len()];
    // Bytes in the middle of a character are no characters.
    let characters = |part: &[u8]| part.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let (mut line, mut column, mut seen) = (1, 1, 0);
    for (offset, i) in order {
        let between = &text[seen..offset];
        match between.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => {
                line += between.iter().filter(|byte| **byte == b'\n').count();
                column = 1 + characters(&between[last + 1..]);
            }
            None => column += characters(between),
        }
        seen = offset;
        places[i] = Some(Place { line, column });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = "aé\nb\n\nç d".as_bytes();
        let places = of_offsets(text, &[Some(10), Some(0), None, Some(3), Some(4), Some(99)]);
        let place = |line, column| Some(Place { line, column });
        assert_eq!(
            places,
            [
                place(4, 3),
                place(1, 1),
                None,
                place(1, 3),
                place(2, 1),
                None
            ]
        );
    }
}
