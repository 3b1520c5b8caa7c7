//! What is meant by words: rules, causes from outside, and what is not modelled.
//!
//! Ids, their beginnings and chapters choose; other words leave of that what has them all.

use pipewright_model::call::{Errno, Op};
use pipewright_model::rule::{Cite, Rule};
use pipewright_model::rules::outside::{CAUSES, Cause};
use pipewright_model::rules::{CHAPTERS, RULES};
use pipewright_model::text::nearest;

use super::words::{WORDS, Word};

/// The page that says what the rules do not.
const NOT_MODELLED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/not-modelled.md"));

/// The chapter of what comes from outside, in ids.
const OUTSIDE: &str = "outside";

/// Something that words can mean.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    Rule(&'static Rule),
    Cause(&'static Cause),
    /// What is not modelled, and why.
    Lacking(&'static str, &'static str),
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Pages to read on.
    pub(super) pages: Vec<&'static str>,
}

impl Entry {
    fn id(self) -> &'static str {
        match self {
            Entry::Rule(rule) => rule.id,
            Entry::Cause(cause) => cause.id,
            Entry::Lacking(what, _) => what,
        }
    }

    fn chapter(self) -> &'static str {
        match self {
            Entry::Rule(rule) => rule.chapter(),
            Entry::Cause(_) => OUTSIDE,
            Entry::Lacking(..) => "",
        }
    }

    /// Whether this text is in it, as words of their own where it must.
    fn holds(self, text: &str, whole: bool) -> bool {
        let (says, cite): (_, &[Cite]) = match self {
            Entry::Rule(rule) => (rule.says, rule.cite),
            Entry::Cause(cause) => (cause.says, cause.cite),
            Entry::Lacking(what, _) => (what, &[]),
        };
        let mut texts = [self.id(), says].map(str::to_owned).to_vec();
        texts.extend(cite.iter().map(ToString::to_string));
        if let Entry::Cause(cause) = self {
            texts.extend(cause.errnos.iter().map(ToString::to_string));
        }
        texts.iter().any(|within| is_in(text, &within.to_lowercase(), whole))
    }
}

fn is_in(text: &str, within: &str, whole: bool) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    within.match_indices(text).any(|(at, _)| {
        let before = within[..at].chars().next_back();
        let after = within[at + text.len()..].chars().next();
        !whole || !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

/// All rules, then all causes.
pub(super) fn all() -> Vec<Entry> {
    let rules = RULES.iter().map(|rule| Entry::Rule(rule));
    rules.chain(CAUSES.iter().map(Entry::Cause)).collect()
}

/// What the page says of what is not modelled, row by row.
fn lacking() -> impl Iterator<Item = Entry> {
    let generated = |line: &&str| !line.starts_with("| `outside.") && !line.starts_with("| id |");
    NOT_MODELLED.lines().filter(generated).filter_map(|line| {
        let (what, why) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        let is_row = what != "what" && !what.starts_with("---");
        is_row.then_some(Entry::Lacking(what, why))
    })
}

/// Finds what all these words mean together; why there is nothing, if so.
pub(super) fn find(words: &[String]) -> Result<Found, String> {
    let phrase = words.join(" ");
    let found = match words {
        [] => return Ok(Found { entries: all(), pages: Vec::new() }),
        _ if words.len() > 1 && synonyms(&phrase).is_some() => meant(&phrase),
        _ => together(words),
    };
    let unknown = words.iter().find(|word| meant(word).is_empty());
    if let (true, Some(word)) = (found.is_empty(), unknown) {
        return Err(nothing(word));
    }
    if found.is_empty() {
        let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
        let words = words.join(" and ");
        return Err(format!(
            "there is no such rule: each of {words} is in some, and no rule has them together; leave one out"
        ));
    }
    Ok(found)
}

fn together(words: &[String]) -> Found {
    let (choices, rest): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| !chosen(word).is_empty());
    let mut parts = rest.into_iter().map(|word| meant(word));
    let first = match choices.is_empty() {
        true => parts.next().unwrap_or_default(),
        false => Found {
            entries: choices.into_iter().flat_map(|word| chosen(word)).collect(),
            pages: Vec::new(),
        },
    };
    parts.fold(first, |mut all, part| {
        let ids: Vec<_> = part.entries.iter().map(|entry| entry.id()).collect();
        all.entries.retain(|entry| ids.contains(&entry.id()));
        all.pages.retain(|page| part.pages.contains(page));
        all
    })
}

impl Found {
    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// What one word chooses: by id, by chapter, or by how ids begin.
fn chosen(word: &str) -> Vec<Entry> {
    let ways: [&dyn Fn(&Entry) -> bool; 3] =
        [&|entry| entry.id() == word, &|entry| entry.chapter() == word, &|entry| {
            entry.id().strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-']))
        }];
    let of = |way: &dyn Fn(&Entry) -> bool| all().into_iter().filter(way).collect::<Vec<_>>();
    ways.into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

/// All that one word means.
fn meant(word: &str) -> Found {
    let entries = chosen(word);
    if !entries.is_empty() {
        return Found { entries, pages: Vec::new() };
    }
    let text = word.to_lowercase();
    let known = synonyms(word);
    let ids = known.map_or(&[] as &[&str], |known| known.rules);
    let listed = |entry: &Entry| ids.iter().any(|id| begins(entry.id(), id));
    let of = |whole: bool| -> Vec<Entry> {
        let all = all().into_iter().chain(lacking());
        all.filter(|entry| listed(entry) || entry.holds(&text, whole)).collect()
    };
    let whole = of(true);
    // The beginning of a word will do where no word is meant.
    let entries = if whole.is_empty() { of(false) } else { whole };
    Found { entries, pages: known.map_or_else(Vec::new, |known| known.pages.to_vec()) }
}

/// Whether an id is this one, or begins with it.
fn begins(id: &str, with: &str) -> bool {
    id.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn synonyms(word: &str) -> Option<&'static Word> {
    let word = word.to_lowercase();
    WORDS.iter().find(|known| known.words.contains(&word.as_str()))
}

/// The error for a word without a match, with the nearest word.
fn nothing(word: &str) -> String {
    let ids = || all().into_iter().map(Entry::id);
    let calls = ids().filter_map(|id| id.rsplit_once('.')).map(|(call, _)| call);
    let chapters = CHAPTERS.iter().map(|chapter| chapter.name).chain([OUTSIDE]);
    let errnos = Errno::NAMED.iter().map(|(name, ..)| *name).filter(|name| is_said(name));
    let known = WORDS.iter().flat_map(|known| known.words).copied();
    let all = chapters.chain(calls).chain(ids()).chain(errnos).chain(Op::WORDS).chain(known);
    let meant = match nearest(word, all) {
        Some(near) => format!("did you mean {near}? "),
        None => String::new(),
    };
    format!(
        "there is no such rule: {word:?} is no id, no chapter and in no sentence; {meant}`pipewright rules` lists all"
    )
}

/// Whether there is anything that this error is told of.
fn is_said(errno: &str) -> bool {
    all().into_iter().any(|entry| entry.holds(&errno.to_lowercase(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_to_rules_and_pages_that_are_there() {
        for Word { words, rules, pages } in WORDS {
            assert!(words.iter().all(|word| *word == word.to_lowercase()), "{words:?}");
            for rule in *rules {
                assert!(all().into_iter().any(|entry| begins(entry.id(), rule)), "{rule}");
            }
            for page in *pages {
                let (file, heading) = page.split_once('#').unwrap_or((page, ""));
                let path = format!("{}/../docs/{file}", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(path).expect("a page");
                assert!(
                    heading.is_empty() || text.contains(&format!("\n## {heading}\n")),
                    "{page}"
                );
            }
        }
    }

    #[test]
    fn the_page_of_what_is_not_modelled_is_read_row_by_row() {
        let rows: Vec<_> = lacking().map(Entry::id).collect();
        assert!(rows.len() > 60 && rows.contains(&"`select`"), "{rows:?}");
        assert!(!rows.iter().any(|row| row.contains("outside.")), "{rows:?}");
    }
}
