//! Deviations that are expected: a file of them is read, compared with what was found, and written.
//!
//! The file is TOML, an `[[expected]]` table for each deviation. Which of them are right is not judged here.

use std::fmt::{self, Write as _};
use std::ops::Range;

use pipewright_backends::{channels, named};
use pipewright_model::rules::{RULES, by_id};
use pipewright_model::text::nearest;
use serde::Deserialize;
use toml::Spanned;

use super::fault::Fault;
use super::names::PROCESSES;

/// Deviations that are expected, in the order of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The entries.
    pub entries: Vec<Entry>,
}

/// A deviation that is expected of some channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The channels of which it is expected, by name.
    pub channels: Vec<String>,
    /// The call, as [`Fault::call`] has it.
    pub call: String,
    /// The reply that no rule allows, as [`Fault::reply`] has it.
    pub reply: String,
    /// A rule that allows something else; `None` for any, or where nothing is allowed.
    pub rule: Option<&'static str>,
    /// Whether a campaign need not meet it: a race, or a rare path.
    pub sometimes: bool,
    /// Why the system does so.
    pub why: String,
}

/// What is wrong with a file of expected deviations, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct ExpectedError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What, and what to do.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    expected: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    channel: Spanned<Names>,
    call: String,
    reply: String,
    rule: Option<Spanned<String>>,
    #[serde(default)]
    sometimes: bool,
    why: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a channel, or a list of channels")]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Expected {
    /// The deviations that a file of this text expects.
    ///
    /// # Errors
    ///
    /// It is no such file, or names a channel or a rule that there isn't.
    pub fn parse(text: &str) -> Result<Expected, ExpectedError> {
        let document: Document = toml::from_str(text)
            .map_err(|error| at(text, error.span().unwrap_or_default(), error.message().into()))?;
        let entries = document.expected.into_iter().map(|table| entry(text, table));
        Ok(Expected { entries: entries.collect::<Result<_, _>>()? })
    }

    /// The entry that a fault of a channel fits, as an index.
    pub fn explains(&self, channel: &str, fault: &Fault) -> Option<usize> {
        self.entries.iter().position(|entry| entry.fits(channel, fault))
    }
}

impl Entry {
    pub(super) fn fits(&self, channel: &str, fault: &Fault) -> bool {
        self.channels.iter().any(|name| name == channel)
            && self.call == fault.call
            && self.reply == fault.reply
            && self.rule.is_none_or(|rule| fault.rules.contains(&rule))
    }
}

impl fmt::Display for Entry {
    /// The fault, the rule and the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { call, reply, rule, why, .. } = self;
        let (call, reply) = (call.clone(), reply.clone());
        write!(f, "{}", Fault { call, reply, rules: Vec::new() })?;
        if let Some(rule) = rule {
            write!(f, " ({rule})")?;
        }
        if why.is_empty() { Ok(()) } else { write!(f, ": {why}") }
    }
}

/// As the file says it.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            let quoted = |text: &str| toml::Value::from(text).to_string();
            let channels = match entry.channels.as_slice() {
                [channel] => quoted(channel),
                several => {
                    let names: Vec<_> = several.iter().map(|name| quoted(name)).collect();
                    format!("[{}]", names.join(", "))
                }
            };
            let mut text = format!("\n[[expected]]\nchannel = {channels}\n");
            writeln!(text, "call = {}", quoted(&entry.call))?;
            writeln!(text, "reply = {}", quoted(&entry.reply))?;
            if let Some(rule) = entry.rule {
                writeln!(text, "rule = {}", quoted(rule))?;
            }
            if entry.sometimes {
                writeln!(text, "sometimes = true")?;
            }
            writeln!(text, "why = {}", quoted(&entry.why))?;
            f.write_str(&text)?;
        }
        Ok(())
    }
}

fn entry(text: &str, table: Table) -> Result<Entry, ExpectedError> {
    let place = table.channel.span();
    let names = match table.channel.into_inner() {
        Names::One(name) => vec![name],
        Names::Several(names) => names,
    };
    for name in &names {
        let known = || channels().iter().map(|channel| channel.name()).chain([PROCESSES]);
        if name != PROCESSES && named(name).is_none() {
            let meant = nearest(name, known());
            return Err(unknown(text, "channel", name, place, meant));
        }
    }
    let rule = match table.rule {
        None => None,
        Some(id) => match by_id(id.get_ref()) {
            Some(rule) => Some(RULES[usize::from(rule)].id),
            None => {
                let meant = nearest(id.get_ref(), RULES.iter().map(|rule| rule.id));
                return Err(unknown(text, "rule", id.get_ref(), id.span(), meant));
            }
        },
    };
    let Table { call, reply, sometimes, why, .. } = table;
    Ok(Entry { channels: names, call, reply, rule, sometimes, why })
}

fn unknown(
    text: &str,
    what: &str,
    name: &str,
    place: Range<usize>,
    meant: Option<&str>,
) -> ExpectedError {
    let remedy = match (meant, what) {
        (Some(meant), _) => format!("did you mean {meant}?"),
        (None, "rule") => "`pipewright rules` lists them".to_owned(),
        (None, _) => "`pipewright channels` lists them".to_owned(),
    };
    at(text, place, format!("there is no {what} {name}; {remedy}"))
}

fn at(text: &str, span: Range<usize>, what: String) -> ExpectedError {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    ExpectedError { line, column, what }
}
