//! What a campaign has seen, for people and for machines: a table, deviations as text, JSON, JUnit, KTAP.

mod junit;
mod ktap;
mod width;

use std::collections::BTreeSet;
use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use pipewright_backends::Channel;
use pipewright_backends::sys::stop;
use pipewright_model::diagnosis::diagnose;
use pipewright_model::oracle::Deviation;
use pipewright_model::rules::{Exception, RULES};
use pipewright_model::settings::Setting;
use pipewright_model::text;
use serde_json::{Value, json};

use crate::Observation;
use crate::campaign::{Entry, Found, Source, Tested};
use crate::tell::{allowed_text, deviations, indent, line_number};

pub use junit::junit;
pub use ktap::ktap;
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
        let [direction, waiting, reach] = words(row).map(|word| word.unwrap_or("-".into()));
        table.add_row([
            row.channel.clone(),
            direction,
            waiting,
            reach,
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

/// Direction, waiting and reach of a channel; none of them where a row is of several channels.
fn words(row: &Tested) -> [Option<String>; 3] {
    match row.setup.as_ref().map(|setup| setup.kind) {
        Some(kind) => [
            Some(kind.direction.to_string()),
            Some(kind.waiting.to_string()),
            Some(kind.reach.to_string()),
        ],
        None => [const { None }; 3],
    }
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
        ("deviates as expected", row.expected),
        ("unproven", row.unproven),
        ("inconclusive", row.inconclusive.0),
        ("unspecified", row.unspecified),
    ];
    let told = counts.iter().filter(|(_, count)| *count > 0);
    let mut told: Vec<_> = told.map(|(word, count)| format!("{word} in {count}")).collect();
    let word = row.verdict();
    if matches!(word, "conforms" | "not supported" | "stopped" | "not as expected") {
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

/// What was expected of a channel and did not occur, a line each without its end.
pub fn absent(row: &Tested) -> Vec<String> {
    let line = |entry: &Entry| format!("{}: expected, and did not occur: {entry}", row.channel);
    row.absent.iter().map(line).collect()
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
    let expected = match found.expected.as_deref() {
        None => String::new(),
        Some("") => "  This is expected.\n".to_owned(),
        Some(why) => format!("  This is expected: {why}\n"),
    };
    let unproven = match found.unproven {
        false => "",
        true => "  It rests on sleep that was seen and not proven: this system tells no more.\n",
    };
    let exception = found.exception().map(|Exception { rule, why }| {
        format!("  Linux is known to do so, and POSIX does not allow it ({rule}): {why}\n")
    });
    format!(
        "{channel} deviates in {}: {} (actors: {arrangement}; made simple from {source}):\n\n{}\n{}{}{unproven}{expected}",
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

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// Raised when a field of the JSON goes, or means something else.
pub const JSON_VERSION: u32 = 1;

/// The campaign as JSON; the book's page on the command line explains each field:
///
/// - `version`: [`JSON_VERSION`];
/// - `kernel`, `profile`, `seed`, `observation`, the level; `missing`, the files that observing wants and this
///   system does not have; `settings`, a list: those that differ from the stock, each with its `name`,
///   `value` and `stock`; `stops`, whether calls are stopped in their middle;
/// - `channels`, a list: `channel`, `kind`, `direction`, `waiting`, `reach`, the last four null of the row `processes`, which
///   is of several channels; `scenarios` and `steps`, how many
///   were judged; `rules_shown`, `rules_total`, how many, and `rules_not_shown`, their ids; `verdict`
///   (`conforms`, `deviates`, `deviates as expected`, `not as expected`, `unproven`, `unspecified`, `inconclusive`,
///   `not supported` or `stopped`); `stopped`, whether a stop came
///   before all scenarios were run; `not_supported`, a list of reasons, and `left_out`, how many scenarios for
///   them; `deviating`, `unproven`, `expected`, `unspecified`, `inconclusive`, how many runs; `absent`, what was expected and did
///   not occur, each a `call`, `reply`, `rule` and `why`; `kinds`, how many different faults;
///   `deviations`, one for each fault, those first that are not expected, the most frequent first:
///   - `call`, `reply` and `rules`: what is wrong; `runs`, how many showed it; `exception`, the rule by which Linux
///     is known to do so though POSIX does not allow it; `expected`, why it is expected, or null; `rests_on_quiet`, whether it rests on sleep that was not
///     proven;
///   - `arrangement`; `run`, the text of the run; `events`, a list: `fault`, `says` and `broken`, what it means in
///     words, and the rule broken; `event`, `line`, `after_another`, and `allowed`, a list of `reply` and `rule`.
pub fn json(heading: &Heading, tested: &[Tested]) -> Value {
    let channel = |row: &Tested| {
        let [direction, waiting, reach] = words(row);
        let rules = |set: Vec<u16>| -> Vec<&str> {
            set.into_iter().map(|rule| RULES[usize::from(rule)].id).collect()
        };
        let missing =
            row.applicable.iter().filter(|rule| !row.shown.contains(*rule)).collect::<Vec<_>>();
        json!({
            "channel": row.channel,
            "kind": row.setup.as_ref().map(|setup| setup.kind.name),
            "direction": direction,
            "waiting": waiting,
            "reach": reach,
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
            "unproven": row.unproven,
            "expected": row.expected,
            "absent": row.absent.iter().map(entry_json).collect::<Vec<_>>(),
            "unspecified": row.unspecified,
            "inconclusive": row.inconclusive.0,
            "kinds": row.found.len(),
            "deviations": row.told().iter().map(deviation_json).collect::<Vec<_>>(),
        })
    };
    json!({
        "version": JSON_VERSION,
        "kernel": heading.kernel,
        "profile": heading.profile,
        "seed": heading.seed,
        "observation": heading.observation.level().word(),
        "missing": Observation::missing().iter().map(|(path, _)| path).collect::<Vec<_>>(),
        "settings": heading.settings.iter().map(setting_json).collect::<Vec<_>>(),
        "stops": heading.no_stops.is_none(),
        "channels": tested.iter().map(channel).collect::<Vec<_>>(),
    })
}

fn entry_json(entry: &Entry) -> Value {
    json!({ "call": entry.call, "reply": entry.reply, "rule": entry.rule, "why": entry.why })
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
        "expected": found.expected,
        "rests_on_quiet": found.unproven,
        "arrangement": found.arrangement.word(),
        "run": found.run.to_string(),
        "events": found.judgement.deviations.iter().map(of).collect::<Vec<_>>(),
    })
}
