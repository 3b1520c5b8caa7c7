//! From the model to the kernel: what the named systems show, real channels show too.

use pipewright_backends::Channel;
use pipewright_conformance::generate::{in_order, of_system};
use pipewright_conformance::{Placement, Runner, Scenario};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Run};
use pipewright_model::system::System;
use pipewright_model::systems;
use pipewright_model::verify::{NO_DEADLOCK, verify};

/// The first channel of this machine that is of the system's kind.
fn channel_of(system: &System) -> Option<&'static dyn Channel> {
    let all = pipewright_backends::channels().iter().copied();
    let exactly = all.clone().find(|channel| channel.setup() == system.setup);
    exactly.or(all.clone().find(|channel| channel.setup().kind == system.setup.kind))
}

fn runs(channel: &'static dyn Channel, scenarios: &[Scenario]) -> Vec<Run> {
    let actors = scenarios.iter().map(|scenario| scenario.seats.len()).max().unwrap_or(1);
    let arrangement = channel.arrangements()[0];
    let mut runner =
        Runner::new(channel, arrangement, actors, Placement::Anywhere).expect("a runner");
    let mut runs = Vec::new();
    runner.run_all(scenarios, |_, run| runs.push(run.expect("a run")));
    for run in &runs {
        assert_eq!(judge(run, &LINUX).verdict, Verdict::Conforms, "{}\n{run}", channel.name());
    }
    runs
}

fn calls(run: &Run) -> impl Iterator<Item = pipewright_model::call::Call> + '_ {
    run.events.iter().filter_map(|event| match event {
        Event::Call(call) => Some(*call),
        _ => None,
    })
}

#[test]
fn a_deadlock_of_the_model_is_seen_in_the_kernel_as_all_asleep() {
    let mut seen = Vec::new();
    for system in systems::systems() {
        let report = verify(&system, usize::MAX);
        let broken = report.broken().find(|found| found.property == NO_DEADLOCK);
        let Some(path) = broken.and_then(|found| found.shown.as_ref()) else { continue };
        let Some(channel) = channel_of(&system) else { continue };
        let shown = system.run(path);
        let asleep = shown.events.last().cloned();
        assert!(matches!(asleep, Some(Event::Quiet(_))), "{shown}");
        let real = runs(channel, &[in_order(&system, calls(&shown))]);
        assert_eq!(real[0].events.last().cloned(), asleep, "{}\n{}", system.name, real[0]);
        seen.push(system.name);
    }
    println!("deadlocks seen in the kernel: {}", seen.join(", "));
    assert!(seen.len() >= 8, "only {seen:?}");
}

#[test]
fn orders_of_calls_of_the_systems_conform_on_real_channels() {
    let mut count = 0;
    for system in systems::systems() {
        let Some(channel) = channel_of(&system) else { continue };
        let scenarios = of_system(&system, 40);
        assert!(!scenarios.is_empty(), "{} has no scenario", system.name);
        count += runs(channel, &scenarios).len();
        let report = verify(&system, usize::MAX);
        let shown = report.broken().filter_map(|found| found.shown.as_ref());
        let ways: Vec<Scenario> = shown.map(|path| Scenario::of(&system.run(path))).collect();
        count += runs(channel, &ways).len();
    }
    println!("{count} runs");
    assert!(count > 500, "only {count} runs");
}
