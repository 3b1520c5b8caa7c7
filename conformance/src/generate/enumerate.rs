//! Every scenario of up to so many calls over a small alphabet, from the states that the model reaches.
//!
//! Only paths that go no further are given, as a run of one shows all its beginnings. Every step settles:
//! what racing steps do is for random walks.

use std::borrow::Cow;
use std::collections::HashSet;

use pipewright_model::call::{Actor, Call, End};
use pipewright_model::explore::Space;
use pipewright_model::kind::Hold;
use pipewright_model::oracle::{Steps, reply_of};
use pipewright_model::platform::Platform;
use pipewright_model::rule::What;
use pipewright_model::run::{Name, Seat, Setup};
use pipewright_model::step::{RuleSet, moves};
use pipewright_model::world::World;

use crate::scenario::{Scenario, Step, normal};

/// The actors, and the calls that they may make.
#[derive(Debug)]
pub struct Alphabet {
    /// Its name in reports.
    pub name: &'static str,
    /// Names of the kinds of channel that it is for.
    pub kinds: &'static [&'static str],
    /// For each actor the ends that it holds at the start.
    pub seats: &'static [&'static [(End, Hold)]],
    /// Names of ends.
    pub end_names: &'static [&'static str],
    /// The calls.
    pub calls: &'static [Call],
}

impl Alphabet {
    /// Whether it is for such a channel.
    pub fn suits(&self, setup: &Setup) -> bool {
        self.kinds.contains(&setup.kind.name)
    }

    /// All that may be done over the alphabet on a channel set up like this.
    pub fn space(&self, setup: &Setup) -> Space {
        Space {
            setup: setup.clone(),
            seats: self.seats(),
            end_names: self.end_names.iter().map(|text| name(text)).collect(),
            alphabet: self.calls.to_vec(),
            fill_bytes: u32::MAX,
            lasting_bytes: Some(i64::MAX),
        }
    }

    /// Whether two actors hold the same and may do different things, or one may make two ends by the same call.
    fn has_look_alikes(&self) -> bool {
        let alike = (1..self.seats.len()).any(|actor| {
            self.seats[..actor].contains(&self.seats[actor]) && !self.is_twin(actor as u8)
        });
        let makes = |call: &&Call| call.makes() == Some(call.end);
        let mut makers = self.calls.iter().filter(makes);
        alike
            || makers.any(|one| {
                let others = self.calls.iter().filter(makes).filter(|other| other.end != one.end);
                others.into_iter().any(|other| (other.actor, other.op) == (one.actor, one.op))
            })
    }

    fn seats(&self) -> Vec<Seat> {
        let seat = |(index, ends): (usize, &&[(End, Hold)])| {
            Seat::new(name(["a", "b", "c", "d", "e", "f", "g", "h"][index]), ends.to_vec())
        };
        self.seats.iter().enumerate().map(seat).collect()
    }

    /// Whether the actor and the one before it hold the same and may do the same.
    fn is_twin(&self, actor: u8) -> bool {
        let of = |actor: u8| {
            let calls = self.calls.iter().filter(move |call| call.actor == Actor(actor));
            calls.map(|call| (call.end, call.op)).collect::<Vec<_>>()
        };
        actor > 0
            && self.seats[usize::from(actor)] == self.seats[usize::from(actor) - 1]
            && of(actor) == of(actor - 1)
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("an alphabet's names are names")
}

/// All paths through an alphabet, each as a scenario in its [`normal`] form, in a fixed order.
///
/// A call is made only where it can be in every state that the calls before it may lead to: its actor is
/// idle, its end is open (for `open` and `dup`: the one to be made is not), and what it does is specified.
/// Of actors that hold the same and may do the same, the first calls first: others are given as its mirror
/// image.
#[derive(Debug)]
pub struct Paths<'a> {
    alphabet: &'a Alphabet,
    platform: Cow<'a, Platform>,
    seats: Vec<Seat>,
    end_names: Vec<Name>,
    twins: Vec<bool>,
    len_max: usize,
    frames: Vec<Frame>,
    calls: Vec<Call>,
    /// The scenarios given so far, where some actors or ends look alike and may be used in different ways: they
    /// may still begin alike.
    given: Option<HashSet<Scenario>>,
}

#[derive(Debug)]
struct Frame {
    /// Worlds at rest that the calls so far may lead to.
    worlds: Vec<World>,
    /// Index of the next call to try.
    next: usize,
    /// Whether some call could be made.
    went_on: bool,
}

impl Frame {
    fn new(worlds: Vec<World>) -> Frame {
        Frame { worlds, next: 0, went_on: false }
    }
}

impl<'a> Paths<'a> {
    /// All paths of up to `len_max` calls on a channel set up like this.
    pub fn new(
        platform: &'a Platform,
        setup: &Setup,
        alphabet: &'a Alphabet,
        len_max: usize,
    ) -> Paths<'a> {
        let seats = alphabet.seats();
        let platform = platform.under(setup);
        let start = pipewright_model::step::start(&platform, setup, &seats);
        Paths {
            alphabet,
            platform,
            seats,
            end_names: alphabet.end_names.iter().map(|text| name(text)).collect(),
            twins: (0..alphabet.seats.len() as u8).map(|actor| alphabet.is_twin(actor)).collect(),
            len_max,
            frames: vec![Frame::new(vec![start])],
            calls: Vec::new(),
            given: alphabet.has_look_alikes().then(HashSet::new),
        }
    }

    fn scenario(&self) -> Scenario {
        normal(&Scenario {
            seats: self.seats.clone(),
            end_names: self.end_names.clone(),
            steps: self.calls.iter().map(|call| Step::settled(*call)).collect(),
        })
    }

    /// Whether the actor before, of which this is the twin, has called.
    fn in_turn(&self, actor: Actor) -> bool {
        let before = Actor(actor.0.saturating_sub(1));
        !self.twins[usize::from(actor.0)] || self.calls.iter().any(|call| call.actor == before)
    }

    /// The worlds with the call begun; `None` where it can't be made in one of them.
    fn begun(&self, worlds: &[World], call: Call) -> Option<Vec<World>> {
        let begun = worlds.iter().map(|world| {
            let open = |end| world.end(call.actor, end).is_some();
            let fits = call.uses().is_none_or(open) && !call.makes().is_some_and(open);
            (fits && world.pending(call.actor).is_none()).then_some(())?;
            let mut world = world.clone();
            world.call(call);
            let moves = moves(&self.platform, &world, call.actor, &mut RuleSet::default());
            let specified = |what: What| !matches!(what, What::Unspecified(_));
            moves.iter().all(|(_, step)| specified(step.what)).then_some(world)
        });
        begun.collect()
    }

    /// All worlds at rest that these may lead to.
    fn settled(&self, worlds: Vec<World>) -> Vec<World> {
        let steps = Steps::new(&self.platform);
        let mut known: HashSet<World> = HashSet::new();
        let mut rest = Vec::new();
        let mut todo = worlds;
        while let Some(mut world) = todo.pop() {
            let answered = world.busy().iter().find(|actor| reply_of(&world, *actor).is_some());
            if let Some(actor) = answered {
                world.returned(actor);
                todo.push(world);
                continue;
            }
            if !known.insert(world.clone()) {
                continue;
            }
            for actor in world.busy().iter() {
                todo.extend(steps.of(&world, actor));
            }
            todo.extend(steps.delivered(&world));
            if steps.may_sleep(&world) {
                rest.push(world);
            }
        }
        rest
    }
}

impl Iterator for Paths<'_> {
    type Item = Scenario;

    fn next(&mut self) -> Option<Scenario> {
        loop {
            let depth = self.calls.len();
            let frame = self.frames.last()?;
            let call = self.alphabet.calls.get(frame.next).filter(|_| depth < self.len_max);
            let Some(call) = call.copied() else {
                let path = (!frame.went_on && depth > 0).then(|| self.scenario());
                let new = |path: &Scenario| match &mut self.given {
                    Some(given) => given.insert(path.clone()),
                    None => true,
                };
                let path = path.filter(new);
                self.frames.pop();
                self.calls.pop();
                match path {
                    Some(path) => return Some(path),
                    None => continue,
                }
            };
            let begun = match self.in_turn(call.actor) {
                true => self.begun(&frame.worlds, call),
                false => None,
            };
            let last = depth + 1 == self.len_max;
            let next = begun.map(|worlds| match last {
                true => Vec::new(),
                false => self.settled(worlds),
            });
            if let Some(frame) = self.frames.last_mut() {
                frame.next += 1;
                frame.went_on |= next.is_some();
            }
            if let Some(worlds) = next {
                self.frames.push(Frame::new(worlds));
                self.calls.push(call);
            }
        }
    }
}
