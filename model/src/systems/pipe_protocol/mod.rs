//! What is inside a pipe: a mutex, a ring, two queues of sleepers, and when who is woken (`fs/pipe.c`).
//!
//! It keeps step with the rules: beside its own state stands the set of worlds that the rules allow after what
//! callers have seen so far. It is right if every answer is one that the rules allow, and if whoever sleeps, when
//! all stands still, may sleep by the rules; so a lost wake-up is found by the rule that says who waits.
//! Signals, `poll` and resizing are left out.

mod allowed;
mod steps;
mod tell;

use smallvec::SmallVec;

use crate::call::{Actor, Answer, Call, End, Mode, Op, Reply, Signal};
use crate::channel::Stream;
use crate::data::Segments;
use crate::kind::{Hold, PIPE};
use crate::oracle::Steps;
use crate::platform::{LINUX, Platform};
use crate::run::{Actors, Event, Name, Run, Seat, Setup};
use crate::step;
use crate::text;
use crate::verify::{Model, NO_DEADLOCK, Path, Property, Whole};

use allowed::Allowed;

/// Pages of two bytes, so that there are few states.
const PLATFORM: Platform = LINUX.shrunk(2);

/// What is wrong with a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// The last writer's close wakes one reader, not all.
    CloseWakesOne,
    /// A call that must wait checks first and queues afterwards: a wake-up between the two finds no
    /// sleeper.
    LooksBeforeQueueing,
    /// A call that was woken alone does not wake the next although there is more.
    KeepsTheWakeUp,
    /// A reader that makes room wakes nobody.
    ForgetsWriters,
    /// Readers and writers don't exclude each other.
    NoMutex,
}

/// A pipe from the inside, and who uses it.
#[derive(Clone, Debug)]
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
            (Seat::new(name, vec![(END, hold)]), letter)
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
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
pub struct Inside {
    threads: SmallVec<[Thread; 4]>,
    ring: Stream,
    /// The call that holds the lock.
    mutex: Option<u8>,
    readers: u8,
    writers: u8,
    /// The queues of readers and writers.
    queues: [SmallVec<[u8; 4]>; 2],
    /// The worlds that the rules allow.
    allowed: Allowed,
}

/// One actor in the pipe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "distributed", derive(serde::Serialize, serde::Deserialize))]
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
            allowed: Allowed::new(vec![step::start(&PLATFORM, &self.setup, &self.seats)]),
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
