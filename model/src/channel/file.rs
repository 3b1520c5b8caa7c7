//! The file discipline: bytes at offsets, which reading leaves where they are.
//!
//! Only the container is here. Where a call reads or writes, and what it sees of others under way, is
//! stated in [`crate::rules`].

use crate::data::{Segment, Segments, push_segment};

/// What a regular file holds.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct File {
    /// Names of the bytes, from offset 0 to the end.
    pub segments: Segments,
}

/// By copying whole memory: the oracle clones files all the time.
impl Clone for File {
    fn clone(&self) -> File {
        File { segments: Segments::from_slice(&self.segments) }
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

    /// Cuts the file off, or lengthens it with zeros.
    pub fn set_len(&mut self, len: u32) {
        let gap = len.saturating_sub(self.len());
        self.segments = self.names(0, len);
        push_segment(&mut self.segments, Segment::zero(gap));
    }
}
