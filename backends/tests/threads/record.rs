//! Records what threads call and what they are given, as a run, and has the oracle judge it.
//!
//! All of it is plain state of `std`, which neither loom nor shuttle knows of: recording orders nothing
//! and adds no interleaving. Both checkers run the threads of a model one at a time, on one thread of the
//! system: so the order in which events are recorded is the order in which they happened.
//!
//! A call is recorded before its first step and a return after its last. A checker may switch threads only
//! where a primitive is used, so a call begins as soon as its thread has made the step before: its
//! interval is never too short, and an order that the run shows is an order that there was.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipewright_model::call::{Actor, Answer, Call, End, Op, Reply};
use pipewright_model::data::{Data, fill};
use pipewright_model::kind::{Hold, Kind};
use pipewright_model::oracle::{Allowed, Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::rules::RULES;
use pipewright_model::run::{Actors, Event, Run, Setup};

/// What some threads do with a channel, in every interleaving: a program for a checker.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// What it is about.
    pub(crate) name: &'static str,
    /// How often at most a thread is interrupted that could go on, per interleaving; `None`: as often as
    /// can be, so that the exploration is complete.
    pub(crate) preemptions_max: Option<usize>,
    /// What is done. It makes its channels, starts its threads and joins them.
    pub(crate) run: fn(),
}

impl Scenario {
    /// One that is explored completely.
    pub(crate) const fn complete(name: &'static str, run: fn()) -> Scenario {
        Scenario { name, preemptions_max: None, run }
    }

    /// The one with this name.
    pub(crate) const fn named(scenarios: &'static [Scenario], name: &str) -> Scenario {
        let mut at = 0;
        while !same(scenarios[at].name.as_bytes(), name.as_bytes()) {
            at += 1;
        }
        scenarios[at]
    }

    /// One that is explored up to so many preemptions.
    pub(crate) const fn bounded(name: &'static str, preemptions_max: usize, run: fn()) -> Scenario {
        Scenario { name, preemptions_max: Some(preemptions_max), run }
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// What one model has seen so far, over all its interleavings.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How many interleavings.
    pub(crate) interleavings: usize,
    /// The runs that were judged, each once: most interleavings look alike.
    runs: HashSet<(&'static str, Vec<Event>)>,
}

impl Tally {
    /// How many different runs.
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }
}

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::default();
}

/// Explores with `explorer`, which calls what it is given once in each interleaving.
pub(crate) fn tally(explorer: impl FnOnce(fn())) -> Tally {
    TALLY.take();
    explorer(|| {
        TALLY.with_borrow_mut(|tally| {
            tally.interleavings += 1;
        })
    });
    TALLY.take()
}

/// One run in the making.
#[derive(Clone)]
pub(crate) struct Record {
    run: Arc<Mutex<Run>>,
    passed: Arc<AtomicBool>,
}

/// Writes to the channel.
pub(crate) const WRITER: (&str, Hold) = ("writer", Hold::WRITE);
/// Reads from it.
pub(crate) const READER: (&str, Hold) = ("reader", Hold::READ);
/// Another who reads.
pub(crate) const READER_2: (&str, Hold) = ("reader-2", Hold::READ);
/// Another who writes.
pub(crate) const WRITER_2: (&str, Hold) = ("writer-2", Hold::WRITE);

impl Record {
    /// A run on a fresh channel; each of those who take part holds an end.
    pub(crate) fn new(kind: &'static Kind, capacity_bytes: u32, actors: &[(&str, Hold)]) -> Record {
        let mut run = Run::builder(Setup { capacity_bytes, ..Setup::new(kind) });
        let [read, write] = [Hold::READ, Hold::WRITE].map(|hold| run.end(hold));
        for (name, hold) in actors {
            run.actor(name, [if *hold == Hold::WRITE { write } else { read }]);
        }
        let run = run.build().expect("the names are names");
        Record { run: Arc::new(Mutex::new(run)), passed: Arc::default() }
    }

    /// The one at this place among those who take part.
    pub(crate) fn hand(&self, index: u8) -> Hand {
        let (_, hold) = self.run().seats[usize::from(index)].ends[0];
        Hand { record: self.clone(), actor: Actor(index), end: end(hold), written: 0 }
    }

    /// All is at rest, and everybody who looks now is shown everything: after a join, in a lock that all
    /// use, after fences. No call may be open.
    pub(crate) fn quiet(&self) {
        self.run().push(Event::Quiet(Actors::NONE));
    }

    /// Who wrote has passed a fence since, and writes no more.
    pub(crate) fn passed(&self) {
        self.passed.store(true, Ordering::Relaxed);
    }

    /// Whether it has: then who passes a fence now is shown everything.
    pub(crate) fn has_passed(&self) -> bool {
        self.passed.load(Ordering::Relaxed)
    }

    /// Has the oracle judge the run, which is over.
    ///
    /// # Panics
    ///
    /// If it is anything but a run that conforms: with the run, and what the rules allow.
    pub(crate) fn judge(&self) {
        let run = self.run();
        let key = (run.setup().kind.name, run.events.clone());
        let new = TALLY.with_borrow_mut(|tally| tally.runs.insert(key));
        if new {
            // On a stack of its own: a checker's threads have a small one.
            let told = std::thread::scope(|scope| scope.spawn(|| judged(&run)).join());
            let told = told.expect("the oracle judges");
            assert!(told.is_empty(), "{told}");
        }
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(hold: Hold) -> End {
    End(u8::from(hold == Hold::WRITE))
}

/// What is wrong with a run; nothing if it conforms.
fn judged(run: &Run) -> String {
    run.check().expect("well-formed");
    let judgement = judge(run, &LINUX);
    if judgement.verdict == Verdict::Conforms {
        return String::new();
    }
    let mut told = format!("the run deviates ({:?}):\n{run}", judgement.verdict);
    for deviation in judgement.deviations.iter().filter(|deviation| !deviation.after_another) {
        let event = pipewright_model::text::event(run, deviation.event);
        let _ = writeln!(told, "not allowed: {event}");
        for allowed in &deviation.allowed {
            let rule = RULES[usize::from(allowed.rule())].id;
            let _ = match allowed {
                Allowed::Returns(_, reply, _) => writeln!(told, "allowed: {reply} by {rule}"),
                Allowed::Sleeps(..) => writeln!(told, "allowed: to sleep by {rule}"),
            };
        }
    }
    told
}

/// One who takes part: makes calls and has them recorded.
pub(crate) struct Hand {
    record: Record,
    actor: Actor,
    end: End,
    written: i64,
}

impl Hand {
    /// Writes the bytes that come next.
    pub(crate) fn write(&mut self, len: usize, call: impl FnOnce(&[u8]) -> Answer) -> Answer {
        let mut bytes = vec![0; len];
        fill(self.actor, self.written, &mut bytes);
        self.begin(Op::Write { len: len as u32 });
        let answer = call(&bytes);
        self.written += i64::from(answer.count().unwrap_or(0));
        self.end(Reply::new(answer));
        answer
    }

    /// Reads.
    pub(crate) fn read(&mut self, len: usize, call: impl FnOnce(&mut [u8]) -> Answer) -> Answer {
        let mut bytes = vec![0; len];
        self.begin(Op::Read { len: len as u32 });
        let answer = call(&mut bytes);
        let count = answer.count().unwrap_or(0) as usize;
        let data = match count {
            0 => Data::Unknown,
            1.. => Data::Bytes(bytes[..count].into()),
        };
        self.end(Reply { data, ..Reply::new(answer) });
        answer
    }

    /// Looks for something to read; whether there was. Where there is nothing, it is as if there had been no
    /// call: so who calls must see to it that something is given at last.
    #[must_use]
    pub(crate) fn look(
        &mut self,
        len: usize,
        call: impl FnOnce(&mut [u8]) -> Option<Answer>,
    ) -> bool {
        let mut bytes = vec![0; len];
        let op = Op::Read { len: len as u32 };
        self.begin(op);
        let answer = call(&mut bytes);
        match answer {
            Some(answer) => {
                self.end(Reply { data: Data::Bytes(bytes.into()), ..Reply::new(answer) })
            }
            None => self.take_back(op),
        }
        answer.is_some()
    }

    /// Offers the bytes that come next; whether they were taken. Where they were not, it is as if there had
    /// been no call.
    #[must_use]
    pub(crate) fn offer(&mut self, len: usize, call: impl FnOnce(&[u8]) -> Option<Answer>) -> bool {
        let mut bytes = vec![0; len];
        fill(self.actor, self.written, &mut bytes);
        let op = Op::Write { len: len as u32 };
        self.begin(op);
        let answer = call(&bytes);
        match answer {
            Some(answer) => {
                self.written += i64::from(answer.count().unwrap_or(0));
                self.end(Reply::new(answer));
            }
            None => self.take_back(op),
        }
        answer.is_some()
    }

    /// Closes.
    pub(crate) fn close(&mut self, call: impl FnOnce()) {
        self.begin(Op::Close);
        call();
        self.end(Reply::new(Answer::Done));
    }

    fn begin(&self, op: Op) {
        self.record.run().push(Event::Call(Call { actor: self.actor, end: self.end, op }));
    }

    /// Takes back the call that was begun last.
    fn take_back(&self, op: Op) {
        let begun = Event::Call(Call { actor: self.actor, end: self.end, op });
        let mut run = self.record.run();
        let at = run.events.iter().rposition(|event| *event == begun).expect("begun");
        run.events.remove(at);
        run.remarks.pop();
    }

    fn end(&self, reply: Reply) {
        self.record.run().push(Event::Return(self.actor, reply));
    }
}
