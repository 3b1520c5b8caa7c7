//! Scenarios in which each call returns before the next is made: what every call may give, without anybody to watch.
//!
//! They need no second thread and nobody who sees it sleep, so that they can be run where a system tells nothing of its
//! threads, and by a program of one thread. Which replies are right is asked of the rules.

use pipewright_model::call::{Call, Op, Reply};
use pipewright_model::data::Data;
use pipewright_model::ends::Held;
use pipewright_model::index::RuleIndex;
use pipewright_model::oracle::{Steps, reply_of};
use pipewright_model::platform::Platform;
use pipewright_model::rule::What;
use pipewright_model::run::{Event, Form, Run, Setup};
use pipewright_model::step::{self, RuleSet, deliveries, moves};
use pipewright_model::world::World;

use crate::scenario::Scenario;

/// A call, and all that it may give.
#[derive(Clone, Debug)]
pub struct Step {
    /// The call.
    pub call: Call,
    /// What the rules allow, each with its rule.
    pub replies: Vec<(Reply, RuleIndex)>,
    /// After which of them the calls go on; after another nothing more is known of this sequence.
    pub on: usize,
}

/// Calls of a run, one after another, with all that they may give.
#[derive(Clone, Debug)]
pub struct Sequence {
    /// The run that they are of.
    pub run: Run,
    /// The calls.
    pub steps: Vec<Step>,
}

/// The most worlds, and the most moves of one call, that are followed.
const WORLDS_MAX: usize = 256;

/// The worlds that there may be, each with what its actors hold.
struct Worlds<'p> {
    steps: Steps<'p>,
    worlds: Vec<Branch>,
}

#[derive(Clone, PartialEq)]
struct Branch {
    held: Vec<Held>,
    world: World,
    /// What the last call gave.
    gave: Option<Reply>,
}

impl Sequence {
    /// The calls of a run in which each returns before the next is made, as a case has it; or of a run that tells of no
    /// returns, as a litmus file has it, in its order. `None` where one may sleep, or may give what is not known.
    pub fn of(run: &Run, platform: &Platform) -> Option<Sequence> {
        if run.channels.len() > 1 || run.seats.iter().any(|seat| seat.form != Form::Actor) {
            return None;
        }
        let platform = &*platform.under(run.setup());
        let scenario = Scenario::of(run);
        let mut worlds = Worlds::start(platform, run.setup(), &scenario);
        let mut events = run.events.iter().peekable();
        let mut steps = Vec::new();
        while let Some(event) = events.next() {
            let call = match event {
                Event::Call(call) => *call,
                Event::Quiet(open) if open.is_empty() => continue,
                _ => return None,
            };
            let recorded = events.next_if(|event| matches!(event, Event::Return(..)));
            let recorded = recorded.and_then(|event| match event {
                Event::Return(actor, reply) if *actor == call.actor => Some(reply),
                _ => None,
            });
            let replies = worlds.replies(call)?;
            let same = |reply: &Reply, other: &Reply| {
                (reply.answer, reply.signal) == (other.answer, other.signal)
            };
            let on = match recorded {
                Some(recorded) => replies.iter().position(|(reply, _)| same(reply, recorded))?,
                None => 0,
            };
            let gave = &replies.get(on)?.0;
            worlds.worlds.retain(|branch| branch.gave.as_ref() == Some(gave));
            steps.push(Step { call, replies, on });
        }
        (!steps.is_empty()).then(|| Sequence { run: run.clone(), steps })
    }

    /// Whether what was seen of these calls is not what they may give, as one would find who sees their returns and nothing
    /// else.
    pub fn rejects(&self, seen: &Run) -> bool {
        let mut events = seen.events.iter().filter(|event| !matches!(event, Event::Quiet(_)));
        for step in &self.steps {
            let made = events.next();
            if made != Some(&Event::Call(step.call)) {
                return true;
            }
            let Some(Event::Return(_, reply)) = events.next() else { return true };
            let fits = |(allowed, _): &(Reply, RuleIndex)| {
                let same = (allowed.answer, allowed.signal) == (reply.answer, reply.signal);
                same && match &allowed.data {
                    Data::Named(names) => reply.data.may_be(names),
                    _ => true,
                }
            };
            match step.replies.iter().position(fits) {
                None => return true,
                Some(index) if index != step.on => return false,
                Some(_) => {}
            }
        }
        false
    }
}

/// Whether no call of a scenario sleeps, whatever the calls before it give.
pub fn is_sequential(scenario: &Scenario, setup: &Setup, platform: &Platform) -> bool {
    let platform = &*platform.under(setup);
    let mut worlds = Worlds::start(platform, setup, scenario);
    scenario.steps.iter().all(|step| worlds.replies(step.call).is_some())
}

impl<'p> Worlds<'p> {
    fn start(platform: &'p Platform, setup: &Setup, scenario: &Scenario) -> Worlds<'p> {
        let held = scenario.seats.iter().map(Held::at_start).collect();
        let world = step::start(platform, setup, &scenario.seats);
        let worlds = vec![Branch { held, world, gave: None }];
        Worlds { steps: Steps::new(platform), worlds }
    }

    /// What a call may give, once it is made; `None` where it may sleep, or nobody knows. Where an actor can't make it, it
    /// is left out.
    fn replies(&mut self, call: Call) -> Option<Vec<(Reply, RuleIndex)>> {
        let index = usize::from(call.actor.0);
        let mut after: Vec<Branch> = Vec::new();
        let mut replies: Vec<(Reply, RuleIndex)> = Vec::new();
        if needs_more(&call.op) {
            return None;
        }
        for branch in std::mem::take(&mut self.worlds) {
            if branch.held.get(index)?.in_the_way(&call).is_some() {
                after.push(Branch { gave: None, ..branch });
                continue;
            }
            for (world, reply, rule) in self.answered(branch.world, call)? {
                if !replies.iter().any(|(other, _)| *other == reply) {
                    replies.push((reply.clone(), rule));
                }
                let mut held = branch.held.clone();
                held[index].learn(&call, Some(reply.answer));
                let branch = Branch { held, world, gave: Some(reply) };
                if !after.contains(&branch) {
                    after.push(branch);
                }
            }
        }
        self.worlds = after;
        (self.worlds.len() <= WORLDS_MAX).then_some(replies)
    }

    /// All worlds in which the call has been answered and has returned.
    fn answered(&self, mut world: World, call: Call) -> Option<Vec<(World, Reply, RuleIndex)>> {
        let platform = self.steps.platform;
        world.call(call);
        let mut todo = vec![world];
        let mut done = Vec::new();
        let mut seen = 0;
        while let Some(mut world) = todo.pop() {
            seen += 1;
            if let Some((rule, reply)) = reply_of(&world, call.actor) {
                world.returned(call.actor);
                done.push((world, reply, rule));
                continue;
            }
            let unknown = |what: &What| matches!(what, What::Rests | What::Unspecified(_));
            let open = moves(platform, &world, call.actor, &mut RuleSet::default());
            let under_way = !deliveries(platform, &world).is_empty();
            if under_way || open.iter().any(|(_, step)| unknown(&step.what)) || seen > WORLDS_MAX {
                return None;
            }
            let next = self.steps.of(&world, call.actor);
            if next.is_empty() {
                return None;
            }
            todo.extend(next);
        }
        Some(done)
    }
}

/// Whether a call takes more than one thread of one process.
fn needs_more(op: &Op) -> bool {
    op.is_of_process()
        || op.is_nobodys()
        || matches!(op, Op::PollSet { .. } | Op::ProcessLock { .. })
}
