//! Parses the words of calls and replies: modes, events, answers, bytes, positions.

use std::ops::Range;
use std::sync::Arc;

use crate::call::{Answer, Errno, Events, Marks};

use super::lex::{Fault, Line, large, number};

/// The most data that a reply may give in text, in bytes.
pub const DATA_MAX_BYTES: u32 = 16 << 20;

pub(super) const EVENTS: &str = "events such as \"in|out\", or \"none\"";

/// Takes one of these words, as what it stands for.
pub(super) fn word<T: Copy>(line: &mut Line<'_>, words: &[(&'static str, T)]) -> Result<T, Fault> {
    let quoted: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let what = match quoted.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} or {last}", all.join(", ")),
        _ => quoted.join(""),
    };
    let known = line.peek().is_some_and(|token| words.iter().any(|(word, _)| *word == token));
    if !known {
        line.tries(words.iter().map(|(word, _)| *word));
    }
    line.read(&what, |token| words.iter().find(|(w, _)| *w == token).map(|(_, value)| *value))
}

pub(super) fn answer(line: &mut Line<'_>) -> Result<Answer, Fault> {
    const WHAT: &str = "a reply after \"->\"";
    const HELP: &str =
        "a reply is a number, \"ok\", an errno such as \"EAGAIN\", or events such as \"in|hup\"";
    let word = line.peek().unwrap_or_default();
    if line.take("ok") {
        return Ok(Answer::Done);
    }
    if word.starts_with('E') {
        if errno(word).is_none() {
            line.tries(Errno::NAMED.iter().map(|(name, _, _)| *name));
        }
        return line.read("an errno", errno).map(Answer::Fails).map_err(|fault| {
            fault.help("other errors are written as \"E\" and the number, such as \"E131\"")
        });
    }
    if word.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("0x") {
        if number(word).is_none() {
            line.tries(Errno::NAMED.iter().map(|(name, _, _)| *name));
        }
        if let Some(value) = large(word).filter(|value| *value > u32::MAX.into()) {
            line.bump();
            return Ok(Answer::value(value));
        }
        let count = line.size(WHAT)?;
        let mut marks = Marks::NONE;
        while let Some((_, mark)) = Marks::NAMED.iter().find(|(word, _)| line.peek() == Some(word))
        {
            line.bump();
            marks = marks.union(*mark);
        }
        line.tries(Marks::NAMED.iter().map(|(word, _)| *word));
        return Ok(match marks {
            Marks::NONE => Answer::Count(count),
            marks => Answer::Marked(count, marks),
        });
    }
    if event_bit(word).is_none() {
        line.tries(Errno::NAMED.iter().map(|(name, _, _)| *name));
    }
    events(line, WHAT).map(Answer::Ready).map_err(|fault| fault.help(HELP))
}

fn errno(word: &str) -> Option<Errno> {
    let named = Errno::NAMED.iter().find(|(name, _, _)| *name == word);
    named.map(|(_, errno, _)| *errno).or_else(|| {
        let number = word.strip_prefix('E').and_then(number)?;
        u16::try_from(number).ok().map(Errno::from_number)
    })
}

pub(super) fn events(line: &mut Line<'_>, what: &str) -> Result<Events, Fault> {
    if line.take("none") {
        return Ok(Events::NONE);
    }
    let names = || Events::NAMED.iter().map(|(name, _)| *name);
    line.tries(names());
    let mut events = line.read(what, event_bit)?;
    while line.take("|") {
        line.tries(names());
        events = events.union(line.read("an event", event_bit)?);
    }
    Ok(events)
}

pub(super) fn event_bit(word: &str) -> Option<Events> {
    let named = Events::NAMED.iter().find(|(name, _)| *name == word).map(|(_, event)| *event);
    named.or_else(|| {
        let digits = word.strip_prefix("0x").filter(|hex| hex.bytes().all(is_hex))?;
        u16::from_str_radix(digits, 16).ok().map(Events)
    })
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

pub(super) fn hex(digits: &str) -> Option<Arc<[u8]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

pub(super) fn position(token: &str) -> Option<i64> {
    match token.strip_prefix('-') {
        Some(digits) => number(digits)?.checked_neg(),
        None => number(token),
    }
}

pub(super) fn check_data_len(len: usize, place: Range<usize>) -> Result<(), Fault> {
    if len <= DATA_MAX_BYTES as usize {
        return Ok(());
    }
    Err(Fault::new(place, format!("a reply gives at most {DATA_MAX_BYTES} bytes")))
}
