//! Parses what claims say of data.

use crate::data::{Segment, Segments, push_segment};
use crate::script::{Bytes, Compare};

use super::super::super::super::lex::{Fault, Line};
use super::super::super::super::values::position;
use super::super::Reader;
use super::compare;

impl Reader<'_> {
    /// Takes what data is.
    pub(super) fn bytes(&self, line: &mut Line<'_>) -> Result<Bytes, Fault> {
        let help = "data is \"5\", \"at most 5\", \"nothing\", \"bytes\", \"bytes of ann\", \"own bytes\", \"zeros\", \"the first bytes \
                    of ann\", \"the next bytes of ann\", \"a whole value of 8\", \"2 pieces\", \"what file holds\" or ann[0..5]";
        line.tries(["nothing", "bytes", "own", "zeros", "the", "a", "what", "at"]);
        match line.peek() {
            Some(_) if line.ahead(1) == Some("[") => self.segments(line).map(Bytes::Exactly),
            Some("nothing") => {
                line.bump();
                Ok(Bytes::Length(Compare::Exactly, 0))
            }
            Some("bytes") => {
                line.bump();
                let of = line.take("of");
                Ok(if of { Bytes::Of(self.one(line)?) } else { Bytes::Some })
            }
            Some("own") => {
                line.bump();
                line.expect("bytes").map(|()| Bytes::Own)
            }
            Some("zeros") => {
                line.bump();
                Ok(Bytes::Zeros)
            }
            Some("the") => {
                line.bump();
                line.tries(["first", "next"]);
                let first = match line.peek() {
                    Some("first") => true,
                    Some("next") => false,
                    _ => return Err(line.expected("\"first\" or \"next\"")),
                };
                line.bump();
                line.expect("bytes")?;
                line.expect("of")?;
                let of = self.one(line)?;
                Ok(if first { Bytes::First(of) } else { Bytes::Next(of) })
            }
            Some("a") if line.ahead(1) == Some("whole") => {
                line.bump();
                line.bump();
                line.expect("value")?;
                line.expect("of")?;
                let place = line.place();
                match line.size("a number of bytes")? {
                    0 => Err(Fault::new(place, "a value has at least one byte")),
                    bytes => Ok(Bytes::Whole(bytes)),
                }
            }
            Some("what") => {
                line.bump();
                let place = line.place();
                let channel = self.channel_named(line)?;
                if !self.is_file(channel) {
                    let what = "what is read is held against files alone";
                    return Err(Fault::new(place, what));
                }
                line.expect("holds")?;
                Ok(Bytes::Held(channel))
            }
            Some(word) if word == "at" || word.starts_with(|c: char| c.is_ascii_digit()) => {
                let compare = compare(line)?;
                let number = line.size("a number")?;
                let pieces = line.take("pieces");
                Ok(if pieces {
                    Bytes::Pieces(compare, number)
                } else {
                    Bytes::Length(compare, number)
                })
            }
            _ => Err(line.expected("what data it is").help(help)),
        }
    }

    /// Takes the names of bytes, as in replies of runs.
    fn segments(&self, line: &mut Line<'_>) -> Result<Segments, Fault> {
        let mut segments = Segments::new();
        while segments.is_empty() || line.ahead(1) == Some("[") {
            let actor = self.one(line)?;
            line.expect("[")?;
            let from = line.read("a position", position)?;
            line.expect("..")?;
            let after = |token| {
                let len = position(token)?.checked_sub(from).filter(|len| *len > 0)?;
                u32::try_from(len).ok()
            };
            let len = line.read(&format!("a position after {from}"), after)?;
            line.expect("]")?;
            let place = line.place();
            let all: u64 = segments.iter().map(|s: &Segment| u64::from(s.len)).sum();
            if u32::try_from(all + u64::from(len)).is_err() {
                return Err(Fault::new(place, "that is more than a call returns"));
            }
            push_segment(&mut segments, Segment { actor, from, len });
        }
        Ok(segments)
    }
}
