//! What to expect next time, from what was expected and what was found.

use super::expected::{Entry, Expected};
use super::fault::Fault;
use super::tested::Tested;

/// What to expect next time: of the rows that were checked what was found, with the reasons that are given here; of
/// others, and of what need not be met, what is expected here.
#[must_use]
pub fn renewed(expected: &Expected, tested: &[Tested]) -> Expected {
    let mut single: Vec<Entry> = Vec::new();
    for entry in &expected.entries {
        for channel in &entry.channels {
            let row = tested.iter().find(|row| row.channel == *channel && row.is_complete());
            let seen =
                |row: &Tested| row.found.iter().any(|found| entry.fits(channel, &found.fault));
            if entry.sometimes || row.is_none_or(seen) {
                single.push(Entry { channels: vec![channel.clone()], ..entry.clone() });
            }
        }
    }
    for row in tested {
        for found in &row.found {
            let known = single.iter().any(|entry| entry.fits(&row.channel, &found.fault));
            if !known {
                single.push(new(row, &found.fault));
            }
        }
    }
    Expected { entries: together(single) }
}

/// An entry for a fault, by the rule that most faults of the same call and reply have.
fn new(row: &Tested, fault: &Fault) -> Entry {
    let alike = |other: &&Fault| other.call == fault.call && other.reply == fault.reply;
    let count = |rule: &&&str| {
        let others = row.found.iter().map(|found| &found.fault).filter(alike);
        others.filter(|other| other.rules.contains(*rule)).count()
    };
    Entry {
        channels: vec![row.channel.clone()],
        call: fault.call.clone(),
        reply: fault.reply.clone(),
        rule: fault.rules.iter().rev().max_by_key(count).copied(),
        sometimes: false,
        why: String::new(),
    }
}

/// Entries that differ in nothing but the channel, as one.
fn together(single: Vec<Entry>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in single {
        let same = |other: &&mut Entry| {
            let channels = other.channels.clone();
            **other == Entry { channels, ..entry.clone() }
        };
        match entries.iter_mut().find(same) {
            Some(other) => other.channels.extend(entry.channels),
            None => entries.push(entry),
        }
    }
    entries
}
