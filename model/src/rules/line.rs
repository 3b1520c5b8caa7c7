//! Queues of sleeping calls, where the platform wakes the longest sleeper first.

use crate::act::Act;
use crate::call::Op;
use crate::index::ObjectIndex;
use crate::rule::Scene;
use crate::world::Line;

/// Whether this is a call that sleeps, and others sleep with it, where there is an order among them.
pub(super) fn is_in_line(at: &Scene<'_>) -> bool {
    at.platform.sleepers_in_line
        && at.call.entered
        && place(at).is_some_and(|(object, line)| {
            at.world.asleep_in(object, line).any(|other| other != at.actor)
        })
}

/// How many calls are known to sleep before this one, which sleeps too.
pub(super) fn ahead(at: &Scene<'_>) -> usize {
    let before = || {
        let (object, line) = place(at)?;
        Some(
            at.world
                .asleep_in(object, line)
                .filter(|other| at.call.behind.contains(*other))
                .count(),
        )
    };
    if is_in_line(at) { before().unwrap_or(0) } else { 0 }
}

fn place(at: &Scene<'_>) -> Option<(ObjectIndex, Line)> {
    at.world.waits_at(at.call).zip(Line::of(&at.op()))
}

/// A call on a socket begins to sleep. Any call but a poll may wake who sleeps on one.
pub(super) fn join_at_socket(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    if platform.sleepers_in_line {
        act.world.join_the_line(actor, |world, other| {
            world.pending(other).is_some_and(|call| !matches!(call.op, Op::Poll { .. }))
        });
    }
}

/// A call on a stream begins to sleep.
pub(super) fn join_at_stream(act: &mut Act<'_>) {
    let &mut Act { platform, actor, .. } = act;
    if !platform.sleepers_in_line {
        act.call().entered = true;
        return;
    }
    let here = act.world.pending(actor).and_then(|call| act.world.object_called(call));
    act.world.join_the_line(actor, |world, other| {
        world.pending(other).is_some_and(|call| {
            !matches!(call.op, Op::Poll { .. }) && world.object_called(call) == here
        })
    });
}
