//! The page of the systems: each with what was found of it, and a run that shows it.

use std::fmt::Write as _;

use pipewright_model::draw::{Story, Theme};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use pipewright_model::system::{Family, SPECIFIED};
use pipewright_model::systems::{Outcome, Subject};
use pipewright_model::verify::NO_DEADLOCK;

use crate::generated;

pub(super) fn verdict(outcome: &Outcome) -> &'static str {
    match (outcome.broken().next().is_some(), outcome.report.exhaustive) {
        (true, _) => "unsound",
        (false, true) => "sound",
        (false, false) => "undecided",
    }
}

/// A system with what was found of it, and the run that shows the worst of it as a picture.
pub(super) fn system(subject: &Subject, outcome: &Outcome) -> String {
    let name = subject.name();
    let mut text = format!("\n## {name}\n\n{}\n\n", subject.says());
    if matches!(subject, Subject::System(_)) {
        let file = format!("systems/{name}.system");
        let _ = writeln!(text, "[`{file}`](../model/{file}) claims:\n");
    }
    for (index, found) in outcome.report.found.iter().enumerate() {
        if found.property == SPECIFIED && found.holds {
            continue;
        }
        let shown = outcome.runs.get(index).is_some_and(Option::is_some);
        let holds = match (found.holds, shown) {
            (true, _) => "holds",
            (false, true) => "**does not hold**",
            (false, false) => "**does not hold** (nothing shows it)",
        };
        let _ = writeln!(text, "- {}: {holds}.", found.property);
    }
    let _ = writeln!(
        text,
        "\n*{}*: {} states, {} transitions, up to {} steps; `pipewright verify {name}` decides it anew.",
        verdict(outcome),
        outcome.report.states,
        outcome.report.transitions,
        outcome.report.depth
    );
    let broken = outcome.broken().find_map(|(property, run)| Some((property, run?)));
    let some = || {
        let found = outcome.report.found.iter().zip(&outcome.runs);
        found
            .filter(|(found, _)| found.holds)
            .find_map(|(found, run)| Some((found.property, run.as_ref()?)))
    };
    if let Some((property, run)) = broken.or_else(some) {
        let says = match (property, broken.is_some()) {
            (NO_DEADLOCK, true) => "Deadlock".to_owned(),
            (_, true) => format!("Broken: {property}"),
            (_, false) => format!("Shown: {property}"),
        };
        // Runs inside a pipe are on small pages, so they are none of Linux.
        let inside = subject.family() == Family::Implementation;
        text.push_str(&system_picture(name, &says, run, if inside { "text" } else { "run" }));
    }
    text
}

fn system_picture(name: &str, says: &str, run: &Run, info: &str) -> String {
    let file = format!("pictures/system-{name}.svg");
    let svg = Story::of(run, &LINUX).titled(name).svg(Theme::Auto);
    generated(&format!("docs/{file}"), &svg);
    format!("\n![{name}: {says}]({file})\n\n{says}:\n\n```{info}\n{run}```\n")
}
