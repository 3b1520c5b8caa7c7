//! Parses programs: what each process of a system does, statement by statement.

use crate::call::{Actor, Call, End, Op, Termination};
use crate::run::Event;
use crate::script::{Seen, Statement};

use super::super::super::calls::{self, Names};
use super::super::super::lex::{Fault, Line};
use super::super::super::values::{answer, events};
use super::super::words::exits;
use super::lines::Node;
use super::{Reader, follow};
use crate::call::Answer;

/// Words that statements begin with, besides those of calls.
pub(super) const WORDS: [&str; 10] =
    ["loop", "repeat", "leave", "on", "otherwise", "choose", "or", "exit", "kill", "stay"];

/// Where a statement stands.
#[derive(Clone, Copy)]
struct At {
    actor: Actor,
    /// Within a loop, which can be left.
    in_loop: bool,
    /// Within what is done several times.
    again: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn program(
        &mut self,
        actor: Actor,
        lines: Vec<Node<'t>>,
    ) -> Result<Vec<Statement>, Fault> {
        self.block(At { actor, in_loop: false, again: false }, lines)
    }

    fn block(&mut self, at: At, lines: Vec<Node<'t>>) -> Result<Vec<Statement>, Fault> {
        let mut body: Vec<Statement> = Vec::new();
        // Whether an "or" or "otherwise" may follow.
        let mut goes_on = false;
        for mut node in lines {
            let place = node.line.place();
            let word = node.line.peek().unwrap_or_default();
            let follows_call = matches!(body.last(), Some(Statement::Call(_)));
            match word {
                "loop" => {
                    node.line.bump();
                    let inner = At { in_loop: true, again: true, ..at };
                    body.push(Statement::Loop(self.below(inner, node)?));
                }
                "repeat" => {
                    node.line.bump();
                    let times = node.line.size("how often")?;
                    if times == 0 {
                        return Err(Fault::new(place, "a repeat takes at least one round"));
                    }
                    let inner = At { again: true, ..at };
                    body.push(Statement::Repeat(times, self.below(inner, node)?));
                }
                "on" => {
                    node.line.bump();
                    let seen = self.seen(&mut node.line)?;
                    match body.last_mut() {
                        Some(Statement::On(..)) if goes_on => {}
                        _ if follows_call => body.push(Statement::On(Vec::new(), Vec::new())),
                        _ => {
                            let what =
                                "\"on\" stands right behind the call whose answer it is about";
                            return Err(Fault::new(place, what));
                        }
                    }
                    let arm = self.below(at, node)?;
                    if let Some(Statement::On(arms, _)) = body.last_mut() {
                        arms.push((seen, arm));
                    }
                    goes_on = true;
                    continue;
                }
                "otherwise" => {
                    node.line.bump();
                    let all_else = self.below(at, node)?;
                    match body.last_mut() {
                        Some(Statement::On(_, otherwise)) if goes_on => *otherwise = all_else,
                        _ => {
                            let what =
                                "\"otherwise\" stands right behind what is done \"on\" an answer";
                            return Err(Fault::new(place, what));
                        }
                    }
                }
                "choose" => {
                    node.line.bump();
                    let first = self.below(at, node)?;
                    body.push(Statement::Choose(vec![first]));
                    goes_on = true;
                    continue;
                }
                "or" => {
                    node.line.bump();
                    let next = self.below(at, node)?;
                    match body.last_mut() {
                        Some(Statement::Choose(bodies)) if goes_on => bodies.push(next),
                        _ => {
                            let what =
                                "\"or\" stands right behind \"choose\" and what belongs to it";
                            return Err(Fault::new(place, what));
                        }
                    }
                    continue;
                }
                _ => {
                    let statement = self.simple(at, &mut node.line)?;
                    node.done()?;
                    body.push(statement);
                }
            }
            goes_on = false;
        }
        Ok(body)
    }

    /// Takes what belongs to a line: one statement at its end, or the lines below.
    fn below(&mut self, at: At, mut node: Node<'t>) -> Result<Vec<Statement>, Fault> {
        if node.line.peek().is_some() {
            let statement = self.simple(at, &mut node.line)?;
            node.done()?;
            return Ok(vec![statement]);
        }
        if node.below.is_empty() {
            let fault = node.line.expected("what is done, here or in the lines below, further in");
            return Err(fault);
        }
        self.block(at, node.below)
    }

    /// Takes a statement to which none belongs.
    fn simple(&mut self, at: At, line: &mut Line<'_>) -> Result<Statement, Fault> {
        let place = line.place();
        let word = line.peek().unwrap_or_default();
        if word == "leave" && !at.in_loop {
            return Err(Fault::new(place, "\"leave\" leaves a loop, and there is none around it"));
        }
        if matches!(word, "exit") {
            return Ok(match exits(at.actor, line)? {
                Event::Exits(_, status) => Statement::Exit(status),
                _ => Statement::Exit(Termination::SUCCESS),
            });
        }
        if line.take("leave") {
            return Ok(Statement::Leave);
        }
        if line.take("stay") {
            return Ok(Statement::Stay);
        }
        if line.take("kill") {
            return Ok(Statement::Kill(self.other(at, line)?));
        }
        if word == "wait" && line.ahead(1) == Some("until") {
            line.bump();
            line.bump();
            let other = self.other(at, line)?;
            line.expect("has")?;
            line.expect("ended")?;
            return Ok(Statement::Until(other));
        }
        if !Op::CALLS.contains(&word) {
            line.tries(Op::CALLS.iter().copied().chain(WORDS));
            if self.parser.seats.iter().any(|seat| seat.name.as_str() == word) {
                let what = "a program's lines begin with the call, not with who makes it";
                return Err(Fault::new(place, what));
            }
            let help = format!("besides calls there are {}", WORDS.join(", "));
            return Err(line.expected("a call or another statement").help(help));
        }
        self.made(at, word, line).map(Statement::Call)
    }

    /// Takes a call.
    fn made(&mut self, at: At, word: &str, line: &mut Line<'_>) -> Result<Call, Fault> {
        let place = line.place();
        if matches!(word, "signal" | "sigaction") {
            let what = format!("{word:?} is not a call of systems");
            return Err(
                Fault::new(place, what).help("\"kill NAME\" ends a process, wherever it is")
            );
        }
        let kind = self.parser.channels[0].setup.kind;
        if let Some(what) = kind.has_no_name_for(word).filter(|_| !self.parser.is_named()) {
            return Err(Fault::new(place, what).help(kind.help_without_name(word)));
        }
        line.bump();
        let mut maker = Maker { reader: self, actor: at.actor };
        let (end, op) = calls::parse(word, line, &mut maker)?;
        let call = Call { actor: at.actor, end, op };
        if let Op::Fork { child } = op
            && (at.again || child == at.actor)
        {
            let place = place.start..line.read_to();
            return Err(Fault::new(place, "a process is forked once, by another"));
        }
        if call.ends().next().is_some()
            && let Some(channel) = self.parser.channel_of(end)
            && let kind = self.parser.channels[channel].setup.kind
            && let Some(what) = kind.has_no_name_for(word)
        {
            return Err(Fault::new(place, what).help(kind.help_without_name(word)));
        }
        if let Some("->" | "=>") = line.peek() {
            let fault = Fault::new(line.place(), "the calls of a program stand without replies");
            return Err(fault.help("\"on 0\" in the next line says what is done then"));
        }
        follow(&mut self.parser.open_ends, &call);
        Ok(call)
    }

    /// Takes the name of another process.
    fn other(&mut self, at: At, line: &mut Line<'_>) -> Result<Actor, Fault> {
        let place = line.place();
        let other = self.process(line)?;
        if other == at.actor {
            return Err(Fault::new(place, "a process cannot name itself here"));
        }
        Ok(other)
    }

    /// Takes the name of a process.
    pub(super) fn process(&self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        let place = line.place();
        let name = line.name("a process")?;
        self.parser.find(name).ok_or_else(|| {
            let known = self.parser.seats.iter().map(|seat| seat.name.as_str());
            Fault::new(place, format!("no process is called {name}"))
                .meant(name.as_str(), known)
                .help(format!("\"process {name}\" with its program below would be one"))
        })
    }

    /// Takes what is told apart in an answer.
    fn seen(&mut self, line: &mut Line<'_>) -> Result<Seen, Fault> {
        if line.take("bytes") {
            let of = line.take("of");
            return Ok(if of { Seen::Of(self.process(line)?) } else { Seen::Written });
        }
        if line.take("less") {
            line.expect("than")?;
            return line.size("a number of bytes").map(Seen::Less);
        }
        if line.take("an") {
            line.expect("error")?;
            return Ok(Seen::Error);
        }
        if let Some("in" | "out" | "hup" | "err" | "pri" | "rdhup" | "nval") = line.peek() {
            return events(line, "events").map(Seen::Ready);
        }
        let place = line.place();
        match answer(line)? {
            Answer::Count(count) => Ok(Seen::Count(count)),
            Answer::Fails(errno) => Ok(Seen::Fails(errno)),
            Answer::Done => Ok(Seen::Done),
            Answer::Ready(events) => Ok(Seen::Ready(events)),
            _ => {
                let what = "programs don't tell such answers apart";
                let help = "an answer is a number, \"less than 5\", \"ok\", an errno, \"an error\", events, or \"bytes\"";
                Err(Fault::new(place, what).help(help))
            }
        }
    }
}

/// Names ends and processes for the calls of one process.
struct Maker<'r, 't> {
    reader: &'r mut Reader<'t>,
    actor: Actor,
}

impl Names for Maker<'_, '_> {
    fn end(&mut self, line: &mut Line<'_>) -> Result<End, Fault> {
        self.reader.parser.end(line).map(|(end, _)| end)
    }

    fn end_called(&mut self, name: &str, line: &Line<'_>) -> Result<End, Fault> {
        self.reader.parser.end_called(name, line)
    }

    fn end_or_implied(&mut self, line: &mut Line<'_>, counts: bool) -> Result<End, Fault> {
        self.reader.parser.end_or_implied(line, self.actor, counts)
    }

    fn poll_set(&mut self, line: &mut Line<'_>) -> Result<u8, Fault> {
        let what = "a poll of several ends at once is not a call of systems";
        Err(Fault::new(line.place(), what).help("poll one end after the other"))
    }

    fn child_made(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        self.reader.process(line)
    }

    fn child(&mut self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        self.reader.process(line)
    }
}
