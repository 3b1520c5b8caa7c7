//! A chapter of rules, with what is known of them as a whole.

use crate::rule::Rule;
use crate::run::Setup;

/// A chapter of rules.
#[derive(Debug)]
pub struct Chapter {
    /// First part of the ids of its rules.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Whether its rules may apply to a channel of any kind, and not only to kinds made of what those are made of
    /// [that name it](crate::kind::Kind::chapters).
    pub of_all: bool,
    /// The rules, in reading order.
    pub rules: &'static [Rule],
    /// Rules that Linux does not have: choices of the standard that it does not leave, and errors that it does not tell.
    pub not_on_linux: &'static [&'static str],
    /// Rules that the standard does not have: what only Linux has, or does otherwise.
    pub not_in_posix: &'static [&'static str],
    /// Rules that can't apply to a channel set up like this, though it is of a kind that the chapter
    /// speaks of.
    pub absent: fn(&Setup) -> &'static [&'static str],
    /// Rules of which several may apply at once.
    pub overlaps: &'static [Overlap],
    /// Where Linux does what POSIX does not allow.
    pub exceptions: &'static [Exception],
}

/// Where Linux does what POSIX does not allow: the rule by which it does so, and what is known of it.
///
/// A violation of *Linux refines POSIX* that is in no chapter's list fails a test, and so does an
/// exception that no longer occurs.
#[derive(Debug)]
pub struct Exception {
    /// Id of the rule.
    pub rule: &'static str,
    /// What Linux does, and why it is kept.
    pub why: &'static str,
}

/// Rules of which several may apply at once with different results, though POSIX makes some of them a
/// must.
///
/// An overlap that is in no chapter's list fails a test, and so does a rule that is listed and overlaps with
/// none of its group.
#[derive(Debug)]
pub struct Overlap {
    /// Why all of them are right.
    pub why: &'static str,
    /// Their ids.
    pub rules: &'static [&'static str],
}
