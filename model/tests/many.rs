//! The search by many beside the search by one: the same states, steps, depth and verdicts.

use std::os::unix::net::UnixStream;

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::systems::{self, Outcome, Subject};
use pipewright_model::verify::many::{Lost, Member, Peer, Team, together};

/// Whether a system is looked at here. The large ones take minutes, and are with `ALL=1`.
fn is_chosen(subject: &Subject) -> bool {
    let is_small = |name| ["pipe-close-wakes-one", "pipe-forgets-writers"].contains(&name);
    let all = std::env::var_os("ALL").is_some();
    all || matches!(subject, Subject::System(_)) || is_small(subject.name())
}

/// What one worker finds.
fn by_one() -> Vec<(Subject, Outcome)> {
    let all = systems::all().into_iter().filter(is_chosen);
    all.map(|subject| {
        let outcome = subject.verify(usize::MAX);
        (subject, outcome)
    })
    .collect()
}

fn names(outcomes: &[(Subject, Outcome)]) -> Vec<&'static str> {
    outcomes.iter().map(|(subject, _)| subject.name()).collect()
}

/// What a worker of a team finds.
fn share(member: &mut Member, names: &[&'static str]) -> Result<Vec<Outcome>, Lost> {
    let chosen = systems::all().into_iter().filter(|subject| names.contains(&subject.name()));
    chosen.map(|subject| subject.verify_together(member)).collect()
}

/// Of two searches by many also the runs are the same.
fn assert_same(one: &[(Subject, Outcome)], names: &[&str], many: &[Outcome], who: &str) {
    let one = one.iter().filter(|(subject, _)| names.contains(&subject.name()));
    let mut compared = 0;
    for ((subject, one), many) in one.zip(many) {
        let name = subject.name();
        let counts = |outcome: &Outcome| {
            let report = &outcome.report;
            (report.states, report.transitions, report.depth, report.exhaustive)
        };
        assert_eq!(counts(one), counts(many), "{name} by {who}");
        let verdicts = |outcome: &Outcome| -> Vec<_> {
            outcome.report.found.iter().map(|found| (found.property, found.holds)).collect()
        };
        assert_eq!(verdicts(one), verdicts(many), "{name} by {who}");
        assert_eq!(one.broken().count(), many.broken().count(), "{name} by {who}");
        for ((property, one), (_, many)) in one.broken().zip(many.broken()) {
            let many = many.expect("what does not hold is shown");
            let one = one.expect("what does not hold is shown");
            if let Subject::System(system) = subject {
                let verdict = judge(many, &system.platform).verdict;
                assert_eq!(verdict, Verdict::Conforms, "{name}, {property}, by {who}\n{many}");
            }
            // A way of as many steps may tell one call more or less, as steps inside are not told.
            let lengths = (one.events.len(), many.events.len());
            assert!(lengths.0.abs_diff(lengths.1) <= 4, "{lengths:?}: {name} by {who}\n{many}");
        }
        compared += 1;
    }
    assert_eq!(compared, names.len());
}

fn by_threads(threads: usize, names: &[&'static str]) -> Vec<Vec<Outcome>> {
    let names = names.to_vec();
    let found = together(Team::of_threads(threads), move |member| share(member, &names));
    found.expect("nobody can go")
}

fn runs(outcomes: &[Outcome]) -> Vec<String> {
    let all = outcomes.iter().flat_map(|outcome| &outcome.runs);
    all.map(|run| run.as_ref().map(ToString::to_string).unwrap_or_default()).collect()
}

#[test]
fn two_and_three_workers_find_what_one_finds() {
    let one = by_one();
    let names = names(&one);
    assert!(names.len() > 30, "{names:?}");
    let mut shown = Vec::new();
    for threads in [1, 2, 3] {
        for outcomes in by_threads(threads, &names) {
            assert_same(&one, &names, &outcomes, &format!("{threads} workers"));
            shown.push(runs(&outcomes));
        }
    }
    assert!(shown.iter().all(|runs| *runs == shown[0]), "what is shown depends on how many search");
}

/// A team of two processes, or what would be two: streams between threads.
fn pair() -> [Team<UnixStream>; 2] {
    let (to_second, to_first) = UnixStream::pair().expect("a pair of sockets");
    let peer = |name: &str, stream| Some(Peer { name: name.into(), stream });
    let teams = [vec![None, peer("second", to_second)], vec![peer("first", to_first), None]];
    let mut process = 0..;
    teams.map(|peers| Team { threads: 2, process: process.next().unwrap_or_default(), peers })
}

#[test]
fn processes_of_two_workers_find_what_one_finds() {
    let one = by_one();
    let names = names(&one);
    let found: Vec<_> = pair()
        .map(|team| {
            let names = names.clone();
            std::thread::spawn(move || together(team, move |member| share(member, &names)))
        })
        .into_iter()
        .flat_map(|process| process.join().expect("it ends").expect("nobody goes"))
        .collect();
    assert_eq!(found.len(), 4);
    for outcomes in found {
        assert_same(&one, &names, &outcomes, "two processes of two workers");
    }
}

#[test]
fn a_process_that_goes_is_named_by_those_that_stay() {
    let [first, second] = pair();
    let Some(Some(peer)) = second.peers.into_iter().next() else { panic!("a peer") };
    let stays = std::thread::spawn(move || {
        together(first, |member| share(member, &["last-writer-closes"])).map(|_| ())
    });
    drop(peer);
    let lost = stays.join().expect("it ends").expect_err("it can't do without");
    assert_eq!((lost.process, lost.name.as_str()), (1, "second"), "{lost}");
}
