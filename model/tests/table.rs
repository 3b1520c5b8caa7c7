//! Tests of the specification itself: the table of rules as a table, and over all reachable states.

mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{LINUX_SMALL, POSIX_SMALL, Pinned, in_parallel, spaces};
use pipewright_model::call::{Events, Op};
use pipewright_model::explore::visit;
use pipewright_model::rule::{Answers, Force, What};
use pipewright_model::rules::{CHAPTERS, Chapter, Overlap, RULES, applicable};
use pipewright_model::step::{RuleSet, deliveries, moves};
use pipewright_model::world::Progress;

#[test]
fn ids_are_well_formed_and_unique() {
    let mut seen = BTreeSet::new();
    for Chapter { name: chapter, rules, .. } in CHAPTERS {
        for rule in *rules {
            assert!(seen.insert(rule.id), "{} stands twice", rule.id);
            assert_eq!(rule.chapter(), *chapter, "{} stands in another chapter", rule.id);
            assert_eq!(rule.id.split('.').count(), 3, "{}", rule.id);
            let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '.';
            assert!(rule.id.chars().all(plain), "{}", rule.id);
            let call = rule.call();
            assert!(call == "any" || Op::WORDS.contains(&call), "{}: no call {call:?}", rule.id);
            assert!(rule.says.ends_with('.') && rule.says.len() > 20, "{}: {}", rule.id, rule.says);
            assert!(!rule.says.contains("  "), "{}: {}", rule.id, rule.says);
            assert!(!rule.cite.is_empty(), "{} cites nothing", rule.id);
        }
    }
    assert_eq!(seen.len(), RULES.len());
}

#[test]
fn every_call_in_every_reachable_state_has_a_move_and_every_rule_is_reached() {
    let ever = Mutex::new(RuleSet::default());
    let moved: Mutex<Vec<String>> = Mutex::default();
    let platforms = [&LINUX_SMALL, &POSIX_SMALL].into_iter();
    let all: Vec<_> = platforms.flat_map(|p| spaces().into_iter().map(move |s| (p, s))).collect();
    in_parallel(&all, |(platform, Pinned { name, space, linux_states, posix_states })| {
        let pinned = if platform.extensions { *linux_states } else { *posix_states };
        let mut reached = RuleSet::default();
        let count = visit(space, platform, |world| {
            deliveries(platform, world).iter().for_each(|(rule, _)| reached.insert(*rule));
            for actor in world.busy().iter() {
                let open = world.pending(actor).is_some_and(|c| c.progress == Progress::Open);
                let moves = moves(platform, world, actor, &mut reached);
                moves.iter().for_each(|(rule, _)| reached.insert(*rule));
                assert!(
                    !open || !moves.is_empty(),
                    "{}, {name}: no rule for {:?} in {world:?}",
                    platform.name,
                    world.pending(actor)
                );
            }
        });
        eprintln!("{:6} {name:16} {count:8} states", platform.name);
        let beyond: Vec<_> = reached
            .iter()
            .filter(|rule| !applicable(platform, &space.setup).contains(*rule))
            .map(|rule| RULES[usize::from(rule)].id)
            .collect();
        let packets_in_posix = space.setup.packet && !platform.extensions;
        assert!(beyond.is_empty() || packets_in_posix, "not thought to apply: {beyond:?}");
        let mut ever = ever.lock().expect("no test panics with it");
        *ever = ever.union(reached);
        if count != pinned {
            let told = format!("{}, {name}: {count} states", platform.name);
            moved.lock().expect("no test panics with it").push(told);
        }
    });
    let moved = moved.into_inner().expect("no test panics with it");
    assert!(moved.is_empty(), "state counts have moved: {moved:#?}");
    let ever = ever.into_inner().expect("no test panics with it");
    let unreached: Vec<_> = (0..RULES.len() as u16).filter(|rule| !ever.contains(*rule)).collect();
    let ids: Vec<_> = unreached.iter().map(|rule| RULES[usize::from(*rule)].id).collect();
    assert!(ids.is_empty(), "never apply: {ids:?}");
}

#[test]
fn a_must_overlaps_with_another_result_only_where_declared() {
    let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
    for Pinned { space, .. } in spaces() {
        visit(&space, &POSIX_SMALL, |world| {
            for actor in world.busy().iter() {
                let moves = moves(&POSIX_SMALL, world, actor, &mut RuleSet::default());
                for (a, first) in &moves {
                    for (b, second) in &moves {
                        let must = RULES[usize::from(*a)].force == Force::Must;
                        if a != b && must && differ(first.what, second.what) {
                            found.insert((RULES[usize::from(*a)].id, RULES[usize::from(*b)].id));
                        }
                    }
                }
            }
        });
    }
    let together = |a, b| overlaps().any(|o| o.rules.contains(a) && o.rules.contains(b));
    let undeclared: Vec<_> = found.iter().filter(|(a, b)| !together(a, b)).collect();
    assert!(
        undeclared.is_empty(),
        "these overlap: declare why, in the `overlaps` of a chapter, or make them exclude each other: {undeclared:#?}"
    );
    for overlap in overlaps() {
        for rule in overlap.rules {
            let occurs = found.iter().any(|(a, b)| {
                [a, b].contains(&rule) && overlap.rules.contains(a) && overlap.rules.contains(b)
            });
            assert!(occurs, "{rule} no longer overlaps as declared: {}", overlap.why);
        }
    }
}

/// Whether two moves can be told apart by whoever sees the reply, or the sleep.
fn differ(a: What, b: What) -> bool {
    let poll_with_none = Answers::Ready { must: Events::NONE, may: Events::NONE };
    assert_ne!(a, What::Answers(poll_with_none, None), "a poll answers with no event");
    a != b
}

fn overlaps() -> impl Iterator<Item = &'static Overlap> {
    CHAPTERS.iter().flat_map(|chapter| chapter.overlaps)
}
