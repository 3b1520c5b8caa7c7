//! Sets of rules.

use super::{CHAPTERS, COUNT, RULES, has};
use crate::index::RuleIndex;
use crate::platform::Platform;
use crate::rule::Rule;
use crate::run::Setup;

/// A set of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleSet([u64; RULE_WORDS]);

/// Words of a set of rules, 64 rules each.
const RULE_WORDS: usize = COUNT.div_ceil(64);

impl RuleSet {
    /// Adds a rule.
    pub fn insert(&mut self, rule: RuleIndex) {
        self.0[usize::from(rule) / 64] |= 1 << (rule % 64);
    }

    /// Whether the rule is in the set.
    pub fn contains(&self, rule: RuleIndex) -> bool {
        self.0[usize::from(rule) / 64] & (1 << (rule % 64)) != 0
    }

    /// Rules of both sets.
    #[must_use]
    pub fn intersection(self, other: RuleSet) -> RuleSet {
        RuleSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// Rules of either set.
    #[must_use]
    pub fn union(self, other: RuleSet) -> RuleSet {
        RuleSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// The rules, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = RuleIndex> + '_ {
        (0..RULES.len() as RuleIndex).filter(|rule| self.contains(*rule))
    }

    /// How many rules.
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no rule is in the set.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; RULE_WORDS]
    }
}

impl FromIterator<RuleIndex> for RuleSet {
    fn from_iter<I: IntoIterator<Item = RuleIndex>>(rules: I) -> RuleSet {
        let mut set = RuleSet::default();
        rules.into_iter().for_each(|rule| set.insert(rule));
        set
    }
}

/// The rules that can apply to a channel set up like this: what a campaign could show at most.
pub fn applicable(platform: &Platform, setup: &Setup) -> RuleSet {
    let absent = |rule: &Rule| {
        !has(platform.family, rule.id)
            || CHAPTERS.iter().any(|chapter| (chapter.absent)(setup).contains(&rule.id))
    };
    let applies = |rule: &&&Rule| setup.kind.chapters.contains(&rule.chapter()) && !absent(rule);
    let rules = RULES.iter().enumerate();
    rules.filter(|(_, rule)| applies(rule)).map(|(index, _)| index as RuleIndex).collect()
}
