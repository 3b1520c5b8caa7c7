//! Tables of descriptors in a log: forks, programs run, descriptors closed, copied and changed.

use pipewright_model::call::{Answer, End, Op};
use pipewright_model::run::Form;

use super::calls::Call;
use super::channels::{Channels, Now, seat, too_many, too_many_ends};
use super::fcntl::is_lock;
use super::tables::{Channel, Entry};

impl Channels {
    pub(super) fn forks(&mut self, now: Now<'_>) {
        let Now { call, line, .. } = now;
        let Some(child) = call.value().and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0)
        else {
            return;
        };
        if self.tables.is_known(child) && child != call.process {
            // The number was another's before.
            self.tables.gone(child);
        }
        let parent = call.process;
        if call.has_anywhere("CLONE_FILES") {
            self.tables.thread(parent, child);
            if !self.heard.contains(&child) {
                let entries: Vec<Entry> = self.tables.of(parent).values().copied().collect();
                entries.iter().for_each(|entry| self.give_up(entry.channel, line, unheard(child)));
            }
            return;
        }
        self.tables.fork(parent, child);
        if let (Some(from), Some(to)) = (self.tables.table_of(parent), self.tables.table_of(child))
        {
            self.polls.copies(from, to);
        }
        let mut channels: Vec<Channel> =
            self.tables.of(child).values().map(|entry| entry.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels {
            if !self.heard.contains(&child) {
                // Nobody knows what it does with what it has: the log was written without -f.
                self.give_up(channel, line, unheard(child));
                continue;
            }
            let Some(by) = self.actor(channel, parent, line) else { continue };
            let seat = seat(child, Form::Forked);
            let Some(actor) = self.found[channel].sits(child, seat) else {
                self.give_up(channel, line, too_many());
                continue;
            };
            let op = Op::Fork { child: actor };
            self.call(channel, now, (by, End(0), op), Answer::Done);
        }
    }

    pub(super) fn execs(&mut self, now: Now<'_>) {
        let Now { call, line, .. } = now;
        let table = self.tables.of(call.process);
        let closed: Vec<(i64, Entry)> =
            table.iter().filter(|(_, entry)| entry.close_on_exec).map(|(n, e)| (*n, *e)).collect();
        let mut channels: Vec<Channel> = closed.iter().map(|(_, entry)| entry.channel).collect();
        channels.sort_unstable();
        channels.dedup();
        for channel in channels {
            if let Some(by) = self.actor(channel, call.process, line) {
                self.call(channel, now, (by, End(0), Op::Exec), Answer::Done);
            }
        }
        let leader = self.tables.leader(call.process);
        let table = self.tables.of(call.process);
        table.retain(|_, entry| !entry.close_on_exec);
        let mut left: Vec<Channel> = table.values().map(|entry| entry.channel).collect();
        left.sort_unstable();
        left.dedup();
        for channel in left {
            let found = &mut self.found[channel];
            found.execs.push((found.run.events.len(), leader));
        }
    }

    pub(super) fn closes(&mut self, now: Now<'_>, number: i64) {
        self.forgets(now.call.process, number);
        if let Some(entry) = self.tables.of(now.call.process).remove(&number) {
            self.on(now, (number, entry), Op::Close, Some(Answer::Done));
        }
    }

    pub(super) fn closes_range(&mut self, now: Now<'_>) {
        let call = now.call;
        let (first, last) = (call.number(0).unwrap_or(0), call.number(1).unwrap_or(i64::MAX));
        let table = self.tables.of(call.process);
        let those: Vec<i64> = table.range(first..=last.max(first)).map(|(n, _)| *n).collect();
        for number in those {
            if call.has_anywhere("CLOSE_RANGE_CLOEXEC") {
                self.sets_close_on_exec(now, number, true);
            } else {
                self.closes(now, number);
            }
        }
    }

    fn sets_close_on_exec(&mut self, now: Now<'_>, number: i64, on: bool) {
        if let Some(entry) = self.tables.of(now.call.process).get_mut(&number) {
            entry.close_on_exec = on;
            let entry = *entry;
            self.on(now, (number, entry), Op::SetCloseOnExec(on), Some(Answer::Done));
        }
    }

    pub(super) fn dups(&mut self, now: Now<'_>) {
        let (Some(old), Some(new)) = (now.call.number(0), now.call.value()) else { return };
        if old == new && now.call.name != "dup" {
            return;
        }
        self.copies(now, (old, new), now.call.has_flag(2, "O_CLOEXEC"));
    }

    /// The descriptor `new` becomes one of what `old` leads to; what it led to before is let go of.
    pub(super) fn copies(&mut self, now: Now<'_>, (old, new): (i64, i64), close_on_exec: bool) {
        if let Some(list) = self.list(now) {
            self.polls.is_copied(list);
        }
        self.closes(now, new);
        let Some(entry) = self.tables.get(now.call.process, old) else { return };
        let made = Entry { close_on_exec, ..entry };
        let Some(end) = self.end(entry.channel, new, entry.hold) else {
            return self.give_up(entry.channel, now.line, too_many_ends());
        };
        self.on(now, (old, entry), Op::Dup { new: end }, Some(Answer::Done));
        self.tables.of(now.call.process).insert(new, made);
        if close_on_exec {
            self.on(now, (new, made), Op::SetCloseOnExec(true), Some(Answer::Done));
        }
    }

    pub(super) fn controls(&mut self, now: Now<'_>) {
        let call = now.call;
        let Some(here @ (number, entry)) = self.descriptor(now, 0) else {
            return self.prepares(now);
        };
        if is_lock(call) {
            return self.locks(now);
        }
        let what = call.arguments.get(1).map(String::as_str).unwrap_or_default();
        let Some(value) = call.value() else { return };
        let is_file = self.found[entry.channel].is_file();
        match what {
            "F_SETFL" | "FIONBIO" | "FIONREAD" if is_file => {}
            "F_DUPFD" => self.copies(now, (number, value), false),
            "F_DUPFD_CLOEXEC" => self.copies(now, (number, value), true),
            "F_SETFD" => self.sets_close_on_exec(now, number, call.has_flag(2, "FD_CLOEXEC")),
            "FIOCLEX" => self.sets_close_on_exec(now, number, true),
            "FIONCLEX" => self.sets_close_on_exec(now, number, false),
            "F_SETFL" | "FIONBIO" if self.found[here.1.channel].is_opened_again => {
                self.gives_up_on(now, 0, "changes one of several descriptions of an end");
            }
            "F_SETFL" => {
                let on = call.has_flag(2, "O_NONBLOCK");
                self.on(now, here, Op::SetNonblock(on), Some(Answer::Done));
            }
            "FIONBIO" => {
                let on = told(call) == Some(1);
                self.on(now, here, Op::SetNonblock(on), Some(Answer::Done));
            }
            "FIONREAD" => {
                if let Some(bytes) = told(call) {
                    self.on(now, here, Op::Available, Some(Answer::Count(bytes)));
                }
            }
            "F_SETPIPE_SZ" => {
                let bytes = call.number(2).and_then(|bytes| u32::try_from(bytes).ok());
                let counted = u32::try_from(value).ok().map(Answer::Count);
                if let (Some(bytes), Some(answer)) = (bytes, counted) {
                    self.on(now, here, Op::SetCapacity { bytes }, Some(answer));
                }
            }
            _ => {}
        }
    }
}

fn unheard(child: u32) -> String {
    format!("{child} has it, too, and no line of the log is of {child}; strace -f follows children")
}

/// The number that an `ioctl(2)` is given or tells, as `[1]`.
fn told(call: &Call) -> Option<u32> {
    call.arguments.get(2)?.trim_matches(['[', ']']).parse().ok()
}
