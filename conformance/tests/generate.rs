//! What generated scenarios are like: they make sense, they come again, they reach every rule, and they
//! come fast enough.

#[path = "common/no_case.rs"]
#[expect(dead_code, reason = "of what no case can show, walks show some")]
mod no_case;

use std::collections::BTreeSet;
use std::time::Instant;

use no_case::NOT_MODELLED;

use pipewright_conformance::generate::alphabet::ALPHABETS;
use pipewright_conformance::generate::{Paths, Scenarios, Shape, follow, normal, normalise, walk};
use pipewright_conformance::scenario::Scenario;
use pipewright_model::call::{Call, ENDS_MAX, Op};
use pipewright_model::kind::{Discipline, Ends, KINDS, SocketType};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, PLATFORMS, POSIX, Platform};
use pipewright_model::rules::{CHAPTERS, RULES};
use pipewright_model::run::{Actors, Run, Setup};
use pipewright_model::settings::{Setting, Settings};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Shapes of all kinds and set-ups.
fn shapes(platform: &'static Platform) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for kind in KINDS {
        let setup = Setup::new(kind);
        // A pipe of two pages, as a user gets who holds too many.
        let small = Setup { capacity_bytes: 8192, crowded: true, ..setup.clone() };
        let one_page = Setup { capacity_bytes: 4096, nonblock: true, ..setup.clone() };
        let packet = Setup { packet: true, ..setup.clone() };
        let setups = match (kind.discipline, kind.ends) {
            (Discipline::Stream, Ends::Shared) => vec![setup, small, one_page, packet],
            (Discipline::Stream, _) => vec![setup, small, one_page],
            (Discipline::File, Ends::Opened) => {
                vec![setup.clone(), Setup { append: true, ..setup }]
            }
            (Discipline::Unix(SocketType::Datagram, _), _) => {
                // Where one datagram may wait besides one, senders wait for receivers.
                let settings = Settings::STOCK.with(Setting::Datagrams, 1);
                let crowded = Setup { settings, ..setup.clone() };
                vec![Setup { nonblock: true, ..setup.clone() }, crowded, setup]
            }
            (Discipline::Unix(..) | Discipline::Tcp, _) => {
                vec![Setup { nonblock: true, ..setup.clone() }, setup]
            }
            _ => vec![setup],
        };
        shapes.extend(setups.into_iter().map(|setup| Shape::new(platform, setup)));
    }
    shapes
}

/// Checks what every scenario must keep, whatever its calls return.
fn check(scenario: &Scenario, setup: &Setup) -> Result<(), String> {
    let Scenario { seats, end_names, steps } = scenario;
    let unique = |names: &[_]| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let actor_names: Vec<_> = seats.iter().map(|seat| seat.name).collect();
    if !unique(&actor_names) || !unique(end_names) || end_names.len() > ENDS_MAX {
        return Err("a name stands twice".into());
    }
    if !end_names.is_sorted() {
        return Err("names of ends are not in order".into());
    }
    let mut racing = Actors::NONE;
    let mut needed = Actors::NONE;
    for step in steps {
        let Call { actor, end, op } = step.call;
        let by_name = op.is_by_name();
        if usize::from(actor.0) >= seats.len() || usize::from(end.0) >= ENDS_MAX {
            return Err(format!("no such actor or end: {:?}", step.call));
        }
        if op != Op::Unlink && usize::from(end.0) >= end_names.len() {
            return Err(format!("no name for the end of {:?}", step.call));
        }
        if by_name && matches!(setup.kind.ends, Ends::Shared | Ends::Own) {
            return Err("no name to open".into());
        }
        if racing.contains(actor) {
            return Err(format!("{actor:?} races itself"));
        }
        needed = needed.with(actor);
        racing = if step.settle { Actors::NONE } else { racing.with(actor) };
    }
    if !racing.is_empty() {
        return Err("the last step doesn't settle".into());
    }
    for (index, seat) in seats.iter().enumerate() {
        if seat.ends.is_empty() && !needed.iter().any(|actor| usize::from(actor.0) == index) {
            return Err(format!("nobody needs {}", seat.name));
        }
    }
    match normal(scenario) == *scenario && normalise(scenario.clone()) == *scenario {
        true => Ok(()),
        false => Err("not normal".into()),
    }
}

fn show(scenario: &Scenario, shape: &Shape) -> Run {
    follow(shape.platform, &shape.setup, scenario, 0).run
}

#[test]
fn every_scenario_is_well_formed_and_prints_and_reads_back() {
    for platform in PLATFORMS {
        for shape in shapes(platform) {
            for seed in 0..1000 {
                let scenario = walk(&shape, seed);
                if let Err(why) = check(&scenario, &shape.setup) {
                    panic!("{why}: seed {seed}\n{}", show(&scenario, &shape));
                }
                let run = show(&scenario, &shape);
                assert_eq!(run.check(), Ok(()));
                let text = run.to_string();
                let again: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
                assert_eq!(again, run, "{text}");
            }
        }
    }
}

#[test]
fn what_the_model_makes_of_a_scenario_conforms() {
    for platform in PLATFORMS {
        let mut inconclusive = 0;
        let mut made = 0;
        let mut skipped = 0;
        let mut unspecified = 0;
        let mut runs = 0;
        for shape in shapes(platform) {
            for seed in 0..200 {
                let scenario = walk(&shape, seed);
                let followed = follow(platform, &shape.setup, &scenario, seed);
                made += scenario.steps.len();
                skipped += followed.skipped.len();
                runs += 1;
                match judge(&followed.run, platform).verdict {
                    Verdict::Conforms => {}
                    Verdict::Inconclusive { .. } => inconclusive += 1,
                    Verdict::Unspecified { .. } => unspecified += 1,
                    Verdict::Deviates => panic!("seed {seed}\n{}", followed.run),
                }
            }
        }
        let name = platform.name;
        eprintln!(
            "{name}: {runs} runs, {inconclusive} inconclusive, {unspecified} unspecified, \
             {skipped} of {made} calls skipped"
        );
        if *platform == &LINUX {
            assert_eq!((inconclusive, unspecified), (0, 0));
        }
        assert!(skipped * 10 < made, "other outcomes than while walking leave actors busy");
    }
}

#[test]
fn the_same_seed_gives_the_same_scenario() {
    for shape in shapes(&LINUX) {
        let mut different = BTreeSet::new();
        for seed in 0..200 {
            assert_eq!(walk(&shape, seed), walk(&shape, seed));
            different.insert(format!("{:?}", walk(&shape, seed)));
        }
        assert!(different.len() > 190, "only {} scenarios differ", different.len());
    }
    let draw = || {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let scenarios = Scenarios(shapes(&LINUX).remove(0));
        (0..50)
            .map(|_| scenarios.new_tree(&mut runner).map(|tree| tree.current()))
            .collect::<Result<Vec<_>, _>>()
    };
    assert_eq!(draw(), draw());
}

#[test]
fn random_scenarios_use_nearly_every_rule() {
    let shapes = shapes(&LINUX);
    let mut counts = vec![0; RULES.len()];
    let each = 3_000;
    let mut lengths = Vec::new();
    let racing = shapes.iter().map(|shape| Shape { racing_percent: 60, ..shape.clone() });
    for shape in shapes.iter().cloned().chain(racing) {
        let shape = &shape;
        for seed in 0..each {
            let scenario = walk(shape, seed);
            lengths.push(scenario.steps.len());
            let shown = follow(&LINUX, &shape.setup, &scenario, seed).shown;
            shown.iter().for_each(|rule| counts[usize::from(rule)] += 1);
        }
    }
    let runs = lengths.len();
    let mean = lengths.iter().sum::<usize>() / runs;
    let full = lengths.iter().filter(|len| **len == 20).count();
    eprintln!("{runs} scenarios, {mean} calls on average, {full} of full length");
    let (mut used, mut all) = (0, 0);
    let mut table: Vec<_> = RULES.iter().zip(&counts).collect();
    table.sort_by_key(|(_, count)| **count);
    for (rule, count) in table {
        if CHAPTERS.iter().any(|chapter| chapter.not_on_linux.contains(&rule.id)) {
            assert_eq!(*count, 0, "{} is used on Linux", rule.id);
            continue;
        }
        // Walks make no call that is unspecified.
        if NOT_MODELLED.iter().any(|(id, _)| *id == rule.id) {
            continue;
        }
        // Of processes there are walks of their own.
        let of_processes = ["process.", "signal.", "lock.process-lock."];
        if of_processes.iter().any(|those| rule.id.starts_with(those)) {
            continue;
        }
        all += 1;
        used += usize::from(*count > 0);
        if *count < 20 {
            eprintln!("{count:5} {}", rule.id);
        }
    }
    eprintln!("{used} of {all} rules used");
    assert!(used * 100 >= all * 97, "{used} of {all} rules used");
    assert!(full * 100 >= runs * 75, "{full} of {runs} scenarios went all the way");
}

#[test]
fn no_call_is_unspecified_where_things_go_as_in_the_walk() {
    let mut all_made = 0;
    for shape in shapes(&POSIX) {
        for seed in 0..500 {
            let scenario = walk(&shape, seed);
            let followed = follow(&POSIX, &shape.setup, &scenario, seed);
            if followed.skipped.is_empty() && scenario.steps.iter().all(|step| step.settle) {
                all_made += 1;
                assert!(!followed.unspecified, "{}", followed.run);
            }
        }
    }
    assert!(all_made > 100);
}

#[test]
fn scenarios_come_fast() {
    const SEEDS: u64 = 500;
    for shape in shapes(&LINUX).iter().chain(&shapes(&POSIX)) {
        let started = Instant::now();
        let steps: usize = (0..SEEDS).map(|seed| walk(shape, seed).steps.len()).sum();
        let took = started.elapsed();
        eprintln!(
            "{:6} {:5} {:6}: {:6.0} scenarios/s, {:.2} µs a step",
            shape.platform.name,
            shape.setup.kind.name,
            shape.setup.capacity_bytes,
            SEEDS as f64 / took.as_secs_f64(),
            took.as_secs_f64() * 1e6 / steps as f64
        );
    }
}

/// Paths of 5 calls are some 200,000; set it so to count them.
const LEN_MAX: usize = 4;

#[test]
fn short_paths_are_counted() {
    let setups: Vec<_> = KINDS.iter().map(|kind| Setup::new(kind)).collect();
    let mut counts = Vec::new();
    for alphabet in ALPHABETS {
        let setup = setups.iter().find(|setup| alphabet.suits(setup)).expect("some kind suits");
        for len in 1..=LEN_MAX {
            let started = Instant::now();
            let paths = Paths::new(&LINUX, setup, alphabet, len);
            let mut count = 0;
            let mut seen = BTreeSet::new();
            for scenario in paths {
                count += 1;
                if len <= 3 {
                    assert_eq!(normal(&scenario), scenario);
                    assert!(seen.insert(format!("{scenario:?}")), "twice: {scenario:?}");
                    let followed = follow(&LINUX, setup, &scenario, 0);
                    assert!(followed.skipped.is_empty(), "{}", followed.run);
                }
            }
            eprintln!("{}, {len} calls: {count} in {:?}", alphabet.name, started.elapsed());
            counts.push((len, count));
        }
    }
    assert!(counts.iter().all(|(len, count)| *count > 5 || *len == 1));
}
