//! Random scenarios over several channels: processes that fork, dup2, exec, exit, are killed and waited for, threads
//! that share a table, and reads and writes in between.
//!
//! One world a channel is followed, as the parts of a run are judged. Which channels there are is told from outside.

mod follow;
mod shrink;
mod signals;

use pipewright_backends::Channel;
use pipewright_model::call::{Actor, Call, Dispositions, End, Events, Lock, Mode, Op, Whence};
use pipewright_model::channel::Object;
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{Discipline, Hold};
use pipewright_model::platform::Platform;
use pipewright_model::run::{self, Actors, Form, Name, PollSet, Seat};

use super::dice::Dice;
use super::sizes;
use crate::scenario::{Plot, Scenario, Step};
use follow::Worlds;
pub use shrink::shrink_plot;

/// What random plots are to be like.
#[derive(Clone)]
pub struct PlotShape {
    /// The platform whose rules are followed.
    pub platform: &'static Platform,
    /// The channels to choose from, each as often as it weighs.
    pub channels: Vec<(u32, &'static dyn Channel)>,
    /// The most steps.
    pub steps_max: usize,
    /// In how many of a hundred steps the next is made at once, before things come to rest.
    pub racing_percent: u32,
}

/// How often a stream, a file, and a socket is one of the channels.
const WEIGHTS: [(Discipline, u32); 2] = [(Discipline::Stream, 12), (Discipline::File, 3)];
const WEIGHT_OF_OTHERS: u32 = 2;

impl PlotShape {
    /// Up to 24 steps over those of these channels that a process can hand on.
    pub fn new(platform: &'static Platform, channels: &[&'static dyn Channel]) -> PlotShape {
        let can_be = |channel: &&&'static dyn Channel| {
            channel.of_table("/".as_ref()).is_ok() && channel.unavailable().is_none()
        };
        let weighed = |channel: &&'static dyn Channel| {
            let of = channel.setup().kind.discipline;
            let weight = WEIGHTS.iter().find(|(known, _)| *known == of);
            (weight.map_or(WEIGHT_OF_OTHERS, |(_, weight)| *weight), *channel)
        };
        let channels = channels.iter().filter(can_be).map(weighed).collect();
        PlotShape { platform, channels, steps_max: 24, racing_percent: 25 }
    }
}

/// Names of channels, of first processes, of threads and of those forked.
const CHANNELS: [&str; 3] = ["up", "down", "log"];
const FIRST: [&str; 2] = ["shell", "other"];
const THREADS: [&str; 1] = ["worker"];
const FORKED: [&str; 3] = ["child", "child2", "child3"];
const OUTSIDER: &str = "outsider";

/// Numbers of descriptors that are made by dup2.
const NUMBERS: [&str; 3] = ["0", "1", "2"];

/// What is done, and how often it is tried.
#[derive(Clone, Copy)]
enum Ask {
    Read,
    Write,
    Poll,
    PollSeveral,
    Close,
    Dup,
    Dup2,
    CloseOnExec,
    Nonblock,
    Available,
    Seek,
    Lock,
    Flock,
    WrongWay,
    NoSocket,
    Negative,
    Closed,
    Fork,
    Exec,
    Wait,
    Exit,
    Kill,
    Signal,
    SetSignal,
}

const ASKS: [(u32, Ask); 24] = [
    (26, Ask::Read),
    (26, Ask::Write),
    (8, Ask::Poll),
    (8, Ask::PollSeveral),
    (16, Ask::Close),
    (4, Ask::Dup),
    (12, Ask::Dup2),
    (8, Ask::CloseOnExec),
    (6, Ask::Nonblock),
    (3, Ask::Available),
    (3, Ask::Seek),
    (7, Ask::Lock),
    (4, Ask::Flock),
    (1, Ask::WrongWay),
    (1, Ask::NoSocket),
    (1, Ask::Negative),
    (3, Ask::Closed),
    (14, Ask::Fork),
    (6, Ask::Exec),
    (8, Ask::Wait),
    (5, Ask::Exit),
    (4, Ask::Kill),
    (14, Ask::Signal),
    (4, Ask::SetSignal),
];

/// What is polled for.
const POLLED: [Events; 4] = [Events::IN, Events::OUT, Events::IN.union(Events::OUT), Events::NONE];

/// In how many of a hundred plots a call may be made after which everybody sleeps.
const ALL_ASLEEP_PERCENT: u32 = 20;

/// How often a step is tried before the plot ends here.
const TRIES_MAX: u32 = 100;

/// In how many of a hundred cases the last process ends where one would.
const LAST_ENDS_PERCENT: u32 = 10;

/// A random plot, and its channels. The same shape and seed give the same.
pub fn plot(shape: &PlotShape, seed: u64) -> (Plot, Vec<&'static dyn Channel>) {
    let mut dice = Dice::new(seed);
    let channels = channels(shape, &mut dice);
    let (seats, end_names) = seats(&channels, &mut dice);
    let named = |(name, channel): (&&str, &&'static dyn Channel)| run::Channel {
        name: Name::new(name),
        setup: channel.setup(),
    };
    let set_up = CHANNELS.iter().zip(&channels).map(named).collect();
    let scenario = Scenario { seats, end_names, steps: Vec::new() };
    let mut plot = Plot { channels: set_up, polls: Vec::new(), scenario };
    let mut walk = Walk {
        shape,
        worlds: Worlds::new(shape.platform, &plot),
        ends: OpenEnds::at_start(&plot.scenario.seats),
        channels: &channels,
        seats: plot.scenario.seats.clone(),
        end_names: plot.scenario.end_names.clone(),
        unborn: forms(&plot.scenario.seats, |form| form == Form::Forked),
        gone: forms(&plot.scenario.seats, |form| form == Form::Outsider),
        all_may_sleep: dice.chance(ALL_ASLEEP_PERCENT),
        polls: Vec::new(),
        dice,
    };
    while plot.scenario.steps.len() < shape.steps_max {
        let Some(step) = walk.step() else { break };
        plot.scenario.steps.push(step);
    }
    if let Some(last) = plot.scenario.steps.last_mut() {
        last.settle = true;
    }
    plot.polls = walk.polls;
    let (plot, needed) = plot.tidy();
    (plot, needed.into_iter().map(|channel| channels[channel]).collect())
}

fn forms(seats: &[Seat], is: fn(Form) -> bool) -> Actors {
    let all = (0_u8..).map(Actor).zip(seats);
    all.filter(|(_, seat)| is(seat.form)).map(|(actor, _)| actor).collect()
}

fn channels(shape: &PlotShape, dice: &mut Dice) -> Vec<&'static dyn Channel> {
    let count = [1, 2, 2, 2, 3][dice.below(5) as usize];
    let all = || shape.channels.iter().copied();
    (0..count).filter_map(|_| dice.weighted(all())).collect()
}

/// The actors, and the names of ends.
fn seats(channels: &[&'static dyn Channel], dice: &mut Dice) -> (Vec<Seat>, Vec<Name>) {
    let mut end_names = Vec::new();
    let mut held = Vec::new();
    for (channel, name) in channels.iter().zip(CHANNELS) {
        let kind = channel.setup().kind;
        for (copy, hold) in (0..2).flat_map(|copy| kind.held.iter().map(move |hold| (copy, hold))) {
            let letters = hold.letters();
            let end = if copy == 0 { letters.to_owned() } else { format!("{letters}{}", copy + 1) };
            let Some(end) = Name::new(&end) else { continue };
            let Some(end) = Name::of_end(Name::new(name), end) else { continue };
            if copy == 0 {
                held.push((End(end_names.len() as u8), *hold));
            }
            end_names.push(end);
        }
    }
    end_names.extend(NUMBERS.iter().filter_map(|number| Name::of_number(number)));
    let mut some = |percent: u32| -> Vec<(End, Hold)> {
        held.iter().copied().filter(|_| dice.chance(percent)).collect()
    };
    let (all, most, few) = (held.clone(), some(75), some(35));
    let outside = some(25);
    let mut seats = Vec::new();
    let said = [signals::at_start(dice), signals::at_start(dice)];
    let mut add = |name: &str, form: Form, ends: Vec<(End, Hold)>| {
        if let Some(name) = Name::new(name) {
            let first = FIRST.iter().position(|first| *first == name.as_str());
            let signals = first.map_or(Dispositions::NONE, |first| said[first]);
            seats.push(Seat { form, signals, ..Seat::new(name, ends) });
        }
    };
    add(FIRST[0], Form::Process, if dice.chance(70) { all } else { most });
    if dice.chance(50) {
        add(FIRST[1], Form::Process, few);
    }
    if dice.chance(35) {
        add(THREADS[0], Form::Thread(Actor(0)), Vec::new());
    }
    if dice.chance(8) {
        add(OUTSIDER, Form::Outsider, outside);
    }
    let forked = [0, 1, 1, 2, 2, 3][dice.below(6) as usize];
    FORKED[..forked].iter().for_each(|name| add(name, Form::Forked, Vec::new()));
    (seats, end_names)
}

struct Walk<'s> {
    shape: &'s PlotShape,
    worlds: Worlds<'s>,
    ends: OpenEnds,
    channels: &'s [&'static dyn Channel],
    seats: Vec<Seat>,
    end_names: Vec<Name>,
    /// Processes that no fork has made yet.
    unborn: Actors,
    /// Those who have ended, and outsiders.
    gone: Actors,
    all_may_sleep: bool,
    /// Polls on several ends so far.
    polls: Vec<PollSet>,
    dice: Dice,
}

impl Walk<'_> {
    fn actors(&self) -> impl Iterator<Item = Actor> + use<> {
        (0..self.seats.len() as u8).map(Actor)
    }

    fn leader(&self, actor: Actor) -> Actor {
        self.ends.leader(actor)
    }

    fn has_threads(&self, actor: Actor) -> bool {
        let leader = self.leader(actor);
        self.actors().any(|other| other != actor && self.leader(other) == leader)
    }

    /// How many processes there are.
    fn processes(&self) -> usize {
        let leads = |actor: &Actor| self.leader(*actor) == *actor && self.is_alive(*actor);
        self.actors().filter(leads).count()
    }

    fn is_alive(&self, actor: Actor) -> bool {
        !self.unborn.contains(actor) && !self.gone.contains(actor)
    }

    /// The next step, made in the model; `None` if nobody can go on.
    fn step(&mut self) -> Option<Step> {
        for _ in 0..TRIES_MAX {
            let ask = self.dice.weighted(ASKS.into_iter())?;
            let ends = matches!(ask, Ask::Exit | Ask::Kill);
            if ends && self.processes() == 1 && !self.dice.chance(LAST_ENDS_PERCENT) {
                continue;
            }
            let busy = self.worlds.busy();
            let kills = matches!(ask, Ask::Kill);
            let can = |actor: &Actor| {
                let idle = !busy.contains(*actor) && !self.worlds.is_stopped(*actor);
                self.is_alive(*actor) && (kills || idle)
            };
            let able: Actors = self.actors().filter(can).collect();
            let able: Vec<Actor> = able.iter().collect();
            let Some(actor) = self.dice.any(able.into_iter()) else {
                continue;
            };
            let Some(call) = self.call(actor, ask) else { continue };
            // The last who could call must not fall asleep, unless all may.
            let last = !self.all_may_sleep && !ends && self.idle() == 1;
            let before = (self.unborn, self.gone);
            let before = last.then(|| (self.worlds.clone(), self.ends.clone(), before));
            let begins = match call.op {
                Op::PollSet { set } => self.worlds.poll(actor, &self.polls[usize::from(set)]),
                _ => self.worlds.begin(call),
            };
            if !begins {
                continue;
            }
            self.learn(&call);
            let alone = matches!(call.op, Op::Fork { .. } | Op::Dup2 { .. } | Op::Signal { .. });
            let alone = last || alone;
            let settle = alone || !self.dice.chance(self.shape.racing_percent);
            if settle && !self.worlds.settle(&mut self.dice) {
                return None;
            }
            self.note_killed();
            if let Some(before) = before
                && self.idle() == 0
            {
                (self.worlds, self.ends, (self.unborn, self.gone)) = before;
                continue;
            }
            return Some(Step { settle, ..Step::settled(call) });
        }
        None
    }

    /// How many actors could call.
    fn idle(&self) -> usize {
        let busy = self.worlds.busy();
        let busy = |actor: &Actor| busy.contains(*actor) || self.worlds.is_stopped(*actor);
        let idle = |actor: &Actor| self.is_alive(*actor) && !busy(actor);
        self.actors().filter(idle).count()
    }

    fn learn(&mut self, call: &Call) {
        match call.op {
            Op::Exit { .. } => {
                let leader = self.leader(call.actor);
                let threads = self.actors().filter(|other| self.leader(*other) == leader);
                self.gone = threads.fold(self.gone, Actors::with);
                self.ends.exits(call.actor);
            }
            Op::Fork { child } => {
                self.unborn = self.unborn.without(child);
                self.ends.assume(call);
            }
            _ => self.ends.assume(call),
        }
    }

    /// A call that the actor might make; `None` if there is none of the sort that was drawn.
    fn call(&mut self, actor: Actor, ask: Ask) -> Option<Call> {
        let on = |end: End, op: Op| Some(Call { actor, end, op });
        let of_process = |op: Op| Some(Call { actor, end: End(0), op });
        match ask {
            Ask::Read => {
                let (channel, end) = self.end(actor, Mode::reads)?;
                let (platform, object) = self.worlds.object(channel, actor, end)?;
                on(end, Op::Read { len: sizes::to_read(object, platform, &mut self.dice) })
            }
            Ask::Write => {
                let (channel, end) = self.end(actor, Mode::writes)?;
                let (platform, object) = self.worlds.object(channel, actor, end)?;
                on(end, Op::Write { len: sizes::to_write(object, platform, &mut self.dice) })
            }
            Ask::Poll => {
                let (_, end) = self.end(actor, |_| true)?;
                let events = self.dice.any(POLLED.into_iter())?;
                on(end, Op::Poll { events, wait: self.dice.chance(50), among: false })
            }
            Ask::PollSeveral => {
                let number = u8::try_from(self.polls.len()).ok()?;
                let set = self.poll_set(actor)?;
                self.polls.push(set);
                of_process(Op::PollSet { set: number })
            }
            Ask::Close => on(self.end(actor, |_| true)?.1, Op::Close),
            Ask::Dup => {
                let (channel, end) = self.end(actor, |_| true)?;
                let new = self.new_end(actor, channel)?;
                on(end, Op::Dup { new })
            }
            Ask::Dup2 => {
                let (channel, end) = self.end(actor, |_| true)?;
                on(end, Op::Dup2 { new: self.onto(channel)? })
            }
            Ask::CloseOnExec => {
                on(self.end(actor, |_| true)?.1, Op::SetCloseOnExec(self.dice.chance(75)))
            }
            Ask::Nonblock => {
                on(self.end(actor, |_| true)?.1, Op::SetNonblock(self.dice.chance(60)))
            }
            Ask::Available => on(self.end(actor, |_| true)?.1, Op::Available),
            Ask::Seek => {
                let (channel, end) = self.end(actor, |_| true)?;
                let (platform, object) = self.worlds.object(channel, actor, end)?;
                let Object::File(_) = object else { return None };
                let offset = sizes::offset(object, platform, &mut self.dice);
                on(end, Op::Seek { from: Whence::Start, offset })
            }
            Ask::Lock | Ask::Flock => {
                let (channel, end) = self.end(actor, |_| true)?;
                let locks = [(4, Lock::Exclusive), (3, Lock::Shared), (4, Lock::None)];
                let lock = self.dice.weighted(locks.into_iter())?;
                let wait = self.dice.chance(60);
                let op = match ask {
                    Ask::Lock if self.dice.chance(50) => Op::ProcessLock { lock, wait },
                    Ask::Lock => Op::Lock { lock, wait },
                    _ => Op::Flock { lock, wait },
                };
                on(end, Some(op).filter(|op| self.channels[channel].offers(op))?)
            }
            Ask::WrongWay => {
                let len = self.dice.below(3);
                match self.dice.chance(50) {
                    true => on(self.end(actor, |mode| !mode.reads())?.1, Op::Read { len }),
                    false => on(self.end(actor, |mode| !mode.writes())?.1, Op::Write { len }),
                }
            }
            Ask::NoSocket => on(self.end(actor, |_| true)?.1, Op::Listen { backlog: 1 }),
            Ask::Negative => {
                let (len, at) = (self.dice.below(3), -1);
                let op = match self.dice.chance(50) {
                    true => Op::ReadAt { len, at },
                    false => Op::WriteAt { len, at },
                };
                on(self.end(actor, |_| true)?.1, op)
            }
            Ask::Closed => {
                let held = self.ends.of(actor);
                let closed: Vec<End> = held.had().filter(|end| !held.is_open(*end)).collect();
                let end = self.dice.any(closed.into_iter())?;
                let len = self.dice.below(3);
                let poll = Op::Poll { events: Events::IN, wait: false, among: false };
                let ops = [Op::Read { len }, Op::Write { len }, Op::Close, Op::Available, poll];
                on(end, self.dice.any(ops.into_iter())?)
            }
            Ask::Fork => of_process(Op::Fork { child: self.unborn.iter().next()? }),
            Ask::Exec if self.has_threads(actor) => None,
            Ask::Exec => of_process(Op::Exec),
            Ask::Wait => {
                let others = self.actors().filter(|other| *other != self.leader(actor));
                let forked = |other: &Actor| {
                    let form = self.seats[usize::from(other.0)].form;
                    form == Form::Forked && !self.unborn.contains(*other)
                };
                let children: Vec<Actor> = others.filter(forked).collect();
                let child = self.dice.any(children.into_iter().filter(|child| *child != actor))?;
                of_process(Op::Wait { child })
            }
            Ask::Signal => of_process(self.signal(actor)?),
            Ask::SetSignal => of_process(self.set_signal()?),
            Ask::Exit => {
                of_process(Op::Exit { status: self.dice.weighted(signals::EXITS.into_iter())? })
            }
            Ask::Kill => of_process(Op::Exit { status: self.killed(actor)? }),
        }
    }

    /// Two or three ends to be polled at once, with what is asked for of each.
    fn poll_set(&mut self, actor: Actor) -> Option<PollSet> {
        let mut ends = Vec::new();
        for _ in 0..2 + self.dice.below(2) {
            let (_, end) = self.end(actor, |_| true)?;
            ends.push((end, self.dice.any(POLLED.into_iter())?));
        }
        Some(PollSet { ends, wait: self.dice.chance(70) })
    }

    /// One of the actor's open ends whose mode will do, with its channel.
    fn end(&mut self, actor: Actor, will_do: fn(Mode) -> bool) -> Option<(usize, End)> {
        let ends = self.worlds.open_ends(actor, will_do);
        self.dice.any(ends.into_iter())
    }

    /// Whether an end may lead to this channel: by its name, or as a number.
    fn leads(&self, end: End, channel: usize) -> bool {
        let name = self.end_names[usize::from(end.0)];
        name.is_number() || name.parts().0 == Some(CHANNELS[channel])
    }

    /// An end for a duplicate that the actor surely has not open.
    fn new_end(&mut self, actor: Actor, channel: usize) -> Option<End> {
        let held = self.ends.of(actor);
        let all = (0..self.end_names.len() as u8).map(End);
        let free = all.filter(|end| !held.is_open(*end) && self.leads(*end, channel));
        let free: Vec<End> = free.collect();
        self.dice.any(free.into_iter())
    }

    /// What dup2 may be onto: numbers most often, open or not.
    fn onto(&mut self, channel: usize) -> Option<End> {
        let all = (0..self.end_names.len() as u8).map(End);
        let can_be = all.filter(|end| self.leads(*end, channel));
        let numbers = |end: &End| self.end_names[usize::from(end.0)].is_number();
        let weighed = can_be.map(|end| (if numbers(&end) { 4 } else { 1 }, end));
        let weighed: Vec<(u32, End)> = weighed.collect();
        self.dice.weighted(weighed.into_iter())
    }
}
