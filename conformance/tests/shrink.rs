//! Shrinking ends, and ends at the simplest scenario that fails, for failures of many sorts.

use std::cell::Cell;

use pipewright_conformance::generate::{Scenarios, Shape, follow, normalise, shrink, walk};
use pipewright_conformance::scenario::Scenario;
use pipewright_model::call::{Call, Mode, Op};
use pipewright_model::kind::{Ends, KINDS};
use pipewright_model::platform::LINUX;
use pipewright_model::rules::by_id;
use pipewright_model::run::Setup;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

fn shape(ends: Ends) -> Shape {
    let kind = KINDS.iter().find(|kind| kind.ends == ends).expect("there is a kind of each sort");
    Shape::new(&LINUX, Setup::new(kind))
}

/// The simplest scenarios found for a failure, as text, each once, and the most questions asked.
fn minimal(shape: &Shape, fails: impl Fn(&Scenario) -> bool) -> (Vec<String>, u32) {
    let mut texts = Vec::new();
    let mut asked_max = 0;
    let mut found = 0;
    for seed in 0..3000 {
        let scenario = walk(shape, seed);
        if !fails(&scenario) || found == 60 {
            continue;
        }
        found += 1;
        let asked = Cell::new(0);
        let simplest = shrink(scenario, |candidate| {
            asked.set(asked.get() + 1);
            assert_eq!(normalise(candidate.clone()), *candidate);
            fails(candidate)
        });
        assert!(fails(&simplest));
        asked_max = asked_max.max(asked.get());
        let text = follow(&LINUX, &shape.setup, &simplest, 0).run.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    assert!(found >= 10, "only {found} scenarios fail");
    eprintln!("{found} shrunk to {}, at most {asked_max} questions: {texts:#?}", texts.len());
    (texts, asked_max)
}

fn calls(scenario: &Scenario) -> impl Iterator<Item = (usize, Call)> + '_ {
    scenario.steps.iter().map(|step| step.call).enumerate()
}

/// A write of more than 4096 bytes after a close by another.
fn long_write_after_close(scenario: &Scenario) -> bool {
    calls(scenario).any(|(at, call)| {
        let close = |(before, other): (usize, Call)| {
            before < at && other.op == Op::Close && other.actor != call.actor
        };
        matches!(call.op, Op::Write { len: 4097.. }) && calls(scenario).any(close)
    })
}

#[test]
fn a_long_write_after_a_close_shrinks_to_two_calls() {
    let (texts, asked) = minimal(&shape(Ends::Shared), long_write_after_close);
    for text in &texts {
        assert!(text.contains("write 4097") && text.lines().count() <= 4, "{text}");
    }
    assert!(asked < 1000, "{asked} questions");
}

#[test]
fn a_race_stays_where_it_matters_and_goes_where_not() {
    let races = |scenario: &Scenario| {
        let both = scenario.steps.windows(2).filter(|steps| !steps[0].settle);
        both.filter(|steps| matches!(steps[0].call.op, Op::Write { len: 1000.. }))
            .any(|steps| matches!(steps[1].call.op, Op::Write { len: 1000.. }))
    };
    let shape = Shape { racing_percent: 50, ..shape(Ends::Shared) };
    let mut seen = 0;
    for seed in 0..500 {
        let scenario = walk(&shape, seed);
        if races(&scenario) {
            seen += 1;
            let simplest = shrink(scenario, races);
            assert_eq!(simplest.steps.len(), 2, "{simplest:?}");
            assert!(!simplest.steps[0].settle && simplest.steps[1].settle);
            let small = |op: Op| op == Op::Write { len: 1000 };
            assert!(simplest.steps.iter().all(|step| small(step.call.op)), "{simplest:?}");
            assert_eq!(simplest.seats.len(), 2);
        }
    }
    assert!(seen > 20);
}

/// Failures that depend on what the calls do: the rule is used when the model is followed.
#[test]
fn scenarios_that_use_a_rule_shrink_to_few_calls() {
    let cases = [
        (Ends::Shared, "stream.write.cut-short-nonblocking", 6),
        (Ends::Shared, "stream.write.reader-left", 4),
        (Ends::Shared, "stream.write.merges", 3),
        (Ends::Shared, "stream.write.no-free-page", 6),
        (Ends::Shared, "descriptor.close.others-remain", 3),
        (Ends::Opened, "fifo.open.partner-came", 2),
        (Ends::Opened, "stream.read.no-writer", 4),
    ];
    for (ends, id, calls_max) in cases {
        let rule = by_id(id).expect("the rule exists");
        let shape = shape(ends);
        let shows = |scenario: &Scenario, seed| {
            follow(&LINUX, &shape.setup, scenario, seed).shown.contains(rule)
        };
        let uses = |scenario: &Scenario| (0..16).any(|seed| shows(scenario, seed));
        let (mut seen, mut worst, mut asked) = (0, None, 0_u64);
        for seed in 0..6000 {
            let scenario = walk(&shape, seed);
            if seen < 20 && uses(&scenario) {
                seen += 1;
                let simplest = shrink(scenario, |candidate| {
                    asked += 1;
                    uses(candidate)
                });
                assert!(uses(&simplest));
                if simplest.steps.len() > worst.as_ref().map_or(0, |w: &Scenario| w.steps.len()) {
                    worst = Some(simplest);
                }
            }
        }
        let worst = worst.expect("some scenario uses the rule");
        let seed = (0..16).find(|seed| shows(&worst, *seed)).expect("it was seen before");
        let run = follow(&LINUX, &shape.setup, &worst, seed).run;
        eprintln!("{id}: {seen} shrunk, {} questions each; the longest:\n{run}", asked / seen);
        assert!(worst.steps.len() <= calls_max, "{id}\n{run}");
    }
}

#[test]
fn what_does_not_matter_is_dropped_from_seats_options_and_names() {
    let fails = |scenario: &Scenario| {
        let opens = |mode| {
            calls(scenario)
                .any(|(_, call)| matches!(call.op, Op::Open { mode: m, .. } if m == mode))
        };
        opens(Mode::Write) && calls(scenario).any(|(_, c)| matches!(c.op, Op::Dup { .. }))
    };
    let (texts, _) = minimal(&shape(Ends::Opened), fails);
    for text in &texts {
        assert!(!text.contains("nonblocking"), "{text}");
        assert!(!text.contains("reader2") && !text.contains("actor c"), "{text}");
    }
}

#[test]
fn proptest_shrinks_as_well() {
    let mut runner = TestRunner::new(Config {
        max_shrink_iters: 10_000,
        failure_persistence: None,
        cases: 2000,
        ..Config::default()
    });
    let found =
        runner.run(&Scenarios(shape(Ends::Shared)), |scenario| {
            match long_write_after_close(&scenario) {
                true => Err(TestCaseError::fail("a long write after a close")),
                false => Ok(()),
            }
        });
    match found {
        Err(TestError::Fail(_, simplest)) => {
            assert!(long_write_after_close(&simplest));
            assert_eq!(simplest.steps.len(), 2, "{simplest:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_tree_keeps_proptests_contract() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..50 {
        let mut tree = Scenarios(shape(Ends::Opened)).new_tree(&mut runner).expect("no rejects");
        let mut other = tree.clone();
        let first = tree.current();
        // Nothing simpler fails: the first stays.
        let mut went_on = tree.simplify();
        while went_on {
            assert_ne!(tree.current(), first);
            went_on = tree.complicate();
        }
        assert_eq!(tree.current(), first);
        // All that is simpler fails: nothing is left.
        while other.simplify() {}
        assert!(other.current().steps.is_empty() && other.current().seats.is_empty());
    }
}
