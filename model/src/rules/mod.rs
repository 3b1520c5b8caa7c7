//! The table of rules: the only place where behaviour is stated.
//!
//! One chapter a file. A rule's id is `chapter.call.situation`; rules whose call is `any` hold for
//! every call. Start with [`stream`].

pub mod cell;
pub mod checks;
pub mod connection;
pub mod copying;
pub mod descriptor;
pub mod epoll;
pub mod eventfd;
pub mod fifo;
pub mod file;
mod line;
pub mod lock;
pub mod message;
pub mod outside;
pub mod process;
pub mod queue;
pub mod ring;
mod set;
pub mod signal;
pub mod socket;
pub mod stream;
pub mod tcp;
mod transfer;
pub mod unix;
mod wake;

use std::sync::OnceLock;

pub use crate::chapter::{Chapter, Exception, Overlap};
pub use set::{RuleSet, applicable};

use crate::call::Op;
use crate::index::RuleIndex;
use crate::kind::{Discipline, KINDS, Kind};
use crate::platform::Family;
use crate::rule::Rule;

/// The chapters in reading order. Rules of one chapter may stand in overlaps and lists of another.
#[rustfmt::skip]
pub const CHAPTERS: &[&Chapter] = &[
    &stream::CHAPTER,
    &fifo::CHAPTER,
    &file::CHAPTER,
    &lock::CHAPTER,
    &unix::CHAPTER,
    &message::CHAPTER,
    &socket::CHAPTER,
    &tcp::CHAPTER,
    &connection::CHAPTER,
    &queue::CHAPTER,
    &eventfd::CHAPTER,
    &epoll::CHAPTER,
    &cell::CHAPTER,
    &ring::CHAPTER,
    &descriptor::CHAPTER,
    &process::CHAPTER,
    &signal::CHAPTER,
];

/// Number of rules.
pub const COUNT: usize = {
    let (mut count, mut chapter) = (0, 0);
    while chapter < CHAPTERS.len() {
        count += CHAPTERS[chapter].rules.len();
        chapter += 1;
    }
    count
};

/// All rules, chapter after chapter.
pub static RULES: [&Rule; COUNT] = {
    let mut table = [&CHAPTERS[0].rules[0]; COUNT];
    let (mut chapter, mut index) = (0, 0);
    while chapter < CHAPTERS.len() {
        let mut at = 0;
        while at < CHAPTERS[chapter].rules.len() {
            table[index] = &CHAPTERS[chapter].rules[at];
            index += 1;
            at += 1;
        }
        chapter += 1;
    }
    table
};

/// The rule with this id.
pub fn by_id(id: &str) -> Option<RuleIndex> {
    RULES.iter().position(|rule| rule.id == id).map(|index| index as RuleIndex)
}

impl Rule {
    /// The rule with this id.
    ///
    /// ```
    /// use pipewright_model::rule::Rule;
    ///
    /// let rule = Rule::get("stream.read.no-writer").ok_or("there is no such rule")?;
    /// assert_eq!((rule.chapter(), rule.call()), ("stream", "read"));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn get(id: &str) -> Option<&'static Rule> {
        by_id(id).map(|index| RULES[usize::from(index)])
    }
}

/// Rules that can apply to a call, by its [word](Op::word): those of that call and, of somebody's, those of any that the family of
/// systems has, out of the chapters that speak of [what the channel is made of](Kind::chapters), or
/// [of all](Chapter::of_all); of all chapters where that is not known.
///
/// # Panics
///
/// If a rule's id names no call; a test of the table says which.
pub fn of_call(family: Family, discipline: Option<Discipline>, op: &Op) -> &'static [RuleIndex] {
    type ByCall = [Vec<RuleIndex>; Op::WORDS.len()];
    type ByDiscipline = [ByCall; Discipline::NUMBERS + 1];
    static BY_FAMILY: OnceLock<[ByDiscipline; Family::ALL.len()]> = OnceLock::new();
    let by_family = BY_FAMILY.get_or_init(|| {
        let calls: Vec<&str> = RULES.iter().map(|rule| rule.call()).collect();
        Family::ALL.map(|family| {
            let those: Vec<_> =
                RULES.iter().enumerate().filter(|(_, rule)| has(family, rule.id)).collect();
            std::array::from_fn(|number| {
                let is_of = |kind: &Kind| kind.discipline.number() == number;
                let names = |chapter| {
                    KINDS.iter().any(|kind| is_of(kind) && kind.chapters.contains(&chapter))
                };
                let of_all =
                    |name| CHAPTERS.iter().any(|chapter| chapter.name == name && chapter.of_all);
                let speaks =
                    |chapter| number == Discipline::NUMBERS || of_all(chapter) || names(chapter);
                let nobodys = |word| [Op::Deliver.word(), Op::Release.word()].contains(&word);
                let spoken: Vec<_> =
                    those.iter().filter(|(_, rule)| speaks(rule.chapter())).collect();
                Op::WORDS.map(|word| {
                    let applies = |call: &str| call == word || call == "any" && !nobodys(word);
                    let rules = spoken.iter().filter(|(index, _)| applies(calls[*index]));
                    rules.map(|(index, _)| *index as RuleIndex).collect()
                })
            })
        })
    });
    &by_family[family as usize][discipline.map_or(Discipline::NUMBERS, Discipline::number)]
        [op.kind()]
}

/// Whether systems of a family have the rule with this id.
pub fn has(family: Family, id: &str) -> bool {
    let mut chapters = CHAPTERS.iter();
    match family {
        Family::Linux => !chapters.any(|chapter| chapter.not_on_linux.contains(&id)),
        Family::Posix => !chapters.any(|chapter| chapter.not_in_posix.contains(&id)),
        Family::Excepted => {
            let is_exception = |exception: &Exception| exception.rule == id;
            has(Family::Posix, id)
                || chapters.any(|chapter| chapter.exceptions.iter().any(is_exception))
        }
    }
}
