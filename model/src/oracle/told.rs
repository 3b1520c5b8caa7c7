//! A verdict and a judgement as text that needs no run beside it.
//!
//! What a deviation means in the run where it stands is said by [`diagnosis`](crate::diagnosis).

use std::fmt;

use super::{Allowed, Judgement, Verdict};
use crate::rules::RULES;

impl Verdict {
    /// One word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Verdict::Conforms => "conforms",
            Verdict::Deviates => "deviates",
            Verdict::Unspecified { .. } => "unspecified",
            Verdict::Inconclusive { .. } => "inconclusive",
        }
    }
}

/// `unspecified from event 3 on: packet mode is not in the standard`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Conforms | Verdict::Deviates => f.write_str(self.word()),
            Verdict::Unspecified { from, reason } => {
                write!(f, "{} from event {} on: {reason}", self.word(), from + 1)
            }
            Verdict::Inconclusive { at } => {
                write!(
                    f,
                    "{} at event {}: too many orders of concurrent calls",
                    self.word(),
                    at + 1
                )
            }
        }
    }
}

/// The verdict; of a run that deviates, each event that no rule allows, with the rules that allow something else:
/// `deviates at event 4 (stream.read.no-writer)`.
impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)?;
        for (number, deviation) in self.deviations.iter().enumerate() {
            write!(f, "{} event {}", if number == 0 { " at" } else { "," }, deviation.event + 1)?;
            let rule = |allowed: &Allowed| RULES[usize::from(allowed.rule())].id;
            let mut rules: Vec<&str> = deviation.allowed.iter().map(rule).collect();
            rules.sort_unstable();
            rules.dedup();
            if !rules.is_empty() {
                write!(f, " ({})", rules.join(", "))?;
            }
        }
        Ok(())
    }
}
