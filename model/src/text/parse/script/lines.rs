//! Lines with those that belong to them: what stands below a line and further in is its.

use std::ops::Range;

use super::super::super::lex::{Fault, Line};

/// How many lines may be within each other.
const DEPTH_MAX: usize = 32;

/// A line, and the lines below it that are further in.
pub(super) struct Node<'t> {
    pub(super) line: Line<'t>,
    /// The line as it stands there, without its comment, and where it starts.
    raw: &'t str,
    start: usize,
    indent: usize,
    pub(super) below: Vec<Node<'t>>,
}

impl Node<'_> {
    fn place(&self) -> Range<usize> {
        self.start + self.indent..self.start + self.raw.trim_end().len()
    }

    /// Checks that nothing belongs to the line.
    pub(super) fn no_lines_below(&self) -> Result<(), Fault> {
        match self.below.first() {
            None => Ok(()),
            Some(below) => {
                let what =
                    "this line is further in than the one above, to which nothing can belong";
                Err(Fault::new(below.place(), what))
            }
        }
    }

    /// Checks that all is read.
    pub(super) fn done(&self) -> Result<(), Fault> {
        self.line.end()?;
        self.no_lines_below()
    }

    /// The text after the first word, with that of the lines that belong to the line.
    pub(super) fn text(&self) -> Result<String, Fault> {
        let first = self.raw.trim_start().split_once(char::is_whitespace);
        let mut words: Vec<&str> = first.map_or("", |(_, text)| text).split_whitespace().collect();
        for below in &self.below {
            words.extend(below.raw.split_whitespace());
            below.no_lines_below()?;
        }
        if words.is_empty() {
            return Err(Fault::new(self.place(), "expected a sentence, found the end of the line"));
        }
        Ok(words.join(" "))
    }
}

/// The lines of a text, and the comments before the first.
pub(super) fn nodes(text: &str) -> Result<(Vec<String>, Vec<Node<'_>>), Fault> {
    if text.starts_with('\u{feff}') {
        let fault = Fault::new(0..'\u{feff}'.len_utf8(), "the text begins with a byte order mark");
        return Err(fault.help("save it as UTF-8 without byte order mark"));
    }
    let mut preamble = Vec::new();
    // Lines that may still get lines, each further in than the one before it.
    let mut open: Vec<Node<'_>> = Vec::new();
    let mut top = Vec::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let (raw, comment) = match whole.split_once('#') {
            Some((raw, comment)) => (raw, Some(comment)),
            None => (whole, None),
        };
        let line = Line::new(start, raw);
        if line.is_empty() {
            if let (Some(comment), true) = (comment, open.is_empty() && top.is_empty()) {
                preamble.push(comment.strip_prefix(' ').unwrap_or(comment).trim_end().to_owned());
            }
        } else {
            let indent = raw.len() - raw.trim_start().len();
            let node = Node { line, raw, start, indent, below: Vec::new() };
            check_indent(&node)?;
            while open.last().is_some_and(|last| last.indent >= indent) {
                close(&mut open, &mut top, indent, &node)?;
            }
            if open.len() == DEPTH_MAX {
                let what = format!("lines are at most {DEPTH_MAX} within each other");
                return Err(Fault::new(node.place(), what));
            }
            if open.is_empty() && indent > 0 {
                let what = "this line is further in than the one above it could have lines";
                return Err(Fault::new(node.place(), what).help("begin it at the left"));
            }
            open.push(node);
        }
        start += whole.len();
    }
    while !open.is_empty() {
        pop(&mut open, &mut top);
    }
    Ok((preamble, top))
}

fn check_indent(node: &Node<'_>) -> Result<(), Fault> {
    match node.raw[..node.indent].find(|c| c != ' ') {
        None => Ok(()),
        Some(at) => {
            let place = node.start + at..node.start + node.indent;
            Err(Fault::new(place, "lines are indented by spaces only"))
        }
    }
}

/// Closes the innermost open line, as `next` does not belong to it.
fn close<'t>(
    open: &mut Vec<Node<'t>>,
    top: &mut Vec<Node<'t>>,
    indent: usize,
    next: &Node<'_>,
) -> Result<(), Fault> {
    let last = open.last().map_or(0, |last| last.indent);
    pop(open, top);
    let outer = open.last().map(|outer| outer.indent);
    // Between the line that is closed and the one around it there is no place.
    let first = outer.and_then(|_| open.last()?.below.first()).map(|first| first.indent);
    if indent < last
        && first.is_some_and(|first| indent != first)
        && outer.is_some_and(|o| indent > o)
    {
        let what = "this line is as far in as no line above it";
        return Err(Fault::new(next.place(), what));
    }
    Ok(())
}

fn pop<'t>(open: &mut Vec<Node<'t>>, top: &mut Vec<Node<'t>>) {
    if let Some(node) = open.pop() {
        match open.last_mut() {
            Some(outer) => outer.below.push(node),
            None => top.push(node),
        }
    }
}
