//! Tests of the specification itself: the table of rules as a table, and over all reachable states.

mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{LINUX_SMALL, POSIX_SMALL, Pinned, in_parallel, spaces};
use pipewright_model::call::{Actor, Events, Op};
use pipewright_model::explore::visit;
use pipewright_model::index::RuleIndex;
use pipewright_model::platform::{Family, Platform};
use pipewright_model::rule::{Answers, Cite, Force, Move, Rule, What};
use pipewright_model::rules::outside::CAUSES;
use pipewright_model::rules::{CHAPTERS, Chapter, Overlap, RULES, applicable, by_id, has};
use pipewright_model::step::{RuleSet, answer, deliveries, moves};
use pipewright_model::world::{Progress, World};

#[test]
fn ids_are_well_formed_and_unique() {
    let mut seen = BTreeSet::new();
    for Chapter { name: chapter, rules, .. } in CHAPTERS {
        for rule in *rules {
            assert!(seen.insert(rule.id), "{} stands twice", rule.id);
            assert_eq!(rule.chapter(), *chapter, "{} stands in another chapter", rule.id);
            assert_eq!(rule.id.split('.').count(), 3, "{}", rule.id);
            // A call may have a number, as dup2 has.
            let plain = |c: char| c.is_ascii_lowercase() || c == '-' || c == '.' || c == '2';
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

/// Chapters whose sentences an editor has yet to go through.
const UNEDITED: [&str; 2] = ["epoll", "eventfd"];

/// Openings after which the subject of a sentence is no thing.
const NO_SUBJECTS: [&str; 12] = [
    "Who", "What", "Whoever", "Whatever", "Whether", "Nobody", "Somebody", "That", "It", "There",
    "Where", "While",
];

#[test]
fn a_rule_is_one_short_sentence_about_a_thing() {
    let edited = CHAPTERS.iter().filter(|chapter| !UNEDITED.contains(&chapter.name));
    let rules = edited.flat_map(|chapter| chapter.rules).map(|rule| (rule.id, rule.says));
    for (id, says) in rules.chain(CAUSES.iter().map(|cause| (cause.id, cause.says))) {
        let words = says.split_whitespace().count();
        assert!(words <= 25, "{id} has {words} words: {says}");
        let sentence = says.strip_suffix('.').unwrap_or_default();
        assert!(!sentence.is_empty(), "{id} has no full stop: {says}");
        assert!(!sentence.contains(". ") && !sentence.contains(';'), "{id} is two: {says}");
        let opening = sentence.split_whitespace().next().unwrap_or_default();
        assert!(!NO_SUBJECTS.contains(&opening), "{id} opens with {opening:?}: {says}");
        // What a rule says holds on every platform that has it: what POSIX has otherwise is another rule.
        for of_one in ["in POSIX", "otherwise in", "in posix"] {
            assert!(!says.contains(of_one), "{id} speaks of one platform: {says}");
        }
    }
}

#[test]
fn every_call_in_every_reachable_state_has_a_move_and_every_rule_is_reached() {
    let ever = Mutex::new(RuleSet::default());
    let moved: Mutex<Vec<String>> = Mutex::default();
    let platforms = [&LINUX_SMALL, &POSIX_SMALL].into_iter();
    let all: Vec<_> = platforms.flat_map(|p| spaces().into_iter().map(move |s| (p, s))).collect();
    in_parallel(&all, |(platform, Pinned { name, space, linux_states, posix_states })| {
        if space.setup.packet && !platform.packets {
            return; // not in the standard
        }
        let pinned = if platform.family == Family::Linux { *linux_states } else { *posix_states };
        let mut reached = RuleSet::default();
        let count = visit(space, platform, |world| {
            deliveries(platform, world).iter().for_each(|(rule, _)| reached.insert(*rule));
            for actor in world.busy().iter() {
                let open = world.pending(actor).is_some_and(|c| c.progress == Progress::Open);
                let moves = moves(platform, world, actor, &mut reached);
                moves.iter().for_each(|(rule, _)| reached.insert(*rule));
                let closes = world.pending(actor).is_some_and(|call| call.op == Op::Close);
                for by in moves.iter().filter(|_| closes) {
                    reached = reached.union(releases(platform, world, actor, *by));
                }
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
        assert!(beyond.is_empty(), "not thought to apply: {beyond:?}");
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
    // Spaces have no processes: tests/processes.rs reaches their rules.
    let of_processes = |id: &str| {
        [
            "process.",
            "signal.",
            "lock.process-lock.",
            // Nor are there epolls but of pipes and eventfds.
            "epoll.any.no-poll",
            "epoll.epoll-add.not-modelled",
            "epoll.any.not-modelled",
            "epoll.epoll-wait.finds-perhaps",
            "tcp.deliver.wakes-",
            "tcp.deliver.end-known",
            "tcp.shutdown.end-arrives-first",
            // Nobody is seen asleep, and nobody shares an epoll: cases and tests/wake_order.rs.
            "stream.any.not-woken",
            "eventfd.any.not-woken",
            "socket.accept.waits-in-line",
            "epoll.epoll-wait.other-was-woken",
            // Nobody locks a pipe, binds or accepts in these states: tests/posix_allows.rs.
            "lock.any.not-supported",
            "unix.bind.shut-down",
            "message.accept.none-nonblocking",
        ]
        .iter()
        .any(|those| id.starts_with(those))
    };
    let ids = unreached.iter().map(|rule| RULES[usize::from(*rule)].id);
    let ids: Vec<_> = ids.filter(|id| !of_processes(id)).collect();
    assert!(ids.is_empty(), "never apply: {ids:?}");
}

/// The rules of what a close releases.
fn releases(platform: &Platform, world: &World, actor: Actor, by: (RuleIndex, Move)) -> RuleSet {
    let What::Answers(Answers::Exactly(given), signal) = by.1.what else {
        return RuleSet::default();
    };
    answer(platform, &mut world.clone(), actor, by, 0, given, signal)
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
                        // Which of several errors is told is left open: tests/errors.rs.
                        let must = must && first.fault.is_none() && second.fault.is_none();
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

/// Whether a rule cites the standard.
fn cites_posix(rule: &Rule) -> bool {
    rule.cite.iter().any(|cite| matches!(cite, Cite::Posix(..)))
}

#[test]
fn forces_agree_with_what_is_cited_and_declared() {
    let declared: BTreeSet<_> =
        CHAPTERS.iter().flat_map(|chapter| chapter.exceptions).map(|e| e.rule).collect();
    for rule in RULES {
        let in_posix = has(Family::Posix, rule.id);
        let (id, force) = (rule.id, rule.force);
        assert_eq!(
            force == Force::Exception,
            declared.contains(id),
            "{id} is declared, or said to be"
        );
        match force {
            Force::Must => assert!(in_posix, "{id} is a must, and not of the standard"),
            Force::May => {}
            Force::Exception => assert!(!in_posix, "{id} is an exception, and of the standard"),
            Force::Silent => assert!(!cites_posix(rule), "{id} cites what is said to be silent"),
            Force::Unspecified => assert!(in_posix, "{id} is {force}, and not of the standard"),
        }
    }
    assert!(declared.iter().all(|id| by_id(id).is_some()), "{declared:?}");
}

/// What the rules cite, and the causes outside of a channel.
fn cites() -> impl Iterator<Item = (&'static str, Cite)> {
    let of_rules = RULES.iter().map(|rule| (rule.id, rule.cite));
    let of_causes = CAUSES.iter().map(|cause| (cause.id, cause.cite));
    of_rules.chain(of_causes).flat_map(|(id, cites)| cites.iter().map(move |cite| (id, *cite)))
}

/// Pages and headings of the man-pages, as [Debian has them](data/man-pages.sh).
const MAN_PAGES: &str = include_str!("data/man-pages.txt");

#[test]
fn man_pages_that_are_cited_have_the_headings() {
    let mut headings: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut page = "";
    for line in MAN_PAGES.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(heading) => _ = headings.insert((page, heading.trim())),
            None => page = line,
        }
    }
    // Behind a heading a page may say since when: `O_DIRECT  (since Linux 3.4)`.
    let has = |page: &str, cited: &str| {
        let is_it = |heading: &str| {
            heading.strip_prefix(cited).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(' ') && rest.trim().starts_with('(')
            })
        };
        headings.iter().any(|(of, heading)| *of == page && is_it(heading))
    };
    let wrong: Vec<_> = cites()
        .filter(|(_, cite)| matches!(cite, Cite::Man(page, heading) if !has(page, heading)))
        .collect();
    assert!(wrong.is_empty(), "no such page or heading: {wrong:?}");
}

/// Pages and headings of the standard, each once.
const POSIX_PAGES: &str = include_str!("data/posix-pages.txt");

#[test]
fn pages_of_the_standard_that_are_cited_are_listed() {
    let listed: BTreeSet<String> =
        POSIX_PAGES.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let cited: BTreeSet<String> = cites()
        .filter_map(|(_, cite)| match cite {
            Cite::Posix(page, heading) => Some(format!("{page}: {heading}")),
            _ => None,
        })
        .collect();
    let differ: Vec<_> = listed.symmetric_difference(&cited).collect();
    assert!(differ.is_empty(), "look them up, and list them in data/posix-pages.txt: {differ:?}");
}
