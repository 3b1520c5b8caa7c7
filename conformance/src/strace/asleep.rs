//! The calls that sleep where a log ends, over all of its channels and waits for children, and
//! which sleep for ever.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pipewright_model::asleep::{Elsewhere, Moment, Present, Sleeper};
use pipewright_model::call::{Actor, Op};
use pipewright_model::kind::{Discipline, Ends};
use pipewright_model::oracle;
use pipewright_model::platform::Platform;
use pipewright_model::run::Run;
use pipewright_model::waits::{Fate, Fates, Freedom, Graph, Index, Party, Wait, Way};

use super::calls::{Call, Calls, Outcome, Step};
use super::found::Found;
use super::stops::NOBODY;
use crate::why::{self, Pattern};

/// The calls that sleep at the end of a log.
#[derive(Clone, Debug, Default)]
pub struct Asleep {
    /// What is told of each channel: its name, and a line for each call.
    pub channels: Vec<(String, String)>,
    /// A line for each wait for a child.
    pub children: Vec<String>,
    /// Processes and threads that wait for each other, or one for what can't come.
    pub knots: Vec<Knot>,
    /// The known pattern of what waits for somebody from outside, where nothing is for ever.
    pub pattern: Option<Pattern>,
}

/// Processes and threads that wait for each other, or one for what can't come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knot {
    /// Their numbers.
    pub threads: Vec<u32>,
    /// What it is known as.
    pub pattern: Option<Pattern>,
}

/// A channel with calls asleep.
struct Channel<'l> {
    found: &'l Found,
    run: Run,
    moment: Moment,
}

/// The calls that sleep where a log with these channels ends.
pub fn asleep(log: &Calls, found: &[Found], platform: &Platform) -> Asleep {
    let channels: Vec<Channel<'_>> =
        found.iter().filter_map(|found| Channel::of(found, platform)).collect();
    let waits = children_waited_for(log);
    let graph = Waits::of(&channels, &waits);
    let told = |channel: &Channel<'_>| {
        let told = channel.moment.sentences_with(&channel.run, &graph.elsewhere(channel));
        (channel.found.name.clone(), told)
    };
    let wait = |(parent, children): (&u32, &BTreeSet<u32>)| {
        let children: Vec<String> = children.iter().map(u32::to_string).collect();
        let for_ever = if graph.is_for_ever(*parent) { " for ever" } else { "" };
        format!(
            "p{parent} sleeps{for_ever} in `wait` (process.wait.waits): its child {} has not ended",
            children.join(" or ")
        )
    };
    let knots = graph.knots();
    let knot = |threads: Vec<u32>| {
        let pattern =
            Pattern::of_waits(&patterns_of(&channels, &waits, |of| threads.contains(&of)));
        Knot { threads, pattern }
    };
    let pattern = Pattern::of_waits_outside(&patterns_of(&channels, &waits, |_| true));
    Asleep {
        channels: channels.iter().map(told).filter(|(_, told)| !told.is_empty()).collect(),
        children: waits.iter().map(wait).collect(),
        pattern: pattern.filter(|_| knots.is_empty()),
        knots: knots.into_iter().map(knot).collect(),
    }
}

impl<'l> Channel<'l> {
    fn of(found: &'l Found, platform: &Platform) -> Option<Channel<'l>> {
        let known = found.unjudged.is_none();
        let asleep_in = |run: Run| {
            let worlds = oracle::after(&run, platform);
            let present = Present::after(&run, run.events.len() - 1);
            let moment = Moment::of(&run, platform, &worlds, &present)?;
            Some(Channel { found, run, moment })
        };
        // Who polls may have been told already, or have looked at it and gone on to sleep for something else.
        let polled = || asleep_in(found.polled_at_rest().filter(|_| !found.polled.is_empty())?);
        known.then(polled).flatten().or_else(|| asleep_in(found.at_rest().filter(|_| known)?))
    }

    /// What could end a sleep from outside.
    fn ended_from_outside(&self, sleeper: &Sleeper) -> Option<&'static str> {
        let kind = self.run.channels[0].setup.kind;
        match (kind.discipline, sleeper.call.op) {
            (Discipline::Tcp, Op::Connect) => Some("TCP gives up after some minutes"),
            (_, Op::Poll { .. }) if self.polls_more(sleeper.actor) => {
                Some("something else that it polls, or a time-out, could end it")
            }
            _ if !self.found.is_named => None,
            (Discipline::File, _) => None,
            (Discipline::Queue, _) => Some("whoever opens its name could end it"),
            (_, Op::Accept { .. } | Op::Poll { .. }) if kind.ends == Ends::Connected => {
                Some("whoever connects to its address could end it")
            }
            _ if kind.ends == Ends::Connected => None,
            _ => Some("whoever opens its path could end it"),
        }
    }

    /// Whether an actor that polls does so for more than what is followed.
    fn polls_more(&self, actor: Actor) -> bool {
        self.found.polled.iter().any(|polled| polled.by == actor && polled.and_others)
    }

    fn thread(&self, actor: Actor) -> Option<u32> {
        self.found.threads.get(usize::from(actor.0)).copied()
    }
}

/// What a pattern shows in: the waits of these threads.
fn patterns_of(
    channels: &[Channel<'_>],
    children: &BTreeMap<u32, BTreeSet<u32>>,
    of: impl Fn(u32) -> bool,
) -> Vec<why::Wait> {
    let mut all = Vec::new();
    for (number, channel) in channels.iter().enumerate() {
        let meant = |sleeper: &&Sleeper| channel.thread(sleeper.actor).is_some_and(&of);
        let halted = channel.moment.halted();
        for sleeper in channel.moment.sleepers.iter().filter(meant) {
            let mut by = sleeper.ways.iter().flatten().map(|(by, _)| *by);
            let wait = why::Wait::of(&channel.run, sleeper, number);
            let is_for_a_stopped_process = by.any(|by| halted.contains(by));
            all.push(why::Wait { is_for_a_stopped_process, ..wait });
        }
    }
    let wait = |_: &u32| why::Wait {
        op: Op::Wait { child: Actor::NOBODY },
        rule: "process.wait.waits",
        channel: channels.len(),
        holds_itself: false,
        is_leaked: false,
        is_error: false,
        is_for_a_stopped_process: false,
    };
    all.extend(children.keys().filter(|parent| of(**parent)).map(wait));
    all
}

/// The processes that wait for a child at the end of a log, and for which: any one of these.
fn children_waited_for(log: &Calls) -> BTreeMap<u32, BTreeSet<u32>> {
    let (mut children, mut ended) = (BTreeMap::<u32, BTreeSet<u32>>::new(), BTreeSet::new());
    let mut open: BTreeMap<u32, &Call> = BTreeMap::new();
    for (step, _) in &log.steps {
        match *step {
            Step::Begins(at) => {
                let call = &log.calls[at];
                open.insert(call.process, call);
                let child = call.value().and_then(|id| u32::try_from(id).ok());
                let forks = matches!(call.name.as_str(), "clone" | "clone3" | "fork" | "vfork");
                if let Some(child) = child.filter(|_| forks && !call.has_anywhere("CLONE_THREAD")) {
                    children.entry(call.process).or_default().insert(child);
                    ended.remove(&child);
                }
            }
            Step::Ends(at) => {
                open.remove(&log.calls[at].process);
            }
            Step::Exits { process, .. } => {
                open.remove(&process);
                ended.insert(process);
            }
            Step::Stops { .. } => {}
        }
    }
    let waits = open.into_iter().filter(|(_, call)| {
        call.outcome == Outcome::None
            && matches!(call.name.as_str(), "wait4" | "waitpid" | "waitid")
    });
    let of = |(process, call): (u32, &Call)| {
        let place = usize::from(call.name == "waitid");
        let one = call.number(place).and_then(|id| u32::try_from(id).ok()).filter(|id| *id > 0);
        let all = children.get(&process).cloned().unwrap_or_default();
        let those = all.into_iter().filter(|child| one.is_none_or(|one| one == *child));
        let alive: BTreeSet<u32> = those.filter(|child| !ended.contains(child)).collect();
        (!alive.is_empty()).then_some((process, alive))
    };
    waits.filter_map(of).collect()
}

/// The graph of waits over all channels.
struct Waits {
    fates: Fates,
    parties: HashMap<u32, Index>,
    /// What each sleeps in.
    calls: HashMap<u32, String>,
}

impl Waits {
    fn of(channels: &[Channel<'_>], children: &BTreeMap<u32, BTreeSet<u32>>) -> Waits {
        let mut threads: BTreeSet<u32> = children.values().flatten().copied().collect();
        threads.extend(children.keys());
        threads.extend(channels.iter().flat_map(|channel| &channel.found.threads));
        let parties: HashMap<u32, Index> = threads.iter().copied().zip(0..).collect();
        let (outsider, signal) = (threads.len(), threads.len() + 1);
        let (mut asleep, mut calls) = (HashMap::<u32, Wait>::new(), HashMap::new());
        for channel in channels {
            for sleeper in &channel.moment.sleepers {
                let Some(thread) = channel.thread(sleeper.actor) else { continue };
                let one = |by: Actor| channel.thread(by).map(|by| parties[&by]);
                let way = |way: &Vec<(Actor, _)>| Way {
                    event: "",
                    needs: way
                        .iter()
                        .map(|(by, _)| pipewright_model::waits::Need::of(one(*by)))
                        .collect(),
                };
                let mut ways: Vec<Way> = sleeper.ways.iter().map(way).collect();
                ways.extend((!sleeper.own.is_empty()).then(|| Way::of("", [parties[&thread]])));
                let from_outside = channel.ended_from_outside(sleeper);
                ways.extend(from_outside.map(|_| Way::of("", [outsider])));
                ways.extend(sleeper.by_signal.map(|_| Way::of("", [signal])));
                let rule = pipewright_model::rules::RULES[usize::from(sleeper.rule)].id;
                // Who polls several channels waits for any of them.
                let wait = asleep.entry(thread).or_insert(Wait { rule, ways: Vec::new() });
                wait.ways.extend(ways);
                calls.insert(thread, channel.moment.call_of(&channel.run, sleeper.actor));
            }
        }
        for (parent, of) in children {
            let ways = of.iter().map(|child| Way::of("", [parties[child]])).collect();
            asleep.insert(*parent, Wait { rule: "process.wait.waits", ways });
            calls.insert(*parent, "wait".to_owned());
        }
        let mut graph = Graph::default();
        for thread in &threads {
            graph.push(match asleep.remove(thread) {
                Some(wait) => Party::Asleep(wait),
                None if *thread == NOBODY => Party::Free(Freedom::Outsider),
                None => Party::Free(Freedom::Awake),
            });
        }
        graph.push(Party::Free(Freedom::Outsider));
        graph.push(Party::Free(Freedom::Signal));
        Waits { fates: graph.fates(), parties, calls }
    }

    fn is_for_ever(&self, thread: u32) -> bool {
        self.parties.get(&thread).is_some_and(|party| self.fates.of(*party) == Fate::ForEver)
    }

    fn knots(&self) -> Vec<Vec<u32>> {
        let thread = |party: &Index| {
            let mut those = self.parties.iter();
            those.find(|(_, other)| *other == party).map(|(thread, _)| *thread)
        };
        let knot = |knot: &Vec<Index>| knot.iter().filter_map(thread).collect();
        self.fates.knots().iter().map(knot).collect()
    }

    fn elsewhere(&self, channel: &Channel<'_>) -> Elsewhere {
        let actors = (0..).map(Actor).zip(channel.found.threads.iter().copied());
        let clause = |sleeper: &Sleeper| {
            Some((sleeper.actor, channel.ended_from_outside(sleeper)?.to_owned()))
        };
        let from_outside = channel.moment.sleepers.iter().filter_map(clause);
        let for_ever = actors.clone().filter(|(_, thread)| self.is_for_ever(*thread));
        let sleep_in =
            actors.filter_map(|(actor, thread)| Some((actor, self.calls.get(&thread)?.clone())));
        Elsewhere {
            for_ever: Some(for_ever.map(|(actor, _)| actor).collect()),
            sleep_in: sleep_in.collect(),
            from_outside: from_outside.collect(),
        }
    }
}
