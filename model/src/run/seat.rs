//! The actors of a run: names, and the ends that are held at the start.

use std::fmt;

use crate::call::{Actor, Dispositions, End};
use crate::kind::Hold;

/// An actor and the ends that it holds at the start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The actor's name.
    pub name: Name,
    /// What it is.
    pub form: Form,
    /// Its ends at the start, and what each is for.
    pub ends: Vec<(End, Hold)>,
    /// Ends at the start whose open file descriptions it shares with somebody before it, whose end has the same name.
    pub inherits: Vec<(End, Actor)>,
    /// What it has signals do at the start.
    pub signals: Dispositions,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A process or a thread, with descriptors of its own.
    Actor,
    /// A process.
    Process,
    /// A thread of this actor's process: they share a table of descriptors.
    Thread(Actor),
    /// A process that comes to be by `fork(2)` during the run.
    Forked,
    /// A process that holds ends and whose calls were not seen.
    Outsider,
    /// Of one channel's part of a run: who polls one more of its ends for an actor that polls several at once.
    Poller {
        /// For whom.
        of: Actor,
        /// Whose descriptors they use.
        leader: Actor,
    },
}

impl Seat {
    /// An actor with these ends.
    pub const fn new(name: Name, ends: Vec<(End, Hold)>) -> Seat {
        let signals = Dispositions::NONE;
        Seat { name, form: Form::Actor, ends, inherits: Vec::new(), signals }
    }
}

/// A short name of an actor or an end: a lower-case letter, then lower-case letters, digits or `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name([u8; Name::SPACE]);

impl Name {
    /// The most bytes of a name.
    pub const LEN_MAX: usize = 16;

    /// Room for the name of a channel, a dot, and the name of one of its ends.
    const SPACE: usize = 24;

    /// The name spelt `text`: at most 16 bytes, a small letter of ASCII and then small letters, digits and dashes.
    /// `None` where it isn't one.
    pub fn new(text: &str) -> Option<Name> {
        let bytes = text.as_bytes();
        let first = *bytes.first()?;
        let rest = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        if bytes.len() > Name::LEN_MAX || !first.is_ascii_lowercase() || !bytes.iter().all(rest) {
            return None;
        }
        Some(Name::of(bytes))
    }

    /// The name of an end: of a channel that has a name itself with that before it, as in `up.r`.
    ///
    /// `None` where it is too long.
    pub fn of_end(channel: Option<Name>, end: Name) -> Option<Name> {
        let Some(channel) = channel else { return Some(end) };
        let whole = format!("{channel}.{end}");
        (whole.len() <= Name::SPACE).then(|| Name::of(whole.as_bytes()))
    }

    /// The name of a descriptor by its number; `None` for what is no number of at most 5 digits.
    pub fn of_number(text: &str) -> Option<Name> {
        let is_canonical = text == "0" || !text.starts_with('0');
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (digits && is_canonical && text.len() <= 5).then(|| Name::of(text.as_bytes()))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        self.0[0].is_ascii_digit()
    }

    /// Of an end's name the channel's, where it has one, and what follows.
    pub fn parts(&self) -> (Option<&str>, &str) {
        match self.as_str().split_once('.') {
            Some((channel, end)) => (Some(channel), end),
            None => (None, self.as_str()),
        }
    }

    fn of(bytes: &[u8]) -> Name {
        let mut name = [0; Name::SPACE];
        name[..bytes.len()].copy_from_slice(bytes);
        Name(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|b| *b == 0).unwrap_or(Name::SPACE);
        std::str::from_utf8(&self.0[..len]).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
