//! What a process does, call by call: written as it reads, and laid out for stepping.

use crate::call::{Actor, End, Events, Lock, Mode, Op, OpenFlags, Reply, Sig, Termination};
use crate::run::Name;
use crate::script::Statement;

pub use crate::script::Seen;

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
    /// Makes a call of the process that names another, as `fork` does.
    Of(fn(Actor) -> Op, &'static str),
    /// Becomes another program.
    Exec,
    /// Ends the process with this status.
    Exit(Termination),
    /// Ends another process by this status, once there is one, wherever it is; not if it has ended.
    Kill(&'static str, Termination),
    /// Stays for ever, without a call.
    Stay,
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
    Do::Call(end, Op::Poll { events: Events::IN, wait: true, among: false })
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
    Do::Call(end, Op::Poll { events: Events::IN, wait: false, among: false })
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

/// Reads up to `len` bytes at a time until there is no more.
pub fn read_to_the_end(end: &'static str, len: u32) -> Do {
    forever([read(end, len), on(END, [Do::Leave])])
}

/// Waits until a process has ended.
pub fn wait_for(process: &'static str) -> Do {
    Do::Join(process)
}

/// Makes a process, which then does what [`System::forked`](super::System::forked) says.
pub fn fork(child: &'static str) -> Do {
    Do::Of(|child| Op::Fork { child }, child)
}

/// Waits for a child by `waitpid(2)`.
pub fn wait(child: &'static str) -> Do {
    Do::Of(|child| Op::Wait { child }, child)
}

/// Makes a descriptor refer to what another refers to.
pub fn dup2(end: &'static str, new: &'static str) -> Do {
    Do::CallWith(end, |new| Op::Dup2 { new }, new)
}

/// From now on this end is closed by exec.
pub fn close_on_exec(end: &'static str) -> Do {
    Do::Call(end, Op::SetCloseOnExec(true))
}

/// Ends a process by SIGKILL, once there is one.
pub fn kill(process: &'static str) -> Do {
    Do::Kill(process, Termination::Signal(Sig::KILL))
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
    /// Waits until a fork has made the process.
    Born,
    Exit(Termination),
    Kill(Actor, Termination),
    Stay,
    /// Does what is behind it, or what is behind the next of this sort.
    Choose(Option<usize>),
}

impl Program {
    /// Lays out what is written, of a process that has yet to be `forked` or not.
    pub(super) fn of(forked: bool, body: &[Statement]) -> Program {
        let mut program =
            Program { list: forked.then_some(Instruction::Born).into_iter().collect() };
        program.put(body, &mut Vec::new());
        program
    }

    fn put(&mut self, body: &[Statement], leaves: &mut Vec<Vec<usize>>) {
        for statement in body {
            let here = self.list.len();
            match statement {
                Statement::Call(call) => self.list.push(Instruction::Call(call.end, call.op)),
                Statement::Until(other) => self.list.push(Instruction::Join(*other)),
                Statement::Exit(status) => self.list.push(Instruction::Exit(*status)),
                Statement::Kill(other) => {
                    let by = Termination::Signal(Sig::KILL);
                    self.list.push(Instruction::Kill(*other, by));
                }
                Statement::Stay => self.list.push(Instruction::Stay),
                Statement::Repeat(times, body) => (0..*times).for_each(|_| self.put(body, leaves)),
                Statement::Loop(body) => {
                    leaves.push(Vec::new());
                    self.put(body, leaves);
                    self.list.push(Instruction::Goto(here));
                    let behind = self.list.len();
                    for leave in leaves.pop().unwrap_or_default() {
                        self.list[leave] = Instruction::Goto(behind);
                    }
                }
                Statement::Leave => {
                    if let Some(innermost) = leaves.last_mut() {
                        innermost.push(here);
                    }
                    // Where there is no loop it goes on.
                    self.list.push(Instruction::Goto(here + 1));
                }
                Statement::On(arms, otherwise) => {
                    let mut behind = Vec::new();
                    for (seen, body) in arms {
                        let test = self.list.len();
                        self.list.push(Instruction::Goto(test));
                        self.put(body, leaves);
                        behind.push(self.list.len());
                        self.list.push(Instruction::Goto(test));
                        self.list[test] = Instruction::Unless(*seen, self.list.len());
                    }
                    self.put(otherwise, leaves);
                    self.lead_behind(&behind);
                }
                Statement::Choose(bodies) => {
                    let (mut heads, mut behind) = (Vec::new(), Vec::new());
                    for body in bodies {
                        heads.push(self.list.len());
                        self.list.push(Instruction::Choose(None));
                        self.put(body, leaves);
                        behind.push(self.list.len());
                        self.list.push(Instruction::Goto(here));
                    }
                    for pair in heads.windows(2) {
                        self.list[pair[0]] = Instruction::Choose(Some(pair[1]));
                    }
                    self.lead_behind(&behind);
                }
            }
        }
    }

    /// Leads these instructions behind the last so far.
    fn lead_behind(&mut self, from: &[usize]) {
        let behind = self.list.len();
        from.iter().for_each(|at| self.list[*at] = Instruction::Goto(behind));
    }

    /// Where a process can go on that has come to a choice: nowhere where it has come to none.
    pub(super) fn alternatives(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let is_choice = matches!(self.get(at), Some(Instruction::Choose(_)));
        let next = |at: &usize| match self.get(*at) {
            Some(Instruction::Choose(next)) => next,
            _ => None,
        };
        std::iter::successors(is_choice.then_some(at), next).map(|at| self.from(at + 1, None))
    }

    /// Lays statements out, of a process that has yet to be `forked` or not.
    ///
    /// # Panics
    ///
    /// If they name an end or a process that there is not, or leave a loop outside of one.
    pub(super) fn new(forked: bool, body: &[Do], ends: &[Name], processes: &[Name]) -> Program {
        let mut program =
            Program { list: forked.then_some(Instruction::Born).into_iter().collect() };
        program.lay(body, ends, processes, &mut Vec::new());
        program
    }

    fn lay(&mut self, body: &[Do], ends: &[Name], names: &[Name], leaves: &mut Vec<Vec<usize>>) {
        let end = |name: &str| End(index(ends, name));
        let actor = |name: &str| Actor(index(names, name));
        for statement in body {
            let here = self.list.len();
            match statement {
                Do::Call(on, op) => self.list.push(Instruction::Call(end(on), *op)),
                Do::CallWith(on, op, other) => {
                    self.list.push(Instruction::Call(end(on), op(end(other))));
                }
                Do::Join(name) => self.list.push(Instruction::Join(actor(name))),
                Do::Of(op, name) => {
                    self.list.push(Instruction::Call(End(0), op(actor(name))));
                }
                Do::Exec => self.list.push(Instruction::Call(End(0), Op::Exec)),
                Do::Exit(status) => self.list.push(Instruction::Exit(*status)),
                Do::Kill(name, status) => self.list.push(Instruction::Kill(actor(name), *status)),
                Do::Stay => self.list.push(Instruction::Stay),
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

/// The number of a name.
pub(super) fn index(names: &[Name], name: &str) -> u8 {
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
            Do::Leave
            | Do::Join(_)
            | Do::Of(..)
            | Do::Exec
            | Do::Exit(_)
            | Do::Kill(..)
            | Do::Stay => {}
        }
    }
}

/// Whether all processes that statements name are known.
pub(super) fn knows(body: &[Do], names: &[Name]) -> bool {
    body.iter().all(|statement| match statement {
        Do::Join(name) | Do::Of(_, name) | Do::Kill(name, _) => {
            names.iter().any(|known| known.as_str() == *name)
        }
        Do::Loop(body) | Do::If(_, body) => knows(body, names),
        _ => true,
    })
}
