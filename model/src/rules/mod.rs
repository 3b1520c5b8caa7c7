//! The table of rules: the only place where behaviour is stated.
//!
//! One chapter a file. A rule's id is `chapter.call.situation`; rules whose call is `any` hold for
//! every call. Start with [`stream`].

pub mod descriptor;
pub mod fifo;
pub mod stream;

use crate::call::Op;
use crate::kind::Ends;
use crate::platform::Platform;
use crate::rule::{Rule, RuleIndex};
use crate::run::Setup;
use crate::step::RuleSet;

/// The chapters in reading order: name, title, rules.
pub const CHAPTERS: &[(&str, &str, &[Rule])] = &[
    ("stream", "Streams: pipes and FIFOs once open", stream::RULES),
    ("fifo", "Opening a FIFO", fifo::RULES),
    ("descriptor", "Descriptors and open file descriptions", descriptor::RULES),
];

/// Number of rules.
pub const COUNT: usize = stream::RULES.len() + fifo::RULES.len() + descriptor::RULES.len();

/// All rules, chapter after chapter.
pub static RULES: [&Rule; COUNT] = {
    let mut table = [&stream::RULES[0]; COUNT];
    let (mut chapter, mut index) = (0, 0);
    while chapter < CHAPTERS.len() {
        let mut at = 0;
        while at < CHAPTERS[chapter].2.len() {
            table[index] = &CHAPTERS[chapter].2[at];
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

/// Rules that can apply to a call, by its [word](Op::word): those of that call and those of any.
///
/// # Panics
///
/// If a rule's id names no call; a test of the table says which.
pub fn of_call(op: &Op) -> &'static [RuleIndex] {
    static BY_CALL: std::sync::OnceLock<[Vec<RuleIndex>; Op::WORDS.len()]> =
        std::sync::OnceLock::new();
    let by_call = BY_CALL.get_or_init(|| {
        Op::WORDS.map(|word| {
            let of_word =
                |(_, rule): &(usize, &&Rule)| matches!(rule.call(), w if w == word || w == "any");
            RULES.iter().enumerate().filter(of_word).map(|(index, _)| index as RuleIndex).collect()
        })
    });
    &by_call[op.kind()]
}

/// Rules that apply only where a platform leaves choices that Linux does not leave.
pub const NOT_ON_LINUX: &[&str] = &[
    "stream.read.zero-length-checked",
    "stream.read.concurrent",
    "stream.write.reader-left-fails",
    "stream.write.zero-length-unspecified",
    "stream.any.extension",
    "stream.poll.readable-at-end",
    "stream.poll.no-hang-up-yet",
    "stream.poll.writable-perhaps",
    "fifo.open.begins-to-wait-uncounted",
    "fifo.open.read-write-undefined",
];

/// Rules that apply only where a platform has the calls and pages of Linux.
pub const NOT_IN_POSIX: &[&str] = &[
    "stream.read.packet",
    "stream.write.merges",
    "stream.write.no-free-page",
    "stream.write.zero-length",
    "stream.poll.midway",
    "stream.poll.hang-up-midway",
    "stream.capacity.is",
    "stream.set-capacity.rounds-up",
    "stream.set-capacity.in-use",
    "stream.set-capacity.too-large",
    "stream.set-capacity.not-permitted",
    "stream.set-capacity.user-limit",
    "stream.available.counts",
    "fifo.open.read-write",
];

/// The rules that can apply to a channel set up like this: what a campaign could show at most.
pub fn applicable(platform: &Platform, setup: &Setup) -> RuleSet {
    let absent = if platform.extensions { NOT_ON_LINUX } else { NOT_IN_POSIX };
    let applies = |rule: &&&Rule| {
        !absent.contains(&rule.id)
            && setup.kind.chapters.contains(&rule.chapter())
            && match rule.id {
                "stream.read.packet" => setup.packet,
                // Only a FIFO can be opened for both.
                "stream.poll.midway" | "stream.poll.hang-up-midway" => {
                    setup.kind.ends == Ends::Opened
                }
                "stream.set-capacity.user-limit" => setup.crowded,
                "stream.read.available" | "stream.write.merges" => !setup.packet,
                _ => true,
            }
    };
    let rules = RULES.iter().enumerate();
    rules.filter(|(_, rule)| applies(rule)).map(|(index, _)| index as RuleIndex).collect()
}

/// Where Linux does what POSIX does not allow: the rule by which it does so, and what is known of it.
#[derive(Debug)]
pub struct Exception {
    /// Id of the rule.
    pub rule: &'static str,
    /// What Linux does, and why it is kept.
    pub why: &'static str,
}

/// The exceptions to *Linux refines POSIX*. For pipes and FIFOs there is none. A violation that is not
/// listed here fails a test, and so does an exception that no longer occurs.
pub const EXCEPTIONS: &[Exception] = &[];

/// Rules of which several may apply at once with different results, though POSIX makes some of them a
/// must.
#[derive(Debug)]
pub struct Overlap {
    /// Why all of them are right.
    pub why: &'static str,
    /// Their ids.
    pub rules: &'static [&'static str],
}

/// The overlaps. One that is not declared here fails a test, and so does a rule that is declared here and
/// overlaps with none of its group.
pub const OVERLAPS: &[Overlap] = &[
    Overlap {
        why: "The standard gives no capacity: whether there is room, and for how much, is known of an \
              empty stream only.",
        rules: &[
            "stream.write.fits",
            "stream.write.partial",
            "stream.write.full-nonblocking",
            "stream.write.in-parts",
            "stream.write.finds-no-room",
            "stream.write.waits",
            "stream.write.completes",
        ],
    },
    Overlap {
        why: "A call that waits when another descriptor of its description gets O_NONBLOCK may go on \
              sleeping, or notice.",
        rules: &[
            "stream.read.waits",
            "stream.read.empty-nonblocking",
            "stream.write.waits",
            "stream.write.full-nonblocking",
            "stream.write.cut-short-nonblocking",
            "stream.write.partial",
            "stream.write.completes",
        ],
    },
    Overlap {
        why: "What reads in progress at the same time give is not specified: one after the other is among \
              what they may give.",
        rules: &[
            "stream.read.concurrent",
            "stream.read.available",
            "stream.read.no-writer",
            "stream.read.empty-nonblocking",
            "stream.read.finds-nothing",
            "stream.read.waits",
        ],
    },
    Overlap {
        why: "The standard lets poll find more than it must.",
        rules: &["descriptor.poll.ready", "descriptor.poll.nothing", "descriptor.poll.waits"],
    },
];
