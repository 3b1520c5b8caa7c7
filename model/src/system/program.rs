//! What a process does, call by call: written as it reads, and laid out for stepping.

use crate::call::{Actor, Answer, Call, End, Errno, Events, Lock, Mode, Op, OpenFlags, Reply};
use crate::data::{Data, ZERO};
use crate::run::Name;

/// A statement. Ends and processes are named as in runs.
#[derive(Clone, Debug)]
pub enum Do {
    /// Makes a call on an end.
    Call(&'static str, Op),
    /// Makes a call that names another end besides.
    CallWith(&'static str, fn(End) -> Op, &'static str),
    /// Does this again and again, until it is [left](Do::Leave).
    Loop(Vec<Do>),
    /// Leaves the innermost loop.
    Leave,
    /// Does this if the call before was answered so. A call in it makes that answer the one before.
    If(Seen, Vec<Do>),
    /// Waits until a process has ended.
    Join(&'static str),
}

/// What is told apart in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It counts this many bytes, or messages.
    Count(u32),
    /// It counts less than this many.
    Less(u32),
    /// It fails so.
    Fails(Errno),
    /// There is something to read.
    Readable,
    /// It gives data, and somebody wrote it.
    Written,
    /// It is done, and counts nothing.
    Done,
}

impl Seen {
    fn is(self, reply: &Reply) -> bool {
        let answer = reply.answer;
        match self {
            Seen::Count(count) => answer.count() == Some(count),
            Seen::Less(count) => answer.count().is_some_and(|seen| seen < count),
            Seen::Fails(errno) => answer == Answer::Fails(errno),
            Seen::Readable => {
                matches!(answer, Answer::Ready(events) if events.contains(Events::IN))
            }
            Seen::Written => match &reply.data {
                Data::Named(names) => names.iter().any(|name| name.actor != ZERO),
                _ => false,
            },
            Seen::Done => answer == Answer::Done,
        }
    }
}

/// Reads up to `len` bytes.
pub fn read(end: &'static str, len: u32) -> Do {
    Do::Call(end, Op::Read { len })
}

/// Writes `len` bytes.
pub fn write(end: &'static str, len: u32) -> Do {
    Do::Call(end, Op::Write { len })
}

/// Reads up to `len` bytes at an offset.
pub fn read_at(end: &'static str, len: u32, at: i32) -> Do {
    Do::Call(end, Op::ReadAt { len, at })
}

/// Writes `len` bytes at an offset.
pub fn write_at(end: &'static str, len: u32, at: i32) -> Do {
    Do::Call(end, Op::WriteAt { len, at })
}

/// Closes an end.
pub fn close(end: &'static str) -> Do {
    Do::Call(end, Op::Close)
}

/// Opens the path of the channel and waits until that is possible.
pub fn open(end: &'static str, mode: Mode) -> Do {
    Do::Call(end, Op::Open { mode, flags: OpenFlags::NONE })
}

/// Waits until there is something to read, or an end.
pub fn wait_for_data(end: &'static str) -> Do {
    Do::Call(end, Op::Poll { events: Events::IN, wait: true })
}

/// Gets the lock of the whole file to itself, and waits for it.
pub fn lock(end: &'static str) -> Do {
    Do::Call(end, Op::Lock { lock: Lock::Exclusive, wait: true })
}

/// Gives the lock back.
pub fn unlock(end: &'static str) -> Do {
    Do::Call(end, Op::Lock { lock: Lock::None, wait: false })
}

/// Looks whether there is something to read, or an end.
pub fn look_for_data(end: &'static str) -> Do {
    Do::Call(end, Op::Poll { events: Events::IN, wait: false })
}

/// From now on calls on this end don't wait.
pub fn never_wait(end: &'static str) -> Do {
    Do::Call(end, Op::SetNonblock(true))
}

/// Does this again and again.
pub fn forever(body: impl Into<Vec<Do>>) -> Do {
    Do::Loop(body.into())
}

/// Does this if the call before was answered so.
pub fn on(seen: Seen, body: impl Into<Vec<Do>>) -> Do {
    Do::If(seen, body.into())
}

/// An answer of no bytes: the end of the data.
pub const END: Seen = Seen::Count(0);

/// Waits until a process has ended.
pub fn wait_for(process: &'static str) -> Do {
    Do::Join(process)
}

/// A program laid out: a list of instructions, numbered from 0. Behind the last the process ends.
#[derive(Clone, Debug, Default)]
pub struct Program {
    list: Vec<Instruction>,
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Call(End, Op),
    Join(Actor),
    Goto(usize),
    Unless(Seen, usize),
}

impl Program {
    /// Lays statements out.
    ///
    /// # Panics
    ///
    /// If they name an end or a process that there is not, or leave a loop outside of one.
    pub(super) fn new(body: &[Do], ends: &[Name], processes: &[Name]) -> Program {
        let mut program = Program::default();
        program.lay(body, ends, processes, &mut Vec::new());
        program
    }

    fn lay(&mut self, body: &[Do], ends: &[Name], names: &[Name], leaves: &mut Vec<Vec<usize>>) {
        let end = |name: &str| End(index(ends, name));
        for statement in body {
            let here = self.list.len();
            match statement {
                Do::Call(on, op) => self.list.push(Instruction::Call(end(on), *op)),
                Do::CallWith(on, op, other) => {
                    self.list.push(Instruction::Call(end(on), op(end(other))));
                }
                Do::Join(name) => self.list.push(Instruction::Join(Actor(index(names, name)))),
                Do::Loop(body) => {
                    leaves.push(Vec::new());
                    self.lay(body, ends, names, leaves);
                    self.list.push(Instruction::Goto(here));
                    let behind = self.list.len();
                    for leave in leaves.pop().unwrap_or_default() {
                        self.list[leave] = Instruction::Goto(behind);
                    }
                }
                Do::Leave => {
                    leaves.last_mut().expect("a loop is left from inside").push(here);
                    self.list.push(Instruction::Goto(here));
                }
                Do::If(seen, body) => {
                    self.list.push(Instruction::Goto(here));
                    self.lay(body, ends, names, leaves);
                    self.list[here] = Instruction::Unless(*seen, self.list.len());
                }
            }
        }
    }

    /// Bytes that its writes offer, each once.
    pub(super) fn offers(&self) -> u32 {
        let offers = |instruction: &Instruction| match instruction {
            Instruction::Call(_, op) => op.offers(),
            _ => None,
        };
        self.list.iter().filter_map(offers).sum()
    }

    /// The number behind the last instruction.
    pub(super) fn end(&self) -> usize {
        self.list.len()
    }

    /// The instruction with this number; `None` behind the last.
    pub(super) fn get(&self, at: usize) -> Option<Instruction> {
        self.list.get(at).copied()
    }

    /// The first call or wait from `at` on, where the call before was answered like this.
    pub(super) fn from(&self, mut at: usize, reply: Option<&Reply>) -> usize {
        loop {
            at = match self.get(at) {
                Some(Instruction::Goto(to)) => to,
                Some(Instruction::Unless(seen, to)) => {
                    if reply.is_some_and(|reply| seen.is(reply)) { at + 1 } else { to }
                }
                _ => return at,
            };
        }
    }
}

fn index(names: &[Name], name: &str) -> u8 {
    let index = names.iter().position(|known| known.as_str() == name);
    index.unwrap_or_else(|| panic!("nothing is called {name}")) as u8
}

/// The ends that statements name.
pub(super) fn ends_of(body: &[Do], ends: &mut Vec<&'static str>) {
    for statement in body {
        match statement {
            Do::Call(end, _) => ends.push(end),
            Do::CallWith(end, _, other) => ends.extend([end, other]),
            Do::Loop(body) | Do::If(_, body) => ends_of(body, ends),
            Do::Leave | Do::Join(_) => {}
        }
    }
}

/// A call on an end of an actor.
pub(super) fn call(actor: Actor, (end, op): (End, Op)) -> Call {
    Call { actor, end, op }
}
