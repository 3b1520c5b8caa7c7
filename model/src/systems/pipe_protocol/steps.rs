//! What the pipe does within a call, in the order of `anon_pipe_read`, `anon_pipe_write` and `pipe_release`.

use super::{Action, At, END, Fault, Inside, PLATFORM, PipeProtocol, Thread, to_actor};
use crate::call::{Answer, Call, Errno, Op, Reply, Signal};
use crate::data::Data;
use crate::oracle::Steps;

impl PipeProtocol {
    /// The next step of an actor, if it can take one: each has one at most.
    pub(super) fn step(&self, state: &mut Inside, index: usize) -> Option<Action> {
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
