//! The tables of `--format pretty`.

use unicode_width::UnicodeWidthStr;

use comfy_table::{
    CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle,
};

/// A box with a line below the head and none between rows.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┌', '─', '┬', '┐'))
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .header_separator(LineStyle::new('├', '─', '┼', '┤'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));

/// A table with centred heads and left-aligned cells, in the box lines that OPA uses.
pub fn render(head: &[String], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let head = head.iter().enumerate().map(|(column, text)| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let width = cells.map(|cell| cell.width()).max().unwrap_or(0);
        even(text, width)
    });
    table.set_header(head.map(|h| comfy_table::Cell::new(h).set_alignment(CellAlignment::Center)));
    for row in rows {
        table.add_row(
            row.iter()
                .map(|cell| comfy_table::Cell::new(cell).set_alignment(CellAlignment::Left)),
        );
    }
    table.to_string()
}

/// A table without a head.
pub fn without_head(rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// A table without a head: names, and numbers on the right.
pub fn pairs(rows: &[(String, String)]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Disabled);
    for (name, number) in rows {
        table.add_row([
            comfy_table::Cell::new(name).set_alignment(CellAlignment::Left),
            comfy_table::Cell::new(number.trim_start()).set_alignment(CellAlignment::Right),
        ]);
    }
    table.to_string()
}

/// A head with a space behind it if it cannot stand in the middle: the odd space is on the right.
fn even(text: &str, width: usize) -> String {
    let odd = width.saturating_sub(text.width()) % 2 == 1;
    format!("{text}{}", if odd { " " } else { "" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn looks_like_opas_table() {
        let head = ["data.a.q[x]".to_owned(), "y".to_owned()];
        let rows = [
            vec!["1".to_owned(), "[1,\"é\"]".to_owned()],
            vec!["2".to_owned(), "3".to_owned()],
        ];
        let expected = "\
┌─────────────┬─────────┐
│ data.a.q[x] │    y    │
├─────────────┼─────────┤
│ 1           │ [1,\"é\"] │
│ 2           │ 3       │
└─────────────┴─────────┘";
        assert_eq!(super::render(&head, &rows), expected);
    }
}
