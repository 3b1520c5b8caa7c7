//! The names of bytes, and the bytes that stand for them on a real channel.
//!
//! The model never holds bytes (data independence). A byte's name is its writer and its position
//! among all that this writer has written. Where real bytes are needed, [`fill`] gives the byte that
//! stands for a name; real bytes are *compared* with those that a state predicts, never decoded. Names that
//! a run's text gives are compared as names: the same byte can stand for several.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::call::Actor;

/// The writer of bytes that no actor wrote: those of a hole in a file, or of memory at the start.
/// Positions among them mean nothing, and are 0.
pub const ZERO: Actor = Actor(u8::MAX - 1);

/// The writer of bytes of which nothing is known: those that a call may return whatever was
/// written. Positions among them mean nothing, and are 0.
pub const ANY: Actor = Actor(u8::MAX - 2);

/// What the bytes that no actor wrote are called in runs, and whose they are.
pub const NOBODYS: [(&str, Actor); 2] = [("zero", ZERO), ("any", ANY)];

/// Whether these bytes are no actor's, and so have no positions.
pub(crate) fn is_nobodys(actor: Actor) -> bool {
    actor == ZERO || actor == ANY
}

/// Consecutive bytes of one writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Segment {
    /// Their writer.
    pub actor: Actor,
    /// Position of the first among all bytes that this actor has written. Negative only while
    /// exploring, where positions count back from what has been written so far.
    pub from: i64,
    /// How many, in bytes.
    pub len: u32,
}

/// In two words: the oracle hashes little else.
impl Hash for Segment {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_i64(self.from);
        hasher.write_u64(u64::from(self.len) << 8 | u64::from(self.actor.0));
    }
}

impl Segment {
    /// Position after the last byte.
    pub fn to(self) -> i64 {
        self.from + i64::from(self.len)
    }

    /// So many bytes that nobody wrote.
    pub const fn zero(len: u32) -> Segment {
        Segment { actor: ZERO, from: 0, len }
    }

    /// So many bytes of which nothing is known.
    pub const fn any(len: u32) -> Segment {
        Segment { actor: ANY, from: 0, len }
    }

    /// The bytes of this segment from the one at `start` up to that at `end`, counted from its first.
    pub fn part(self, start: u32, end: u32) -> Segment {
        let from = if is_nobodys(self.actor) { 0 } else { self.from + i64::from(start) };
        Segment { actor: self.actor, from, len: end - start }
    }

    /// Whether `next` goes on where this segment ends.
    fn is_followed_by(self, next: Segment) -> bool {
        self.actor == next.actor && (is_nobodys(self.actor) || self.to() == next.from)
    }
}

/// Segments in reading order, adjacent ones joined.
pub type Segments = SmallVec<[Segment; 2]>;

/// Appends `segment`, joining it with the last one where they are adjacent.
pub fn push_segment(segments: &mut Segments, segment: Segment) {
    if segment.len == 0 {
        return;
    }
    match segments.last_mut().filter(|last| last.is_followed_by(segment)) {
        Some(last) => last.len = joined(last.len, segment.len),
        None => segments.push(segment),
    }
}

/// The length of two adjacent segments together.
///
/// It is of 32 bits as nothing holds more bytes: runs in which something would are left
/// [unjudged](crate::oracle::bounds).
pub(crate) fn joined(len: u32, more: u32) -> u32 {
    debug_assert!(len.checked_add(more).is_some(), "more bytes than anything holds");
    len.saturating_add(more)
}

/// The data that a call gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Data {
    /// Not recorded (a trace without data), or the call gives none.
    #[default]
    Unknown,
    /// The bytes that stand for these names.
    Named(Segments),
    /// Bytes as they were seen.
    Bytes(Arc<[u8]>),
}

impl Data {
    /// Whether this data may be `expected`: unknown data may be anything, and names are exact, as several may stand for
    /// equal bytes.
    pub fn may_be(&self, expected: &[Segment]) -> bool {
        match self {
            Data::Unknown => true,
            Data::Named(names) if names.as_slice() == expected => true,
            Data::Named(names) => {
                let len = total_len(names);
                len == total_len(expected) && matching_names(names, 0, expected) == len
            }
            Data::Bytes(bytes) => equal_bytes(bytes, expected),
        }
    }

    /// How many bytes from the one at `from` on may be the `expected` ones, without a break; unknown data may
    /// be anything.
    pub fn matching(&self, from: u32, expected: &[Segment]) -> u32 {
        let bytes: &[u8] = match self {
            Data::Unknown => return total_len(expected) as u32,
            Data::Named(names) => return matching_names(names, from, expected) as u32,
            Data::Bytes(bytes) => bytes,
        };
        let mut rest = bytes.get(from as usize..).unwrap_or_default();
        let mut count = 0;
        for segment in expected {
            let (these, after) = rest.split_at(rest.len().min(segment.len as usize));
            let same = matching(segment.actor, segment.from, these);
            count += same as u32;
            if same < segment.len as usize {
                break;
            }
            rest = after;
        }
        count
    }

    /// Whether the first bytes of this data may be these, so that more may follow.
    pub fn may_begin_with(&self, names: &[Segment]) -> bool {
        self.matching(0, names) as usize == total_len(names)
    }

    /// Length in bytes, if known.
    pub fn len(&self) -> Option<usize> {
        match self {
            Data::Unknown => None,
            Data::Named(names) => Some(total_len(names)),
            Data::Bytes(bytes) => Some(bytes.len()),
        }
    }

    /// Whether the data is known to hold no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }
}

fn total_len(segments: &[Segment]) -> usize {
    segments.iter().map(|s| s.len as usize).sum()
}

/// How many of these names from the byte at `from` on are the `expected` ones, without a break.
///
/// Names that a text says are exact, however they are cut into segments: equal bytes have others besides. Only where it
/// says `any`, it tells no more than how many there were; and bytes of which nothing is known may have any name.
fn matching_names(names: &[Segment], from: u32, expected: &[Segment]) -> usize {
    let expected_len = total_len(expected);
    if names.iter().any(|name| name.actor == ANY) {
        return total_len(names).saturating_sub(from as usize).min(expected_len);
    }
    let mut skipped = from;
    let mut expected = expected.iter().copied();
    let mut due = expected.next();
    let mut count = 0;
    for name in names {
        if skipped >= name.len {
            skipped -= name.len;
            continue;
        }
        let mut rest = name.part(std::mem::take(&mut skipped), name.len);
        while rest.len > 0 {
            let Some(segment) = due else { return count };
            let len = rest.len.min(segment.len);
            let same = rest.part(0, len) == segment.part(0, len);
            if len > 0 && !same && segment.actor != ANY {
                return count;
            }
            count += len as usize;
            rest = rest.part(len, rest.len);
            due = if len < segment.len {
                Some(segment.part(len, segment.len))
            } else {
                expected.next()
            };
        }
    }
    count
}

fn equal_bytes(bytes: &[u8], expected: &[Segment]) -> bool {
    if bytes.len() != total_len(expected) {
        return false;
    }
    let mut rest = bytes;
    expected.iter().all(|segment| {
        let (these, after) = rest.split_at(segment.len as usize);
        rest = after;
        matches(segment.actor, segment.from, these)
    })
}

/// Period of the pattern: a prime, so that shifting by pages never maps it onto itself.
pub(crate) const PERIOD: usize = 65_521;

/// Six random bits a position; the two highest bits of a byte are its actor's.
fn pattern() -> &'static [u8; PERIOD] {
    static PATTERN: OnceLock<Box<[u8; PERIOD]>> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut pattern = Box::new([0; PERIOD]);
        for byte in pattern.iter_mut() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = (state >> 40) as u8 & 0x3f;
        }
        pattern
    })
}

/// Walks the pattern in chunks: position within the data, and the pattern there.
fn chunks(from: i64, len: usize) -> impl Iterator<Item = (usize, &'static [u8])> {
    let pattern = pattern();
    let mut at = 0;
    std::iter::from_fn(move || {
        if at == len {
            return None;
        }
        let start = (from + at as i64).rem_euclid(PERIOD as i64) as usize;
        let count = (PERIOD - start).min(len - at);
        let item = (at, &pattern[start..start + count]);
        at += count;
        Some(item)
    })
}

/// The bits that tell one actor's bytes from another's. Actors beyond the fourth differ from the
/// first four in the six low bits.
fn actor_bits(actor: Actor) -> u8 {
    ((actor.0 & 3) << 6) | ((actor.0 >> 2) & 0x3f)
}

/// Fills `bytes` with those that stand for `actor`'s bytes from position `from` on; where any will do, with zeros.
pub fn fill(actor: Actor, from: i64, bytes: &mut [u8]) {
    if is_nobodys(actor) {
        return bytes.fill(0);
    }
    let bits = actor_bits(actor);
    for (at, pattern) in chunks(from, bytes.len()) {
        for (byte, p) in bytes[at..at + pattern.len()].iter_mut().zip(pattern) {
            *byte = p ^ bits;
        }
    }
}

/// Whether `bytes` are those that stand for `actor`'s bytes from position `from` on.
pub fn matches(actor: Actor, from: i64, bytes: &[u8]) -> bool {
    if is_nobodys(actor) {
        return actor == ANY || bytes.iter().all(|byte| *byte == 0);
    }
    let bits = actor_bits(actor);
    chunks(from, bytes.len()).all(|(at, pattern)| {
        bytes[at..at + pattern.len()].iter().zip(pattern).all(|(byte, p)| *byte == p ^ bits)
    })
}

/// How many of the first `bytes` are those that stand for `actor`'s bytes from position `from` on.
pub fn matching(actor: Actor, from: i64, bytes: &[u8]) -> usize {
    if is_nobodys(actor) {
        return bytes.iter().take_while(|byte| actor == ANY || **byte == 0).count();
    }
    let bits = actor_bits(actor);
    for (at, pattern) in chunks(from, bytes.len()) {
        let these = &bytes[at..at + pattern.len()];
        if let Some(odd) = these.iter().zip(pattern).position(|(byte, p)| *byte != p ^ bits) {
            return at + odd;
        }
    }
    bytes.len()
}

/// Bytes that [`place`] needs.
pub(crate) const PLACE_BYTES: usize = 6;

/// Where in the pattern, modulo its period, `actor`'s bytes look like the first few of these; `None` where
/// nowhere, or in several places.
pub(crate) fn place(actor: Actor, bytes: &[u8]) -> Option<usize> {
    static PLACES: OnceLock<FxHashMap<[u8; PLACE_BYTES], Option<u32>>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let mut places = FxHashMap::default();
        for start in 0..PERIOD {
            let window = std::array::from_fn(|at| pattern()[(start + at) % PERIOD]);
            let place = places.entry(window).or_insert(Some(start as u32));
            *place = place.filter(|place| *place == start as u32);
        }
        places
    });
    let bits = actor_bits(actor);
    let window: [u8; PLACE_BYTES] = bytes.get(..PLACE_BYTES)?.try_into().ok()?;
    let place = *places.get(&window.map(|byte| byte ^ bits))?;
    place.map(|place| place as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_equal_their_own_names_and_no_shift_by_a_page() {
        let mut bytes = vec![0; 70_000];
        fill(Actor(1), 5, &mut bytes);
        let seen = Data::Bytes(bytes.into());
        let name = |actor, from, len| Segment { actor: Actor(actor), from, len };
        assert!(seen.may_be(&[name(1, 5, 70_000)]));
        assert!(seen.may_be(&[name(1, 5, 60_000), name(1, 60_005, 10_000)]));
        assert!(!seen.may_be(&[name(0, 5, 70_000)]));
        assert!(!seen.may_be(&[name(1, 4101, 70_000)]));
        assert!(!seen.may_be(&[name(1, 5, 69_999)]));
        assert!(seen.may_begin_with(&[name(1, 5, 69_999)]));
        assert!(seen.may_begin_with(&[name(1, 5, 70_000)]));
        assert!(!seen.may_begin_with(&[name(1, 5, 70_001)]));
        assert!(!seen.may_begin_with(&[name(1, 5, 69_998), name(0, 0, 1)]));
    }

    #[test]
    fn where_any_bytes_may_be_only_their_number_counts() {
        let seen = Data::Bytes([1, 2, 3].into());
        let name = |from, len| Segment { actor: Actor(0), from, len };
        assert!(seen.may_be(&[Segment::any(3)]));
        assert!(!seen.may_be(&[Segment::any(2)]));
        assert!(!seen.may_be(&[name(0, 1), Segment::any(2)]), "the first is another");
        let told = Data::Named(Segments::from_slice(&[Segment::any(3)]));
        assert!(told.may_be(&[name(0, 3)]));
        assert!(!told.may_be(&[name(0, 2)]));
        assert!(told.may_begin_with(&[name(0, 2)]));
        assert!(!told.may_begin_with(&[name(0, 4)]));
    }

    #[test]
    fn names_are_exact_however_they_are_cut() {
        let name = |actor, from, len| Segment { actor: Actor(actor), from, len };
        let told = |names: &[Segment]| Data::Named(Segments::from_slice(names));
        let again = PERIOD as i64;
        assert!(!told(&[name(0, again, 100)]).may_be(&[name(0, 0, 100)]), "equal bytes");
        assert!(told(&[name(0, 0, 3), name(0, 3, 4)]).may_be(&[name(0, 0, 7)]));
        assert!(told(&[name(0, 0, 7)]).may_be(&[name(0, 0, 3), name(0, 3, 4)]));
        assert!(!told(&[name(0, 0, 7)]).may_be(&[name(0, 0, 3), name(1, 3, 4)]));
        assert!(told(&[name(0, 0, 3)]).may_be(&[name(0, 0, 1), Segment::any(2)]));
        assert!(told(&[name(0, 0, 7)]).may_begin_with(&[name(0, 0, 2), name(0, 2, 1)]));
        assert!(!told(&[name(0, 0, 7)]).may_begin_with(&[name(0, 0, 8)]));
        assert_eq!(
            told(&[name(0, 0, 4), name(1, 9, 3)]).matching(2, &[name(0, 2, 2), name(1, 9, 9)]),
            5
        );
        assert_eq!(told(&[name(0, 0, 4), name(1, 9, 3)]).matching(2, &[name(0, 2, 3)]), 2);
        assert_eq!(told(&[Segment::zero(4)]).matching(1, &[Segment::zero(9)]), 3);
    }

    #[test]
    fn a_few_bytes_tell_their_place() {
        let mut bytes = [0; PLACE_BYTES];
        let mut told = 0;
        for start in 0..PERIOD {
            fill(Actor(2), start as i64, &mut bytes);
            assert!(place(Actor(2), &bytes).is_none_or(|place| place == start));
            assert_eq!(place(Actor(1), &bytes), None);
            told += usize::from(place(Actor(2), &bytes).is_some());
        }
        assert!(told > PERIOD - 10, "{told}");
    }

    #[test]
    fn adjacent_segments_join() {
        let mut segments = Segments::new();
        for (actor, from, len) in [(0, 0, 3), (0, 3, 4), (1, 0, 0), (0, 8, 1), (1, 9, 1)] {
            push_segment(&mut segments, Segment { actor: Actor(actor), from, len });
        }
        assert_eq!(segments.len(), 3);
        assert_eq!(segments[0].len, 7);
    }
}
