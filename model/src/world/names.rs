//! The names of bytes in a world, told anew or forgotten.

use smallvec::SmallVec;

use crate::call::Actor;
use crate::channel::Object;
use crate::data::{Segment, Segments, joined, push_segment};
use crate::run::Actors;
use crate::world::{Pending, World};

impl World {
    /// Renames all bytes so that each actor's next write starts at position 0. Without this no
    /// exploration ends; a run must not be judged across it.
    pub fn rebase(&mut self) {
        let written: SmallVec<[i64; 4]> = self.actors.iter().map(|actor| actor.written).collect();
        let shift = |segment: &mut Segment| {
            let written = written.get(usize::from(segment.actor.0));
            segment.from -= written.copied().unwrap_or(0);
        };
        self.objects.iter_mut().flat_map(Object::segments_mut).for_each(shift);
        for actor in &mut self.actors {
            actor.written = 0;
            if let Some(call) = &mut actor.call {
                call.data.iter_mut().for_each(shift);
            }
        }
    }

    /// Forgets whose the bytes in streams are. How many can be read and written, and when, does not depend on it; so
    /// where nobody sees them, worlds that differ in nothing else are one.
    pub fn forget_names(&mut self) {
        for object in &mut self.objects {
            if let Object::Stream(stream) = object {
                forget(&mut stream.segments);
            }
        }
        for call in self.actors.iter_mut().filter_map(|actor| actor.call.as_mut()) {
            forget(&mut call.data);
        }
    }

    /// Whether two actors' calls are the same in all but whose they are: what one may do now the other may as well, and
    /// nobody else is told which of them did.
    pub fn are_alike(&self, one: Actor, other: Actor) -> bool {
        let (Some(a), Some(b)) = (self.pending(one), self.pending(other)) else { return false };
        let bare =
            |call: &Pending| Pending { description: None, behind: Actors::NONE, ..call.clone() };
        let description =
            |call: &Pending| call.description.map(|at| self.descriptions[usize::from(at)]);
        let (first, second) =
            (&self.actors[usize::from(one.0)], &self.actors[usize::from(other.0)]);
        let is_behind_both =
            |call: &Pending| call.behind.contains(one) == call.behind.contains(other);
        !a.stops
            && a.op == b.op
            && bare(a) == bare(b)
            && description(a) == description(b)
            && a.behind == b.behind
            && (first.signals, first.reaped, first.left_status)
                == (second.signals, second.reaped, second.left_status)
            && self.actors.iter().filter_map(|actor| actor.call.as_ref()).all(is_behind_both)
    }
}

/// Of bytes in a row only how many there are.
fn forget(segments: &mut Segments) {
    let len = segments.iter().fold(0, |len, segment| joined(len, segment.len));
    segments.clear();
    push_segment(segments, Segment::any(len));
}
