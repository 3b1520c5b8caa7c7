//! Files with locks in a log: who locks which, and who waits. What the files hold is not looked at.

use pipewright_model::call::{Answer, End, Lock, Op};
use pipewright_model::kind::{Hold, LOCKED_FILE};
use pipewright_model::run::{Form, Name, Run, Seat, Setup};

use super::calls::Outcome;
use super::channels::{Channels, Now};
use super::fcntl::{by_fcntl, is_whole};
use super::found::Found;
use super::stops::NOBODY;
use super::transfers::failed;

impl Channels {
    /// A file is opened that nobody has opened before. Others that no line is of may have it open, by this name or another.
    pub(super) fn makes_file(&mut self, now: Now<'_>, path: &str) {
        let call = now.call;
        let other =
            ["O_DIRECTORY", "O_PATH", "O_TMPFILE"].iter().any(|flag| call.has_anywhere(flag));
        let is_made_up = ["/dev/", "/proc/", "/sys/"].iter().any(|place| path.starts_with(place));
        let known = self.paths.contains_key(path);
        if !self.follows_files || call.value().is_none() || other || is_made_up || known {
            return;
        }
        let (Some(outside), Some(end)) = (Name::new("others"), Name::new("rw")) else { return };
        let seat = Seat { form: Form::Outsider, ..Seat::new(outside, vec![(End(0), Hold::BOTH)]) };
        let run = Run::new(Setup::new(&LOCKED_FILE), vec![seat], vec![end]);
        let name = format!("file {path}, opened at line {}", now.line);
        self.paths.insert(path.to_owned(), self.found.len());
        self.found.push(Found { threads: vec![NOBODY], ..Found::named(name, run) });
    }

    /// `flock(2)`, and `fcntl(2)` where it locks.
    pub(super) fn locks(&mut self, now: Now<'_>) {
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return };
        let call = now.call;
        let flag = |flag| call.has_anywhere(flag);
        let lock = match () {
            () if flag("LOCK_SH") || flag("F_RDLCK") => Lock::Shared,
            () if flag("LOCK_EX") || flag("F_WRLCK") => Lock::Exclusive,
            () => Lock::None,
        };
        let op = match by_fcntl(call) {
            Some(_) if !is_whole(call) => {
                return self.give_up(entry.channel, now.line, "a part of it is locked".to_owned());
            }
            Some((true, wait)) => Op::ProcessLock { lock, wait },
            Some((false, wait)) => Op::Lock { lock, wait },
            None => Op::Flock { lock, wait: !flag("LOCK_NB") },
        };
        let answer = match &call.outcome {
            Outcome::Value(_) => Some(Answer::Done),
            Outcome::Error(name) => failed(name),
            Outcome::None => None,
        };
        if answer.is_some() || call.outcome == Outcome::None {
            self.on(now, here, op, answer);
        }
    }
}
