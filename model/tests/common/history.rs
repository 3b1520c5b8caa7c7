//! Random histories: what a channel that keeps the rules could show, with calls in flight.

use pipewright_model::call::{Actor, Answer};
use pipewright_model::explore::Space;
use pipewright_model::oracle::{Steps, reply_of};
use pipewright_model::platform::Platform;
use pipewright_model::run::{Event, Run};
use pipewright_model::world::Progress;
use proptest::prelude::Rng;

/// How a history is drawn.
pub(crate) struct Draw {
    /// Events at most.
    pub(crate) events: usize,
    /// Of 100 choices, how many make a new call while others are in progress (if one can be made).
    pub(crate) eagerness: u32,
    /// Calls in flight at most.
    pub(crate) in_flight: usize,
}

/// A history of `space` on `platform`.
pub(crate) fn history(space: &Space, platform: &Platform, draw: &Draw, rng: &mut impl Rng) -> Run {
    let steps = Steps::new(platform);
    let mut run = Run::new(space.setup.clone(), space.seats.clone(), space.end_names.clone());
    let mut world = space.start(platform);
    let mut below = |bound: usize| (rng.next_u32() as usize) % bound.max(1);
    while run.events.len() < draw.events {
        let busy: Vec<Actor> = world.busy().iter().collect();
        let calls: Vec<_> = space.calls(&world).collect();
        let eager = (below(100) as u32) < draw.eagerness || busy.is_empty();
        if eager && !calls.is_empty() && busy.len() < draw.in_flight {
            let call = calls[below(calls.len())];
            world.call(call);
            run.push(Event::Call(call));
            continue;
        }
        let mut moved = false;
        let from = below(busy.len());
        for index in 0..busy.len() {
            let actor = busy[(from + index) % busy.len()];
            if let Some((_, reply)) = reply_of(&world, actor) {
                world.returned(actor);
                run.push(Event::Return(actor, reply));
                moved = true;
                break;
            }
            let next = steps.of(&world, actor);
            if !next.is_empty() {
                world = next[below(next.len())].clone();
                moved = true;
                break;
            }
        }
        if moved {
            continue;
        }
        if !busy.is_empty() && !matches!(run.events.last(), Some(Event::Quiet(_))) {
            run.push(Event::Quiet(world.busy()));
        }
        if calls.is_empty() {
            break; // everybody waits for ever
        }
        let call = calls[below(calls.len())];
        world.call(call);
        run.push(Event::Call(call));
    }
    run
}

/// Spoils a history a little; it may still be one that the rules allow.
pub(crate) fn spoil(run: &mut Run, rng: &mut impl Rng) {
    if run.events.is_empty() {
        return;
    }
    let count = run.events.len();
    let at = rng.next_u32() as usize % count;
    match &mut run.events[at] {
        Event::Return(_, reply) => match reply.answer {
            Answer::Count(count) if rng.next_u32().is_multiple_of(2) => {
                reply.answer = Answer::Count(count ^ 1);
            }
            _ => {
                let other = run.events.iter().skip(at + 1).find_map(|event| match event {
                    Event::Return(_, reply) => Some(reply.clone()),
                    _ => None,
                });
                if let (Some(other), Event::Return(_, reply)) = (other, &mut run.events[at]) {
                    *reply = other;
                }
            }
        },
        Event::Call(_) if at + 1 < count => run.events.swap(at, at + 1),
        _ => drop(run.events.remove(at)),
    }
    run.remarks.truncate(run.events.len());
    if run.check().is_err() {
        let len = (0..run.events.len())
            .find(|len| {
                let mut part = run.clone();
                part.events.truncate(len + 1);
                part.check().is_err()
            })
            .unwrap_or(run.events.len());
        run.events.truncate(len);
        run.remarks.truncate(len);
    }
}

/// Whether no call of the world is answered and not yet returned.
pub(crate) fn nothing_answered(world: &pipewright_model::world::World) -> bool {
    world
        .busy()
        .iter()
        .all(|actor| world.pending(actor).is_none_or(|call| call.progress == Progress::Open))
}
