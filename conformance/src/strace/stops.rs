//! Processes that a signal stops, and that go on by SIGCONT.

use pipewright_model::call::{self, Answer, End, Op, Reply, Sig};
use pipewright_model::data::Data;
use pipewright_model::run::{Event, Form, Name, Seat};

use super::channels::{Channels, too_many};
use super::tables::Channel;

/// The number of whoever is no process of the log.
pub(super) const NOBODY: u32 = u32::MAX;

impl Channels {
    /// A signal has stopped a process, or lets it go on. The log tells of that for each thread.
    pub(super) fn stops(&mut self, process: u32, by: Option<u32>, stopped: bool, line: usize) {
        if self.tables.leader(process) != process {
            return;
        }
        let signal = if stopped { Sig::STOP } else { Sig::CONT };
        for channel in 0..self.found.len() {
            let found = &mut self.found[channel];
            let Some(target) = found.actor_of(process) else { continue };
            // Whoever sent it may be in another call by now, or is no process of the log.
            let sender = by.and_then(|by| found.actor_of(by));
            let sender = sender.filter(|sender| *sender != target && !found.is_in_a_call(*sender));
            let outside = || found.actor_of(NOBODY).or_else(|| found.sits(NOBODY, somebody()));
            let Some(actor) = sender.or_else(outside) else {
                self.give_up(channel, line, too_many());
                continue;
            };
            self.is_over(
                channel,
                call::Call { actor, end: End(0), op: Op::Signal { target, signal } },
                line,
            );
        }
    }

    /// A call that is over at once.
    pub(super) fn is_over(&mut self, channel: Channel, call: call::Call, line: usize) {
        self.push(channel, Event::Call(call), line);
        let reply = Reply { answer: Answer::Done, signal: None, data: Data::Unknown };
        self.push(channel, Event::Return(call.actor, reply), line);
    }
}

/// A sender of signals outside of the log, such as the terminal.
fn somebody() -> Seat {
    let name = Name::new("somebody").unwrap_or_else(|| unreachable!("a short name"));
    Seat { form: Form::Process, ..Seat::new(name, Vec::new()) }
}
