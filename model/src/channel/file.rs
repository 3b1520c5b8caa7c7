//! The file discipline: bytes at offsets, which reading leaves where they are.
//!
//! Only the container is here. Where a call reads or writes, and what it sees of others under way, is
//! stated in [`crate::rules`].

use crate::call::Actor;
use crate::data::{Segment, Segments, push_segment};

/// What a regular file holds.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct File {
    /// Names of the bytes, from offset 0 to the end.
    pub segments: Segments,
    /// What reads in progress have taken hold of, by reader.
    pub batches: Vec<Batch>,
}

/// The pages that a read in progress has taken hold of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Batch {
    /// Whose read it is.
    pub reader: Actor,
    /// Where the read ends: the size of the file when they were taken, in bytes.
    pub end: u32,
    /// The least size to which the file was cut since, in bytes; [`u32::MAX`] where it was not.
    pub kept: u32,
    /// What was in the pages when they were cut off.
    pub cut: Segments,
}

/// By copying whole memory: the oracle clones files all the time.
impl Clone for File {
    fn clone(&self) -> File {
        File { segments: Segments::from_slice(&self.segments), batches: self.batches.clone() }
    }
}

impl File {
    /// Size in bytes.
    pub fn len(&self) -> u32 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many bytes there are from an offset on, up to `len`.
    pub fn readable(&self, from: u32, len: u32) -> u32 {
        self.len().saturating_sub(from).min(len)
    }

    /// Names of up to `len` bytes from an offset on.
    pub fn names(&self, from: u32, len: u32) -> Segments {
        let mut names = Segments::new();
        self.push_names(from, len, &mut names);
        names
    }

    /// Appends the names of up to `len` bytes from an offset on.
    pub fn push_names(&self, from: u32, len: u32, names: &mut Segments) {
        let (mut skip, mut left) = (from, len);
        for segment in &self.segments {
            let start = skip.min(segment.len);
            let take = left.min(segment.len - start);
            push_segment(names, segment.part(start, start + take));
            skip -= start;
            left -= take;
            if left == 0 {
                return;
            }
        }
    }

    /// Puts bytes at an offset, over what is there; a gap before them is filled with zeros.
    pub fn put(&mut self, at: u32, bytes: Segment) {
        let size = self.len();
        let mut segments = self.names(0, at);
        push_segment(&mut segments, Segment::zero(at.saturating_sub(size)));
        push_segment(&mut segments, bytes);
        self.push_names(at.saturating_add(bytes.len), u32::MAX, &mut segments);
        self.segments = segments;
    }

    /// What an actor's read has taken hold of.
    pub fn batch(&self, reader: Actor) -> Option<&Batch> {
        self.batches.iter().find(|batch| batch.reader == reader)
    }

    /// Lets an actor's read take hold of all pages that there are.
    pub fn take_batch(&mut self, reader: Actor) {
        let batch = Batch { reader, end: self.len(), kept: u32::MAX, cut: Segments::new() };
        let at = self.batches.partition_point(|other| other.reader < reader);
        self.batches.insert(at, batch);
    }

    /// Ends an actor's hold.
    pub fn drop_batch(&mut self, reader: Actor) {
        self.batches.retain(|batch| batch.reader != reader);
    }

    /// Cuts the file off, or lengthens it with zeros.
    pub fn set_len(&mut self, len: u32) {
        let size = self.len();
        let mut batches = std::mem::take(&mut self.batches);
        // Pages that are written anew behind an earlier cut are others.
        for batch in batches.iter_mut().filter(|batch| len < size.min(batch.kept)) {
            let mut cut = self.names(0, batch.kept.min(batch.end));
            let behind = Segments::from_slice(&batch.cut);
            let held = cut.iter().map(|segment| segment.len).sum();
            File { segments: behind, batches: Vec::new() }.push_names(held, u32::MAX, &mut cut);
            (batch.cut, batch.kept) = (cut, len);
        }
        self.batches = batches;
        let gap = len.saturating_sub(self.len());
        self.segments = self.names(0, len);
        push_segment(&mut self.segments, Segment::zero(gap));
    }
}
