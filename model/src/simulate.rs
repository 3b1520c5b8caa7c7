//! Random histories: what a channel that keeps the rules could show, with calls in flight.
//!
//! For tests and benchmarks of the oracle, which must find every one of them conforming. A history
//! shows what the rules allow, not what is likely: real channels are faster to answer.

use crate::call::Actor;
use crate::data::{self, Data};
use crate::explore::Space;
use crate::oracle::{Steps, reply_of};
use crate::platform::Platform;
use crate::run::{Event, Run};
use crate::step::have_looked;

/// How a history is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// Events at most.
    pub events: usize,
    /// Of 100 choices, how many make a new call while others are in progress (if one can be made).
    pub eagerness: usize,
    /// Calls in flight at most.
    pub in_flight: usize,
}

/// A history of `space` on `platform`, with named data. `choose` is given a number of choices, at least
/// one, and takes one of them.
///
/// # Panics
///
/// If `choose` takes a choice that it is not given.
pub fn history(
    space: &Space,
    platform: &Platform,
    draw: &Draw,
    mut choose: impl FnMut(usize) -> usize,
) -> Run {
    let steps = Steps::new(platform);
    let mut run = Run::new(space.setup.clone(), space.seats.clone(), space.end_names.clone());
    let mut world = space.start(platform);
    while run.events.len() < draw.events {
        let busy: Vec<Actor> = world.busy().iter().collect();
        let calls: Vec<_> = space.calls(&world).collect();
        let eager = choose(100) < draw.eagerness || busy.is_empty();
        if eager && !calls.is_empty() && busy.len() < draw.in_flight {
            let call = calls[choose(calls.len())];
            world.call(call);
            run.push(Event::Call(call));
            continue;
        }
        let mut moved = false;
        let from = choose(busy.len().max(1));
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
                world = next[choose(next.len())].clone();
                moved = true;
                break;
            }
        }
        if moved {
            continue;
        }
        // What is under way arrives before all is quiet.
        let delivered = steps.delivered(&world);
        if !delivered.is_empty() {
            world = delivered[choose(delivered.len())].clone();
            continue;
        }
        if !busy.is_empty() && !matches!(run.events.last(), Some(Event::Quiet(_))) {
            run.push(Event::Quiet(world.busy()));
            if platform.sleepers_in_line {
                world.all_sleep();
            }
            have_looked(platform, &mut world);
        }
        if calls.is_empty() {
            break; // everybody waits for ever
        }
        let call = calls[choose(calls.len())];
        world.call(call);
        run.push(Event::Call(call));
    }
    run
}

/// The same run as it would be recorded: with bytes for names.
#[must_use]
pub fn with_bytes(mut run: Run) -> Run {
    for event in &mut run.events {
        let Event::Return(_, reply) = event else { continue };
        let Data::Named(names) = &reply.data else { continue };
        let mut bytes = Vec::new();
        for segment in names {
            let start = bytes.len();
            bytes.resize(start + segment.len as usize, 0);
            data::fill(segment.actor, segment.from, &mut bytes[start..]);
        }
        reply.data = Data::Bytes(bytes.into());
    }
    run
}

/// The same run as it would be recorded by who sees no bytes.
#[must_use]
pub fn without_data(mut run: Run) -> Run {
    for event in &mut run.events {
        if let Event::Return(_, reply) = event {
            reply.data = Data::Unknown;
        }
    }
    run
}
