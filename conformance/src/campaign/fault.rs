//! What is wrong in a run, in short: runs with the same fault are told as one, by the smallest of them.

use std::fmt;

use pipewright_model::call::Actor;
use pipewright_model::oracle::Judgement;
use pipewright_model::rules::RULES;
use pipewright_model::run::{Event, Run};

use crate::tell::call_before;

/// The first deviation of a run, without what differs from run to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The call, as runs name it: `read`. Where calls sleep that may not, all of them.
    pub call: String,
    /// What no rule allows: an error, `0`, `a count`, `sleeps`.
    pub reply: String,
    /// The rules that allow something else.
    pub rules: Vec<&'static str>,
}

impl Fault {
    /// The fault of a run that deviates; without any, an empty one.
    pub fn of(run: &Run, judgement: &Judgement) -> Fault {
        let Some(deviation) = judgement.deviations.first() else { return Fault::default() };
        let call = |actor: Actor| call_before(run, deviation.event, actor);
        let (call, reply) = match run.events.get(deviation.event) {
            Some(Event::Return(actor, reply)) => (call(*actor), general(&reply.to_string())),
            Some(Event::Quiet(open)) => {
                let mut calls: Vec<String> = open.iter().map(call).collect();
                calls.sort();
                calls.dedup();
                (calls.join(", "), "sleeps".to_owned())
            }
            _ => Default::default(),
        };
        let allowed = deviation.allowed.iter();
        let mut rules: Vec<&str> =
            allowed.map(|allowed| RULES[usize::from(allowed.rule())].id).collect();
        rules.sort_unstable();
        rules.dedup();
        Fault { call, reply, rules }
    }
}

impl fmt::Display for Fault {
    /// ``` `read` gives EAGAIN``` or ``` `read` sleeps```.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reply.as_str() {
            "sleeps" => write!(f, "`{}` sleeps", self.call),
            reply => write!(f, "`{}` gives {reply}", self.call),
        }
    }
}

/// A reply without its number: which of many counts it is says little.
fn general(reply: &str) -> String {
    let rest = reply.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = &reply[..reply.len() - rest.len()];
    if matches!(number, "" | "0") { reply.to_owned() } else { format!("a count{rest}") }
}

#[cfg(test)]
mod tests {
    use pipewright_model::oracle::judge;
    use pipewright_model::platform::LINUX;

    use super::*;

    fn fault(run: &str) -> Fault {
        let run: Run = run.parse().expect("a run");
        Fault::of(&run, &judge(&run, &LINUX))
    }

    #[test]
    fn runs_of_one_fault_differ_in_numbers_alone() {
        let read = |written: u32, got: &str| {
            fault(&format!(
                "channel pipe\nwriter: write {written} -> {written}\nreader: read 9 -> {got}\n"
            ))
        };
        assert_eq!(read(3, "2"), read(8, "7"));
        assert_eq!(read(3, "2").to_string(), "`read` gives a count");
        assert_eq!(read(3, "2").rules, ["stream.read.available"]);
        assert_ne!(read(3, "0"), read(3, "2"));
    }

    #[test]
    fn a_sleep_is_told_with_the_calls_that_sleep() {
        let fault = fault("channel pipe\nwriter: close -> ok\nreader: read 5\nquiet reader\n");
        assert_eq!(fault.to_string(), "`read` sleeps");
    }
}
