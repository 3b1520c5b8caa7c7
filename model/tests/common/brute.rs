//! A search that leaves nothing out: after every event, all moves of all calls in all orders, with every count.

use std::collections::HashSet;

use pipewright_model::call::{Actor, Call, Op, Reply, SendFlags};
use pipewright_model::kind::Discipline;
use pipewright_model::oracle::reply_of;
use pipewright_model::oracle::stops::{Stopped, in_copy, is_in_copy};
use pipewright_model::platform::{Family, Platform, Storage};
use pipewright_model::rule::What;
use pipewright_model::rules::outside;
use pipewright_model::run::{Event, Run};
use pipewright_model::step::{
    RuleSet, all_answers, answer, deliver, deliveries, moves, proceed, rests,
};
use pipewright_model::world::{Progress, World};

/// A verdict; that of a whole is the greatest of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Brute {
    Conforms,
    Unspecified,
    Deviates,
}

/// What a search says that takes all moves of all calls in all orders, with every count; of several channels by each.
pub(crate) fn brute(run: &Run, platform: &Platform) -> Brute {
    if run.has_parts() {
        let parts = run.parts().into_iter().map(|part| brute(&part.run, platform));
        return parts.max().unwrap_or(Brute::Conforms);
    }
    searched(run, platform, None)
}

/// The same of one channel, where a signal may have come upon the call that an actor made at an event.
fn searched(run: &Run, platform: &Platform, suspect: Option<(usize, Actor)>) -> Brute {
    let mut states =
        HashSet::from([pipewright_model::step::start(platform, run.setup(), &run.seats)]);
    let sends = |event: &Event| matches!(event, Event::Call(Call { op: Op::Signal { .. }, .. }));
    let signals = run.events.iter().any(sends);
    let mut unspecified = false;
    let mut stopped = Stopped::default();
    for (index, event) in run.events.iter().enumerate() {
        if let Some((_, actor)) = suspect.filter(|(from, _)| index > *from) {
            let interrupted = |world: &World| {
                let mut world = world.clone();
                world.interrupt(actor, false);
                world
            };
            let more: Vec<World> = states.iter().map(interrupted).collect();
            states.extend(more);
        }
        // Whether a cause outside of the channel can explain a reply is a matter of what the world was like.
        let before = match event {
            Event::Return(..) => states.clone(),
            _ => HashSet::new(),
        };
        states = match event {
            Event::Call(call) if states.iter().all(|world| world.is_ending(call.actor)) => {
                return Brute::Deviates;
            }
            Event::Call(call) => states
                .into_iter()
                .filter(|world| !world.is_ending(call.actor))
                .map(|mut world| {
                    world.call(*call);
                    world.pending_mut(call.actor).stops = stops(run, index, call.actor);
                    world
                })
                .collect(),
            // It contradicts itself, whatever the rules leave open.
            Event::Stops(actor, at) if falls_short(run, platform, index, *actor, *at) => {
                return Brute::Deviates;
            }
            Event::Stops(actor, at) => {
                let mut states = closure(platform, states, &stopped, &mut unspecified);
                states.retain(|world| {
                    !stopped.locks_out(platform, world, *actor)
                        && is_in_copy(platform, world, *actor, *at)
                });
                stopped.insert(*actor, *at);
                states.iter().flat_map(|world| in_copy(platform, world, *actor)).collect()
            }
            Event::GoesOn(actor) => {
                stopped.goes_on(*actor);
                states
            }
            Event::Exits(actor, status) => states
                .into_iter()
                .map(|mut world| {
                    world.exits(*actor, *status);
                    world
                })
                .collect(),
            Event::Return(actor, reply) => closure(platform, states, &stopped, &mut unspecified)
                .into_iter()
                .filter(|world| {
                    let data =
                        world.pending(*actor).map(|call| call.data.clone()).unwrap_or_default();
                    reply_of(world, *actor).is_some_and(|(_, seen)| {
                        seen.answer == reply.answer
                            && seen.signal == reply.signal
                            && reply.data.may_be(&data)
                    })
                })
                .map(|mut world| {
                    stopped.remove(*actor);
                    world.returned(*actor);
                    world
                })
                .collect(),
            Event::Quiet(listed) => closure(platform, states, &stopped, &mut unspecified)
                .into_iter()
                .filter(|world| {
                    nothing_answered(world)
                        && world.in_calls() == *listed
                        && deliveries(platform, world).is_empty()
                        && world.busy().iter().all(|actor| {
                            rests(&moves(platform, world, actor, &mut RuleSet::default()))
                        })
                })
                .map(|mut world| {
                    if platform.sleepers_in_line {
                        world.all_sleep();
                    }
                    if signals {
                        world.seen_asleep();
                    }
                    world
                })
                .collect(),
        };
        if states.is_empty() {
            let outside = || {
                comes_from_outside(run, platform, event, &before)
                    || suspect.is_none() && may_be_cut_short(run, platform, index)
            };
            return if unspecified || outside() { Brute::Unspecified } else { Brute::Deviates };
        }
    }
    Brute::Conforms
}

/// Whether the actor's call of this event stops in its copy.
fn stops(run: &Run, call: usize, actor: Actor) -> bool {
    let own = run.events[call + 1..].iter().filter_map(|event| match event {
        Event::Stops(other, _) if *other == actor => Some(true),
        Event::Return(other, _) if *other == actor => Some(false),
        _ => None,
    });
    own.into_iter().next() == Some(true)
}

/// Whether a call that stops at a byte returns fewer bytes than it has come past: a read, and a write to a pipe of
/// pages, which goes on under a lock.
fn falls_short(run: &Run, platform: &Platform, index: usize, actor: Actor, at: u32) -> bool {
    let op = run.events[..index].iter().rev().find_map(|event| match event {
        Event::Call(call) if call.actor == actor => Some(call.op),
        _ => None,
    });
    let reply = run.events[index..].iter().find_map(|event| match event {
        Event::Return(returning, reply) if *returning == actor => Some(reply),
        _ => None,
    });
    let (Some(op), Some(reply)) = (op, reply) else { return false };
    let kind = run.setup().kind;
    let pages = kind.discipline == Discipline::Stream && platform.storage == Storage::Pages;
    (op.asks().is_some() || op.offers().is_some() && pages)
        && reply.answer.count().is_none_or(|count| count <= at)
        && outside::cause(kind, &op, &reply.answer).is_none()
}

/// Whether a cause outside of the channel can explain a return.
fn comes_from_outside(
    run: &Run,
    platform: &Platform,
    event: &Event,
    before: &HashSet<World>,
) -> bool {
    let Event::Return(actor, Reply { answer, .. }) = event else { return false };
    let calls = run.events.iter().take_while(|other| !std::ptr::eq(*other, event));
    let last = calls.filter_map(|event| match event {
        Event::Call(call) if call.actor == *actor => Some(call.op),
        _ => None,
    });
    // On Linux a descriptor that is not open is found out before all else.
    let is_open = |world: &World| {
        let call = world.pending(*actor).filter(|call| !matches!(call.op, Op::Poll { .. }));
        let used = call.and_then(|call| Call { actor: *actor, end: call.end, op: call.op }.uses());
        platform.family != Family::Linux
            || used.is_none()
            || call.is_some_and(|call| call.description.is_some())
    };
    let meets = |world: &World| {
        is_open(world)
            && outside::cause_in(platform, run.setup().kind, world, *actor, answer).is_some()
    };
    last.last().is_some_and(|op| outside::cause(run.setup().kind, &op, answer).is_some())
        && (before.is_empty() || before.iter().any(meets))
}

/// Whether a signal of which the run does not tell can explain a short count.
fn may_be_cut_short(run: &Run, platform: &Platform, index: usize) -> bool {
    let Event::Return(actor, Reply { answer, signal: None, .. }) = &run.events[index] else {
        return false;
    };
    let calls = run.events[..index].iter().enumerate().rev();
    let call = calls.into_iter().find_map(|(from, event)| match event {
        Event::Call(call) if call.actor == *actor => Some((from, call.op)),
        _ => None,
    });
    let Some((from, op)) = call else { return false };
    // A signal that ends the sleep of a read gives it nothing.
    let asked = match op {
        Op::Receive { len, flags } if flags.contains(SendFlags::WAITALL) => len,
        op => op.offers().unwrap_or(0),
    };
    let mut until = run.clone();
    until.events.truncate(index + 1);
    until.remarks.truncate(index + 1);
    answer.count().is_some_and(|count| 0 < count && count < asked)
        && searched(&until, platform, Some((from, *actor))) != Brute::Deviates
}

/// Everything that can be reached by moves.
fn closure(
    platform: &Platform,
    states: HashSet<World>,
    stopped: &Stopped,
    unspecified: &mut bool,
) -> HashSet<World> {
    let mut reached = HashSet::new();
    let mut todo: Vec<World> = states.into_iter().collect();
    while let Some(world) = todo.pop() {
        if !reached.insert(world.clone()) {
            continue;
        }
        for (_, step) in deliveries(platform, &world) {
            let mut next = world.clone();
            deliver(platform, &mut next, step);
            todo.push(next);
        }
        let free = |actor: &Actor| !stopped.locks_out(platform, &world, *actor);
        for actor in world.busy().iter().filter(free) {
            let mut push = |next: World| {
                if stopped.allows(platform, &next, actor) {
                    todo.push(next);
                }
            };
            for (rule, step) in moves(platform, &world, actor, &mut RuleSet::default()) {
                let done = world.pending(actor).map_or(0, |call| call.done);
                match step.what {
                    What::Answers(answers, signal) => {
                        for (given, count) in all_answers(answers, done, true) {
                            let mut next = world.clone();
                            answer(platform, &mut next, actor, (rule, step), count, given, signal);
                            push(next);
                        }
                    }
                    What::Proceeds { least, most } => {
                        for count in least..=most {
                            let mut next = world.clone();
                            proceed(platform, &mut next, actor, step, count);
                            push(next);
                        }
                    }
                    What::Unspecified(_) => *unspecified = true,
                    What::Rests | What::Delivers { .. } | What::Releases | What::Reports { .. } => {
                    }
                }
            }
        }
    }
    reached
}

/// Whether no call of the world is answered and not yet returned.
fn nothing_answered(world: &World) -> bool {
    let open = |actor| world.pending(actor).is_none_or(|call| call.progress == Progress::Open);
    world.busy().iter().all(open)
}
