//! Message queues in a log.
//!
//! A queue of the specification takes messages of up to 64 bytes. Lengths of other queues are told as far as that goes: longer
//! messages as 64, too long ones as 65, and a buffer that is too short as 63.

use pipewright_model::call::{self, Answer, End, Op};
use pipewright_model::kind::{MESSAGE_BYTES, MESSAGE_QUEUE};
use pipewright_model::run::{Run, Setup};

use super::calls::{Call, Outcome};
use super::channels::{Channels, Now};
use super::found::Found;
use super::transfers::failed;

/// What a queue has where nobody says otherwise (mq_overview(7)).
const MESSAGES: i64 = 10;
const BYTES: i64 = 8192;

/// The name of a queue, as no path is.
pub(super) fn queue(call: &Call) -> Option<String> {
    let name = call.arguments.first()?.strip_prefix('"')?.strip_suffix('"')?;
    Some(format!("queue {}", name.trim_start_matches('/')))
}

impl Channels {
    /// `mq_open` succeeds, of a queue that nobody has opened before: what it holds is known only if it is new.
    pub(super) fn makes_queue(&mut self, now: Now<'_>) {
        let call = now.call;
        let Some(key) = queue(call).filter(|key| !self.paths.contains_key(key)) else { return };
        let number = |word: &str, otherwise| {
            let told = call.arguments.get(3).and_then(|told| told.split_once(word));
            let digits = told.map(|(_, rest)| rest.split([',', '}']).next().unwrap_or_default());
            digits.and_then(|digits| digits.parse().ok()).unwrap_or(otherwise)
        };
        let mut setup = Setup::new(&MESSAGE_QUEUE);
        let messages = u32::try_from(number("mq_maxmsg=", MESSAGES)).unwrap_or(1);
        setup.capacity_bytes = messages.saturating_mul(MESSAGE_BYTES);
        let name = format!("message-{key}, opened at line {}", now.line);
        let mut found = Found::named(name, Run::new(setup, Vec::new(), Vec::new()));
        found.message_bytes = number("mq_msgsize=", BYTES);
        let is_new = call.has_anywhere("O_CREAT")
            && (call.has_anywhere("O_EXCL") || self.gone.contains(&key));
        if !is_new {
            found.unjudged = Some((now.line, "it may have been there before".to_owned()));
        }
        self.paths.insert(key, self.found.len());
        self.found.push(found);
    }

    pub(super) fn removes_queue(&mut self, now: Now<'_>) {
        let Some(key) = queue(now.call) else { return };
        if let Some(channel) = self.paths.remove(&key).filter(|_| now.call.value() == Some(0)) {
            self.loses_its_name(now, channel);
        }
        self.gone.insert(key);
    }

    /// The name leads to it no more.
    pub(super) fn loses_its_name(&mut self, now: Now<'_>, channel: usize) {
        self.found[channel].is_named = false;
        if self.found[channel].is_file() || self.found[channel].run.end_names.is_empty() {
            return;
        }
        if let Some(actor) = self.actor(channel, now.call.process, now.line) {
            self.is_over(channel, call::Call { actor, end: End(0), op: Op::Unlink }, now.line);
        }
    }

    pub(super) fn sends_or_takes_a_message(&mut self, now: Now<'_>) {
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return };
        let call = now.call;
        let sends = call.name.contains("send");
        let timed = call.arguments.get(4).is_some_and(|time| time != "NULL");
        let longest = self.found[entry.channel].message_bytes;
        let Some(len) = call.number(2) else {
            return self.gives_up_on(now, 0, "has no length");
        };
        if call.outcome == Outcome::Error("ETIMEDOUT".to_owned()) {
            return;
        }
        if timed && call.outcome == Outcome::None {
            return self.gives_up_on(now, 0, "waits with a time-out");
        }
        let priority = call.arguments.get(3).map(|told| told.trim_matches(['[', ']']));
        if call.value().is_some() && !matches!(priority, Some("0" | "NULL")) {
            return self.gives_up_on(now, 0, "has a priority");
        }
        let whole = i64::from(MESSAGE_BYTES);
        let told = match sends {
            true if len > longest => whole + 1,
            true => len.min(whole),
            false if len < longest => len.min(whole - 1),
            false => whole,
        };
        let told = u32::try_from(told).unwrap_or(0);
        let answer = match &call.outcome {
            Outcome::Value(_) if sends => Some(Answer::Count(told)),
            Outcome::Value(count) => {
                Some(Answer::Count(u32::try_from((*count).min(whole)).unwrap_or(0)))
            }
            Outcome::Error(name) => match failed(name) {
                Some(answer) => Some(answer),
                None => return self.gives_up_on(now, 0, "fails with what no run tells of"),
            },
            Outcome::None => None,
        };
        let op = if sends { Op::Write { len: told } } else { Op::Read { len: told } };
        self.on(now, here, op, answer);
    }

    /// `mq_getsetattr` where it sets: of its flags only O_NONBLOCK matters.
    pub(super) fn sets_attributes(&mut self, now: Now<'_>) {
        let Some(here) = self.descriptor(now, 0) else { return };
        let told = now.call.arguments.get(1).filter(|told| *told != "NULL");
        if let Some(told) = told.filter(|_| now.call.value() == Some(0)) {
            let on = told.contains("O_NONBLOCK");
            self.on(now, here, Op::SetNonblock(on), Some(Answer::Done));
        }
    }
}
