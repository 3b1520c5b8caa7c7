//! Calls that are alone: most of a run, and answered in place.

use crate::call::{Actor, Answer, Op, Reply};
use crate::channel::Object;
use crate::data::Data;
use crate::oracle::{State, looks_like};
use crate::platform::Platform;
use crate::rule::What;
use crate::step::{answer, count_for, deliveries, moves, proceed, raised};
use crate::world::{Pending, World};

/// Answers the only call in progress in place, if one move alone does so and no other could matter.
///
/// This is the path of sequential runs; on streams it must not allocate.
pub(super) fn answer_alone(
    platform: &Platform,
    state: &mut State,
    actor: Actor,
    reply: &Reply,
) -> bool {
    let op = state.world.pending(actor).map(|call| call.op);
    if state.world.is_stopped(actor) || matches!(op, Some(Op::Signal { .. })) {
        return false;
    }
    let others = state.world.actors.iter().enumerate();
    if others
        .filter(|(index, _)| *index != usize::from(actor.0))
        .any(|(_, other)| other.call.is_some())
    {
        return false;
    }
    let mut shown = state.shown;
    let steps = moves(platform, &state.world, actor, &mut shown);
    let [(rule, step)] = steps.as_slice() else { return false };
    let What::Answers(answers, signal) = step.what else { return false };
    let signal = raised(&state.world, actor, signal);
    let Some(done) = state.world.pending(actor).map(|call| call.done) else { return false };
    let Some(count) = count_for(answers, done, reply.answer) else { return false };
    if signal != reply.signal || !deliveries(platform, &state.world).is_empty() {
        return false;
    }
    let step = (*rule, *step);
    match data_at_head(platform, &state.world, actor, reply) {
        Some(false) => return false,
        Some(true) => {
            let released =
                answer(platform, &mut state.world, actor, step, count, reply.answer, signal);
            shown = shown.union(released);
        }
        // What the call gives is known once it is answered.
        None => {
            let mut world = state.world.clone();
            let released = answer(platform, &mut world, actor, step, count, reply.answer, signal);
            shown = shown.union(released);
            let agrees = |call: &Pending| looks_like(reply, reply.answer, signal, &call.data);
            if !world.pending(actor).is_some_and(agrees) {
                return false;
            }
            state.world = world;
        }
    }
    shown.insert(step.0);
    while let Some((rule, step)) = moves(platform, &state.world, actor, &mut shown).pop() {
        shown = shown.union(proceed(platform, &mut state.world, actor, step, 0));
        shown.insert(rule);
    }
    state.shown = shown;
    true
}

/// Whether the bytes seen are those at the head of the stream, if this is a read of a stream; `None` where
/// that can't be told.
fn data_at_head(platform: &Platform, world: &World, actor: Actor, reply: &Reply) -> Option<bool> {
    let call = world.pending(actor)?;
    match (call.op, &reply.data, reply.answer) {
        (_, Data::Unknown, _) => Some(true),
        (Op::Read { len } | Op::ReadAt { len, .. }, data, Answer::Count(1..)) => {
            match world.object(call.description?) {
                Object::Stream(stream) if call.done == 0 => {
                    Some(data.may_be(&stream.peek(platform, len)))
                }
                Object::File(file) if call.done == 0 => {
                    let from = world.file_position(platform, call)?;
                    Some(data.may_be(&file.names(from, len)))
                }
                _ => None,
            }
        }
        (op, data, _) => op.asks().is_none().then(|| data.is_empty()),
    }
}
