//! The lines that are written so far, and the comments that are not written yet.

use std::rc::Rc;

use super::{Clash, Laid};
use crate::ast::Name;

/// A comment and the row on which it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Remark {
    pub(super) row: i64,
    /// It is the first thing on its row.
    pub(super) leads: bool,
    /// The text after `#`, without spaces at its end.
    pub(super) text: Name,
}

impl Remark {
    /// Whether it opens a metadata block.
    fn opens_metadata(&self) -> bool {
        self.leads && self.text.trim().starts_with("METADATA")
    }
}

/// Comments that are not written yet, in the order of their rows. Copies are cheap.
#[derive(Clone, Debug)]
pub(super) struct Remarks {
    all: Rc<Vec<Remark>>,
    next: usize,
}

impl Remarks {
    /// Takes out those above a row, and the one on it.
    pub(super) fn take(&mut self, row: i64) -> (Vec<Remark>, Option<Remark>) {
        let rest = &self.all[self.next..];
        let above = rest.partition_point(|remark| remark.row < row);
        let upto = rest.partition_point(|remark| remark.row <= row);
        let taken = (rest[..above].to_vec(), rest[above..upto].last().cloned());
        self.next += upto;
        taken
    }

    /// Those above a row, which stay.
    pub(super) fn above(&self, row: i64) -> &[Remark] {
        let rest = self.rest();
        &rest[..rest.partition_point(|remark| remark.row < row)]
    }

    /// Takes back the last one that was taken out.
    fn put_back(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    /// Takes out a number of them.
    pub(super) fn skip(&mut self, count: usize) {
        self.next = (self.next + count).min(self.all.len());
    }

    pub(super) fn rest(&self) -> &[Remark] {
        &self.all[self.next..]
    }

    pub(super) fn first(&self) -> Option<&Remark> {
        self.rest().first()
    }

    /// Whether one stands between two rows.
    pub(super) fn any_between(&self, above: i64, below: i64) -> bool {
        let rest = self.rest();
        rest[rest.partition_point(|remark| remark.row <= above)..]
            .first()
            .is_some_and(|remark| remark.row < below)
    }

    /// Takes out those that a question is true of.
    pub(super) fn take_where(&mut self, mut wanted: impl FnMut(&Remark) -> bool) {
        let rest = self.rest().iter().filter(|remark| !wanted(remark)).cloned();
        self.all = Rc::new(rest.collect());
        self.next = 0;
    }
}

/// A state to go back to.
pub(super) struct Mark {
    length: usize,
    level: usize,
    in_line: bool,
    beside: Option<Remark>,
    beside_waits: bool,
    unfinished: bool,
    pub(super) remarks: Remarks,
}

/// What is written.
pub(super) struct Page {
    out: String,
    level: usize,
    /// Something stands on the current line, be it an indentation.
    in_line: bool,
    /// Goes to the end of the current line.
    pub(super) beside: Option<Remark>,
    /// .. or of the one after it.
    beside_waits: bool,
    /// After a clash something is missing: what is around it has to keep its text.
    unfinished: bool,
    pub(super) remarks: Remarks,
}

impl Page {
    pub(super) fn new(remarks: Vec<Remark>) -> Page {
        Page {
            out: String::new(),
            level: 0,
            in_line: false,
            beside: None,
            beside_waits: false,
            unfinished: false,
            remarks: Remarks {
                all: Rc::new(remarks),
                next: 0,
            },
        }
    }

    pub(super) fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn indent(&mut self) {
        self.level += 1;
    }

    pub(super) fn outdent(&mut self) {
        self.level = self.level.saturating_sub(1);
    }

    /// Starts a line with the indentation.
    pub(super) fn begin_line(&mut self) {
        self.in_line = true;
        for _ in 0..self.level {
            self.out.push('\t');
        }
    }

    pub(super) fn begin_line_if_needed(&mut self) {
        if !self.in_line {
            self.begin_line();
        }
    }

    /// What follows stands on a line that somebody else has started.
    pub(super) fn go_on_in_line(&mut self) {
        self.in_line = true;
    }

    pub(super) fn end_line(&mut self) {
        self.in_line = false;
        if !self.beside_waits
            && let Some(remark) = self.beside.take()
        {
            self.out.push_str(" #");
            self.out.push_str(&remark.text);
        }
        self.beside_waits = false;
        self.out.push('\n');
    }

    /// Ends the line in the middle of something that keeps its text.
    pub(super) fn break_line(&mut self) {
        self.end_line();
        self.in_line = true;
    }

    /// The line of an opening bracket ends, and its comment goes behind the first element.
    pub(super) fn open_block(&mut self) {
        self.beside_waits = true;
        self.end_line();
        self.indent();
        self.begin_line();
    }

    /// Ends the line, if there is one, and leaves one out.
    pub(super) fn blank_line(&mut self) {
        if self.in_line {
            self.end_line();
        }
        self.out.push('\n');
    }

    fn remark_line(&mut self, remark: &Remark) {
        self.begin_line_if_needed();
        self.out.push('#');
        self.out.push_str(&remark.text);
        self.end_line();
    }

    /// Comments on lines of their own, with the blank lines that were between them.
    pub(super) fn remark_lines(&mut self, remarks: &[Remark]) {
        let mut in_metadata = false;
        for (at, remark) in remarks.iter().enumerate() {
            let opens = remark.opens_metadata();
            if let Some(before) = at.checked_sub(1).map(|at| &remarks[at]) {
                match remark.row - before.row {
                    0 => {}
                    1 => {
                        if in_metadata && opens {
                            self.blank_line();
                        }
                    }
                    _ => {
                        self.blank_line();
                        in_metadata = false;
                    }
                }
            }
            in_metadata |= opens;
            self.remark_line(remark);
        }
    }

    /// The comments that are left at the end of the module.
    pub(super) fn last_remarks(&mut self) {
        let rest = self.remarks.rest().to_vec();
        for remark in &rest {
            self.remark_line(remark);
        }
    }

    /// Keeps a comment for the end of the line; there is room for one.
    pub(super) fn keep_beside(&mut self, remark: Option<Remark>) -> Laid {
        match (&self.beside, remark) {
            (_, None) => Ok(()),
            (None, remark) => {
                self.beside = remark;
                Ok(())
            }
            (Some(_), Some(_)) => {
                self.remarks.put_back();
                Err(self.clash())
            }
        }
    }

    /// Something was not written, because its comments have no place.
    pub(super) fn clash(&mut self) -> Clash {
        self.unfinished = true;
        Clash
    }

    /// Whether something is missing that was to be written since a mark.
    pub(super) fn is_unfinished_since(&self, mark: &Mark) -> bool {
        self.unfinished && !mark.unfinished
    }

    /// What is missing was only a comment, which comes later.
    pub(super) fn go_on(&mut self) {
        self.unfinished = false;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            length: self.out.len(),
            level: self.level,
            in_line: self.in_line,
            beside: self.beside.clone(),
            beside_waits: self.beside_waits,
            unfinished: self.unfinished,
            remarks: self.remarks.clone(),
        }
    }

    /// Takes back what was written since a mark, and puts a text there that stands on some rows of the source.
    pub(super) fn replace(&mut self, mark: Mark, text: &str, rows: (i64, i64), takes_last: bool) {
        self.out.truncate(mark.length);
        self.level = mark.level;
        self.in_line = mark.in_line;
        self.beside_waits = mark.beside_waits;
        self.unfinished = mark.unfinished;
        self.beside = mark.beside;
        if let Some(beside) = &self.beside
            && (rows.0..=rows.1).contains(&beside.row)
        {
            self.beside = None;
        }
        self.remarks = mark.remarks;
        self.begin_line_if_needed();
        self.out.push_str(text);
        // Comments inside of the text are in it.
        let (first, last) = rows;
        self.remarks
            .take_where(|remark| (first..last).contains(&remark.row));
        if takes_last
            && self.beside.is_none()
            && let Some(remark) = self.remarks.first().filter(|r| r.row == last)
        {
            self.beside = Some(remark.clone());
            self.remarks.skip(1);
        }
    }

    /// The text with one line end at its end.
    pub(super) fn finish(mut self) -> String {
        if self.out.ends_with('\n') {
            let end = self.out.trim_end_matches('\n').len();
            self.out.truncate(end);
            self.out.push('\n');
        }
        self.out
    }
}
