//! Where calls that go piece by piece are seen half done: the counts worth trying.
//!
//! Any piece is allowed; only those can matter at which the bytes or sizes that others are known to get
//! change from old to new. Bytes compared are those of the replies in the run, so the choice leaves out
//! nothing that explains them: a read takes as much as agrees before something changes, and a change goes as
//! far as some read shows, or all the way: whoever looks next may be shown more, but never less. Where
//! nothing is known, one byte at first, a byte that the call aims at with the page that it is in, and all stand for
//! the rest: one byte after the other would make a state each.

use smallvec::SmallVec;

use crate::call::{Actor, Op, Reply, Whence};
use crate::channel::{File, Object, Stream};
use crate::data::{Segment, Segments};
use crate::oracle::lookahead::Lookahead;
use crate::platform::Platform;
use crate::world::{Pending, World};

/// Where nothing is known of a run, parts of a transfer of at most this many bytes are told from each other.
pub(super) const SMALL: u32 = 64;

/// Counts for the next piece of the actor's call, of up to `most` bytes; `None` where it is on no file.
pub(super) fn counts(
    platform: &Platform,
    lookahead: &Lookahead<'_>,
    world: &World,
    actor: Actor,
    most: u32,
    aim: Option<u32>,
) -> Option<SmallVec<[u32; 4]>> {
    let call = world.pending(actor)?;
    let index = call.description?;
    let file = match world.object(index) {
        Object::File(file) => file,
        Object::Stream(stream) if call.op.asks().is_some() => {
            return Some(of_stream(platform, lookahead, call, actor, stream, most));
        }
        _ => return None,
    };
    let mut counts = SmallVec::new();
    if call.op.asks().is_some() {
        let from = world.file_position(platform, call)?.saturating_add(call.done);
        let count = match lookahead.reply(actor) {
            Some(reply) => {
                let left = reply.answer.count().unwrap_or(0).saturating_sub(call.done);
                let agree = |names: &Segments| reply.data.matching(call.done, names).min(left);
                if let Some(batch) = file.batch(actor).filter(|batch| batch.kept < u32::MAX) {
                    let cut = Segments::from_slice(&batch.cut);
                    let cut = File { segments: cut, ..File::default() }.names(from, most);
                    let zeros = Segments::from_slice(&[Segment::zero(most)]);
                    counts.extend([agree(&cut), agree(&zeros)]);
                }
                agree(&file.names(from, most))
            }
            None if lookahead.knows_nothing() => {
                counts.extend(first(call, most));
                most
            }
            // What a read gives that never returns is nobody's business.
            None => 0,
        };
        counts.push(count);
        counts.retain(|count| (1..=most).contains(count));
        counts.sort_unstable();
        counts.dedup();
        return Some(counts);
    }
    let start = match call.op {
        Op::Truncate { len } => len,
        _ => world.file_position(platform, call)?,
    };
    let next = start.saturating_add(call.done);
    let after = changed(world, file, actor, call, next, most);
    counts.push(most);
    let here = world.descriptions[usize::from(index)].object;
    for other in world.busy().iter().filter(|other| *other != actor) {
        let Some((seen, reply)) = world.pending(other).zip(lookahead.reply(other)) else {
            continue;
        };
        let Some(description) = seen.description.map(|i| world.descriptions[usize::from(i)]) else {
            continue;
        };
        if description.object != here {
            continue;
        }
        let cut = match seen.op {
            Op::Available => {
                reply.answer.count().map(|count| count.wrapping_add(description.offset))
            }
            Op::Seek { from: Whence::End, offset } => {
                reply.answer.count().map(|to| to.wrapping_sub(offset as u32))
            }
            _ => seen_by_read(platform, world, &after, seen, reply, &mut counts, next),
        };
        counts.extend(cut.and_then(|cut| cut.checked_sub(next)));
    }
    if lookahead.knows_nothing() {
        counts.extend(first(call, most));
        let aim = aim.map(|aim| start.saturating_add(aim));
        let page = aim.map(|aim| aim - aim % platform.page_bytes);
        counts.extend([aim, page].into_iter().flatten().filter_map(|to| to.checked_sub(next)));
    }
    counts.retain(|count| (1..=most).contains(count));
    counts.sort_unstable();
    counts.dedup();
    Some(counts)
}

/// The first byte of a transfer, alone; of a small one each.
fn first(call: &Pending, most: u32) -> Option<u32> {
    (call.done == 0 || most <= SMALL).then_some(1)
}

/// Counts for the next part of a read that shares a stream with others: as much as agrees.
fn of_stream(
    platform: &Platform,
    lookahead: &Lookahead<'_>,
    call: &Pending,
    actor: Actor,
    stream: &Stream,
    most: u32,
) -> SmallVec<[u32; 4]> {
    let count = match lookahead.reply(actor) {
        Some(reply) => {
            let left = reply.answer.count().unwrap_or(0).saturating_sub(call.done);
            reply.data.matching(call.done, &stream.peek(platform, most)).min(left)
        }
        None if lookahead.knows_nothing() => {
            return first(call, most).into_iter().chain([most]).collect();
        }
        None => 0,
    };
    (count > 0).then_some(count.min(most)).into_iter().collect()
}

/// The file as it will be after `count` more bytes of the call.
fn changed(
    world: &World,
    file: &File,
    actor: Actor,
    call: &Pending,
    next: u32,
    count: u32,
) -> File {
    let from = world.actors[usize::from(actor.0)].written + i64::from(call.done);
    let bytes = match call.op {
        Op::Truncate { .. } => Segment::zero(count),
        _ => Segment { actor, from, len: count },
    };
    let mut after = file.clone();
    after.put(next, bytes);
    after
}

/// The offset from which on a read gives other bytes than those after the change, if it does; where it ended
/// goes to `counts`.
fn seen_by_read(
    platform: &Platform,
    world: &World,
    after: &File,
    seen: &Pending,
    reply: &Reply,
    counts: &mut SmallVec<[u32; 4]>,
    next: u32,
) -> Option<u32> {
    seen.op.asks()?;
    let from = world.file_position(platform, seen)?;
    let total = reply.answer.count()?;
    counts.extend(from.saturating_add(total).checked_sub(next));
    let at = from.saturating_add(seen.done);
    let left = total.saturating_sub(seen.done);
    let same = reply.data.matching(seen.done, &after.names(at, left));
    (same < left).then_some(at.saturating_add(same))
}
