//! Systems of files: what is written, as a model.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use crate::call::Actor;
use crate::platform::LINUX;
use crate::run::Form;
use crate::script::{Claim, Claimed, Fairness, Predicate, Script, Spoken};
use crate::text::ParseError;
use crate::verify::{Holds, NO_DEADLOCK, Property, Scheduler, What};

use super::program::Program;
use super::{Keeps, Process, SPECIFIED, System, claim};

impl FromStr for System {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<System, ParseError> {
        text.parse().map(|script| System::of(&script))
    }
}

impl System {
    /// The system that is written so, on Linux.
    ///
    /// Names and sentences are kept until the program ends.
    pub fn of(script: &Script) -> System {
        let shared = Arc::new(script.clone());
        let mut properties = vec![Property {
            name: SPECIFIED,
            what: What::Always(Holds::new(|system: &System, state| !system.has_left(state))),
        }];
        properties.extend(script.claims.iter().map(|claim| property(&shared, claim)));
        let broken = script.claims.iter().zip(&properties[1..]);
        let broken = broken.filter(|(claim, _)| claim.broken).map(|(_, property)| property.name);
        let process = |(index, body): (usize, &Vec<_>)| {
            let seat = script.cast.seats[index].clone();
            let program = Program::of(seat.form == Form::Forked, body);
            Process { seat, program, keeps: keeps(script, Actor(index as u8)), body: None }
        };
        System {
            name: kept(&script.name),
            family: script.about,
            says: kept(&script.says),
            platform: LINUX,
            channels: script.cast.channels.clone(),
            processes: script.programs.iter().enumerate().map(process).collect(),
            end_names: script.cast.end_names.clone(),
            endless: script.is_endless(),
            broken: broken.collect(),
            properties,
        }
    }
}

/// A text that lives as long as the program: each is kept once.
fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut all = KEPT.lock().unwrap_or_else(|broken| broken.into_inner());
    match all.get(text) {
        Some(known) => known,
        None => {
            let new: &'static str = Box::leak(text.to_owned().into_boxed_str());
            all.insert(new);
            new
        }
    }
}

/// What a claim asks.
fn property(script: &Arc<Script>, asked: &Claim) -> Property<System> {
    let holds = |predicate: &Predicate| {
        let predicate = predicate.clone();
        Holds::new(move |system: &System, state| claim::is_so(&predicate, system, state))
    };
    // It is so where the other is: both are.
    let with = |what: &Predicate, when: &Option<Predicate>, not: bool| {
        let (what, when) = (what.clone(), when.clone());
        move |system: &System, state: &super::State| {
            when.as_ref().is_none_or(|when| claim::is_so(when, system, state))
                && claim::is_so(&what, system, state) != not
        }
    };
    let scheduler = |fairness: Fairness| match fairness {
        Fairness::Fair => Scheduler::WeaklyFair,
        Fairness::Unfair => Scheduler::Any,
    };
    let what = match &asked.what {
        Claimed::NeverDeadlock => What::NoDeadlock,
        Claimed::Always(what, when) => {
            let broken = with(what, when, true);
            What::Always(Holds::new(move |system, state| !broken(system, state)))
        }
        Claimed::Never(what, when) => {
            let broken = with(what, when, false);
            What::Always(Holds::new(move |system, state| !broken(system, state)))
        }
        Claimed::Possible(what, when) => What::Sometimes(Holds::new(with(what, when, false))),
        Claimed::Eventually(goal, fairness) => {
            What::Eventually { after: None, goal: holds(goal), scheduler: scheduler(*fairness) }
        }
        Claimed::LeadsTo(after, goal, fairness) => What::Eventually {
            after: Some(holds(after)),
            goal: holds(goal),
            scheduler: scheduler(*fairness),
        },
    };
    let name = match &asked.what {
        Claimed::NeverDeadlock => NO_DEADLOCK,
        _ => kept(&script.claimed(asked)),
    };
    Property { name, what }
}

/// What a process must keep of what it is given, so that the claims can be decided.
fn keeps(script: &Script, actor: Actor) -> Keeps {
    let spoken = Spoken::of(&script.claims, actor);
    match spoken.next.first() {
        _ if spoken.all => Keeps::All,
        _ if spoken.newest => Keeps::Newest,
        Some(of) => Keeps::Place(*of),
        None => Keeps::Nothing,
    }
}
