//! What a campaign has seen of one channel: a row.

use std::cmp::Reverse;
use std::time::Duration;

use pipewright_model::platform::Platform;
use pipewright_model::run::Setup;
use pipewright_model::step::RuleSet;

use super::expected::{Entry, Expected};
use super::found::{Found, merge};
use super::lacking::Lacking;
use crate::Observation;

/// What a campaign has seen of one channel.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The channel's name.
    pub channel: String,
    /// How it is set up; `None` of the row of processes, whose channels are several.
    pub setup: Option<Setup>,
    /// What this machine lacks of it.
    pub lacking: Lacking,
    /// Whether a stop came before all of its scenarios were run.
    pub stopped: bool,
    /// How long that took, on all processors together.
    pub took: Duration,
    /// Scenarios run and judged.
    pub scenarios: usize,
    /// Calls made in them.
    pub steps: usize,
    /// Rules that the runs showed.
    pub shown: RuleSet,
    /// Rules that they could have shown.
    pub applicable: RuleSet,
    /// Runs of which a part is not specified.
    pub unspecified: usize,
    /// Runs that could not be judged, or had none: how many, and the first few reasons.
    pub inconclusive: (usize, Vec<String>),
    /// Scenarios that deviate, by fault: those first that are not expected, the most frequent first.
    pub found: Vec<Found>,
    /// How many deviate and were not expected to.
    pub deviating: usize,
    /// How many deviate only by what is said of sleep, where that is not proven.
    pub unproven: usize,
    /// How many deviate as expected.
    pub expected: usize,
    /// What was expected of the channel and did not occur, though all of its scenarios were run.
    pub absent: Vec<Entry>,
}

/// The most kinds of deviations that are told of each channel.
pub const KINDS_MAX: usize = 20;

/// The most runs of one job that could not be judged of which the reason is kept.
const REASONS_MAX: usize = 3;

impl Tested {
    pub(super) fn new(channel: String, setup: Option<Setup>, applicable: RuleSet) -> Tested {
        Tested {
            channel,
            setup,
            applicable,
            lacking: Lacking::default(),
            stopped: false,
            took: Duration::ZERO,
            scenarios: 0,
            steps: 0,
            shown: RuleSet::default(),
            unspecified: 0,
            inconclusive: (0, Vec::new()),
            found: Vec::new(),
            deviating: 0,
            unproven: 0,
            expected: 0,
            absent: Vec::new(),
        }
    }

    /// What the campaign says of the channel.
    pub fn verdict(&self) -> &'static str {
        match self {
            Tested { deviating: 1.., .. } => "deviates",
            Tested { absent, .. } if !absent.is_empty() => "not as expected",
            Tested { lacking, .. } if lacking.transfers => "not supported",
            Tested { scenarios: 0, lacking, .. } if !lacking.reasons.is_empty() => "not supported",
            Tested { scenarios: 0, stopped: true, .. } => "stopped",
            Tested { unproven: 1.., .. } => "unproven",
            Tested { inconclusive: (1.., _), .. } => "inconclusive",
            Tested { scenarios, unspecified, .. } if scenarios == unspecified => "unspecified",
            Tested { expected: 1.., .. } => "deviates as expected",
            _ => "conforms",
        }
    }

    /// Whether all of its scenarios were run.
    pub fn is_complete(&self) -> bool {
        self.scenarios > 0 && !self.stopped
    }

    /// The faults that are told of it.
    pub fn told(&self) -> &[Found] {
        &self.found[..self.found.len().min(KINDS_MAX)]
    }

    /// Compares what was found with what was expected; and tells apart what rests on sleep that was not proven.
    pub(super) fn compare(&mut self, expected: &Expected, platform: &Platform) {
        if !Observation::here().proves() {
            for found in &mut self.found {
                found.unproven = found.rests_on_quiet(platform);
            }
        }
        let mut met = vec![false; expected.entries.len()];
        for found in &mut self.found {
            let Some(entry) = expected.explains(&self.channel, &found.fault) else {
                if found.unproven {
                    self.unproven += found.runs;
                    self.deviating = self.deviating.saturating_sub(found.runs);
                }
                continue;
            };
            met[entry] = true;
            found.expected = Some(expected.entries[entry].why.clone());
            self.expected += found.runs;
            self.deviating = self.deviating.saturating_sub(found.runs);
        }
        let of_this = |entry: &Entry| entry.channels.contains(&self.channel) && !entry.sometimes;
        let entries = expected.entries.iter().zip(met);
        let absent = entries.filter(|(entry, met)| !met && of_this(entry) && self.is_complete());
        self.absent = absent.map(|(entry, _)| entry.clone()).collect();
        self.found
            .sort_by_key(|found| (found.expected.is_some(), found.unproven, Reverse(found.runs)));
    }

    pub(super) fn could_not_judge(&mut self, reason: &str) {
        self.inconclusive.0 += 1;
        self.inconclusive.1.push(reason.to_owned());
    }

    pub(super) fn add(&mut self, other: Tested) {
        self.took += other.took;
        self.scenarios += other.scenarios;
        self.steps += other.steps;
        self.shown = self.shown.union(other.shown);
        self.unspecified += other.unspecified;
        self.inconclusive.0 += other.inconclusive.0;
        self.inconclusive.1.extend(other.inconclusive.1);
        self.inconclusive.1.truncate(REASONS_MAX);
        self.deviating += other.deviating;
        other.found.into_iter().for_each(|found| merge(&mut self.found, found));
        self.lacking.scenarios += other.lacking.scenarios;
        self.lacking.transfers |= other.lacking.transfers;
        other.lacking.reasons.into_iter().for_each(|reason| self.lacking.note(0, reason));
        self.stopped |= other.stopped;
    }
}
