//! The named systems as a page, with what is found of each.

use super::all;
use crate::system::Family;

/// The page of systems, as Markdown: each is decided anew.
pub fn page() -> String {
    let mut text = String::from(INTRODUCTION);
    let decided: Vec<_> =
        all().into_iter().map(|subject| (subject.verify(usize::MAX), subject)).collect();
    text += "| system | family | what it is | verdict | states | transitions |\n";
    text += "| --- | --- | --- | --- | ---: | ---: |\n";
    for (outcome, subject) in &decided {
        let sound = outcome.broken().next().is_none();
        let (name, report) = (subject.name(), &outcome.report);
        let name = if sound { name.to_owned() } else { format!("[{name}](#{name})") };
        let verdict = if sound { "sound" } else { "unsound" };
        text += &format!(
            "| {name} | {} | {} | {verdict} | {} | {} |\n",
            subject.family(),
            subject.says(),
            report.states,
            report.transitions
        );
    }
    text += "\n## What is asked\n\nOf each that it holds, or (in brackets) that it doesn't.\n\n";
    for (outcome, subject) in &decided {
        let asked = outcome.report.found.iter().map(|found| match found.holds {
            true => found.property.to_owned(),
            false => format!("({})", found.property),
        });
        let asked: Vec<String> = asked.collect();
        text += &format!("- **{}**: {}\n", subject.name(), asked.join("; "));
    }
    text += "\n## What doesn't hold\n\nEach with the shortest run that shows it; what must come and \
             never does, by a run that stops or goes round.\n";
    for (outcome, subject) in &decided {
        if outcome.broken().next().is_none() {
            continue;
        }
        text += &format!("\n### {}\n\n{}\n", subject.name(), subject.says());
        // Runs inside a pipe are on small pages, so they are none of Linux.
        let inside = subject.family() == Family::Implementation;
        let info = if inside { "text" } else { "run" };
        let mut last = String::new();
        for (property, run) in outcome.broken() {
            let run = run.map(ToString::to_string).unwrap_or_default();
            text += &format!("\nIt does not hold that {property}");
            if run == last {
                text += ": as above.\n";
            } else {
                text += &format!(":\n\n```{info}\n{run}```\n");
            }
            last = run;
        }
    }
    text
}

const INTRODUCTION: &str = "\
# Systems

<!-- Written by `UPDATE=1 cargo test --test docs`; not by hand. -->

Processes that run small programs over a channel, and what is true of them, whatever the order in which they go on. \
Every step of a call is a move of [the rules](rules.md); all states are looked at. `pipewright verify` decides them \
anew, and prints the shortest run where something doesn't hold. [What verdicts mean](semantics.md#systems).

\"Nobody waits for what can't come\" is freedom from deadlock: no state in which nothing can happen while a process is \
not at its end. What comes in the end comes under every scheduler that is weakly fair: who can go on at all times \
does so in the end.

";
