//! The stream discipline: bytes in order, each read once (pipe, FIFO).
//!
//! Only the container is here: how bytes are kept, and what one uninterrupted transfer would move.
//! When a call may transfer, wait or fail is stated in [`crate::rules`].
//!
//! On Linux a pipe is a ring of page slots (`fs/pipe.c`, `anon_pipe_write` and `anon_pipe_read`): a
//! write of n bytes first tries to append its n mod page head bytes to the last page; what is left
//! takes new pages. A slot becomes free when its page has been read to the end.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;

use crate::call::Actor;
use crate::data::{Segment, Segments, push_segment};
use crate::kind::Ends;
use crate::platform::{Platform, Storage};
use crate::run::Setup;

/// Pages of a new pipe of a user who holds too many (`PIPE_MIN_DEF_BUFFERS`).
const PAGES_CROWDED: u32 = 2;

/// A page of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Slot {
    /// Bytes of the page that have been read already.
    pub read: u32,
    /// Bytes of the page that are still to be read.
    pub len: u32,
    /// Whether the page is a packet: nothing is merged into it, and one read takes it whole.
    pub packet: bool,
}

/// In one word.
impl Hash for Slot {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let (read, len, packet) =
            (u64::from(self.read), u64::from(self.len), u64::from(self.packet));
        hasher.write_u64(read << 32 | len << 1 | packet);
    }
}

/// What was written and not yet read.
#[derive(Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Stream {
    /// Names of the bytes, oldest first.
    pub segments: Segments,
    /// The ring's slots in use, oldest first; empty for [`Storage::Bytes`].
    pub slots: SmallVec<[Slot; 8]>,
    /// Slots of the ring; 0 for [`Storage::Bytes`].
    pub slots_max: u32,
    /// Slots of a ring that nobody has resized.
    pub slots_default: u32,
    /// Whether it may not grow, as its user holds too many pages already.
    pub crowded: bool,
}

/// What one uninterrupted transfer by a write may move: nothing, or a number of bytes in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Whether it may be that nothing can be moved.
    pub none: bool,
    /// The fewest bytes moved, if any are; at least 1.
    pub least: u32,
    /// The most bytes moved; 0 if none can be.
    pub most: u32,
}

/// By copying whole memory: the oracle clones streams all the time.
impl Clone for Stream {
    fn clone(&self) -> Stream {
        Stream {
            segments: Segments::from_slice(&self.segments),
            slots: SmallVec::from_slice(&self.slots),
            ..*self
        }
    }
}

impl Stream {
    /// An empty stream.
    pub fn new(platform: &Platform, setup: &Setup) -> Stream {
        let slots_max = match platform.storage {
            Storage::Pages => (setup.capacity_bytes / platform.page_bytes).max(1),
            Storage::Bytes => 0,
        };
        // Whatever was set up of a FIFO is forgotten when all have closed: the next to open the path
        // makes a new ring.
        let slots_default = match (setup.kind.ends, platform.storage) {
            (Ends::Opened, Storage::Pages) if setup.crowded => PAGES_CROWDED,
            (Ends::Opened, Storage::Pages) => platform.capacity_default_bytes / platform.page_bytes,
            _ => slots_max,
        };
        Stream {
            segments: Segments::new(),
            slots: SmallVec::new(),
            slots_max,
            slots_default,
            crowded: setup.crowded,
        }
    }

    /// Discards all data and any change of the capacity.
    pub fn reset(&mut self) {
        self.segments.clear();
        self.slots.clear();
        self.slots_max = self.slots_default;
    }

    /// Bytes to be read.
    pub fn len(&self) -> u32 {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Whether there is nothing to be read.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Pages of the ring in use, as `poll` sees it; where it is not of pages, 1 if it is not empty.
    pub fn in_use(&self, platform: &Platform) -> u32 {
        match platform.storage {
            Storage::Pages => self.slots.len() as u32,
            Storage::Bytes => u32::from(!self.is_empty()),
        }
    }

    /// Whether the ring has no free slot.
    pub fn is_full(&self) -> bool {
        self.slots.len() >= self.slots_max as usize
    }

    /// Bytes of a write that would be appended to the last page: its length modulo the page, if the
    /// last page takes that many; else none.
    pub fn mergeable(&self, platform: &Platform, len: u32) -> u32 {
        let head = len % platform.page_bytes;
        match self.slots.last() {
            Some(last) if !last.packet && last.read + last.len + head <= platform.page_bytes => {
                head
            }
            _ => 0,
        }
    }

    /// What a write of `len` bytes in all, of which `done` are transferred, may move now. `entered`
    /// tells that it has waited before: then nothing is merged any more.
    pub fn room(&self, platform: &Platform, len: u32, done: u32, entered: bool) -> Room {
        let left = len - done;
        match platform.storage {
            Storage::Pages => {
                let merged = if entered { 0 } else { self.mergeable(platform, len) };
                let free = (self.slots_max as usize).saturating_sub(self.slots.len()) as u64;
                let moved = u64::from(merged) + free * u64::from(platform.page_bytes);
                let moved = moved.min(u64::from(left)) as u32;
                Room { none: moved == 0, least: moved, most: moved }
            }
            Storage::Bytes => {
                let least = if len <= platform.pipe_buf_bytes { left } else { 1 };
                Room { none: !self.is_empty(), least, most: left }
            }
        }
    }

    /// Appends `count` bytes of a write of `len` bytes in all, named `actor` from `from` on.
    #[expect(clippy::too_many_arguments, reason = "all of them come from one call in progress")]
    pub fn append(
        &mut self,
        platform: &Platform,
        actor: Actor,
        from: i64,
        count: u32,
        len: u32,
        entered: bool,
        packet: bool,
    ) {
        if platform.storage == Storage::Pages {
            let merged = if entered { 0 } else { self.mergeable(platform, len) };
            if let (1.., Some(last)) = (merged, self.slots.last_mut()) {
                last.len += merged;
            }
            let mut left = count - merged;
            while left > 0 {
                let take = left.min(platform.page_bytes);
                self.slots.push(Slot { read: 0, len: take, packet });
                left -= take;
            }
        }
        push_segment(&mut self.segments, Segment { actor, from, len: count });
    }

    /// How many bytes a read of up to `len` gives, and whether it ends in a packet.
    pub fn readable(&self, platform: &Platform, len: u32) -> (u32, bool) {
        if platform.storage == Storage::Bytes {
            return (self.len().min(len), false);
        }
        let mut count = 0;
        for slot in &self.slots {
            let take = slot.len.min(len - count);
            count += take;
            if slot.packet {
                return (count, true);
            }
            if count == len {
                break;
            }
        }
        (count, false)
    }

    /// Takes what a read of up to `len` bytes gives; what is left of a packet is discarded.
    pub fn take(&mut self, platform: &Platform, len: u32) -> Segments {
        let (count, _) = self.readable(platform, len);
        let mut discarded = 0;
        if platform.storage == Storage::Pages {
            let mut left = count;
            let mut emptied = 0;
            for slot in &mut self.slots {
                let take = slot.len.min(left);
                slot.len -= take;
                slot.read += take;
                left -= take;
                if slot.packet && take > 0 {
                    discarded = slot.len;
                    slot.len = 0;
                }
                if slot.len > 0 {
                    break;
                }
                emptied += 1;
                if left == 0 {
                    break;
                }
            }
            self.slots.drain(..emptied);
        }
        let taken = self.cut(count);
        self.cut(discarded);
        taken
    }

    /// Names of the bytes that a read of up to `len` would give.
    pub fn peek(&self, platform: &Platform, len: u32) -> Segments {
        let (mut left, _) = self.readable(platform, len);
        let mut names = Segments::new();
        for segment in &self.segments {
            let take = segment.len.min(left);
            push_segment(&mut names, Segment { len: take, ..*segment });
            left -= take;
        }
        names
    }

    /// Cuts the names of the first `count` bytes off.
    fn cut(&mut self, count: u32) -> Segments {
        let mut cut = Segments::new();
        let mut left = count;
        let mut whole = 0;
        for segment in &mut self.segments {
            if left == 0 {
                break;
            }
            let take = segment.len.min(left);
            cut.push(Segment { len: take, ..*segment });
            segment.from += i64::from(take);
            segment.len -= take;
            left -= take;
            whole += usize::from(segment.len == 0);
        }
        self.segments.drain(..whole);
        cut
    }

    /// Capacity in bytes.
    pub fn capacity_bytes(&self, platform: &Platform) -> u32 {
        self.slots_max * platform.page_bytes
    }
}
