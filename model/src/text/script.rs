//! Prints systems, in the one form that reads back as the same system.

use std::fmt::{self, Write as _};

use crate::call::{Actor, Call, Op};
use crate::ends::OpenEnds;
use crate::run::{Form, Run};
use crate::script::{
    Bytes, Called, ChannelIs, Claim, Claimed, Clause, Compare, Does, Fairness, Family, Given, Got,
    Predicate, Script, Seen, Statement, Verb, Who,
};

use super::parse::script::follow;
use super::{calls, print};

/// What is said of a system goes on in the next line from this column on.
const WIDTH: usize = 100;

impl fmt::Display for Script {
    /// The canonical text, a line break after each line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.preamble {
            writeln!(f, "{}", format!("# {line}").trim_end())?;
        }
        writeln!(f, "system {}", self.name)?;
        f.write_str(&says(&self.says))?;
        if self.about != Family::Own {
            writeln!(f, "about {}", self.about)?;
        }
        if self.bounded {
            writeln!(f, "bounded")?;
        }
        writeln!(f)?;
        f.write_str(&print::channels(&self.cast))?;
        let mut ends = OpenEnds::at_start(&self.cast.seats);
        for (index, body) in self.programs.iter().enumerate() {
            let seat = &self.cast.seats[index];
            let word = match seat.form {
                Form::Actor => format!("actor {}", seat.name),
                Form::Thread(of) => format!("thread {} of {}", seat.name, self.cast.actor_name(of)),
                _ => format!("process {}", seat.name),
            };
            writeln!(f, "\n{word}{}", print::held(&self.cast, seat))?;
            let mut text = String::new();
            Programs { cast: &self.cast, ends: &mut ends, text: &mut text }.block(body, 1);
            f.write_str(&text)?;
        }
        if !self.claims.is_empty() {
            writeln!(f)?;
        }
        for claim in &self.claims {
            let expected = if claim.broken { "expect broken " } else { "" };
            writeln!(f, "{expected}{}", self.claimed(claim))?;
        }
        Ok(())
    }
}

/// The lines that say what a system is.
fn says(text: &str) -> String {
    let mut lines = String::new();
    let mut line = "says".to_owned();
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() >= WIDTH {
            lines += &line;
            lines.push('\n');
            line = "    ".to_owned();
        }
        line.push(' ');
        line += word;
    }
    if !text.is_empty() {
        lines += &line;
        lines.push('\n');
    }
    lines
}

/// Prints programs, which tell from the top which ends need no name.
struct Programs<'a> {
    cast: &'a Run,
    ends: &'a mut OpenEnds,
    text: &'a mut String,
}

impl Programs<'_> {
    fn block(&mut self, body: &[Statement], depth: usize) {
        for statement in body {
            self.statement(statement, depth);
        }
    }

    fn line(&mut self, depth: usize, words: &str) {
        // Writing to a string never fails.
        let _ = writeln!(self.text, "{:indent$}{words}", "", indent = 2 * depth);
    }

    fn statement(&mut self, statement: &Statement, depth: usize) {
        match statement {
            Statement::Loop(body) => self.with("loop", body, depth),
            Statement::Repeat(times, body) => self.with(&format!("repeat {times}"), body, depth),
            Statement::On(arms, otherwise) => {
                for (seen, body) in arms {
                    self.with(&format!("on {}", self.seen(*seen)), body, depth);
                }
                if !otherwise.is_empty() {
                    self.with("otherwise", otherwise, depth);
                }
            }
            Statement::Choose(bodies) => {
                for (index, body) in bodies.iter().enumerate() {
                    self.with(if index == 0 { "choose" } else { "or" }, body, depth);
                }
            }
            simple => {
                let words = self.simple(simple);
                self.line(depth, &words);
            }
        }
    }

    /// Prints what belongs to a line: behind it, if it is one simple statement.
    fn with(&mut self, head: &str, body: &[Statement], depth: usize) {
        match body {
            [one] if is_simple(one) && !head.starts_with("loop") => {
                let words = self.simple(one);
                self.line(depth, &format!("{head} {words}"));
            }
            _ => {
                self.line(depth, head);
                self.block(body, depth + 1);
            }
        }
    }

    fn simple(&mut self, statement: &Statement) -> String {
        let name = |actor: Actor| self.cast.actor_name(actor);
        match statement {
            Statement::Call(call) => self.call(call),
            Statement::Leave => "leave".into(),
            Statement::Until(other) => format!("wait until {} has ended", name(*other)),
            Statement::Exit(status) => format!("exit{}", calls::ended(*status)),
            Statement::Kill(other) => format!("kill {}", name(*other)),
            _ => "stay".into(),
        }
    }

    fn call(&mut self, call: &Call) -> String {
        let end = match self.ends.of(call.actor).only() {
            Some(end) if end == call.end => String::new(),
            _ => format!(" {}", self.cast.end_name(call.end)),
        };
        let words = calls::print(self.cast, call, &end);
        follow(self.ends, call);
        words
    }

    fn seen(&self, seen: Seen) -> String {
        match seen {
            Seen::Count(count) => count.to_string(),
            Seen::Less(count) => format!("less than {count}"),
            Seen::Fails(errno) => errno.to_string(),
            Seen::Error => "an error".into(),
            Seen::Ready(events) => events.to_string(),
            Seen::Written => "bytes".into(),
            Seen::Of(actor) => format!("bytes of {}", self.cast.actor_name(actor)),
            Seen::Done => "ok".into(),
        }
    }
}

fn is_simple(statement: &Statement) -> bool {
    !matches!(
        statement,
        Statement::Loop(_) | Statement::Repeat(..) | Statement::On(..) | Statement::Choose(_)
    )
}

impl Script {
    /// A claim as it is written, without what is expected of it.
    pub fn claimed(&self, claim: &Claim) -> String {
        let when = |when: &Option<Predicate>| match when {
            Some(when) => format!(" when {}", self.predicate(when)),
            None => String::new(),
        };
        let under = |fairness: &Fairness| match fairness {
            Fairness::Fair => "",
            Fairness::Unfair => " under unfair scheduling",
        };
        match &claim.what {
            Claimed::NeverDeadlock => "never deadlock".into(),
            Claimed::Always(what, limit) => {
                format!("always {}{}", self.predicate(what), when(limit))
            }
            Claimed::Never(what, limit) => format!("never {}{}", self.predicate(what), when(limit)),
            Claimed::Possible(what, limit) => {
                format!("possible {}{}", self.predicate(what), when(limit))
            }
            Claimed::Eventually(goal, fairness) => {
                format!("eventually {}{}", self.predicate(goal), under(fairness))
            }
            Claimed::LeadsTo(after, goal, fairness) => {
                let (after, goal) = (self.predicate(after), self.predicate(goal));
                format!("{after} leads to {goal}{}", under(fairness))
            }
        }
    }

    /// A predicate as it is written.
    pub fn predicate(&self, predicate: &Predicate) -> String {
        let within = |inner: &Predicate, bare: bool| match inner {
            Predicate::Or(_) => format!("({})", self.predicate(inner)),
            Predicate::And(_) if !bare => format!("({})", self.predicate(inner)),
            _ => self.predicate(inner),
        };
        let joined = |all: &[Predicate], by: &str, bare: bool| {
            let all: Vec<String> = all.iter().map(|inner| within(inner, bare)).collect();
            all.join(by)
        };
        match predicate {
            Predicate::Not(inner) => format!("not {}", within(inner, false)),
            Predicate::And(all) => joined(all, " and ", false),
            Predicate::Or(all) => joined(all, " or ", true),
            Predicate::Processes(clause) => self.clause(clause),
            Predicate::Channel(channel, what) => {
                let name = Script::channel_name(&self.cast.channels[*channel]);
                format!("{name} {}", of_channel(*what))
            }
        }
    }

    fn clause(&self, clause: &Clause) -> String {
        let name = |actor: &Actor| self.cast.actor_name(*actor).to_owned();
        let (who, many) = match &clause.who {
            Who::All => ("all".to_owned(), true),
            Who::Nobody => ("nobody".to_owned(), false),
            Who::Somebody => ("somebody".to_owned(), false),
            Who::These(these) => match these.as_slice() {
                [all @ .., last] if !all.is_empty() => {
                    let all: Vec<String> = all.iter().map(name).collect();
                    (format!("{} and {}", all.join(", "), name(last)), true)
                }
                one => (one.iter().map(name).collect(), false),
            },
        };
        let does: Vec<String> = clause.does.iter().map(|verb| self.verb(verb, many)).collect();
        format!("{who} {}", does.join(" and "))
    }

    fn verb(&self, verb: &Verb, many: bool) -> String {
        let has = if many { "have" } else { "has" };
        let is = if many { "are" } else { "is" };
        let not = if verb.not { " not" } else { "" };
        // "waits", "wait", "does not wait" or "do not wait".
        let plain = |word: &str| match (verb.not, many) {
            (true, true) => format!("do not {word}"),
            (true, false) => format!("does not {word}"),
            (false, true) => word.to_owned(),
            (false, false) => format!("{word}s"),
        };
        match &verb.does {
            Does::Ended(None) => format!("{has}{not} ended"),
            Does::Ended(Some(status)) => {
                let how = calls::ended(*status);
                format!("{has}{not} ended with{}", if how.is_empty() { " 0" } else { &how })
            }
            Does::Done => format!("{is}{not} done"),
            Does::Read { last, what } => {
                let last = if *last { " last" } else { "" };
                format!("{has}{not}{last} read {}", self.given(what))
            }
            Does::In(called) => format!("{is}{not} in {}", call_words(*called)),
            Does::Waits(called) => format!("{} in {}", plain("wait"), call_words(*called)),
            Does::Sleeps(called) => format!("{} in {}", plain("sleep"), call_words(*called)),
            Does::Gets(got, called) => {
                let got = match got {
                    Got::Something => "an answer".to_owned(),
                    Got::Answer { other, answer } => format!("{}{answer}", other_than(*other)),
                    Got::Data(given) => self.given(given),
                };
                let from = match *called {
                    Called::ANY => String::new(),
                    called => format!(" from {}", call_words(called)),
                };
                format!("{} {got}{from}", plain("get"))
            }
            Does::Holds(Some(end)) => format!("{} {}", plain("hold"), self.cast.end_name(*end)),
            Does::Holds(None) => {
                let hold = if many { "hold" } else { "holds" };
                format!("{hold} {} end", if verb.not { "no" } else { "an" })
            }
        }
    }

    fn given(&self, given: &Given) -> String {
        let name = |actor: Actor| self.cast.actor_name(actor);
        let what = match &given.what {
            Bytes::Some => "bytes".into(),
            Bytes::Of(actor) => format!("bytes of {}", name(*actor)),
            Bytes::Own => "own bytes".into(),
            Bytes::Zeros => "zeros".into(),
            Bytes::Exactly(segments) => {
                let segment =
                    |s: &crate::data::Segment| format!("{}[{}..{}]", name(s.actor), s.from, s.to());
                segments.iter().map(segment).collect::<Vec<_>>().join(" ")
            }
            Bytes::Length(Compare::Exactly, 0) => "nothing".into(),
            Bytes::Length(how, number) => compared(*how, *number),
            Bytes::Pieces(how, number) => format!("{} pieces", compared(*how, *number)),
            Bytes::First(actor) => format!("the first bytes of {}", name(*actor)),
            Bytes::Next(actor) => format!("the next bytes of {}", name(*actor)),
            Bytes::Whole(bytes) => format!("a whole value of {bytes}"),
            Bytes::Held(channel) => {
                format!("what {} holds", Script::channel_name(&self.cast.channels[*channel]))
            }
        };
        format!("{}{what}", other_than(given.other))
    }
}

fn other_than(other: bool) -> &'static str {
    if other { "other than " } else { "" }
}

fn compared(how: Compare, number: u32) -> String {
    match how {
        Compare::Exactly => number.to_string(),
        Compare::AtLeast => format!("at least {number}"),
        Compare::AtMost => format!("at most {number}"),
    }
}

fn call_words(called: Called) -> String {
    let word = called.kind.and_then(|kind| Op::WORDS.get(kind)).copied();
    let bytes = called.bytes.map_or(String::new(), |bytes| format!(" {bytes}"));
    match word {
        Some(word) => format!("{word}{bytes}"),
        None => "a call".into(),
    }
}

fn of_channel(what: ChannelIs) -> String {
    let there = |there: bool| if there { "a" } else { "no" };
    match what {
        ChannelIs::Holds(how, number) => format!("holds {}", compared(how, number)),
        ChannelIs::Empty(true) => "is empty".into(),
        ChannelIs::Empty(false) => "is not empty".into(),
        ChannelIs::Writer(any) => format!("has {} writer", there(any)),
        ChannelIs::Reader(any) => format!("has {} reader", there(any)),
        ChannelIs::Pieces(how, number) => format!("is in {} pieces", compared(how, number)),
        ChannelIs::Locked(how, number) => format!("is locked by {}", compared(how, number)),
    }
}
