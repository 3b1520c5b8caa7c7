//! Why calls sleep: by which rule each does, and who could end it by which calls.
//!
//! The actors that could are not written down for each call, but tried with the rules: the others
//! make every call that they can with the ends that they hold, and the rules tell whether the call
//! proceeds then. The result is a [graph of waits](crate::waits).

mod deeds;
mod tell;

use std::collections::BTreeSet;

use crate::call::{ACTORS_MAX, Actor, Answer, Call, Events, Op};
use crate::index::RuleIndex;
use crate::oracle::Steps;
use crate::platform::Platform;
use crate::rule::What;
use crate::rules::RULES;
use crate::run::{Actors, Event, Form, Run, Seat};
use crate::step::{RuleSet, moves};
use crate::waits::{Fate, Fates, Freedom, Graph, Need, Party, Wait, Way};
use crate::world::{Progress, World};
pub use deeds::Deed;
use deeds::Trial;
pub use tell::Elsewhere;

/// Of so many states that a channel could be in each is looked at; where there are more, nothing is for ever.
const STATES_MAX: usize = 8;

/// One moment of a run: who sleeps, and what could come of it.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The sleepers, by actor.
    pub sleepers: Vec<Sleeper>,
    graph: Graph,
    fates: Fates,
    /// The actor of each party of the graph.
    parties: Vec<Actor>,
    /// Those whose process is stopped.
    halted: Actors,
}

/// A call that sleeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sleeper {
    /// Whose it is.
    pub actor: Actor,
    /// The call.
    pub call: Call,
    /// The rule by which it sleeps.
    pub rule: RuleIndex,
    /// In which ways others could end it: in each, all of these do something.
    pub ways: Vec<Vec<(Actor, Deed)>>,
    /// What a signal could do, if anything: continue its process, or run a handler.
    pub by_signal: Option<BySignal>,
    /// Ends besides the call's that its own process holds, by which it could be ended if only it were not asleep.
    pub own: Vec<crate::call::End>,
}

/// What a signal could do to a call that sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BySignal {
    /// Its process is stopped, and SIGCONT lets it go on.
    Continues,
    /// Its process catches signals, and a handler interrupts the call.
    Interrupts,
}

/// The actors at a moment, and the call of each.
#[derive(Clone, Debug)]
pub struct Present {
    calls: [Option<Call>; ACTORS_MAX],
    /// Those that are not there: not yet, or no more.
    absent: Actors,
    /// Those that call nothing more, and hold what they hold.
    over: Actors,
    /// Those whose call is stopped in its copy.
    stopped: Actors,
}

impl Present {
    /// Those that a run tells of, up to an event. Who is in no call may call whatever it can.
    pub fn after(run: &Run, event: usize) -> Present {
        let is_to_come = |seat: &Seat| seat.form == Form::Forked;
        let to_come = (0..).zip(&run.seats).filter(|(_, seat)| is_to_come(seat));
        let absent = to_come.map(|(at, _)| Actor(at)).collect();
        let mut present = Present::of([None; ACTORS_MAX], absent, Actors::NONE);
        for event in run.events.iter().take(event + 1) {
            match event {
                Event::Call(call) => {
                    present.calls[usize::from(call.actor.0)] = Some(*call);
                    if let Op::Fork { child } = call.op {
                        present.absent = present.absent.without(child);
                    }
                }
                Event::Return(actor, _) => present.calls[usize::from(actor.0)] = None,
                Event::Exits(actor, _) => {
                    let leader = run.leader(*actor);
                    let all = (0..run.seats.len() as u8).map(Actor);
                    for thread in all.filter(|other| run.leader(*other) == leader) {
                        present.calls[usize::from(thread.0)] = None;
                        present.absent = present.absent.with(thread);
                    }
                }
                Event::Stops(actor, _) => present.stopped = present.stopped.with(*actor),
                Event::GoesOn(actor) => present.stopped = present.stopped.without(*actor),
                Event::Quiet(_) => {}
            }
        }
        present
    }

    /// Those that are in these calls; some are not there, and the programs of some are over.
    pub fn of(calls: [Option<Call>; ACTORS_MAX], absent: Actors, over: Actors) -> Present {
        Present { calls, absent, over, stopped: Actors::NONE }
    }

    /// The same where whoever is in no call has come to the end of its program.
    #[must_use]
    pub fn with_idle_over(mut self) -> Present {
        let idle = (0..ACTORS_MAX as u8).map(Actor);
        self.over = idle.filter(|actor| self.call(*actor).is_none()).collect();
        self
    }

    fn call(&self, actor: Actor) -> Option<Call> {
        self.calls[usize::from(actor.0)]
    }
}

/// A channel as it may be: its states, and for whom its actors act.
struct Channel<'w> {
    worlds: &'w [World],
    seats: Vec<Seat>,
}

impl Channel<'_> {
    /// The actors of this channel that stand for one of the run: itself, and those that poll for it.
    fn standing_for(&self, actor: Actor) -> impl Iterator<Item = Actor> + '_ {
        let polls = move |seat: &Seat| matches!(seat.form, Form::Poller { of, .. } if of == actor);
        let polls = (0..).zip(&self.seats).filter(move |(_, seat)| polls(seat));
        std::iter::once(actor).chain(polls.map(|(at, _)| Actor(at)))
    }
}

impl Moment {
    /// A moment of a run in which each of its channels may be as these worlds are; `None` where that is not known of
    /// one.
    pub fn of(
        run: &Run,
        platform: &Platform,
        worlds: &[Vec<World>],
        present: &Present,
    ) -> Option<Moment> {
        if worlds.iter().any(Vec::is_empty) {
            return None;
        }
        let parts = if run.has_parts() {
            run.parts().into_iter().map(|part| (part.run.setup().clone(), part.run.seats)).collect()
        } else {
            vec![(run.setup().clone(), run.seats.clone())]
        };
        let platforms: Vec<_> =
            parts.iter().map(|(setup, _)| platform.under(setup).into_owned()).collect();
        let channels = worlds.iter().zip(parts);
        let channels = channels
            .map(|(worlds, (_, seats))| Channel {
                worlds: &worlds[..worlds.len().min(STATES_MAX)],
                seats,
            })
            .collect();
        let all_seen = worlds.iter().all(|worlds| worlds.len() <= STATES_MAX);
        let look = Look { run, present, channels, platforms: &platforms };
        Some(look.moment(all_seen))
    }

    /// Whether anybody's wait is for ever.
    pub fn any_for_ever(&self) -> bool {
        self.fates.any_for_ever()
    }

    /// Whether an actor's wait is for ever.
    pub fn is_for_ever(&self, actor: Actor) -> bool {
        let party = self.parties.iter().position(|other| *other == actor);
        party.is_some_and(|party| self.fates.of(party) == Fate::ForEver)
    }

    /// The causes of what is for ever: actors that wait for each other, for themselves or for nobody.
    pub fn knots(&self) -> Vec<Vec<Actor>> {
        let actors = |knot: &Vec<usize>| knot.iter().map(|party| self.parties[*party]).collect();
        self.fates.knots().iter().map(actors).collect()
    }

    /// Those whose process is stopped.
    pub fn halted(&self) -> Actors {
        self.halted
    }

    /// The actors that wait for ever, each with those for which it waits; an actor that waits for
    /// itself alone is among them.
    pub fn edges(&self) -> Vec<(Actor, Actor)> {
        let mut edges = Vec::new();
        for party in self.fates.for_ever() {
            let to = self.graph.enders(party).into_iter();
            let to = to.filter_map(|to| Some((self.parties[party], *self.parties.get(to)?)));
            edges.extend(to);
        }
        edges
    }

    /// The graph of waits.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

/// What is looked at.
struct Look<'r, 'w> {
    run: &'r Run,
    present: &'r Present,
    channels: Vec<Channel<'w>>,
    platforms: &'r [Platform],
}

impl Look<'_, '_> {
    fn moment(&self, all_seen: bool) -> Moment {
        let there = (0..self.run.seats.len() as u8).map(Actor);
        let there: Vec<Actor> =
            there.filter(|actor| !self.present.absent.contains(*actor)).collect();
        let mut sleepers: Vec<Sleeper> = there.iter().filter_map(|a| self.sleeper(*a)).collect();
        let asleep: Actors = sleepers.iter().map(|sleeper| sleeper.actor).collect();
        let acts = |actor: &&Actor| {
            let is_over = self.present.over.contains(**actor);
            asleep.contains(**actor) || !is_over || self.is_outsider(**actor)
        };
        let parties: Vec<Actor> = there.iter().filter(acts).copied().collect();
        for sleeper in &mut sleepers {
            sleeper.ways = self.ways(sleeper.actor, &parties);
            sleeper.own = self.own_ends(sleeper.actor);
        }
        // A set that no way names may still do together what none of them can alone.
        loop {
            let (graph, fates) = self.graph(&sleepers, &parties, all_seen);
            let free: Vec<Actor> = parties
                .iter()
                .enumerate()
                .filter(|(party, _)| fates.of(*party) != Fate::ForEver)
                .map(|(_, actor)| *actor)
                .collect();
            let for_ever = (0..parties.len()).filter(|party| fates.of(*party) == Fate::ForEver);
            let found = for_ever.map(|party| parties[party]).find_map(|actor| {
                let way = self.together(actor, &free)?;
                Some((actor, way))
            });
            let Some((actor, way)) = found else {
                let halted = there.into_iter().filter(|actor| self.is_halted(*actor)).collect();
                return Moment { sleepers, graph, fates, parties, halted };
            };
            let sleeper = sleepers.iter_mut().find(|sleeper| sleeper.actor == actor);
            if let Some(sleeper) = sleeper {
                sleeper.ways.push(way);
            }
        }
    }

    fn is_outsider(&self, actor: Actor) -> bool {
        self.run.seats[usize::from(actor.0)].form == Form::Outsider
    }

    fn graph(&self, sleepers: &[Sleeper], parties: &[Actor], all_seen: bool) -> (Graph, Fates) {
        let mut graph = Graph::default();
        let index = |actor: Actor| parties.iter().position(|other| *other == actor);
        let unseen = (!all_seen).then_some(parties.len());
        let signals = parties.len() + usize::from(!all_seen);
        for actor in parties {
            let Some(sleeper) = sleepers.iter().find(|sleeper| sleeper.actor == *actor) else {
                let freedom = match self.is_outsider(*actor) {
                    true => Freedom::Outsider,
                    false => Freedom::Awake,
                };
                graph.push(Party::Free(freedom));
                continue;
            };
            let need = |(by, _): &(Actor, Deed)| Need::of(index(*by));
            let way =
                |way: &Vec<(Actor, Deed)>| Way { event: "", needs: way.iter().map(need).collect() };
            let mut ways: Vec<Way> = sleeper.ways.iter().map(way).collect();
            if !sleeper.own.is_empty() {
                ways.push(Way::of("", index(*actor)));
            }
            ways.extend(unseen.map(|unseen| Way::of("", [unseen])));
            ways.extend(sleeper.by_signal.map(|_| Way::of("", [signals])));
            let rule = RULES[usize::from(sleeper.rule)].id;
            graph.push(Party::Asleep(Wait { rule, ways }));
        }
        if unseen.is_some() {
            graph.push(Party::Free(Freedom::Unreadable));
        }
        graph.push(Party::Free(Freedom::Signal));
        let fates = graph.fates();
        (graph, fates)
    }

    /// The actor's call, if it sleeps in every state: it can't but rest.
    fn sleeper(&self, actor: Actor) -> Option<Sleeper> {
        let call = self.present.call(actor)?;
        if self.present.stopped.contains(actor) {
            return None;
        }
        let of_process = call.op.is_of_process();
        let mut rests = None;
        for (channel, platform) in self.channels.iter().zip(self.platforms) {
            let mut here = None;
            let mut may_move = false;
            for world in channel.worlds {
                for by in channel.standing_for(actor).filter(|by| world.pending(*by).is_some()) {
                    match rest(platform, world, by) {
                        Some(rule) => here = here.or(Some(rule)),
                        None => may_move = true,
                    }
                }
            }
            match of_process {
                // It returns once every channel lets it.
                true if may_move => {}
                false if may_move => return None,
                _ => rests = rests.or(here),
            }
        }
        rests.map(|rule| Sleeper {
            actor,
            call,
            rule,
            ways: Vec::new(),
            by_signal: self.by_signal(actor),
            own: Vec::new(),
        })
    }

    /// Whether the actor's process is stopped.
    fn is_halted(&self, actor: Actor) -> bool {
        let mut worlds = self.channels.iter().flat_map(|channel| channel.worlds);
        worlds.any(|world| world.is_stopped(actor))
    }

    /// What a signal could do to the actor's call.
    fn by_signal(&self, actor: Actor) -> Option<BySignal> {
        let mut worlds = self.channels.iter().flat_map(|channel| channel.worlds);
        if self.is_halted(actor) {
            return Some(BySignal::Continues);
        }
        let catches = worlds.any(|world| world.signals(actor).catches());
        catches.then_some(BySignal::Interrupts)
    }

    /// The ways in which one other alone could end an actor's sleep.
    fn ways(&self, actor: Actor, parties: &[Actor]) -> Vec<Vec<(Actor, Deed)>> {
        let mut ways: Vec<Vec<(Actor, Deed)>> = Vec::new();
        let others: Vec<Actor> = parties.iter().copied().filter(|by| *by != actor).collect();
        for trial in self.trials(actor) {
            for by in &others {
                for deed in trial.deeds(*by) {
                    let way = vec![(*by, deed)];
                    if !ways.contains(&way) && trial.ends(actor, &way) {
                        ways.push(way);
                    }
                }
            }
        }
        ways
    }

    /// What some of these could do together to end an actor's sleep: as few of them as a first try finds.
    fn together(&self, actor: Actor, by: &[Actor]) -> Option<Vec<(Actor, Deed)>> {
        let others: Vec<Actor> = by.iter().copied().filter(|by| *by != actor).collect();
        self.trials(actor).into_iter().find_map(|trial| trial.together(actor, &others))
    }

    /// The states in which others are tried.
    fn trials(&self, actor: Actor) -> Vec<Trial> {
        let of_process = self.present.call(actor).is_some_and(|call| call.op.is_of_process());
        let run = self.run;
        if of_process {
            let worlds = self.channels.iter().map(|channel| channel.worlds[0].clone()).collect();
            let reps = vec![actor];
            return vec![Trial::new(run, self.platforms.to_vec(), worlds, reps, true)];
        }
        let mut trials = Vec::new();
        for (channel, platform) in self.channels.iter().zip(self.platforms) {
            for world in channel.worlds {
                let reps = channel.standing_for(actor).filter(|by| world.pending(*by).is_some());
                let reps: Vec<Actor> = reps.collect();
                if !reps.is_empty() {
                    let (platforms, worlds) = (vec![platform.clone()], vec![world.clone()]);
                    trials.push(Trial::new(run, platforms, worlds, reps, false));
                }
            }
        }
        trials
    }

    /// Ends on the channel of an actor's call that its own process holds besides, if they lead to what it waits on.
    fn own_ends(&self, actor: Actor) -> Vec<crate::call::End> {
        let mut own = BTreeSet::new();
        for trial in self.trials(actor).iter().filter(|trial| !trial.of_process) {
            own.extend(trial.own_ends(actor));
        }
        own.into_iter().collect()
    }
}

/// The rule by which an actor's call rests in a world; `None` where it may go on, or is answered.
fn rest(platform: &Platform, world: &World, actor: Actor) -> Option<RuleIndex> {
    let call = world.pending(actor).filter(|call| call.progress == Progress::Open)?;
    let steps = Steps::new(platform);
    let goes_on = match call.op {
        Op::Exit { .. } => return None,
        Op::Poll { among, .. } => finds(&steps, world, actor, among),
        _ => !steps.of(world, actor).is_empty(),
    };
    if goes_on {
        return None;
    }
    let steps = moves(platform, world, actor, &mut RuleSet::default());
    steps.iter().find(|(_, step)| step.what == What::Rests).map(|(rule, _)| *rule)
}

/// Whether a poll returns by itself, with an event if it is one `among` several: in vain it returns where another of
/// them has an event. That it looks once more is no end of its wait.
fn finds(steps: &Steps<'_>, world: &World, actor: Actor, among: bool) -> bool {
    let mut seen = vec![world.clone()];
    let mut at = 0;
    while let Some(world) = seen.get(at).cloned() {
        at += 1;
        for next in steps.of(&world, actor) {
            match next.pending(actor).map(|call| call.progress) {
                Some(Progress::Answered { answer, .. }) => {
                    if !(among && answer == Answer::Ready(Events::NONE)) {
                        return true;
                    }
                }
                _ if seen.contains(&next) => {}
                _ => seen.push(next),
            }
        }
    }
    false
}
