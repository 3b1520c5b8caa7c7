//! How much a run may move: sizes and offsets in the model are of 32 bits.
//!
//! A run that goes beyond is left unjudged from that call on. Nothing is refused for its length: what has been
//! read no longer counts, so a trace of any number of bytes can be judged.

use crate::call::{ACTORS_MAX, Actor, Call, Op, Whence};
use crate::channel::Object;
use crate::world::World;

/// The most bytes that a call may offer: what one call of Linux transfers at most (`MAX_RW_COUNT`). POSIX leaves
/// open what comes of more than `SSIZE_MAX`.
pub const CALL_MAX_BYTES: u32 = 0x7fff_f000;

const CALL_TOO_LONG: &str = "a call that offers more than 2,147,479,552 bytes is not modelled";

const TOO_MUCH: &str = "a channel that holds 4 GiB or more is not modelled";

const TOO_FAR: &str = "an offset of 4 GiB or more is not modelled";

/// The most objects and open file descriptions that there may be before a call: as many as can be told apart, less those that
/// calls in progress may make.
const OBJECTS_MAX: usize = u16::MAX as usize - 2 * ACTORS_MAX;

const EXEC_OF_THREADS: &str = "exec while another thread is in a call is not modelled";

const TOO_MANY: &str = "more than 65,000 sockets or descriptions at once are not modelled";

/// Why nothing is said of the run from this call on, where it goes beyond the bounds of the model.
pub(super) fn exceeded(world: &World, call: &Call) -> Option<&'static str> {
    if world.objects.len().max(world.descriptions.len()) > OBJECTS_MAX {
        return Some(TOO_MANY);
    }
    let is_in_a_call = |thread: Actor| world.actors[usize::from(thread.0)].call.is_some();
    let mut others = world.takers(world.leader(call.actor)).filter(|other| *other != call.actor);
    if call.op == Op::Exec && others.any(is_in_a_call) {
        return Some(EXEC_OF_THREADS);
    }
    let offers = call.op.offers().unwrap_or(0);
    if offers > CALL_MAX_BYTES {
        return Some(CALL_TOO_LONG);
    }
    if let Op::Seek { .. } | Op::Write { .. } | Op::WriteAt { .. } | Op::Truncate { .. } = call.op
        && let Some(index) = world.end(call.actor, call.end)
        && let Object::File(file) = world.object(index)
    {
        let offset = world.descriptions[usize::from(index)].offset;
        let start = match call.op {
            Op::Seek { from: Whence::Start, .. } => 0,
            Op::Seek { from: Whence::Current, .. } => offset,
            Op::Seek { from: Whence::End, .. } => file.len(),
            Op::WriteAt { at, .. } => file.len().max(u32::try_from(at).unwrap_or(0)),
            _ => file.len().max(offset),
        };
        let more = match call.op {
            Op::Seek { offset, .. } => i64::from(offset),
            _ => i64::from(offers) + in_progress(world),
        };
        return (i64::from(start) + more > i64::from(u32::MAX)).then_some(TOO_FAR);
    }
    if offers == 0 {
        return None;
    }
    // Nothing holds more than was ever offered; only where that is too much it is worth a look.
    let written: i64 = world.actors.iter().map(|actor| actor.written).sum();
    let more = i64::from(offers) + in_progress(world);
    if written + more <= i64::from(u32::MAX) {
        return None;
    }
    let held: i64 = world.objects.iter().map(|object| i64::from(object.len())).sum();
    (held + more > i64::from(u32::MAX)).then_some(TOO_MUCH)
}

/// What the calls in progress have offered.
fn in_progress(world: &World) -> i64 {
    let calls = world.actors.iter().filter_map(|actor| actor.call.as_ref());
    calls.map(|call| i64::from(call.op.offers().unwrap_or(0))).sum()
}
