//! Parses systems: lines with the lines that belong to them below, further in. Stops at the first fault.

mod claims;
mod lines;
mod programs;

use std::ops::Range;
use std::str::FromStr;

use crate::call::{Actor, Answer, Call, End, Op};
use crate::ends::OpenEnds;
use crate::run::{Form, Run};
use crate::script::{
    CLAIMS_MAX, Claim, Family, STEPS_MAX, Script, Spoken, Statement, each, each_call, steps,
};

use super::super::ParseError;
use super::super::lex::{Fault, Line};
use super::super::values::word;
use super::Parser;
use lines::{Node, nodes};

impl FromStr for Script {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Script, ParseError> {
        parsed(text).map_err(|fault| ParseError::new(text, fault))
    }
}

/// The most letters of a system's name.
const NAME_LEN_MAX: usize = 48;

/// The words that lines begin with which belong to no other.
pub(super) const HEADERS: [&str; 13] = [
    "system",
    "says",
    "about",
    "channel",
    "setting",
    "actor",
    "process",
    "thread",
    "expect",
    "never",
    "always",
    "possible",
    "eventually",
];

/// Words of claims, which name no process and no channel.
const RESERVED: [&str; 29] = [
    "all", "nobody", "somebody", "not", "and", "or", "when", "leads", "under", "has", "have", "is",
    "are", "wait", "waits", "sleep", "sleeps", "get", "gets", "hold", "holds", "do", "does",
    "bytes", "own", "zeros", "nothing", "until", "bounded",
];

/// The words of the language of systems, which are not those of runs: of lines, of statements, and of what processes do.
pub const SYSTEM_WORDS: [&[&str]; 3] = [&HEADERS, &programs::WORDS, &claims::VERBS];

const HELP_CLAIM: &str =
    "claims begin with never, always, possible or eventually, or read \"… leads to …\"";

fn parsed(text: &str) -> Result<Script, Fault> {
    let (preamble, nodes) = nodes(text)?;
    let end = text.trim_end().len();
    let mut reader = Reader::default();
    for node in nodes {
        reader.take(node)?;
    }
    reader.finish(preamble, end..end)
}

/// What has been read of a system so far.
#[derive(Default)]
struct Reader<'t> {
    parser: Parser,
    name: Option<String>,
    says: Option<String>,
    about: Option<Family>,
    bounded: bool,
    /// The place of each process, and its program's lines.
    bodies: Vec<(Range<usize>, Vec<Node<'t>>)>,
    claims: Vec<Node<'t>>,
}

impl<'t> Reader<'t> {
    /// Takes a line that belongs to no other, with those that belong to it.
    fn take(&mut self, mut node: Node<'t>) -> Result<(), Fault> {
        let place = node.line.place();
        let word = node.line.peek().unwrap_or_default();
        if self.name.is_none() {
            node.line.expect("system").map_err(|fault| {
                fault.help(
                    "a file of a system begins with \"system NAME\"; a run is judged or replayed",
                )
            })?;
            self.name = Some(name(&mut node.line)?);
            return node.done();
        }
        let at_top = self.parser.channels.is_empty();
        match word {
            "system" => return Err(Fault::new(place, "a file is about one system")),
            "says" | "about" | "bounded" if !at_top => {
                return Err(Fault::new(place, format!("{word:?} stands before the channels")));
            }
            "says" if self.says.is_some() => {
                return Err(Fault::new(place, "\"says\" is given twice"));
            }
            "says" => {
                self.says = Some(node.text()?);
                return Ok(());
            }
            "about" => {
                node.line.bump();
                self.about = Some(word_of_family(&mut node.line)?);
            }
            "bounded" => {
                node.line.bump();
                self.bounded = true;
            }
            "channel" if !self.parser.seats.is_empty() => {
                return Err(Fault::new(place, "\"channel\" lines stand before the processes"));
            }
            "channel" => {
                self.parser.channel(&mut node.line)?;
                let channel = self.parser.channels.last().and_then(|channel| channel.name);
                check_free(channel.map(|name| name.as_str().to_owned()).as_deref(), &place)?;
            }
            _ if at_top => {
                node.line.tries(["says", "about", "bounded", "channel"]);
                let help = "\"channel pipe\" is one; then come processes, and what must hold";
                return Err(node.line.expected("\"channel KIND\"").help(help));
            }
            "setting" => self.parser.setting(&mut node.line)?,
            "actor" | "process" | "thread" => {
                self.parser.actor(&mut node.line)?;
                node.line.end()?;
                self.seated(&place)?;
                self.bodies.push((place.start..node.line.read_to(), node.below));
                return Ok(());
            }
            "outsider" => {
                let what = "a system has no outsiders: all who take part have programs";
                return Err(Fault::new(place, what)
                    .help("\"process NAME\" with \"stay\" below keeps its ends"));
            }
            "expect" | "never" | "always" | "possible" | "eventually" => {
                return self.claim(node);
            }
            _ if node.line.has("leads") => return self.claim(node),
            _ => {
                node.line.tries(HEADERS);
                return Err(node.line.expected("a process or a claim").help(HELP_CLAIM));
            }
        }
        node.line.end()?;
        node.done()
    }

    fn claim(&mut self, node: Node<'t>) -> Result<(), Fault> {
        node.no_lines_below()?;
        if self.claims.len() == CLAIMS_MAX {
            let what = format!("a system has at most {CLAIMS_MAX} claims");
            return Err(Fault::new(node.line.place(), what));
        }
        self.claims.push(node);
        Ok(())
    }

    /// Checks the name of who was seated last.
    fn seated(&self, place: &Range<usize>) -> Result<(), Fault> {
        let Some(seat) = self.parser.seats.last() else { return Ok(()) };
        let name = seat.name.as_str();
        check_free(Some(name), place)?;
        let is_taken = |channel| Script::channel_name(channel) == name;
        if self.parser.channels.iter().any(is_taken) {
            let what = format!("{name} is the name of a channel: claims could mean either");
            return Err(Fault::new(place.clone(), what));
        }
        Ok(())
    }

    fn finish(mut self, preamble: Vec<String>, end: Range<usize>) -> Result<Script, Fault> {
        let Some(name) = self.name.take() else {
            let fault = Fault::new(end, "expected \"system NAME\", found the end of the text");
            return Err(fault);
        };
        if self.parser.channels.is_empty() || self.bodies.is_empty() {
            let what = "a system has a channel and a process";
            let help = "\"channel pipe\", and below it \"process ann holds r w\" with what it does, further in";
            return Err(Fault::new(end, what).help(help));
        }
        self.parser.check_capacities()?;
        let mut programs = Vec::new();
        for (index, (place, lines)) in std::mem::take(&mut self.bodies).into_iter().enumerate() {
            let actor = Actor(index as u8);
            let body = self.program(actor, lines)?;
            if steps(&body) > STEPS_MAX {
                let what = format!(
                    "the program has more than {STEPS_MAX} steps, each round of a repeat counted"
                );
                return Err(Fault::new(place, what).help("take a loop, or fewer rounds"));
            }
            programs.push((place, body));
        }
        self.forms(&programs)?;
        let (places, mut programs): (Vec<_>, Vec<_>) = programs.into_iter().unzip();
        self.number_ends(&mut programs);
        let mut claims: Vec<Claim> = Vec::new();
        for mut node in std::mem::take(&mut self.claims) {
            let place = node.line.place();
            let claim = self.claimed(&mut node.line)?;
            node.line.end()?;
            if claims.iter().any(|other| other.what == claim.what) {
                return Err(Fault::new(place, "this claim is made twice"));
            }
            claims.push(claim);
        }
        let (says, about) = (self.says.take().unwrap_or_default(), self.about);
        let about = about.unwrap_or(Family::Own);
        let bounded = self.bounded;
        let cast = self.cast();
        let script = Script { preamble, name, says, about, bounded, cast, programs, claims };
        for (index, place) in places.into_iter().enumerate() {
            let spoken = Spoken::of(&script.claims, Actor(index as u8));
            if let Some(what) = spoken.is_too_much(script.is_endless()) {
                return Err(Fault::new(place, what));
            }
        }
        Ok(script)
    }

    fn cast(self) -> Run {
        Run {
            preamble: Vec::new(),
            channels: self.parser.channels,
            seats: self.parser.seats,
            end_names: self.parser.end_names,
            polls: Vec::new(),
            polled: Vec::new(),
            events: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Tells who is there from the start and who comes by a fork, and whether lives are told of at all.
    fn forms(&mut self, programs: &[(Range<usize>, Vec<Statement>)]) -> Result<(), Fault> {
        let mut made = vec![0_usize; programs.len()];
        for (_, body) in programs {
            each(body, &mut |statement| {
                if let Statement::Call(Call { op: Op::Fork { child }, .. }) = statement {
                    made[usize::from(child.0)] += 1;
                }
            });
        }
        for (index, (place, _)) in programs.iter().enumerate() {
            let seat = &mut self.parser.seats[index];
            let what = match (made[index], seat.form) {
                (0, _) => continue,
                (1, Form::Process) if seat.ends.is_empty() && seat.inherits.is_empty() => {
                    seat.form = Form::Forked;
                    continue;
                }
                (1, Form::Process) => {
                    "a process that is forked holds what its parent holds, and nothing else"
                }
                (1, _) => "only a process is forked",
                _ => "a process is forked once",
            };
            return Err(Fault::new(place.clone(), what));
        }
        let seats = &self.parser.seats;
        if seats.iter().all(|seat| seat.form == Form::Forked) {
            return Err(Fault::new(programs[0].0.clone(), "no process is there at the start"));
        }
        let named = self.parser.is_named();
        let lives = seats.iter().any(|seat| seat.form != Form::Actor);
        let actor = seats.iter().position(|seat| seat.form == Form::Actor);
        match actor.filter(|_| named || lives) {
            Some(index) => {
                let what = "beside named channels, processes and threads there are no actors";
                let help = format!("\"process {}\" says what it is", seats[index].name);
                Err(Fault::new(programs[index].0.clone(), what).help(help))
            }
            None => Ok(()),
        }
    }

    /// Numbers ends in the order of their names.
    fn number_ends(&mut self, programs: &mut [Vec<Statement>]) {
        let appeared = self.parser.end_names.clone();
        self.parser.end_names.sort_unstable();
        let names = &self.parser.end_names;
        let renamed = |end: End| {
            let name = appeared.get(usize::from(end.0));
            let place = names.iter().position(|known| Some(known) == name);
            place.map_or(end, |place| End(place as u8))
        };
        for seat in &mut self.parser.seats {
            seat.ends.iter_mut().for_each(|(end, _)| *end = renamed(*end));
            seat.inherits.iter_mut().for_each(|(end, _)| *end = renamed(*end));
        }
        for body in programs {
            each_call(body, &mut |call| {
                if call.ends().next().is_some() {
                    call.end = renamed(call.end);
                    call.op = call.op.map_ends(renamed);
                }
            });
        }
    }
}

fn word_of_family(line: &mut Line<'_>) -> Result<Family, Fault> {
    word(line, &Family::NAMED)
}

/// Takes the name of a system.
fn name(line: &mut Line<'_>) -> Result<String, Fault> {
    let is_one = |token: &str| {
        token.len() <= NAME_LEN_MAX
            && token.starts_with(|c: char| c.is_ascii_lowercase())
            && token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let name = line.read("a name for the system", |token| is_one(token).then(|| token.to_owned()));
    let name = name.map_err(|fault| {
        fault.help("a name is a lower-case letter and up to 47 more, digits or \"-\"")
    })?;
    line.end()?;
    Ok(name)
}

/// Checks that no claim could take a name for a word of its own.
fn check_free(name: Option<&str>, place: &Range<usize>) -> Result<(), Fault> {
    match name.filter(|name| RESERVED.contains(name) || HEADERS.contains(name)) {
        Some(name) => {
            let what = format!("{name} is a word of the language and not a name");
            Err(Fault::new(place.clone(), what))
        }
        None => Ok(()),
    }
}

/// The ends that are open, as far as a reading of the programs from top to bottom shows.
pub(in crate::text) fn follow(ends: &mut OpenEnds, call: &Call) {
    ends.call(call);
    ends.returned(call.actor, Answer::Done);
}
