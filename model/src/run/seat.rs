//! Who takes part in a run: names, and the ends that are held at the start.

use std::fmt;

use crate::call::End;
use crate::kind::Hold;

/// An actor and the ends that it holds at the start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The actor's name.
    pub name: Name,
    /// Its ends at the start, and what each is for.
    pub ends: Vec<(End, Hold)>,
}

/// A short name of an actor or an end: a lower-case letter, then lower-case letters, digits or `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name([u8; Name::LEN_MAX]);

impl Name {
    /// The most bytes of a name.
    pub const LEN_MAX: usize = 16;

    /// The name spelt `text`: at most 16 bytes, a small letter of ASCII and then small letters, digits and dashes.
    /// `None` where it isn't one.
    pub fn new(text: &str) -> Option<Name> {
        let bytes = text.as_bytes();
        let first = *bytes.first()?;
        let rest = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
        if bytes.len() > Name::LEN_MAX || !first.is_ascii_lowercase() || !bytes.iter().all(rest) {
            return None;
        }
        let mut name = [0; Name::LEN_MAX];
        name[..bytes.len()].copy_from_slice(bytes);
        Some(Name(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|b| *b == 0).unwrap_or(Name::LEN_MAX);
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
