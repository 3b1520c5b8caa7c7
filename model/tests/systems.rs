//! The named systems: each verdict is as expected, and what is shown is real.

mod common;

use std::sync::Mutex;

use common::in_parallel;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::{Model, verify};

#[test]
fn every_system_is_as_sound_as_it_is_said_to_be() {
    let wrong = Mutex::new(Vec::new());
    let names: Vec<&str> = systems::all().iter().map(Subject::name).collect();
    in_parallel(&names, |name| {
        let system = systems::all().into_iter().find(|system| system.name() == *name);
        let system = system.expect("it is there");
        let outcome = system.verify(usize::MAX);
        let report = &outcome.report;
        eprintln!(
            "{:30} {:8} states {:8} transitions depth {} {:.0} B",
            system.name(),
            report.states,
            report.transitions,
            report.depth,
            report.bytes_a_state
        );
        let counts = (report.states, report.transitions, report.depth);
        let pinned = PINNED.iter().find(|(pinned, ..)| pinned == name);
        if pinned.map(|(_, states, transitions, depth)| (*states, *transitions, *depth))
            != Some(counts)
        {
            let told = format!("{name}: {counts:?}, and pinned is {pinned:?}");
            wrong.lock().expect("no panic").push(told);
        }
        let broken: Vec<_> = outcome.broken().map(|(name, _)| name).collect();
        for (name, run) in outcome.broken() {
            eprintln!("# {name}\n{}", run.map(|run| run.to_string()).unwrap_or_default());
        }
        if !outcome.is_as_expected(system.broken()) {
            let told = format!("{}: broken {broken:?}", system.name());
            wrong.lock().expect("no panic").push(told);
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_way_through_a_system_is_a_run_that_conforms() {
    for subject in systems::all() {
        let Subject::System(system) = subject else { continue };
        let report = verify(&system, usize::MAX);
        for path in report.found.iter().filter_map(|found| found.shown.as_ref()) {
            let run = system.run(path);
            let read: pipewright_model::run::Run = run.to_string().parse().expect("a run");
            assert_eq!(read, run);
            let verdict = judge(&run, &system.platform).verdict;
            assert_eq!(verdict, Verdict::Conforms, "{}\n{run}", system.name);
        }
    }
}

#[test]
fn a_loop_leads_back_to_where_it_begins() {
    let mut loops = 0;
    for system in systems::systems() {
        let report = verify(&system, usize::MAX);
        for path in report.found.iter().filter_map(|found| found.shown.as_ref()) {
            let Some(from) = path.loops_from else { continue };
            let mut states = vec![system.start()];
            for action in &path.actions {
                let mut next = Vec::new();
                system.steps(&states[states.len() - 1], &mut next);
                let taken = next.into_iter().find(|(other, _)| other == action);
                states.push(taken.expect("a step").1);
            }
            assert_eq!(states[from], states[states.len() - 1], "{}", system.name);
            assert!(path.actions.len() > from, "{}", system.name);
            loops += 1;
        }
    }
    assert!(loops > 0, "no system shows a loop");
}

/// States, transitions, and the most steps to a state, of each.
#[rustfmt::skip]
const PINNED: [(&str, usize, usize, usize); 82] = [
    ("simplex-pipe", 365, 720, 104),
    ("one-pipe-both-ways", 204, 352, 24),
    ("pipe-pair", 202, 358, 36),
    ("half-duplex-locked", 200, 340, 30),
    ("half-duplex-unlocked", 294, 506, 18),
    ("duplex-socket", 116, 208, 18),
    ("waiting-reader", 120, 208, 18),
    ("busy-waiting-reader", 52, 91, 12),
    ("busy-waiting-reader-unfair", 52, 91, 12),
    ("poll-then-block", 465, 1047, 18),
    ("poll-then-try", 556, 1288, 21),
    ("waiting-for-each-other", 9, 12, 4),
    ("epoll-edge-not-drained", 54, 86, 19),
    ("epoll-edge-drained", 570, 1039, 37),
    ("epoll-one-shot-not-armed", 921, 2399, 33),
    ("epoll-one-shot-armed", 1834, 5228, 48),
    ("epoll-herd", 4399, 11657, 40),
    ("epoll-exclusive-before-a-take", 372, 810, 24),
    ("epoll-waker-drained-late", 175, 328, 23),
    ("epoll-waker-drained-first", 187, 356, 22),
    ("leaked-write-end", 69, 114, 14),
    ("fork-inherits-ends", 121, 208, 21),
    ("last-writer-closes", 1674, 5077, 21),
    ("writer-without-reader", 587, 1054, 61),
    ("epoll-shared-over-fork", 23, 23, 22),
    ("parent-waits-before-draining", 3, 2, 2),
    ("parent-drains-before-waiting", 73, 119, 19),
    ("exit-before-drained", 67, 110, 18),
    ("exit-after-drained", 187, 336, 27),
    ("exit-output-to-a-file", 19, 18, 18),
    ("both-write-more-than-fits", 9, 12, 4),
    ("both-write-what-fits", 185, 340, 24),
    ("one-page-pipe", 69, 95, 25),
    ("two-page-pipe", 286, 511, 39),
    ("two-writers-up-to-pipe-buf", 984, 2456, 24),
    ("two-writers-above-pipe-buf", 8298, 21861, 73),
    ("two-writers-append", 135, 230, 15),
    ("two-writers-no-append", 110, 190, 15),
    ("fifo-rendezvous", 168, 285, 22),
    ("fifo-both-open-to-read-first", 9, 12, 4),
    ("listener-closes", 323, 582, 22),
    ("flag-and-data", 456, 1151, 26),
    ("flag-and-data-guarded", 114, 202, 24),
    ("lost-update", 213, 370, 18),
    ("locked-update", 200, 340, 30),
    ("torn-value", 196, 397, 15),
    ("locked-value", 154, 264, 27),
    ("whole-value", 240, 578, 18),
    ("crossed-fifos-opposite-orders", 9, 12, 4),
    ("crossed-fifos-same-order", 493, 934, 32),
    ("filter-fed-first", 128, 211, 30),
    ("filter-fed-by-a-thread", 2880, 7217, 75),
    ("errors-unread", 100, 170, 19),
    ("errors-merged", 1067, 3639, 50),
    ("wait-before-draining", 38, 62, 12),
    ("wait-after-draining", 107, 171, 29),
    ("parent-keeps-the-write-end", 81, 134, 18),
    ("parent-closes-the-write-end", 147, 254, 27),
    ("close-on-exec-forgotten", 816, 2024, 36),
    ("close-on-exec-set", 936, 2405, 42),
    ("dup2-leaves-the-original", 141, 245, 24),
    ("dup2-then-close", 189, 326, 33),
    ("pipeline-middle-dies", 15411, 50518, 63),
    ("pipeline-read-end-kept", 11766, 39065, 61),
    ("pipeline-write-end-kept", 10548, 35315, 56),
    ("job-token-taken-by-the-job", 1653, 4043, 36),
    ("job-token-taken-by-make", 96, 134, 36),
    ("job-token-in-a-fifo", 3213, 7120, 30),
    ("job-token-in-a-closed-fifo", 8757, 22256, 32),
    ("nonblocking-set-by-a-child", 105, 173, 24),
    ("nonblocking-cleared-by-a-child", 97, 163, 27),
    ("orphan-keeps-the-pipe", 47, 77, 13),
    ("orphan-lets-the-pipe-go", 193, 441, 19),
    ("daemon-keeps-the-lock", 33, 44, 13),
    ("daemon-closes-the-lock", 81, 141, 16),
    ("pipe-protocol", 26244, 67316, 45),
    ("pipe-protocol-writers", 31466, 82294, 68),
    ("pipe-close-wakes-one", 1850, 4377, 30),
    ("pipe-looks-before-queueing", 27848, 70051, 45),
    ("pipe-keeps-the-wake-up", 19359, 51068, 58),
    ("pipe-forgets-writers", 623, 1107, 47),
    ("pipe-without-mutex", 57972, 162552, 46),
];
