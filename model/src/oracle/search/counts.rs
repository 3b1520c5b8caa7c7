//! Which counts of a range are tried.

use smallvec::SmallVec;

use super::Search;
use crate::call::{Actor, Answer, Op, Reply};
use crate::oracle::State;
use crate::oracle::lookahead::write_len;
use crate::oracle::pieces::{self, SMALL};
use crate::oracle::stops::limit;

impl Search<'_, '_> {
    /// Counts worth trying of a range: the least, the most, that with which the call is to end, those
    /// at which a later read tells that another writer's bytes came, and those that the read at hand
    /// needs.
    pub(super) fn counts(
        &self,
        state: &State,
        actor: Actor,
        least: u32,
        most: u32,
    ) -> SmallVec<[u32; 4]> {
        if most - least < FEW {
            return (least..=most).collect();
        }
        let world = &state.world;
        let limit = self.stops_at(actor).and_then(|at| limit(self.platform, world, actor, at));
        let most = limit.map_or(most, |limit| most.min(limit));
        if most < least {
            return SmallVec::new();
        }
        let mut counts = SmallVec::from_slice(&[least, most]);
        let Some(call) = world.pending(actor) else { return counts };
        if let Some(counts) =
            pieces::counts(self.platform, self.lookahead, world, actor, most, self.aim)
        {
            return counts;
        }
        let from = world.actors[usize::from(actor.0)].written + i64::from(call.done);
        // Behind bytes that are there, a few more tell nothing but where the run shows a cut: tried one
        // by one they would make a state each. So would those of a call that goes on in a run that is known.
        let unread = || call.description.is_some_and(|index| world.has_unread(index));
        let nothing_known = self.lookahead.knows_nothing();
        let more = call.op.asks().is_some() || !nothing_known || unread();
        let small = nothing_known && most <= SMALL;
        if call.done > 0 && more && !small {
            counts.remove(0);
        }
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.fate(actor).reply {
            counts.extend(total.checked_sub(call.done));
        }
        let stops = self.stops_at(actor).or(self.aim);
        counts.extend(stops.and_then(|at| at.checked_sub(call.done)));
        let cuts = self.lookahead.cuts(actor, from, from + i64::from(write_len(call.op)));
        counts.extend(cuts.iter().map(|cut| (cut - from) as u32));
        if let Some(Reply { answer: Answer::Count(total), .. }) = self.lookahead.reply(actor) {
            counts.extend(total.checked_sub(call.done));
        }
        let to = call.description.and_then(|index| world.destination(index));
        for reader in world.busy().iter() {
            let (Some(call), Some(reply)) = (world.pending(reader), self.lookahead.reply(reader))
            else {
                continue;
            };
            let looks = call.op.asks().is_some() || call.op == Op::Available;
            let (Some(index), Answer::Count(count)) = (call.description, reply.answer) else {
                continue;
            };
            let here = Some(world.descriptions[usize::from(index)].object) == to;
            if looks && here && self.may_be_next(world, reader, (actor, from)) {
                counts.extend(count.checked_sub(call.done + world.object(index).len()));
            }
        }
        counts.retain(|count| (least..=most).contains(count));
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}

/// Ranges of at most this many counts are tried whole.
const FEW: u32 = 6;
