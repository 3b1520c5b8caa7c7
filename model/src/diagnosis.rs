//! What a deviation means, in the words of the field, and which rule is broken on the side that broke it.
//!
//! It judges nothing: that an event is not allowed is known, and so is what was allowed instead. Where a read shows
//! that a write was torn, the rule broken is the one that answered the write.

mod fault;
mod history;
mod stopped;

use std::fmt;

use crate::call::{Actor, Answer, Call, Errno, Events, Op, Reply};
use crate::data::{ANY, Data, Segment, Segments};
use crate::index::RuleIndex;
use crate::oracle::{Allowed, Deviation, Judgement};
use crate::rule::{Force, Rule};
use crate::rules::{RULES, by_id};
use crate::run::{Event, Run};
use crate::text::{reply as words_of, words};

pub use fault::Fault;
use history::{History, is_consumed, is_of_messages};
use stopped::{holder, stopping};

/// What a deviation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong.
    pub fault: Fault,
    /// The same of this run, in one clause.
    pub says: String,
    /// The rule that is broken; `None` where nothing was allowed.
    pub broken: Option<RuleIndex>,
}

/// The fault, what it is in this run, and the rule that is broken:
/// ``lost wake-up: reader sleeps in `read 5`, which must return 0 (broken: stream.read.no-writer)``.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault, self.says)?;
        match self.broken() {
            Some(rule) => write!(f, " (broken: {})", rule.id),
            None => Ok(()),
        }
    }
}

impl Diagnosis {
    /// The rule that is broken.
    pub fn broken(&self) -> Option<&'static Rule> {
        self.broken.map(|rule| RULES[usize::from(rule)])
    }
}

/// Says what a deviation of a judged run means.
pub fn diagnose(run: &Run, judgement: &Judgement, deviation: &Deviation) -> Diagnosis {
    match run.events.get(deviation.event) {
        Some(Event::Return(actor, reply)) => match call_of(run, deviation.event, *actor) {
            Some(call) => At { run, judgement, deviation, actor: *actor, call, reply }.diagnosed(),
            None => sleeping(run, deviation),
        },
        Some(Event::Stops(actor, at)) => stopping(run, deviation, *actor, *at),
        Some(Event::Exits(actor, status)) => {
            let name = run.actor_name(*actor);
            let (says, broken) = match status.signal() {
                Some(signal) => (
                    format!(
                        "{name} is ended by {signal}, which it ignores or catches, or it is stopped"
                    ),
                    "signal.signal.ends",
                ),
                None => (format!("{name} exits, though it is stopped"), "signal.any.stopped"),
            };
            Diagnosis { fault: Fault::Unexplained, says, broken: by_id(broken) }
        }
        Some(Event::Call(call)) => {
            let name = run.actor_name(call.actor);
            let says = format!("{name} has ended, or is stopped, and calls nothing");
            Diagnosis { fault: Fault::Unexplained, says, broken: by_id("process.exit.ended") }
        }
        _ => sleeping(run, deviation),
    }
}

/// The call that returns at this event: its own event, and what it is.
fn call_of(run: &Run, event: usize, actor: Actor) -> Option<(usize, Call)> {
    let before = run.events.iter().enumerate().take(event).rev();
    before.into_iter().find_map(|(index, event)| match event {
        Event::Call(call) if call.actor == actor => Some((index, *call)),
        _ => None,
    })
}

/// Of calls that were seen asleep: one that must return, if one must.
fn sleeping(run: &Run, deviation: &Deviation) -> Diagnosis {
    let sleeps = |actor: &Actor| {
        deviation.allowed.iter().any(|a| matches!(a, Allowed::Sleeps(other, _) if other == actor))
    };
    let mut returns: Vec<_> = deviation
        .allowed
        .iter()
        .filter_map(|allowed| match allowed {
            Allowed::Returns(actor, reply, rule) => Some((*actor, reply, *rule)),
            Allowed::Sleeps(..) => None,
        })
        .collect();
    returns.sort_by_key(|(actor, ..)| sleeps(actor));
    let Some((actor, reply, rule)) = returns.first() else {
        let broken = deviation.allowed.first().map(Allowed::rule);
        return match run.events.get(deviation.event) {
            Some(Event::Quiet(_)) => {
                let says = "calls sleep though something is under way that must arrive".to_owned();
                Diagnosis { fault: Fault::LostWakeUp, says, broken }
            }
            _ => {
                let says = "the rules lead to no such state".to_owned();
                Diagnosis { fault: Fault::Unexplained, says, broken }
            }
        };
    };
    let call = call_of(run, deviation.event, *actor);
    let alone = call.is_some_and(|(index, _)| is_alone_since(run, index, deviation.event));
    let refused = matches!(reply.answer, Answer::Fails(Errno::EAGAIN));
    let fault = if alone || refused { Fault::Blocks } else { Fault::LostWakeUp };
    let called = called(run, call);
    let says = format!(
        "{} sleeps in `{called}`, which must return {}",
        run.actor_name(*actor),
        words_of(run, reply)
    );
    Diagnosis { fault, says, broken: Some(*rule) }
}

/// Whether nobody else did anything between a call and a later event, so that nothing can have woken it.
fn is_alone_since(run: &Run, call: usize, event: usize) -> bool {
    let idle = |event: &Event| matches!(event, Event::Quiet(_));
    let open_before = run.events[..call].iter().fold(Vec::new(), |mut open, event| {
        match event {
            Event::Call(call) => open.push(call.actor),
            Event::Return(actor, _) => open.retain(|other| other != actor),
            _ => {}
        }
        open
    });
    open_before.is_empty() && run.events[call + 1..event].iter().all(idle)
}

/// A call in the words of its line.
fn called(run: &Run, call: Option<(usize, Call)>) -> String {
    let spelt = call.and_then(|(index, _)| words(run).into_iter().nth(index));
    spelt.unwrap_or_default()
}

/// A return that is not allowed.
struct At<'a> {
    run: &'a Run,
    judgement: &'a Judgement,
    deviation: &'a Deviation,
    actor: Actor,
    call: (usize, Call),
    reply: &'a Reply,
}

impl At<'_> {
    fn op(&self) -> Op {
        self.call.1.op
    }

    /// The replies allowed, each with its rule.
    fn replies(&self) -> impl Iterator<Item = (&Reply, RuleIndex)> {
        self.deviation.allowed.iter().filter_map(|allowed| match allowed {
            Allowed::Returns(_, reply, rule) => Some((reply, *rule)),
            Allowed::Sleeps(..) => None,
        })
    }

    /// The first allowed reply that is so.
    fn allowed(&self, is: impl Fn(&Reply) -> bool) -> Option<(&Reply, RuleIndex)> {
        self.replies().find(|(reply, _)| is(reply))
    }

    fn told(&self, fault: Fault, broken: Option<RuleIndex>, says: impl Into<String>) -> Diagnosis {
        let any = self.deviation.allowed.first().map(Allowed::rule);
        Diagnosis { fault, says: says.into(), broken: broken.or(any) }
    }

    fn is_read(&self) -> bool {
        self.op().asks().is_some_and(|len| len > 0)
    }

    fn diagnosed(&self) -> Diagnosis {
        let answer = self.reply.answer;
        let name = self.run.actor_name(self.actor);
        if let Some(holds) = holder(self.run, self.deviation)
            && self.replies().next().is_none()
        {
            let says = format!("{name} gets {}, though it needs {holds}", self.reply);
            return self.told(Fault::ReturnsTooEarly, None, says);
        }
        if let Some((other, rule)) = self.allowed(|other| other.answer == answer)
            && other.signal != self.reply.signal
        {
            return match other.signal {
                Some(signal) => self.told(
                    Fault::SignalMissing,
                    Some(rule),
                    format!("{name} is not sent {signal}"),
                ),
                None => self.told(
                    Fault::SignalUnexpected,
                    Some(rule),
                    format!("{name} is sent a signal without cause"),
                ),
            };
        }
        let marked =
            |reply: &Reply| reply.answer.count() == answer.count() && answer.count().is_some();
        if let Some((reply, rule)) = self.allowed(marked)
            && self.allowed(|reply| reply.answer == answer).is_none()
        {
            let says = format!("{name} gets {}, not {}", self.text(self.reply), self.text(reply));
            return self.told(Fault::WrongValue, Some(rule), says);
        }
        match answer {
            Answer::Fails(_) => self.fails(),
            Answer::Ready(events) => self.ready(events),
            Answer::Polled(_) | Answer::Told(_) => self.ready(Events::NONE),
            Answer::Count(_) if self.op() == Op::Take => self.returns(),
            Answer::Count(0)
                if self.is_read() && self.allowed(|r| r.answer == answer).is_none() =>
            {
                self.ends()
            }
            Answer::Count(count) | Answer::Marked(count, _) => self.counts(count),
            Answer::Done | Answer::Value(_) => self.returns(),
        }
    }

    fn fails(&self) -> Diagnosis {
        let (name, seen) = (self.run.actor_name(self.actor), self.text(self.reply));
        let ends = |reply: &Reply| self.is_read() && reply.answer == Answer::Count(0);
        if let Some((_, rule)) = self.allowed(ends)
            && self.replies().all(|(reply, _)| ends(reply))
        {
            let says = format!("{name} gets {seen}, though nothing can come any more");
            return self.told(Fault::EndTooLate, Some(rule), says);
        }
        match self.replies().next() {
            None => self.sleeps_instead(),
            Some((reply, rule)) if matches!(reply.answer, Answer::Fails(_)) => {
                let rule = self.foremost().unwrap_or(rule);
                let due = self.due().unwrap_or_else(|| reply.to_string());
                self.told(Fault::WrongError, Some(rule), format!("{name} gets {seen}, not {due}"))
            }
            Some((reply, rule)) => {
                let due = self.text(reply);
                let says = format!("{name} gets {seen}, though the call must return {due}");
                self.told(Fault::UnexpectedError, Some(rule), says)
            }
        }
    }

    /// A reply as the run writes it.
    fn text(&self, reply: &Reply) -> String {
        words_of(self.run, reply)
    }

    /// The rule that the standard puts before others, of those that give an error.
    fn foremost(&self) -> Option<RuleIndex> {
        let must = |rule: &RuleIndex| RULES[usize::from(*rule)].force == Force::Must;
        self.replies().map(|(_, rule)| rule).find(must)
    }

    /// The errors of which any may be told, where there are several and few.
    fn due(&self) -> Option<String> {
        const TOLD_MAX: usize = 4;
        let mut errors: Vec<String> = self.replies().map(|(reply, _)| reply.to_string()).collect();
        errors.sort_unstable();
        errors.dedup();
        let last = errors.pop().filter(|_| (1..TOLD_MAX).contains(&errors.len()))?;
        Some(format!("{} or {last}", errors.join(", ")))
    }

    fn sleeps_instead(&self) -> Diagnosis {
        let (name, seen) = (self.run.actor_name(self.actor), self.text(self.reply));
        if self.deviation.allowed.is_empty() {
            let says = format!("{name} gets {seen}, and no rule says what else");
            return self.told(Fault::Unexplained, None, says);
        }
        let why = self.held_up().unwrap_or("it must wait");
        self.told(Fault::ReturnsTooEarly, None, format!("{name} gets {seen}, though {why}"))
    }

    /// Why the actor makes no progress whatever is in the channel, if so.
    fn held_up(&self) -> Option<&'static str> {
        let sleeps_by = |id| self.deviation.allowed.iter().any(|a| by_id(id) == Some(a.rule()));
        match () {
            () if sleeps_by("process.exit.ended") => Some("its process has ended"),
            () if sleeps_by("signal.any.stopped") => Some("its process is stopped"),
            () => None,
        }
    }

    fn ready(&self, seen: Events) -> Diagnosis {
        let name = self.run.actor_name(self.actor);
        let sets = self.replies().filter_map(|(reply, rule)| match reply.answer {
            Answer::Ready(events) => Some((events, rule)),
            _ => None,
        });
        let sets: Vec<_> = sets.collect();
        if sets.is_empty() && self.replies().next().is_some() {
            return self.returns();
        }
        let all = sets.iter().fold(Events::NONE, |all, (events, _)| all.union(*events));
        let extra = Events(seen.0 & !all.0);
        let rule = sets.first().map(|(_, rule)| *rule);
        if !extra.is_empty() || sets.is_empty() {
            let what = if extra.is_empty() { seen } else { extra };
            return self.told(
                Fault::ReadyThough,
                rule,
                format!("{name} is told {what}, which is not so"),
            );
        }
        let missing = Events(all.0 & !seen.0);
        self.told(Fault::NotReady, rule, format!("{name} is not told {missing}"))
    }

    fn ends(&self) -> Diagnosis {
        let name = self.run.actor_name(self.actor);
        match self.replies().next() {
            Some((reply, rule)) if reply.answer.count().is_some() => {
                let says = format!("{name} is told the end, though there are bytes to read");
                self.told(Fault::EndTooEarly, Some(rule), says)
            }
            Some((reply, rule)) if reply.answer != Answer::Fails(Errno::EAGAIN) => {
                let says = format!("{name} is told the end, and not {reply}");
                self.told(Fault::MissingError, Some(rule), says)
            }
            _ => {
                let says = format!("{name} is told the end, though more can come");
                self.told(Fault::EndTooEarly, None, says)
            }
        }
    }

    /// A call that counts nothing.
    fn returns(&self) -> Diagnosis {
        let (name, seen) = (self.run.actor_name(self.actor), self.text(self.reply));
        match self.replies().next() {
            None => self.sleeps_instead(),
            Some((reply, rule)) if matches!(reply.answer, Answer::Fails(_)) => {
                let says = format!("{name} gets {seen}, though the call must fail with {reply}");
                self.told(Fault::MissingError, Some(rule), says)
            }
            Some((reply, rule)) => {
                let says = format!("{name} gets {seen}, not {}", self.text(reply));
                self.told(Fault::WrongValue, Some(rule), says)
            }
        }
    }

    fn counts(&self, count: u32) -> Diagnosis {
        if self.is_read()
            && let Some(told) = self.bytes()
        {
            return told;
        }
        let (name, seen) = (self.run.actor_name(self.actor), self.text(self.reply));
        let Some((reply, rule)) = self.allowed(|reply| reply.answer.count().is_some()) else {
            return match self.replies().next() {
                None if self.is_read() && self.held_up().is_none() => {
                    let bytes = if count == 1 { "byte" } else { "bytes" };
                    let says = format!("{name} gets {seen} {bytes} where there are none");
                    self.told(Fault::Invented, None, says)
                }
                _ => self.returns(),
            };
        };
        let moves_bytes = self.op().offers().or(self.op().asks()).is_some();
        let fault = if moves_bytes { Fault::WrongCount } else { Fault::WrongValue };
        let most = self.replies().filter_map(|(reply, _)| reply.answer.count()).max();
        let says = match most {
            Some(most) if count > most => {
                format!("{name} gets {count}, and {most} at most are possible")
            }
            _ => format!("{name} gets {seen}, not {reply}"),
        };
        self.told(fault, Some(rule), says)
    }

    /// What is wrong with the bytes that a read gave, as far as their names tell.
    fn bytes(&self) -> Option<Diagnosis> {
        let name = self.run.actor_name(self.actor);
        let history = History::before(self.run, self.deviation.event);
        let expected = self.allowed(|reply| reply.answer == self.reply.answer);
        let rule = expected.or_else(|| self.allowed(|r| r.answer.count().is_some())).map(|e| e.1);
        let names: Segments = match &self.reply.data {
            Data::Unknown => return None,
            Data::Named(names) => names.clone(),
            Data::Bytes(bytes) => match history.streams.sure_names(bytes) {
                Some(names) => names,
                None if history.streams.names(bytes).is_some() => {
                    let says = format!("{name} is given other bytes than are due");
                    return Some(self.told(Fault::Stale, rule, says));
                }
                None => {
                    let says = format!("{name} is given bytes that nobody wrote");
                    return Some(self.told(Fault::Invented, rule, says));
                }
            },
        };
        let range =
            |s: &Segment| format!("{}[{}..{}]", self.run.actor_name(s.actor), s.from, s.to());
        if let Some(odd) = names.iter().find(|segment| history.is_invented(self.run, segment)) {
            let says = format!("{name} is given {}, which nobody wrote", range(odd));
            return Some(self.told(Fault::Invented, rule, says));
        }
        if is_of_messages(self.run) && history.messages_in(&names) > 1 && expected.is_none() {
            let says = format!("{name} is given several messages as one");
            return Some(self.told(Fault::Merged, rule, says));
        }
        let none_there = rule.is_none() && names.iter().any(|segment| segment.actor == ANY);
        if none_there && is_consumed(self.run) {
            let says = format!("{name} is given bytes where there are none");
            return Some(self.told(Fault::Invented, None, says));
        }
        if let Some(told) = self.not_there_yet(&history, &names, rule) {
            return Some(told);
        }
        if let Some((write, cut)) = history.torn(self.run, &names) {
            let (from, writer) =
                (Segment { ..write.bytes }, self.run.actor_name(write.bytes.actor));
            let says = format!(
                "the write {} of {writer} is cut after {} bytes by others",
                range(&from),
                cut - from.from
            );
            let by = write.returned.and_then(|event| self.judgement.explained.get(event).copied());
            return Some(self.told(Fault::Torn, by.flatten().or(rule), says));
        }
        if !is_consumed(self.run) {
            let differs = expected.is_some();
            return differs.then(|| {
                let says = format!("{name} is given other bytes than stand there");
                self.told(Fault::Stale, rule, says)
            });
        }
        if let Some(twice) = names.iter().find_map(|segment| history.taken_before(segment)) {
            let says = format!("{name} is given {} again", range(&twice));
            return Some(self.told(Fault::Duplicated, rule, says));
        }
        let (fault, skipped) = history.skipped(&names)?;
        let says = match fault {
            Fault::Lost => format!("{} is passed over", range(&skipped)),
            _ => format!("{name} is given {} out of order", range(&skipped)),
        };
        Some(self.told(fault, rule, says))
    }
}
