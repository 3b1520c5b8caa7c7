//! What a campaign has seen, for people and for machines: a table, deviations as text, JSON, JUnit.

mod junit;
mod width;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_backends::Channel;
use pipewright_backends::sys::stop;
use pipewright_model::call::{Actor, Reply};
use pipewright_model::data::Data;
use pipewright_model::diagnosis::diagnose;
use pipewright_model::kind::{Hold, MODEL_CAPACITY_BYTES, MODEL_PAGE_BYTES};
use pipewright_model::oracle::{Allowed, Deviation, Judgement};
use pipewright_model::rules::{Exception, RULES};
use pipewright_model::run::{Event, Run, Setup};
use pipewright_model::settings::Setting;
use pipewright_model::text;
use serde_json::{Value, json};

use crate::campaign::{Found, Source, Tested};
use crate::{Observation, Scenario, Trouble};

pub use junit::junit;
pub use width::fitted;

/// Where, by what and from which seed a campaign was run.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The kernel: name, release, machine.
    pub kernel: String,
    /// The profile.
    pub profile: &'static str,
    /// The seed.
    pub seed: u64,
    /// How well actors are looked at.
    pub observation: Observation,
    /// The settings of this system that differ from the stock, of those that matter to the channels.
    pub settings: Vec<(Setting, u32)>,
    /// Why calls are not stopped in their middle, where they can't be.
    pub no_stops: Option<&'static str>,
}

impl Heading {
    /// The heading of a campaign on this machine.
    pub fn here(profile: &'static str, seed: u64) -> Heading {
        let uname = rustix::system::uname();
        let part = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let kernel = [uname.sysname(), uname.release(), uname.machine()].map(part).join(" ");
        let (observation, no_stops) = (Observation::here(), stop::unavailable());
        Heading { kernel, profile, seed, observation, settings: vec![], no_stops }
    }

    /// The same with the settings that matter to these channels.
    #[must_use]
    pub fn with_settings_of(mut self, channels: &[&dyn Channel]) -> Heading {
        let changed = channels.iter().flat_map(|channel| channel.setup().settings.changed());
        self.settings = changed.collect::<BTreeSet<_>>().into_iter().collect();
        self
    }
}

impl fmt::Display for Heading {
    /// Lines that open a report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Heading { kernel, profile, seed, observation, settings, no_stops } = self;
        writeln!(f, "{kernel}, profile {profile}, seed {seed}")?;
        let told = settings.iter().map(|(setting, value)| {
            format!("{} {value} (stock {})", setting.name(), setting.stock())
        });
        match told.collect::<Vec<_>>().as_slice() {
            [] => {}
            told => writeln!(f, "settings: {}", told.join(", "))?,
        }
        writeln!(f, "observation: {observation}")?;
        match no_stops {
            Some(reason) => writeln!(f, "no call is stopped in its middle: {reason}"),
            None => Ok(()),
        }
    }
}

/// The table: a row a channel. Where it would be wider than the terminal it is without what is known of each kind
/// beforehand.
pub fn table(tested: &[Tested]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "channel",
        "direction",
        "waiting",
        "reach",
        "scenarios",
        "steps",
        "rules shown",
        "verdict",
    ]);
    for row in tested {
        let kind = row.setup.kind;
        table.add_row([
            row.channel.clone(),
            kind.direction.to_string(),
            kind.waiting.to_string(),
            kind.reach.to_string(),
            row.scenarios.to_string(),
            row.steps.to_string(),
            format!("{} / {}", shown(row), row.applicable.len()),
            verdict(row),
        ]);
    }
    for column in 4..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    fitted(table, &["reach", "direction", "waiting", "steps"])
}

/// A line for a table in which not all rules were shown. Empty where all were.
pub fn not_shown(tested: &[Tested]) -> &'static str {
    match tested.iter().any(|row| shown(row) < row.applicable.len()) {
        true => "`--json FILE` names the rules that no run showed.\n",
        false => "",
    }
}

fn shown(row: &Tested) -> usize {
    row.shown.intersection(row.applicable).len()
}

/// The verdict, and of how many runs it or another was given: `deviates in 3, unspecified in 1`.
fn verdict(row: &Tested) -> String {
    let counts = [
        ("deviates", row.deviating),
        ("inconclusive", row.inconclusive.0),
        ("unspecified", row.unspecified),
    ];
    let told = counts.iter().filter(|(_, count)| *count > 0);
    let mut told: Vec<_> = told.map(|(word, count)| format!("{word} in {count}")).collect();
    let word = row.verdict();
    if matches!(word, "conforms" | "not supported" | "stopped") {
        told.insert(0, word.to_owned());
    }
    if row.lacking.scenarios > 0 {
        told.push(format!("left out {}", row.lacking.scenarios));
    }
    if row.stopped && word != "stopped" {
        told.push("stopped".to_owned());
    }
    told.join(", ")
}

/// What this machine lacks of a channel, a line for each reason.
pub fn lacking(row: &Tested) -> String {
    let word =
        if row.verdict() == "not supported" { "not supported" } else { "in part not supported" };
    let line = |reason: &String| format!("{}: {word}: {reason}\n", row.channel);
    row.lacking.reasons.iter().map(line).collect()
}

/// Runs that deviate by one fault: how many, where the smallest came from, that run, and what was allowed instead.
pub fn found(channel: &str, found: &Found) -> String {
    let source = match &found.source {
        Source::Case(name) => format!("case {name}"),
        Source::Path(alphabet, number) => format!("path {number} over the alphabet {alphabet}"),
        Source::System(name, number) => format!("order {number} of the calls of the system {name}"),
        Source::Shared(number) => format!("random scenario {number}"),
        Source::Own(number) => format!("random scenario {number} for this channel"),
    };
    let arrangement = found.arrangement;
    let exception = found.exception().map(|Exception { rule, why }| {
        format!("  Linux is known to do so, and POSIX does not allow it ({rule}): {why}\n")
    });
    format!(
        "{channel} deviates in {}: {} (actors: {arrangement}; made simple from {source}):\n\n{}\n{}{}",
        runs(found.runs),
        found.fault,
        indent(&found.run.to_string()),
        deviations(&found.run, &found.judgement),
        exception.unwrap_or_default()
    )
}

/// A run as it can be saved, replayed and explored, opening with why it is kept.
pub fn saved(channel: &str, found: &Found) -> String {
    let mut run = found.run.clone();
    run.preamble = vec![format!("{channel} deviates here:")];
    let told = deviations(&found.run, &found.judgement);
    run.preamble.extend(told.lines().map(|line| line.trim_end().to_owned()));
    run.to_string()
}

/// A run with more orders than could be followed, and where that was.
pub fn unjudged(run: &Run, at: usize) -> String {
    let line = line_number(run, at).map(|line| format!(", at line {line}")).unwrap_or_default();
    format!("too many orders{line}:\n\n{}", indent(&run.to_string()).trim_end())
}

/// A scenario of which there is no run, its calls in order, and why.
pub fn not_run(setup: &Setup, scenario: &Scenario, trouble: &Trouble) -> String {
    let Scenario { seats, end_names, steps } = scenario;
    let mut run = Run::new(setup.clone(), seats.clone(), end_names.clone());
    steps.iter().for_each(|step| run.push(Event::Call(step.call)));
    format!("{trouble}; the calls in order:\n\n{}", indent(&run.to_string()).trim_end())
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// The deviations of a run, each with what was allowed instead and by which rules; with lines of the run as it is
/// printed.
pub fn deviations(run: &Run, judgement: &Judgement) -> String {
    if judgement.deviations.is_empty() {
        return String::new();
    }
    deviations_at(run, judgement, &lines(run))
}

/// The same of a run whose events stand in these lines.
pub fn deviations_at(run: &Run, judgement: &Judgement, lines: &[usize]) -> String {
    let mut told = String::new();
    for deviation in &judgement.deviations {
        told.push_str(&deviation_of(run, judgement, deviation, lines));
    }
    told
}

fn deviation_of(
    run: &Run,
    judgement: &Judgement,
    deviation: &Deviation,
    lines: &[usize],
) -> String {
    let line = text::event(run, deviation.event);
    let mut told = format!("no rule allows `{}`", line.trim());
    if let Some(number) = lines.get(deviation.event) {
        let _ = write!(told, " (line {number})");
    }
    if deviation.after_another {
        told.push_str(", though after an earlier deviation this is a guess");
    }
    told.push_str(match (deviation.allowed.is_empty(), run.events.get(deviation.event)) {
        (true, Some(Event::Stops(..))) => ", and then its reply\n",
        (true, _) => "; nothing else was allowed either\n",
        (false, _) => "; allowed instead:\n",
    });
    told.push_str(&alternatives(run, &deviation.allowed));
    let _ = writeln!(told, "  {}", diagnose(run, judgement, deviation));
    told
}

/// What was allowed instead: a few, each with its rule, whose sentence comes once.
fn alternatives(run: &Run, allowed: &[Allowed]) -> String {
    const SHOWN_MAX: usize = 4;
    let shown = if allowed.len() > SHOWN_MAX { SHOWN_MAX - 1 } else { allowed.len() };
    let mut told = String::new();
    for (index, one) in allowed[..shown].iter().enumerate() {
        let rule = RULES[usize::from(one.rule())];
        let _ = write!(told, "  {:24} {}", allowed_text(run, one), rule.id);
        let again = allowed[..index].iter().any(|before| before.rule() == one.rule());
        let _ = if again { writeln!(told) } else { writeln!(told, ": {}", rule.says) };
    }
    if shown < allowed.len() {
        let _ = writeln!(told, "  and {} more", allowed.len() - shown);
    }
    told
}

/// The line of an event in the run's own text, from 1.
fn line_number(run: &Run, event: usize) -> Option<usize> {
    lines(run).get(event).copied()
}

/// The lines of all events in the run's own text, from 1; none where that can't be read.
pub fn lines(run: &Run) -> Vec<usize> {
    let text = run.to_string();
    text::parse(&text).map(|parsed| parsed.lines(&text)).unwrap_or_default()
}

fn allowed_text(run: &Run, allowed: &Allowed) -> String {
    match allowed {
        Allowed::Sleeps(actor, _) => format!("{} sleeps", run.actor_name(*actor)),
        Allowed::Returns(actor, reply, _) => {
            format!("{}: -> {}", run.actor_name(*actor), reply_text(run, *actor, reply))
        }
    }
}

fn reply_text(run: &Run, _: Actor, reply: &Reply) -> String {
    let mut told = reply.to_string();
    if let Data::Named(segments) = &reply.data {
        told.push_str(" =");
        for segment in segments {
            let name = run.actor_name(segment.actor);
            let _ = write!(told, " {name}[{}..{}]", segment.from, segment.to());
        }
    }
    told
}

/// The run with the rule that explains each return as its remark.
pub fn explained(run: &Run, judgement: &Judgement) -> Run {
    let mut run = run.clone();
    for (index, rule) in judgement.explained.iter().enumerate() {
        if let (Some(rule), Some(Event::Return(..))) = (rule, run.events.get(index)) {
            run.remarks[index] = RULES[usize::from(*rule)].id.to_owned();
        }
    }
    // A violated rule explains nothing.
    for deviation in &judgement.deviations {
        if let Some(remark) = run.remarks.get_mut(deviation.event) {
            "deviates".clone_into(remark);
        }
    }
    run
}

/// A line that names the ends which the channel has and nobody holds: what a run says of their other side rests on
/// it. Empty where there is none.
pub fn unheld(run: &Run) -> String {
    let ends: Vec<_> = run.unheld().into_iter().map(Hold::letters).collect();
    match ends.as_slice() {
        [] => String::new(),
        [end] => format!(
            "nobody holds {end}, so it counts as closed from the start; `actor NAME holds {end}` would declare a \
             holder\n"
        ),
        ends => format!(
            "nobody holds {}, so they count as closed from the start; `actor NAME holds {}` would declare a \
             holder\n",
            ends.join(" and "),
            ends.join(" ")
        ),
    }
}

/// A line that says of a pipe of a model how it differs from real ones. Empty where it is none.
pub fn modelled(run: &Run) -> String {
    match run.setup.is_of_model() {
        false => String::new(),
        true => format!(
            "a pipe of {MODEL_CAPACITY_BYTES} bytes is one of a model: its pages and PIPE_BUF are of \
             {MODEL_PAGE_BYTES} bytes; no system has it, and what is asked for is rounded up to a page: \
             `capacity 4096` is the smallest\n"
        ),
    }
}

/// Raised when a field of the JSON goes, or means something else.
pub const JSON_VERSION: u32 = 1;

/// The campaign as JSON; the book's page on the command line explains each field:
///
/// - `version`: [`JSON_VERSION`];
/// - `kernel`, `profile`, `seed`, `observation`; `settings`, a list: those that differ from the stock, each with its `name`,
///   `value` and `stock`; `stops`, whether calls are stopped in their middle;
/// - `channels`, a list: `channel`, `kind`, `direction`, `waiting`, `reach`; `scenarios` and `steps`, how many
///   were judged; `rules_shown`, `rules_total`, how many, and `rules_not_shown`, their ids; `verdict`
///   (`conforms`, `deviates`, `unspecified`, `inconclusive`, `not supported` or `stopped`); `stopped`, whether a stop came
///   before all scenarios were run; `not_supported`, a list of reasons, and `left_out`, how many scenarios for
///   them; `deviating`, `unspecified`, `inconclusive`, how many runs; `kinds`, how many different faults;
///   `deviations`, one for each fault, the most frequent first:
///   - `call`, `reply` and `rules`: what is wrong; `runs`, how many showed it; `exception`, the rule by which Linux
///     is known to do so though POSIX does not allow it;
///   - `arrangement`; `run`, the text of the run; `events`, a list: `fault`, `says` and `broken`, what it means in
///     words, and the rule broken; `event`, `line`, `after_another`, and `allowed`, a list of `reply` and `rule`.
pub fn json(heading: &Heading, tested: &[Tested]) -> Value {
    let channel = |row: &Tested| {
        let kind = row.setup.kind;
        let rules = |set: Vec<u16>| -> Vec<&str> {
            set.into_iter().map(|rule| RULES[usize::from(rule)].id).collect()
        };
        let missing =
            row.applicable.iter().filter(|rule| !row.shown.contains(*rule)).collect::<Vec<_>>();
        json!({
            "channel": row.channel,
            "kind": kind.name,
            "direction": kind.direction.to_string(),
            "waiting": kind.waiting.to_string(),
            "reach": kind.reach.to_string(),
            "scenarios": row.scenarios,
            "steps": row.steps,
            "rules_shown": shown(row),
            "rules_total": row.applicable.len(),
            "rules_not_shown": rules(missing),
            "verdict": row.verdict(),
            "stopped": row.stopped,
            "not_supported": row.lacking.reasons,
            "left_out": row.lacking.scenarios,
            "deviating": row.deviating,
            "unspecified": row.unspecified,
            "inconclusive": row.inconclusive.0,
            "kinds": row.kinds,
            "deviations": row.found.iter().map(deviation_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "version": JSON_VERSION,
        "kernel": heading.kernel,
        "profile": heading.profile,
        "seed": heading.seed,
        "observation": heading.observation.to_string(),
        "settings": heading.settings.iter().map(setting_json).collect::<Vec<_>>(),
        "stops": heading.no_stops.is_none(),
        "channels": tested.iter().map(channel).collect::<Vec<_>>(),
    })
}

fn setting_json((setting, value): &(Setting, u32)) -> Value {
    json!({ "name": setting.name(), "value": value, "stock": setting.stock() })
}

fn deviation_json(found: &Found) -> Value {
    let of = |deviation: &Deviation| {
        let meaning = diagnose(&found.run, &found.judgement, deviation);
        json!({
            "fault": meaning.fault.name(),
            "says": meaning.says,
            "broken": meaning.broken().map(|rule| rule.id),
            "event": text::event(&found.run, deviation.event).trim(),
            "line": line_number(&found.run, deviation.event),
            "after_another": deviation.after_another,
            "allowed": deviation.allowed.iter().map(|allowed| json!({
                "reply": allowed_text(&found.run, allowed),
                "rule": RULES[usize::from(allowed.rule())].id,
            })).collect::<Vec<_>>(),
        })
    };
    json!({
        "call": found.fault.call,
        "reply": found.fault.reply,
        "rules": found.fault.rules,
        "runs": found.runs,
        "exception": found.exception().map(|exception| exception.rule),
        "arrangement": found.arrangement.word(),
        "run": found.run.to_string(),
        "events": found.judgement.deviations.iter().map(of).collect::<Vec<_>>(),
    })
}
