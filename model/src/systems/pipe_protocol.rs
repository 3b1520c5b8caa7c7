//! What is inside a pipe: a mutex, a ring, two queues of sleepers, and when who is woken (`fs/pipe.c`).
//!
//! It keeps step with the rules: beside its own state stands the set of worlds that the rules allow after what
//! callers have seen so far. It is right if every answer is one that the rules allow, and if whoever sleeps, when
//! all stands still, may sleep by the rules; so a lost wake-up is found by the rule that says who waits.
//! Signals, `poll` and resizing are left out.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::FxHasher;
use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, End, Errno, Mode, Op, Reply, Signal};
use crate::channel::Stream;
use crate::data::{Data, Segments};
use crate::kind::{Hold, PIPE};
use crate::oracle::Steps;
use crate::platform::{LINUX, Platform};
use crate::run::{Actors, Event, Name, Run, Seat, Setup};
use crate::text;
use crate::verify::{Model, NO_DEADLOCK, Path, Property, Whole};
use crate::world::World;

/// Pages of two bytes, so that there are few states.
const PLATFORM: Platform = LINUX.shrunk(2);

/// What is wrong with a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// The last writer's close wakes one reader, not all.
    CloseWakesOne,
    /// Who must wait looks first, and stands in line after: a wake-up between the two finds nobody.
    LooksBeforeQueueing,
    /// Who was woken alone does not wake the next though there is more.
    KeepsTheWakeUp,
    /// A reader that makes room wakes nobody.
    ForgetsWriters,
    /// Readers and writers don't exclude each other.
    NoMutex,
}

/// A pipe from the inside, and who uses it.
#[derive(Debug)]
pub struct PipeProtocol {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub says: &'static str,
    /// The properties known not to hold.
    pub broken: Vec<&'static str>,
    fault: Fault,
    setup: Setup,
    seats: Vec<Seat>,
    /// For each actor what it does before it closes its end.
    programs: Vec<Vec<Op>>,
    properties: Vec<Property<PipeProtocol>>,
}

const ALLOWED: &str = "every answer is one that the rules allow";
const MAY_SLEEP: &str = "whoever sleeps may sleep by the rules";
const ALL_END: &str = "all come to their end";

/// The pipe, and the pipes that are broken in one way each.
pub(super) fn all() -> Vec<PipeProtocol> {
    let readers = || vec![vec![WRITE; 2], vec![READ], vec![READ]];
    vec![
        PipeProtocol::new(
            "pipe-protocol",
            "The wait and wake-up protocol of a pipe keeps to the rules: one writer, two readers.",
            Fault::None,
            readers(),
            &[],
        ),
        PipeProtocol::new(
            "pipe-protocol-writers",
            "The same with two writers of more than fits, and a reader.",
            Fault::None,
            vec![vec![Op::Write { len: 3 }], vec![Op::Write { len: 4 }], vec![READ_MORE; 4]],
            &[],
        ),
        PipeProtocol::new(
            "pipe-close-wakes-one",
            "The last writer's close wakes one of the readers that sleep (Linux 5.5-rc).",
            Fault::CloseWakesOne,
            vec![vec![], vec![READ], vec![READ]],
            &[MAY_SLEEP],
        ),
        PipeProtocol::new(
            "pipe-looks-before-queueing",
            "Who must wait looks first and stands in line after (pipe_wait of Linux 5.5).",
            Fault::LooksBeforeQueueing,
            readers(),
            &[MAY_SLEEP, NO_DEADLOCK, ALL_END],
        ),
        PipeProtocol::new(
            "pipe-keeps-the-wake-up",
            "A reader that was woken alone leaves data behind and wakes nobody else.",
            Fault::KeepsTheWakeUp,
            vec![vec![Op::Write { len: 2 }, Op::Write { len: 4 }, WRITE], vec![READ], vec![READ]],
            &[MAY_SLEEP, NO_DEADLOCK, ALL_END],
        ),
        PipeProtocol::new(
            "pipe-forgets-writers",
            "A reader that makes room in a full pipe wakes no writer.",
            Fault::ForgetsWriters,
            vec![vec![Op::Write { len: 5 }], vec![READ_MORE; 3]],
            &[MAY_SLEEP, NO_DEADLOCK, ALL_END],
        ),
        PipeProtocol::new(
            "pipe-without-mutex",
            "Readers and writers don't exclude each other (FIFOs of FreeBSD 6).",
            Fault::NoMutex,
            readers(),
            &[ALLOWED],
        ),
    ]
}

const WRITE: Op = Op::Write { len: 1 };
const READ: Op = Op::Read { len: 1 };
const READ_MORE: Op = Op::Read { len: 2 };

/// The one end that each actor has.
const END: End = End(0);

impl PipeProtocol {
    fn new(
        name: &'static str,
        says: &'static str,
        fault: Fault,
        programs: Vec<Vec<Op>>,
        broken: &[&'static str],
    ) -> PipeProtocol {
        let mut setup = Setup::new(&PIPE);
        setup.capacity_bytes = PLATFORM.capacity_default_bytes;
        let seat = |(index, program): (usize, &Vec<Op>)| {
            let writes = program.first().is_none_or(|op| op.offers().is_some());
            let (letter, hold) = if writes { ("w", Hold::WRITE) } else { ("r", Hold::READ) };
            let names = ["ann", "ben", "cid", "dan"];
            let name = Name::new(names[index]).expect("a name");
            (Seat { name, ends: vec![(END, hold)] }, letter)
        };
        let seats = programs.iter().enumerate().map(|each| seat(each).0).collect();
        let properties = vec![
            Property::always(ALLOWED, |_: &PipeProtocol, state: &Inside| {
                !state.allowed.worlds.is_empty()
            }),
            Property::always(MAY_SLEEP, |model: &PipeProtocol, state: &Inside| {
                model.may_sleep(state)
            }),
            Property::no_deadlock(),
            Property::sometimes("somebody sleeps", |_: &PipeProtocol, state: &Inside| {
                state.threads.iter().any(|thread| thread.at == At::Asleep)
            }),
            Property::eventually(ALL_END, |model: &PipeProtocol, state: &Inside| {
                model.may_end(state)
            }),
        ];
        let broken = broken.to_vec();
        PipeProtocol { name, says, broken, fault, setup, seats, programs, properties }
    }

    fn actors(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.programs.len()
    }

    fn reads(&self, actor: usize) -> bool {
        self.seats[actor].ends[0].1.mode == Mode::Read
    }

    /// Whether, if all who are in a call sleep, the rules let them.
    fn may_sleep(&self, state: &Inside) -> bool {
        let mut busy = state.threads.iter().filter(|thread| thread.at != At::Idle).peekable();
        if busy.peek().is_none() || !busy.all(|thread| thread.at == At::Asleep) {
            return true;
        }
        let steps = Steps::new(&PLATFORM);
        steps.after_quiet(state.allowed.worlds.to_vec()).is_none_or(|worlds| !worlds.is_empty())
    }

    /// The platform on whose rules it is measured.
    pub fn platform(&self) -> &'static Platform {
        &PLATFORM
    }

    /// The run that a way is.
    pub fn run(&self, path: &Path<Action>) -> Run {
        let end_names = ["r", "w"].map(|name| Name::new(name).expect("a name"));
        let mut run = Run::new(self.setup.clone(), self.seats.clone(), end_names.to_vec());
        let writer = |actor: Actor| !self.reads(usize::from(actor.0));
        for seat in &mut run.seats {
            seat.ends[0].0 = End(u8::from(seat.ends[0].1.mode.writes()));
        }
        let mut state = self.start();
        for action in &path.actions {
            match action {
                Action::Call(call) => {
                    run.push(Event::Call(Call { end: End(u8::from(writer(call.actor))), ..*call }));
                }
                Action::Return(actor, reply) => run.push(Event::Return(*actor, reply.clone())),
                Action::Inside(..) => {}
            }
            let mut next = Vec::new();
            self.steps(&state, &mut next);
            let taken = next.into_iter().find(|(other, _)| other == action);
            state = taken.expect("a way is made of steps").1;
        }
        let busy: Actors =
            self.actors().filter(|a| state.threads[*a].at != At::Idle).map(to_actor).collect();
        let asleep = |actor: usize| matches!(state.threads[actor].at, At::Idle | At::Asleep);
        if path.loops_from.is_none() && !busy.is_empty() && self.actors().all(asleep) {
            run.push(Event::Quiet(busy));
        }
        run
    }
}

fn to_actor(index: usize) -> Actor {
    Actor(index as u8)
}

/// The state of the pipe, and what the rules allow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inside {
    threads: SmallVec<[Thread; 4]>,
    ring: Stream,
    /// Who is inside.
    mutex: Option<u8>,
    readers: u8,
    writers: u8,
    /// Who stands in line: readers, writers.
    queues: [SmallVec<[u8; 4]>; 2],
    /// The worlds that the rules allow.
    allowed: Allowed,
}

/// One actor in the pipe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Thread {
    at: At,
    /// Calls made so far.
    made: u8,
    /// Bytes that it has written in calls that returned.
    written: u8,
    /// What its call has transferred.
    done: u8,
    /// Its call has waited.
    entered: bool,
    /// It is to wake one of the other side.
    wakes_other: bool,
    /// It is to wake one of its own side.
    wakes_same: bool,
    data: Segments,
    reply: Option<(Answer, Option<Signal>)>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Idle,
    /// Before the mutex.
    Lock,
    /// Behind it.
    Inside,
    /// A reader has copied and not yet taken.
    Taking,
    Unlock,
    Wake,
    /// About to stand in line.
    Queue,
    /// In line, about to look once more.
    Look,
    Asleep,
    Answered,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// An actor makes its next call.
    Call(Call),
    /// The pipe does something within an actor's call.
    Inside(Actor, &'static str),
    /// An actor sees its call return.
    Return(Actor, Reply),
}

impl Model for PipeProtocol {
    type State = Inside;
    type Action = Action;
    type Packing = Whole<Inside>;

    fn start(&self) -> Inside {
        let thread = Thread {
            at: At::Idle,
            made: 0,
            written: 0,
            done: 0,
            entered: false,
            wakes_other: false,
            wakes_same: false,
            data: Segments::new(),
            reply: None,
        };
        let readers = self.actors().filter(|actor| self.reads(*actor)).count() as u8;
        Inside {
            threads: self.actors().map(|_| thread.clone()).collect(),
            ring: Stream::new(&PLATFORM, &self.setup),
            mutex: None,
            readers,
            writers: self.programs.len() as u8 - readers,
            queues: [SmallVec::new(), SmallVec::new()],
            allowed: Allowed::new(vec![World::new(&PLATFORM, &self.setup, &self.seats)]),
        }
    }

    fn steps(&self, state: &Inside, next: &mut Vec<(Action, Inside)>) {
        for index in self.actors() {
            if state.threads[index].at != At::Asleep {
                let mut after = state.clone();
                next.extend(self.step(&mut after, index).map(|action| (action, after)));
            }
        }
    }

    fn mover(&self, action: &Action) -> u8 {
        match action {
            Action::Call(call) => call.actor.0,
            Action::Inside(actor, _) | Action::Return(actor, _) => actor.0,
        }
    }

    fn may_end(&self, state: &Inside) -> bool {
        self.actors().all(|actor| {
            let thread = &state.threads[actor];
            thread.at == At::Idle && usize::from(thread.made) > self.programs[actor].len()
        })
    }

    fn properties(&self) -> &[Property<PipeProtocol>] {
        &self.properties
    }

    fn packing(&self) -> Whole<Inside> {
        Whole::new()
    }

    fn describe(&self, action: &Action) -> String {
        let path = |events: &[Event]| {
            let mut run = Run::new(self.setup.clone(), self.seats.clone(), vec![]);
            events.iter().for_each(|event| run.push(event.clone()));
            text::event(&run, 0)
        };
        match action {
            Action::Call(call) => path(&[Event::Call(*call)]),
            Action::Return(actor, reply) => {
                format!("{}: -> {}", self.seats[usize::from(actor.0)].name, reply.answer)
            }
            Action::Inside(actor, what) => {
                format!("{}: {what}", self.seats[usize::from(actor.0)].name)
            }
        }
    }
}

impl PipeProtocol {
    /// The next step of an actor, if it can take one: each has one at most.
    fn step(&self, state: &mut Inside, index: usize) -> Option<Action> {
        let actor = to_actor(index);
        let op = self.programs[index].get(usize::from(state.threads[index].made)).copied();
        let does = |what| Some(Action::Inside(actor, what));
        match state.threads[index].at {
            At::Idle => {
                let made = usize::from(state.threads[index].made);
                if made > self.programs[index].len() {
                    return None;
                }
                let call = Call { actor, end: END, op: op.unwrap_or(Op::Close) };
                state.threads[index].at = At::Lock;
                state.allow(|world| {
                    let mut world = world;
                    world.call(call);
                    vec![world]
                });
                Some(Action::Call(call))
            }
            At::Lock => {
                if self.fault != Fault::NoMutex {
                    if state.mutex.is_some() {
                        return None;
                    }
                    state.mutex = Some(index as u8);
                }
                state.threads[index].at = At::Inside;
                does("takes the mutex")
            }
            At::Inside => does(match op {
                None => self.close(state, index),
                Some(Op::Write { len }) => write(state, index, len),
                Some(op) => read(state, index, op.asks().unwrap_or(0)),
            }),
            At::Taking => {
                let was_full = state.ring.is_full();
                state.ring.take(&PLATFORM, op.and_then(|op| op.asks()).unwrap_or(0));
                let more = !state.ring.is_empty();
                let thread = &mut state.threads[index];
                thread.wakes_other = was_full && self.fault != Fault::ForgetsWriters;
                thread.wakes_same = thread.entered && more;
                let count = thread.data.iter().map(|segment| segment.len).sum();
                thread.answer(Answer::Count(count), None);
                does("takes bytes out")
            }
            At::Unlock => {
                state.mutex = None;
                state.threads[index].at = At::Wake;
                does("gives the mutex back")
            }
            At::Wake => does(self.wake(state, index)),
            At::Queue => {
                state.queues[self.side(index)].push(index as u8);
                let late = self.fault == Fault::LooksBeforeQueueing;
                state.threads[index].at = if late { At::Asleep } else { At::Look };
                does("stands in line")
            }
            At::Look => {
                let go = self.may_go_on(state, index);
                let side = self.side(index);
                let thread = &mut state.threads[index];
                if go {
                    thread.at = At::Lock;
                    thread.entered = true;
                    state.queues[side].retain(|other| usize::from(*other) != index);
                } else if self.fault == Fault::LooksBeforeQueueing {
                    thread.at = At::Queue;
                } else {
                    thread.at = At::Asleep;
                }
                does("looks once more")
            }
            At::Asleep => None,
            At::Answered => Some(self.returns(state, index)),
        }
    }

    /// 0 for readers, 1 for writers.
    fn side(&self, index: usize) -> usize {
        usize::from(!self.reads(index))
    }

    /// Whether who sleeps could go on.
    fn may_go_on(&self, state: &Inside, index: usize) -> bool {
        if self.reads(index) {
            !state.ring.is_empty() || state.writers == 0
        } else {
            !state.ring.is_full() || state.readers == 0
        }
    }

    fn close(&self, state: &mut Inside, index: usize) -> &'static str {
        if self.reads(index) {
            state.readers -= 1;
        } else {
            state.writers -= 1;
        }
        if (state.readers == 0) != (state.writers == 0) {
            let most = if self.fault == Fault::CloseWakesOne { 1 } else { usize::MAX };
            for side in 0..2 {
                self.wake_up(state, side, most);
            }
        }
        state.threads[index].answer(Answer::Done, None);
        "closes its end and wakes who sleeps"
    }

    /// What is left to be woken, one by one; then the call goes on.
    fn wake(&self, state: &mut Inside, index: usize) -> &'static str {
        let side = self.side(index);
        let thread = &mut state.threads[index];
        let answered = thread.reply.is_some();
        if std::mem::take(&mut thread.wakes_other) {
            self.wake_up(state, 1 - side, 1);
            return "wakes one of the other side";
        }
        if std::mem::take(&mut thread.wakes_same) && answered && self.fault != Fault::KeepsTheWakeUp
        {
            self.wake_up(state, side, 1);
            return "wakes the next of its own side";
        }
        let first = if self.fault == Fault::LooksBeforeQueueing { At::Look } else { At::Queue };
        state.threads[index].at = if answered { At::Answered } else { first };
        "has nobody to wake"
    }

    fn wake_up(&self, state: &mut Inside, side: usize, most: usize) {
        let first = if self.fault == Fault::LooksBeforeQueueing { At::Look } else { At::Queue };
        let count = most.min(state.queues[side].len());
        for woken in state.queues[side].drain(..count) {
            state.threads[usize::from(woken)].at = first;
        }
    }

    fn returns(&self, state: &mut Inside, index: usize) -> Action {
        let actor = to_actor(index);
        let thread = &mut state.threads[index];
        let (answer, signal) = thread.reply.take().unwrap_or((Answer::Done, None));
        let names = std::mem::take(&mut thread.data);
        let data = if names.is_empty() { Data::Unknown } else { Data::Named(names) };
        let reply = Reply { answer, signal, data };
        if !self.reads(index) {
            thread.written += answer.count().unwrap_or(0) as u8;
        }
        thread.made += 1;
        (thread.at, thread.done, thread.entered) = (At::Idle, 0, false);
        let steps = Steps::new(&PLATFORM);
        state.allow(|world| steps.after_return(vec![world], actor, &reply).unwrap_or_default());
        Action::Return(actor, reply)
    }
}

fn write(state: &mut Inside, index: usize, len: u32) -> &'static str {
    let thread = &mut state.threads[index];
    let done = u32::from(thread.done);
    if state.readers == 0 {
        let answer = if done > 0 { Answer::Count(done) } else { Answer::Fails(Errno::EPIPE) };
        thread.answer(answer, Some(Signal::Sigpipe));
        return "finds no reader";
    }
    thread.wakes_other = state.ring.is_empty();
    let count = state.ring.room(&PLATFORM, len, done, thread.entered).most;
    if count > 0 {
        let (actor, from) = (to_actor(index), i64::from(thread.written) + i64::from(done));
        state.ring.append(&PLATFORM, actor, from, count, len, thread.entered, false);
        thread.done += count as u8;
    }
    let full = state.ring.is_full();
    thread.wakes_same = thread.entered && !full;
    if done + count == len {
        thread.answer(Answer::Count(len), None);
    } else {
        thread.at = At::Unlock;
    }
    "puts in what fits"
}

fn read(state: &mut Inside, index: usize, len: u32) -> &'static str {
    let thread = &mut state.threads[index];
    if !state.ring.is_empty() {
        thread.data = state.ring.peek(&PLATFORM, len);
        thread.at = At::Taking;
        return "copies bytes";
    }
    if state.writers == 0 {
        thread.answer(Answer::Count(0), None);
        return "finds the end";
    }
    thread.at = At::Unlock;
    "finds nothing"
}

impl Thread {
    fn answer(&mut self, answer: Answer, signal: Option<Signal>) {
        self.reply = Some((answer, signal));
        self.at = At::Unlock;
    }
}

impl Inside {
    /// Replaces each world that the rules allow by those that follow.
    fn allow(&mut self, follow: impl FnMut(World) -> Vec<World>) {
        self.allowed = Allowed::new(self.allowed.worlds.iter().cloned().flat_map(follow).collect());
    }
}

/// Worlds that the rules allow: shared, as most steps leave them as they are, and hashed once.
#[derive(Clone, Debug, Eq)]
struct Allowed {
    worlds: Arc<[World]>,
    hash: u64,
}

impl Allowed {
    fn new(worlds: Vec<World>) -> Allowed {
        let mut hashed: Vec<(u64, World)> = Vec::new();
        for world in worlds {
            let mut hasher = FxHasher::default();
            world.hash(&mut hasher);
            if hashed.iter().all(|(_, other)| *other != world) {
                hashed.push((hasher.finish(), world));
            }
        }
        // Equal sets look equal.
        hashed.sort_by_key(|(hash, _)| *hash);
        let hash = hashed.iter().fold(0_u64, |all, (hash, _)| all.rotate_left(9) ^ hash);
        Allowed { worlds: hashed.into_iter().map(|(_, world)| world).collect(), hash }
    }
}

impl PartialEq for Allowed {
    fn eq(&self, other: &Allowed) -> bool {
        self.hash == other.hash
            && (Arc::ptr_eq(&self.worlds, &other.worlds) || self.worlds == other.worlds)
    }
}

impl Hash for Allowed {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.hash);
    }
}
