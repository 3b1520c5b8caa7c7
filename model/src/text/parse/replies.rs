//! Replies as they stand in runs: what a call returned, the signal that came with it, the bytes that it gave.

use crate::call::{Answer, End, Reply, Signal, TOLD_MAX, Told};
use crate::data::{Data, NOBODYS, Segment, Segments, push_segment};

use super::super::lex::{Fault, Line};
use super::super::values::{EVENTS, answer, check_data_len, event_bit, events, hex, position};
use super::Parser;

impl Parser {
    /// Takes what a call returned.
    pub(super) fn reply(&mut self, line: &mut Line<'_>) -> Result<Reply, Fault> {
        let of_ends = line.ahead(1).is_some_and(|word| word != "none" && event_bit(word).is_none());
        if of_ends && line.take("[") {
            return self.told(line);
        }
        if line.take("[") {
            let mut polled = Vec::new();
            while polled.is_empty() || line.take(",") {
                polled.push(events(line, EVENTS)?);
            }
            line.expect("]")?;
            let index = self.polled.len() as u16;
            self.polled.push(polled);
            return Ok(Reply::new(Answer::Polled(index)));
        }
        let mut reply = Reply::new(answer(line)?);
        if line.take("+") {
            line.expect("SIGPIPE")?;
            reply.signal = Some(Signal::Sigpipe);
        }
        if line.take("=") {
            reply.data = self.data(line)?;
        }
        Ok(reply)
    }

    /// Takes what an epoll tells, behind its bracket.
    pub(super) fn told(&mut self, line: &mut Line<'_>) -> Result<Reply, Fault> {
        let mut told = Told::NOTHING;
        while told.is_empty() || line.take(",") {
            if told.len() == TOLD_MAX {
                return Err(line.expected(&format!("at most {TOLD_MAX} events")));
            }
            let (end, _) = self.end(line)?;
            told.push(end, events(line, EVENTS)?);
        }
        line.expect("]")?;
        Ok(Reply::new(Answer::Told(told)))
    }

    /// Takes the bytes that it gave.
    pub(super) fn data(&self, line: &mut Line<'_>) -> Result<Data, Fault> {
        if let Some(digits) = line.peek().and_then(|token| token.strip_prefix("0x")) {
            let bytes = hex(digits).ok_or_else(|| line.expected("two hex digits a byte"))?;
            check_data_len(bytes.len(), line.place())?;
            line.bump();
            return Ok(Data::Bytes(bytes));
        }
        if line.ahead(1) != Some("[") && line.take("nothing") {
            return Ok(Data::Named(Segments::new()));
        }
        let (mut segments, mut len) = (Segments::new(), 0);
        while len == 0 || line.peek().is_some_and(|token| token != ",") {
            let start = line.place().start;
            if line.peek().is_none() {
                let help = "data is written as writer[0..2], as 0x6162 or as nothing";
                return Err(line.expected("data").help(help));
            }
            let nobodys = NOBODYS.iter().find(|(name, _)| line.take(name));
            let actor = nobodys.map_or_else(|| self.known(line), |(_, actor)| Ok(*actor))?;
            line.expect("[")?;
            let from = line.read("a position", position)?;
            line.expect("..")?;
            let after = |token| position(token)?.checked_sub(from).filter(|len| *len > 0);
            let more = line.read(&format!("a position after {from}"), after)?;
            line.expect("]")?;
            len = usize::try_from(more).unwrap_or(usize::MAX).saturating_add(len);
            check_data_len(len, start..line.read_to())?;
            push_segment(&mut segments, Segment { actor, from, len: more as u32 });
        }
        Ok(Data::Named(segments))
    }
}

/// Numbers the ends anew that an epoll tells of.
pub(super) fn renumber_told(reply: &mut Reply, renumber: impl Fn(&mut End)) {
    if let Answer::Told(told) = &mut reply.answer {
        let entry = |(mut end, events)| {
            renumber(&mut end);
            (end, events)
        };
        *told = told.iter().map(entry).collect();
    }
}
