//! The worlds of several channels, followed side by side: each sees what is on it, and what processes do.
//!
//! A poll on several ends is a poll on each, which are over as soon as one of them finds an event.

use pipewright_model::call::{Actor, Call, Dispositions, End, Mode, Op};
use pipewright_model::channel::Object;
use pipewright_model::platform::Platform;
use pipewright_model::run::{Actors, Event, Form, PollSet, Run, Seat};

use super::super::dice::Dice;
use super::super::follow::Follower;
use crate::scenario::{Numbers, Plot};

/// A world a channel.
#[derive(Clone)]
pub(super) struct Worlds<'p> {
    whole: Run,
    followers: Vec<Follower<'p>>,
    numbers: Numbers,
    /// Each poll on several ends in progress: by whom each end is polled, in which channel.
    polls: Vec<(Actor, Vec<(usize, Actor)>)>,
}

/// How many ends of one channel an actor polls at once, at most: itself, and for each more one who does nothing else.
const POLLED_MAX: usize = 2;

impl<'p> Worlds<'p> {
    pub(super) fn new(platform: &'p Platform, plot: &Plot) -> Worlds<'p> {
        let whole = plot.begin(plot.channels.clone());
        let follower = |channel: usize| {
            let seat = |seat: &Seat| {
                let mut seat = seat.clone();
                if seat.form == Form::Forked {
                    seat.form = Form::Process;
                }
                seat.ends.retain(|(end, _)| whole.channel_of(*end) == Some(channel));
                seat
            };
            let mut seats: Vec<Seat> = plot.scenario.seats.iter().map(seat).collect();
            for actor in plot.scenario.actors() {
                let form = Form::Poller { of: actor, leader: whole.leader(actor) };
                let name = seats[usize::from(actor.0)].name;
                seats.push(Seat { form, ..Seat::new(name, Vec::new()) });
            }
            Follower::new(platform, &plot.channels[channel].setup, &seats)
        };
        let followers = (0..plot.channels.len()).map(follower).collect();
        Worlds { whole, followers, numbers: Numbers::default(), polls: Vec::new() }
    }

    /// Whose calls are in progress.
    pub(super) fn busy(&self) -> Actors {
        let busy = self.followers.iter().map(|follower| follower.world.busy().0);
        let busy = Actors(busy.fold(0, |all, busy| all | busy));
        let polls = self.polls.iter().map(|(actor, _)| *actor);
        let seats = self.whole.seats.len();
        busy.iter().filter(|actor| usize::from(actor.0) < seats).chain(polls).collect()
    }

    /// Whether the actor's process is ending, or has ended.
    pub(super) fn is_ending(&self, actor: Actor) -> bool {
        self.followers.iter().any(|follower| follower.world.is_ending(actor))
    }

    /// Whether the process has ended, and nobody has waited for it.
    pub(super) fn is_unreaped(&self, actor: Actor) -> bool {
        let all = || self.followers.iter().map(|follower| &follower.world);
        all().all(|world| world.ended(actor).is_some() && world.parent(actor).is_some())
    }

    /// What the actor's process has signals do.
    pub(super) fn signals(&self, actor: Actor) -> Dispositions {
        self.followers[0].world.signals(actor)
    }

    /// Whether the actor's process is stopped.
    pub(super) fn is_stopped(&self, actor: Actor) -> bool {
        self.followers.iter().any(|follower| follower.world.is_stopped(actor))
    }

    /// Begins a poll on several ends; `false` if it would not be specified, or has too many of one channel.
    pub(super) fn poll(&mut self, actor: Actor, set: &PollSet) -> bool {
        let before = self.clone();
        let mut polls: Vec<(usize, Actor)> = Vec::new();
        for (end, events) in &set.ends {
            let channel = self.numbers.channel_of(&self.whole, actor, *end).unwrap_or(0);
            let by = match polls.iter().filter(|(of, _)| *of == channel).count() {
                0 => actor,
                1 => Actor(self.whole.seats.len() as u8 + actor.0),
                POLLED_MAX.. => break,
            };
            let op = Op::Poll { events: *events, wait: set.wait, among: false };
            if !self.followers[channel].begin(Call { actor: by, end: *end, op }) {
                break;
            }
            polls.push((channel, by));
        }
        if polls.len() < set.ends.len() {
            *self = before;
            return false;
        }
        self.polls.push((actor, polls));
        true
    }

    /// Whether a poll is still in progress.
    fn polls_still(&self, (channel, by): (usize, Actor)) -> bool {
        let call = self.followers[channel].world.pending(by);
        call.is_some_and(|call| matches!(call.op, Op::Poll { .. }))
    }

    /// Ends the polls of which one has found an event; tells whether there were any.
    fn end_polls(&mut self) -> bool {
        let mut polls = std::mem::take(&mut self.polls);
        let mut any = false;
        for (_, polls) in &polls {
            if polls.iter().all(|poll| self.polls_still(*poll)) {
                continue;
            }
            for (channel, by) in polls {
                if !self.polls_still((*channel, *by)) {
                    continue;
                }
                let call = self.followers[*channel].world.pending_mut(*by);
                if let Op::Poll { wait, among, .. } = &mut call.op {
                    (*wait, *among) = (false, true);
                    any = true;
                }
            }
        }
        polls.retain(|(_, polls)| {
            polls.iter().all(|poll| self.polls_still(*poll)) && !polls.is_empty()
        });
        self.polls = polls;
        any
    }

    /// The actor's open ends whose mode will do, each with its channel.
    pub(super) fn open_ends(&self, actor: Actor, will_do: fn(Mode) -> bool) -> Vec<(usize, End)> {
        let mut ends = Vec::new();
        for (channel, Follower { world, .. }) in self.followers.iter().enumerate() {
            ends.extend(world.open_ends(actor).filter_map(|end| {
                let open = world.descriptions[usize::from(world.end(actor, end)?)];
                open.mode.filter(|mode| will_do(*mode)).map(|_| (channel, end))
            }));
        }
        ends
    }

    /// What is behind an open end, and the platform as the channel is set up.
    pub(super) fn object(
        &self,
        channel: usize,
        actor: Actor,
        end: End,
    ) -> Option<(&Platform, &Object)> {
        let Follower { platform, world, .. } = &self.followers[channel];
        Some((platform, world.object(world.end(actor, end)?)))
    }

    /// Begins a call; `false` if it would not be specified.
    pub(super) fn begin(&mut self, call: Call) -> bool {
        match call.op {
            Op::Exit { status } => {
                let worlds = self.followers.iter_mut().map(|follower| &mut follower.world);
                worlds.for_each(|world| world.exits(call.actor, status));
            }
            op if op.is_of_process() => {
                self.followers.iter_mut().for_each(|follower| follower.world.call(call));
                if let Op::Fork { child } = op {
                    self.numbers.copy(&self.whole, call.actor, child);
                }
            }
            op => {
                let of = |end| self.numbers.channel_of(&self.whole, call.actor, end);
                let channel = of(call.end).unwrap_or(0);
                let before = call.replaces().and_then(of);
                if !self.followers[channel].begin(call) {
                    return false;
                }
                if let Some(before) = before.filter(|before| *before != channel) {
                    let call = Call { end: End::ELSEWHERE, op, ..call };
                    self.followers[before].world.call(call);
                }
                self.numbers.learn(&self.whole, &call);
            }
        }
        true
    }

    /// Takes moves until every call has returned or sleeps; `false` if what happens is not specified.
    pub(super) fn settle(&mut self, dice: &mut Dice) -> bool {
        loop {
            for follower in &mut self.followers {
                follower.settle(dice, &mut |_: Event| {});
            }
            if !self.end_polls() {
                break;
            }
        }
        !self.followers.iter().any(|follower| follower.unspecified)
    }
}
