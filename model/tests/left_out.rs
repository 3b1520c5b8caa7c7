//! Rules that are not looked at for a channel, as their chapters do not speak of what it is made of, do not apply to it.

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::collections::BTreeSet;

use cases::cases;
use common::{LINUX_SMALL, POSIX_SMALL, Pinned, in_parallel, spaces};
use pipewright_model::call::{Actor, Call, ENDS_MAX, End, Events, Op};
use pipewright_model::explore::visit;
use pipewright_model::rule::Scene;
use pipewright_model::rules::{RULES, of_call};
use pipewright_model::run::Event;
use pipewright_model::world::{Pending, Progress};

/// So many worlds of each space meet all calls; all meet those that the space has.
const WORLDS: usize = 50;

/// What polls have found: nothing, or all that there is.
const FOUND: [(Events, Events); 2] = [(Events::NONE, Events::NONE), (ALL, ALL)];

const ALL: Events = Events(u16::MAX);

#[test]
fn a_rule_that_is_not_looked_at_does_not_apply() {
    let ops = ops_of_cases();
    let words: BTreeSet<_> = ops.iter().map(Op::word).collect();
    assert_eq!(words.len(), Op::CALLS.len(), "the cases ask for {words:?} only");
    let platforms = [&LINUX_SMALL, &POSIX_SMALL].into_iter();
    let all: Vec<_> = platforms.flat_map(|p| spaces().into_iter().map(move |s| (p, s))).collect();
    in_parallel(&all, |(platform, Pinned { space, .. })| {
        let mut worlds = 0;
        visit(space, platform, |world| {
            let found = FOUND[0];
            for object in 0..world.objects.len() as u8 {
                let call = &Pending { end: End(object), ..Pending::NOBODYS };
                assert_none_is_left_out(&Scene {
                    platform,
                    world,
                    actor: Actor::NOBODY,
                    call,
                    found,
                });
            }
            let actors = || (0..world.actors.len() as u8).map(Actor);
            let calls = actors().filter_map(|actor| Some((actor, world.pending(actor)?)));
            for (actor, call) in calls.filter(|(_, call)| call.progress == Progress::Open) {
                assert_none_is_left_out(&Scene { platform, world, actor, call, found });
            }
            let idle: Vec<_> = actors().filter(|actor| world.pending(*actor).is_none()).collect();
            worlds += usize::from(!idle.is_empty());
            if worlds > WORLDS {
                return;
            }
            let closed = End(ENDS_MAX as u8 - 1);
            for actor in idle {
                for end in world.open_ends(actor).chain([closed]) {
                    for op in &ops {
                        let mut world = world.clone();
                        world.call(Call { actor, end, op: *op });
                        let (world, call) = (&world, world.pending(actor).expect("a call"));
                        assert_none_is_left_out(&Scene { platform, world, actor, call, found });
                    }
                }
            }
        });
    });
}

/// All that the cases ask for, each once.
fn ops_of_cases() -> BTreeSet<Op> {
    let events = cases().into_iter().flat_map(|(_, run)| run.events);
    events
        .filter_map(|event| if let Event::Call(call) = event { Some(call.op) } else { None })
        .collect()
}

fn assert_none_is_left_out(at: &Scene<'_>) {
    let op = &at.call.op;
    let looked_at = of_call(at.platform.family, at.world.discipline(), op);
    for index in
        of_call(at.platform.family, None, op).iter().filter(|rule| !looked_at.contains(rule))
    {
        let rule = RULES[usize::from(*index)];
        let applies = |found| (rule.step)(&Scene { found, ..*at }).is_some();
        assert!(!FOUND.into_iter().any(applies), "{} is left out of {:?}", rule.id, at.world);
    }
}
