//! Parses claims: when they hold, and what they say of processes and channels.

mod data;

use crate::call::{Answer, Op};
use crate::kind::Discipline;
use crate::script::{
    Bytes, Called, ChannelIs, Claim, Claimed, Clause, Compare, Does, Fairness, Given, Got,
    Predicate, Script, Verb, Who,
};

use super::super::super::lex::{Fault, Line};
use super::super::super::values::answer;
use super::super::words::termination;
use super::Reader;
use crate::call::Actor;

/// How deep predicates are within each other.
const DEPTH_MAX: usize = 32;

const HELP: &str = "as in \"child has ended\", \"reader gets 0 from read\", \"ann and ben wait in open\" or \
                    \"pipe is empty\"";

const HELP_VERB: &str = "a process \"has ended\", \"has read 5\", \"is done\", \"is in read\", \"waits in read\", \"sleeps in \
                         read\", \"gets 0\" or \"holds an end\"";

/// Words that say what processes do.
pub(super) const VERBS: [&str; 12] = [
    "has", "have", "is", "are", "wait", "waits", "sleep", "sleeps", "get", "gets", "hold", "holds",
];

impl Reader<'_> {
    /// Takes a claim.
    pub(super) fn claimed(&self, line: &mut Line<'_>) -> Result<Claim, Fault> {
        let broken = line.take("expect");
        if broken {
            line.expect("broken")?;
        }
        line.tries(["never", "always", "possible", "eventually"]);
        let what = match line.peek() {
            Some("never") if line.ahead(1) == Some("deadlock") => {
                line.bump();
                line.bump();
                Claimed::NeverDeadlock
            }
            Some(word @ ("never" | "always" | "possible")) => {
                line.bump();
                let what = self.any(line, 0)?;
                let when = if line.take("when") { Some(self.any(line, 0)?) } else { None };
                match word {
                    "never" => Claimed::Never(what, when),
                    "always" => Claimed::Always(what, when),
                    _ => Claimed::Possible(what, when),
                }
            }
            Some("eventually") => {
                line.bump();
                let goal = self.any(line, 0)?;
                Claimed::Eventually(goal, fairness(line)?)
            }
            _ => {
                let after = self.any(line, 0)?;
                line.expect("leads")?;
                line.expect("to")?;
                let goal = self.any(line, 0)?;
                Claimed::LeadsTo(after, goal, fairness(line)?)
            }
        };
        line.tries(["and", "or", "when", "under"]);
        Ok(Claim { broken, what })
    }

    fn any(&self, line: &mut Line<'_>, depth: usize) -> Result<Predicate, Fault> {
        let mut all = vec![self.all(line, depth)?];
        while line.take("or") {
            all.push(self.all(line, depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Predicate::Or(all) })
    }

    fn all(&self, line: &mut Line<'_>, depth: usize) -> Result<Predicate, Fault> {
        let mut all = vec![self.unit(line, depth)?];
        while line.take("and") {
            all.push(self.unit(line, depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Predicate::And(all) })
    }

    fn unit(&self, line: &mut Line<'_>, depth: usize) -> Result<Predicate, Fault> {
        if depth == DEPTH_MAX {
            let what = format!("predicates are at most {DEPTH_MAX} within each other");
            return Err(Fault::new(line.place(), what));
        }
        if line.take("not") {
            return Ok(Predicate::Not(Box::new(self.unit(line, depth + 1)?)));
        }
        if line.take("(") {
            let inner = self.any(line, depth + 1)?;
            line.expect(")")?;
            return Ok(inner);
        }
        let name = line.peek().unwrap_or_default();
        let channels = &self.parser.channels;
        if let Some(channel) = channels.iter().position(|c| Script::channel_name(c) == name) {
            line.bump();
            return self.of_channel(channel, line);
        }
        self.clause(line).map(Predicate::Processes)
    }

    fn clause(&self, line: &mut Line<'_>) -> Result<Clause, Fault> {
        let who = self.who(line)?;
        let mut does = vec![self.verb(line)?];
        let is_verb = |word: &str| VERBS.contains(&word) || matches!(word, "do" | "does");
        while line.peek() == Some("and") && line.ahead(1).is_some_and(is_verb) {
            line.bump();
            does.push(self.verb(line)?);
        }
        Ok(Clause { who, does })
    }

    fn who(&self, line: &mut Line<'_>) -> Result<Who, Fault> {
        if line.take("all") {
            return Ok(Who::All);
        }
        if line.take("nobody") {
            return Ok(Who::Nobody);
        }
        if line.take("somebody") {
            return Ok(Who::Somebody);
        }
        let mut these = Vec::new();
        while these.is_empty() || line.take(",") || line.take("and") {
            let place = line.place();
            let Some(name) = line.peek().map(str::to_owned) else {
                return Err(line.expected("what is so").help(HELP));
            };
            let actor = self.one(line)?;
            if these.contains(&actor) {
                return Err(Fault::new(place, format!("{name} is named twice")));
            }
            these.push(actor);
        }
        Ok(Who::These(these))
    }

    /// Takes the name of a process, where a channel's could stand, too.
    fn one(&self, line: &mut Line<'_>) -> Result<Actor, Fault> {
        let place = line.place();
        let name = line.name("a process or a channel").map_err(|fault| fault.help(HELP))?;
        self.parser.find(name).ok_or_else(|| {
            let seats = self.parser.seats.iter().map(|seat| seat.name.as_str());
            let channels = self.parser.channels.iter().map(Script::channel_name);
            let words = ["all", "nobody", "somebody", "not"];
            Fault::new(place, format!("no process and no channel is called {name}"))
                .meant(name.as_str(), seats.chain(channels).chain(words))
                .help(HELP)
        })
    }

    fn verb(&self, line: &mut Line<'_>) -> Result<Verb, Fault> {
        line.tries(VERBS.into_iter().chain(["does", "do"]));
        let word = line.read("what it does", |word| {
            (VERBS.contains(&word) || matches!(word, "do" | "does")).then(|| word.to_owned())
        });
        let word = word.map_err(|fault| fault.help(HELP_VERB))?;
        let mut not = matches!(word.as_str(), "has" | "have" | "is" | "are") && line.take("not");
        let does = match word.as_str() {
            "do" | "does" => {
                line.expect("not")?;
                not = true;
                line.tries(["wait", "sleep", "get", "hold"]);
                match line.peek() {
                    Some("wait") => self.waits(line)?,
                    Some("sleep") => self.sleeps(line)?,
                    Some("get") => self.gets(line)?,
                    Some("hold") => {
                        line.bump();
                        Does::Holds(Some(self.held_end(line)?))
                    }
                    _ => return Err(line.expected("wait, sleep, get or hold")),
                }
            }
            "has" | "have" => self.has(line)?,
            "is" | "are" if line.take("done") => Does::Done,
            "is" | "are" => {
                line.expect("in").map_err(|fault| fault.help(HELP_VERB))?;
                Does::In(called(line)?)
            }
            "wait" | "waits" => Does::Waits(in_call(line)?),
            "sleep" | "sleeps" => Does::Sleeps(in_call(line)?),
            "get" | "gets" => self.got(line)?,
            _ if line.take("an") => {
                line.expect("end")?;
                Does::Holds(None)
            }
            _ if line.take("no") => {
                line.expect("end")?;
                not = true;
                Does::Holds(None)
            }
            _ => Does::Holds(Some(self.held_end(line)?)),
        };
        Ok(Verb { not, does })
    }

    fn waits(&self, line: &mut Line<'_>) -> Result<Does, Fault> {
        line.bump();
        in_call(line).map(Does::Waits)
    }

    fn sleeps(&self, line: &mut Line<'_>) -> Result<Does, Fault> {
        line.bump();
        in_call(line).map(Does::Sleeps)
    }

    fn gets(&self, line: &mut Line<'_>) -> Result<Does, Fault> {
        line.bump();
        self.got(line)
    }

    fn has(&self, line: &mut Line<'_>) -> Result<Does, Fault> {
        if line.take("ended") {
            if !line.take("with") {
                return Ok(Does::Ended(None));
            }
            return termination(line).map(|status| Does::Ended(Some(status)));
        }
        let last = line.take("last");
        line.expect("read").map_err(|fault| fault.help(HELP_VERB))?;
        let other = other_than(line)?;
        let what = self.bytes(line)?;
        Ok(Does::Read { last, what: Given { other, what } })
    }

    fn got(&self, line: &mut Line<'_>) -> Result<Does, Fault> {
        if line.peek() == Some("an") && line.ahead(1) == Some("answer") {
            line.bump();
            line.bump();
            return Ok(Does::Gets(Got::Something, from_call(line)?));
        }
        let other = other_than(line)?;
        let word = line.peek().unwrap_or_default();
        let is_number = word.starts_with(|c: char| c.is_ascii_digit()) && !word.starts_with("0x");
        if is_number || word == "ok" || word.starts_with('E') {
            let place = line.place();
            let answer = answer(line)?;
            if matches!(answer, Answer::Polled(_)) {
                return Err(Fault::new(place, "a claim cannot name such an answer"));
            }
            return Ok(Does::Gets(Got::Answer { other, answer }, from_call(line)?));
        }
        let what = self.bytes(line)?;
        if matches!(what, Bytes::Length(..) | Bytes::Pieces(..)) {
            return Err(line.expected("an answer or bytes"));
        }
        Ok(Does::Gets(Got::Data(Given { other, what }), from_call(line)?))
    }

    fn channel_named(&self, line: &mut Line<'_>) -> Result<usize, Fault> {
        let names: Vec<&str> = self.parser.channels.iter().map(Script::channel_name).collect();
        let place = line.place();
        let found = line.peek().and_then(|word| names.iter().position(|name| *name == word));
        let Some(channel) = found else {
            let help = format!("channels are {}", names.join(", "));
            let fault = Fault::new(place, line.expected("a channel").what);
            let word = line.peek().unwrap_or_default();
            return Err(fault.meant(word, names.iter().copied()).help(help));
        };
        line.bump();
        Ok(channel)
    }

    fn is_file(&self, channel: usize) -> bool {
        self.parser.channels[channel].setup.kind.discipline == Discipline::File
    }

    /// Takes the name of an end that some program speaks of.
    fn held_end(&self, line: &mut Line<'_>) -> Result<crate::call::End, Fault> {
        let start = line.place().start;
        let mut name = line.peek().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(line.expected("an end, \"an end\" or \"no end\""));
        }
        line.bump();
        if line.take(".") {
            name = format!("{name}.{}", line.peek().unwrap_or_default());
            line.bump();
        }
        let names: Vec<&str> = self.parser.end_names.iter().map(|end| end.as_str()).collect();
        match names.iter().position(|known| *known == name) {
            Some(index) => Ok(crate::call::End(index as u8)),
            None => {
                let place = start..line.read_to();
                let help = format!("ends are {}", names.join(", "));
                let fault = Fault::new(place, format!("no program has an end {name}"));
                Err(fault.meant(&name, names.iter().copied()).help(help))
            }
        }
    }

    fn of_channel(&self, channel: usize, line: &mut Line<'_>) -> Result<Predicate, Fault> {
        const HELP: &str = "a channel \"holds 4096\", \"holds at least 5\", \"is empty\", \"is not empty\", \"has a writer\", \"has no \
                            reader\", \"is in 2 pieces\" or \"is locked by 1\"";
        let what = if line.take("holds") {
            let compare = compare(line)?;
            ChannelIs::Holds(compare, line.size("a number of bytes")?)
        } else if line.take("has") {
            line.tries(["a", "no"]);
            let there = match line.peek() {
                Some("a") => true,
                Some("no") => false,
                _ => return Err(line.expected("\"a\" or \"no\"").help(HELP)),
            };
            line.bump();
            if line.take("writer") {
                ChannelIs::Writer(there)
            } else {
                line.expect("reader").map_err(|fault| fault.help(HELP))?;
                ChannelIs::Reader(there)
            }
        } else {
            line.expect("is").map_err(|fault| fault.help(HELP))?;
            let place = line.place();
            if line.take("empty") {
                ChannelIs::Empty(true)
            } else if line.take("not") {
                line.expect("empty")?;
                ChannelIs::Empty(false)
            } else if line.take("locked") {
                line.expect("by")?;
                let compare = compare(line)?;
                ChannelIs::Locked(compare, line.size("a number")?)
            } else {
                line.expect("in").map_err(|fault| fault.help(HELP))?;
                if !self.is_file(channel) {
                    return Err(Fault::new(place, "only a file is in pieces"));
                }
                let compare = compare(line)?;
                let number = line.size("a number of pieces")?;
                line.expect("pieces")?;
                ChannelIs::Pieces(compare, number)
            }
        };
        Ok(Predicate::Channel(channel, what))
    }
}

fn fairness(line: &mut Line<'_>) -> Result<Fairness, Fault> {
    if !line.take("under") {
        return Ok(Fairness::Fair);
    }
    line.tries(["fair", "unfair"]);
    let fairness = match line.peek() {
        Some("fair") => Fairness::Fair,
        Some("unfair") => Fairness::Unfair,
        _ => return Err(line.expected("\"fair\" or \"unfair\"")),
    };
    line.bump();
    line.take("scheduling");
    Ok(fairness)
}

fn compare(line: &mut Line<'_>) -> Result<Compare, Fault> {
    if !line.take("at") {
        return Ok(Compare::Exactly);
    }
    line.tries(["least", "most"]);
    let compare = match line.peek() {
        Some("least") => Compare::AtLeast,
        Some("most") => Compare::AtMost,
        _ => return Err(line.expected("\"least\" or \"most\"")),
    };
    line.bump();
    Ok(compare)
}

fn other_than(line: &mut Line<'_>) -> Result<bool, Fault> {
    let other = line.peek() == Some("other") && line.ahead(1) != Some("[");
    if other {
        line.bump();
        line.expect("than")?;
    }
    Ok(other)
}

fn in_call(line: &mut Line<'_>) -> Result<Called, Fault> {
    line.expect("in")
        .map_err(|fault| fault.help("as in \"waits in read\", or \"waits in a call\""))?;
    called(line)
}

fn from_call(line: &mut Line<'_>) -> Result<Called, Fault> {
    if line.take("from") { called(line) } else { Ok(Called::ANY) }
}

fn called(line: &mut Line<'_>) -> Result<Called, Fault> {
    if line.take("a") {
        line.expect("call")?;
        return Ok(Called::ANY);
    }
    line.tries(Op::CALLS.iter().copied());
    let kind = line.read("a call", |word| Op::WORDS.iter().position(|known| *known == word));
    let kind =
        Some(kind.map_err(|fault| fault.help("as in \"waits in read\", or \"waits in a call\""))?);
    let sized = line.peek().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let bytes = if sized { Some(line.size("a number of bytes")?) } else { None };
    Ok(Called { kind, bytes })
}
