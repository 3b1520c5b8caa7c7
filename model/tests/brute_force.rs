//! The oracle's verdict against a search that leaves nothing out: after every event, all moves of all
//! calls in all orders, with every count.

mod common;
#[path = "common/history.rs"]
mod history;
#[path = "common/long.rs"]
mod long;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{LINUX_SMALL, POSIX_SMALL, in_parallel, spaces};
use history::spoil;
use pipewright_model::call::{Actor, Answer, Errno, Reply};
use pipewright_model::explore::Space;
use pipewright_model::kind::Discipline;
use pipewright_model::oracle::stops::{Stopped, in_copy, is_in_copy};
use pipewright_model::oracle::{Verdict, judge, reply_of};
use pipewright_model::platform::{Platform, Storage};
use pipewright_model::rule::What;
use pipewright_model::rules::outside;
use pipewright_model::run::{Event, Run};
use pipewright_model::simulate::{Draw, history, with_bytes};
use pipewright_model::step::{
    RuleSet, all_answers, answer, deliver, deliveries, moves, proceed, rests,
};
use pipewright_model::world::{Progress, World};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// Histories for each space and profile. The long campaign: `HISTORIES=100000 cargo test -p
/// pipewright-model --release --test brute_force`.
fn histories() -> usize {
    std::env::var("HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

#[test]
fn the_oracle_agrees_with_a_search_that_leaves_nothing_out() {
    let all = spaces().into_iter().map(|pinned| (pinned.name, pinned.space)).collect();
    agree(all, histories(), &Draw { events: 18, eagerness: 40, in_flight: 3 });
}

/// Of counts in small ranges the oracle tries all; of these it must choose.
#[test]
fn the_oracle_agrees_on_long_transfers() {
    agree(long::spaces(), histories() / 4, &Draw { events: 12, eagerness: 40, in_flight: 3 });
}

fn agree(spaces: Vec<(&str, Space)>, histories: usize, draw: &Draw) {
    let spaces: Vec<_> = [&LINUX_SMALL, &POSIX_SMALL]
        .into_iter()
        .flat_map(|platform| spaces.iter().map(move |(name, space)| (platform, *name, space)))
        .filter(|(platform, _, space)| !space.setup.packet || platform.packets)
        .collect();
    let numbered: Vec<_> = (0..).zip(spaces).collect();
    let (judged, rejected) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(&numbered, |(place, (platform, name, space))| {
        // Whichever thread takes a space, its histories are the same.
        let mut seed = [7; 32];
        seed[0] = *place;
        let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let those = (0..histories).filter(|n| rejects(platform, name, space, *n, draw, &mut rng));
        rejected.fetch_add(those.count(), Ordering::Relaxed);
        judged.fetch_add(histories, Ordering::Relaxed);
    });
    let (judged, rejected) = (judged.into_inner(), rejected.into_inner());
    eprintln!("{judged} histories judged alike, {rejected} of them rejected");
    assert!(rejected * 6 > judged && rejected * 3 < judged * 2, "{rejected} of {judged} rejected");
}

/// Whether a random history is rejected, which both searches must say alike.
fn rejects(
    platform: &Platform,
    name: &str,
    space: &Space,
    number: usize,
    draw: &Draw,
    rng: &mut TestRng,
) -> bool {
    let mut run = history(space, platform, draw, |bound| rng.next_u32() as usize % bound);
    for _ in 0..number % 3 {
        spoil(&mut run, rng);
    }
    if number % 2 == 1 {
        run = with_bytes(run);
    }
    if number % 4 < 2 {
        stop(&mut run, |bound| rng.next_u32() as usize % bound);
    }
    let expected = brute(&run, platform);
    let verdict = judge(&run, platform).verdict;
    let agrees = match expected {
        Brute::Conforms => verdict == Verdict::Conforms,
        Brute::Deviates => verdict == Verdict::Deviates,
        Brute::Unspecified => matches!(verdict, Verdict::Unspecified { .. }),
    };
    assert!(
        agrees,
        "{}, {name}, number {number}: {verdict:?}, not {expected:?}\n{run}",
        platform.name
    );
    expected == Brute::Deviates
}

/// Stops some calls in their middle, for as long as nobody is seen to rest: what the history tells may no longer be
/// so then.
fn stop(run: &mut Run, mut draw: impl FnMut(usize) -> usize) {
    let copies = |event: &Event| match event {
        Event::Call(call) => call.op.offers().or(call.op.asks()).filter(|len| *len > 0),
        _ => None,
    };
    for at in (0..run.events.len()).rev() {
        let (Event::Call(call), Some(len)) = (&run.events[at], copies(&run.events[at])) else {
            continue;
        };
        let actor = call.actor;
        let ends = |event: &Event| match event {
            Event::Return(returning, _) => *returning == actor,
            Event::Quiet(_) => true,
            _ => false,
        };
        let rest = run.events[at + 1..].iter();
        let room = rest.take_while(|event| !ends(event)).count();
        if draw(3) == 0 {
            let goes_on = at + 1 + draw(room + 1);
            let stops = at + 1 + draw(goes_on - at);
            run.events.insert(goes_on, Event::GoesOn(actor));
            run.events.insert(stops, Event::Stops(actor, draw(len as usize) as u32));
            run.remarks.resize(run.events.len(), String::new());
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brute {
    Conforms,
    Deviates,
    Unspecified,
}

fn brute(run: &Run, platform: &Platform) -> Brute {
    let mut states =
        HashSet::from([pipewright_model::step::start(platform, &run.setup, &run.seats)]);
    let mut unspecified = false;
    let mut stopped = Stopped::default();
    for (index, event) in run.events.iter().enumerate() {
        // Whether a limit has stopped a pipe from growing is a matter of how large it was.
        let before = match event {
            Event::Return(_, Reply { answer: Answer::Fails(Errno::EPERM), .. }) => states.clone(),
            _ => HashSet::new(),
        };
        states = match event {
            Event::Call(call) => states
                .into_iter()
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
            Event::Quiet(_) => closure(platform, states, &stopped, &mut unspecified)
                .into_iter()
                .filter(|world| {
                    nothing_answered(world)
                        && deliveries(platform, world).is_empty()
                        && world.busy().iter().all(|actor| {
                            rests(&moves(platform, world, actor, &mut RuleSet::default()))
                        })
                })
                .map(|mut world| {
                    if platform.sleepers_in_line {
                        world.all_sleep();
                    }
                    world
                })
                .collect(),
        };
        if states.is_empty() {
            let outside = || comes_from_outside(run, platform, event, &before);
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
    let kind = run.setup.kind;
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
    let meets = |world: &World| {
        outside::cause_in(platform, run.setup.kind, world, *actor, answer).is_some()
    };
    last.last().is_some_and(|op| outside::cause(run.setup.kind, &op, answer).is_some())
        && (before.is_empty() || before.iter().any(meets))
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
