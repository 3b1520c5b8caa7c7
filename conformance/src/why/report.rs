//! What is asked of a picture, answered: the knots first, then what waits behind them, then who could end the rest.

mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;

use pipewright_model::waits::{Fate, Fates, Freedom, Index};

use super::look::look;
use super::pattern::Pattern;
use super::picture::{Label, Picture, picture};
use super::snapshot::{Doing, Process, Snapshot};
use super::tell::{named, sentences, wrapped};
use crate::status::Status;

/// The most sentences on one knot, or on what is none; the most knots: one screen.
const SENTENCES_MAX: usize = 12;
const KNOTS_MAX: usize = 4;

/// What helps where a call can't be seen.
const REMEDY: &str = "The kernel shows calls to the owner of a process where kernel.yama.ptrace_scope is 0, to its \
                      ancestors (start it by `pipewright why -- COMMAND`), and to root.";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// These processes, all that came of them, and all that they depend on.
    Processes(Vec<i32>),
    /// The knots of a user's processes; of all processes for the superuser.
    User(u32),
}

/// A knot, with the pattern that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knot {
    /// Its parties.
    pub parties: Vec<Index>,
    /// What it is known as.
    pub pattern: Option<Pattern>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Report<'p> {
    pub(super) picture: &'p Picture<'p>,
    /// The fates of all parties.
    pub(super) fates: Fates,
    /// Knots that are for ever.
    pub(super) knots: Vec<Knot>,
    /// Knots that are for ever unless somebody ends them who could not be seen.
    pub(super) unsure: Vec<Knot>,
    /// Waits that depend on a knot, and are for ever as it is.
    pub(super) behind: Vec<Index>,
    /// Waits that only somebody from outside can end: by a name, a signal, a time-out.
    pub(super) outside: Vec<Index>,
    /// Others that were asked about, and whom they depend on, the nearest first.
    pub(super) others: Vec<Index>,
    /// The pattern of those that wait for the outside, where they show one.
    pub(super) pattern: Option<Pattern>,
    /// Processes that were asked about, and could not be looked at.
    pub(super) blind: Vec<i32>,
    /// Processes that were asked about, have ended, and were not waited for.
    pub(super) ended: Vec<i32>,
}

/// Looks until what waits for ever is the same from one look to the next: a descriptor that was being handed from process
/// to process while one look passed by is seen by the other. `caller` is the process that asks.
///
/// # Errors
///
/// Whatever [`look`] says.
pub fn settled(caller: i32) -> io::Result<Snapshot> {
    const LOOKS_MAX: usize = 5;
    let stuck = |snapshot: &Snapshot| -> BTreeSet<(i32, i32)> {
        let picture = picture(snapshot, caller);
        let fates = picture.graph.fates_if(is_seen);
        let thread = |party| match picture.labels[party] {
            Label::Thread(process, thread) => Some((process, thread)),
            Label::Other(_) => None,
        };
        fates.for_ever().filter_map(thread).collect()
    };
    let mut snapshot = look()?;
    let mut before = stuck(&snapshot);
    for _ in 0..LOOKS_MAX {
        if before.is_empty() {
            return Ok(snapshot);
        }
        snapshot = look()?;
        let now = stuck(&snapshot);
        if now.is_subset(&before) {
            return Ok(snapshot);
        }
        before = now;
    }
    snapshot.unseen.push("what waits for ever differs from look to look".to_owned());
    Ok(snapshot)
}

/// What counts where nothing is said of those who could not be seen.
fn is_seen(freedom: Freedom) -> bool {
    freedom != Freedom::Unreadable
}

/// What counts where nobody comes from outside.
fn is_here(freedom: Freedom) -> bool {
    matches!(freedom, Freedom::Awake | Freedom::TimeOut)
}

impl<'p> Report<'p> {
    /// Answers what is asked.
    pub fn new(picture: &'p Picture<'p>, about: &About) -> Report<'p> {
        let fates = picture.graph.fates();
        let seen = picture.graph.fates_if(is_seen);
        let asked = asked(picture, about);
        let mut knots = of_these(picture, &fates, &asked, |_| true);
        let unsure = of_these(picture, &seen, &asked, |party| fates.of(party) == Fate::Waits);
        // The smallest is the easiest to understand, and mostly the cause.
        knots.sort_by_key(|knot| knot.parties.len());
        let in_knots: BTreeSet<Index> =
            knots.iter().chain(&unsure).flat_map(|knot| knot.parties.iter().copied()).collect();
        let rest = asked.iter().copied().filter(|party| !in_knots.contains(party));
        let (behind, others): (Vec<Index>, Vec<Index>) =
            rest.partition(|party| seen.of(*party) == Fate::ForEver);
        let others = match about {
            About::Processes(_) => others,
            About::User(_) => Vec::new(),
        };
        let here = picture.graph.fates_if(is_here);
        let (outside, others): (Vec<Index>, Vec<Index>) =
            others.into_iter().partition(|party| here.of(*party) == Fate::ForEver);
        let pattern = Pattern::of_outside(picture, &outside);
        let pattern = pattern.filter(|_| knots.is_empty() && unsure.is_empty());
        let mut blind = blind(picture, &asked);
        // Among all processes of a user there may be some that are closed to everybody.
        let looked_at = |process: &i32| *process != picture.caller && !blind.contains(process);
        let mut processes = asked.iter().filter_map(|party| process(picture, *party));
        if matches!(about, About::User(_)) && processes.any(|process| looked_at(&process)) {
            blind.clear();
        }
        let ended = match about {
            About::Processes(ids) => ids.clone(),
            About::User(_) => Vec::new(),
        };
        let is_over = |id: &i32| {
            picture.snapshot.processes.get(id).is_some_and(|process| process.threads.is_empty())
        };
        let ended = ended.into_iter().filter(is_over).collect();
        Report { picture, fates, knots, unsure, behind, outside, others, pattern, blind, ended }
    }

    /// How a command that reports this ends.
    pub fn status(&self) -> Status {
        match () {
            () if !self.knots.is_empty() => Status::Deviates,
            () if !self.unsure.is_empty() || !self.blind.is_empty() => Status::NotJudged,
            () => Status::Conforms,
        }
    }

    /// Whether anything that was asked about waits for ever.
    pub fn hangs(&self) -> bool {
        !self.knots.is_empty()
    }

    /// The patterns of the knots, or of what waits where there is none.
    pub fn patterns(&self) -> impl Iterator<Item = Pattern> + '_ {
        let knots = self.knots.iter().chain(&self.unsure).filter_map(|knot| knot.pattern);
        knots.chain(self.pattern)
    }

    /// Whether something that was asked about waits for ever, as far as could be seen.
    pub fn may_hang(&self) -> bool {
        self.hangs() || !self.unsure.is_empty()
    }

    /// The answer as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for knot in self.knots.iter().take(KNOTS_MAX) {
            let head = self.heads(&knot.parties, "waits for ever", "wait for ever, for each other");
            self.tell_knot(&mut text, &head, knot);
        }
        for knot in self.unsure.iter().take(KNOTS_MAX) {
            let head = self.heads(&knot.parties, "waits", "wait for each other");
            let head = format!("{head}; for ever, unless what could not be seen ends it");
            self.tell_knot(&mut text, &head, knot);
        }
        let more = self.knots.len().saturating_sub(KNOTS_MAX)
            + self.unsure.len().saturating_sub(KNOTS_MAX);
        if more > 0 {
            let _ = writeln!(text, "… and {more} more knots (--json lists all)\n");
        }
        if !self.behind.is_empty() {
            text.push_str("Behind that:\n\n");
            self.tell(&mut text, &self.behind);
        }
        for id in &self.ended {
            let parent = self.picture.snapshot.processes[id].parent;
            let (own, parent) = (named(self.picture, *id), named(self.picture, parent));
            let _ = writeln!(text, "{own} has ended; {parent} has not waited for it.");
        }
        if !self.may_hang() {
            text.push_str(match self.blind.is_empty() {
                true => "Nothing waits for ever.\n",
                false => "Nothing is seen to wait for ever, but not all could be seen.\n",
            });
        }
        if !self.outside.is_empty() {
            text.push_str("\nOnly somebody from outside can end these waits");
            let name = self.pattern.map(|pattern| format!(": {}", pattern.name));
            let _ = writeln!(text, "{}\n", name.unwrap_or_default());
            self.tell(&mut text, &self.outside);
        }
        if let Some(pattern) = self.pattern {
            tell_pattern(&mut text, pattern);
        }
        if !self.others.is_empty() {
            text.push_str(if self.outside.is_empty() && !self.may_hang() { "\n" } else { "" });
            text.push_str("Not stuck:\n\n");
            self.tell(&mut text, &self.others);
        }
        self.tell_unseen(&mut text);
        text.replace("\n\n\n", "\n\n")
    }

    /// The answer as JSON.
    pub fn json(&self) -> String {
        json::of(self)
    }

    /// What could not be seen, where the answer depends on it.
    fn tell_unseen(&self, text: &mut String) {
        const NAMED_MAX: usize = 4;
        if !self.blind.is_empty() {
            let named = self.blind.iter().take(NAMED_MAX).map(|id| named(self.picture, *id));
            let named = named.collect::<Vec<_>>().join(", ");
            let more = match self.blind.len() {
                ..=NAMED_MAX => String::new(),
                all => format!(" and {} more", all - NAMED_MAX),
            };
            let told = format!("Not seen: in which calls {named}{more} sleep. {REMEDY}");
            text.push_str(&wrapped(&told, 0));
        }
        let depends = !self.unsure.is_empty() || !self.blind.is_empty();
        for clause in self.unseen().iter().filter(|_| depends) {
            text.push_str(&wrapped(&format!("Not seen: {clause}."), 0));
        }
    }

    /// What could not be seen, each a clause.
    fn unseen(&self) -> Vec<String> {
        let snapshot = self.picture.snapshot;
        let closed = (!snapshot.closed.is_empty()).then(|| snapshot.told_closed(&snapshot.closed));
        snapshot.unseen.iter().cloned().chain(closed).collect()
    }

    fn heads(&self, parties: &[Index], one: &str, several: &str) -> String {
        let processes: BTreeSet<i32> =
            parties.iter().filter_map(|party| process(self.picture, *party)).collect();
        match processes.len() {
            1 => format!("1 process {one}"),
            count => format!("{count} processes {several}"),
        }
    }

    fn tell_knot(&self, text: &mut String, head: &str, knot: &Knot) {
        let name = knot.pattern.map(|pattern| format!(": {}", pattern.name)).unwrap_or_default();
        let _ = writeln!(text, "{head}{name}\n");
        self.tell(text, &knot.parties);
        if let Some(pattern) = knot.pattern {
            tell_pattern(text, pattern);
        }
    }

    fn tell(&self, text: &mut String, parties: &[Index]) {
        let sentences = sentences(self.picture, parties);
        for sentence in sentences.iter().take(SENTENCES_MAX) {
            text.push_str(&wrapped(sentence, 2));
        }
        if sentences.len() > SENTENCES_MAX {
            let more = sentences.len() - SENTENCES_MAX;
            let _ = writeln!(text, "  … and {more} more (--json lists all)");
        }
        text.push('\n');
    }
}

fn tell_pattern(text: &mut String, pattern: Pattern) {
    text.push_str(&wrapped(&format!("The pattern: {}. {}", pattern.name, pattern.wrong), 2));
    text.push_str(&wrapped(&format!("To mend it: {}", pattern.mend), 2));
    if !pattern.systems.is_empty() {
        let systems = pattern.systems.join(" ");
        text.push_str(&wrapped(&format!("As a system: `pipewright verify {systems}`"), 2));
    }
    text.push('\n');
}

/// The process of a party that is a thread.
pub(super) fn process(picture: &Picture<'_>, party: Index) -> Option<i32> {
    match picture.labels[party] {
        Label::Thread(process, _) => Some(process),
        Label::Other(_) => None,
    }
}

/// The knots in which one of these parties is.
fn of_these(
    picture: &Picture<'_>,
    fates: &Fates,
    asked: &[Index],
    counts: impl Fn(Index) -> bool,
) -> Vec<Knot> {
    let asked: BTreeSet<Index> = asked.iter().copied().collect();
    let is_meant = |knot: &&Vec<Index>| {
        knot.iter().any(|party| asked.contains(party)) && knot.iter().any(|party| counts(*party))
    };
    let knots = fates.knots().iter().filter(is_meant);
    let knot = |parties: &Vec<Index>| Knot {
        parties: parties.clone(),
        pattern: Pattern::of(picture, parties),
    };
    knots.map(knot).collect()
}

/// The threads that are asked about, and all that they depend on, the nearest first.
fn asked(picture: &Picture<'_>, about: &About) -> Vec<Index> {
    let mut of_process: BTreeMap<i32, Vec<Index>> = BTreeMap::new();
    for party in 0..picture.labels.len() {
        if let Some(process) = process(picture, party) {
            of_process.entry(process).or_default().push(party);
        }
    }
    let processes = &picture.snapshot.processes;
    let mut reached: Vec<Index> = Vec::new();
    match about {
        About::User(user) => {
            let meant = processes.values().filter(|process| *user == 0 || process.user == *user);
            reached.extend(meant.filter_map(|process| of_process.get(&process.id)).flatten());
            return reached;
        }
        About::Processes(ids) => {
            let mut family = ids.clone();
            let mut at = 0;
            while let Some(parent) = family.get(at).copied() {
                let is_child =
                    |process: &&Process| process.parent == parent && process.id != picture.caller;
                let children = processes.values().filter(is_child);
                let new: Vec<i32> =
                    children.map(|child| child.id).filter(|id| !family.contains(id)).collect();
                family.extend(new);
                at += 1;
            }
            reached.extend(family.iter().filter_map(|id| of_process.get(id)).flatten());
        }
    }
    let mut known: BTreeSet<Index> = reached.iter().copied().collect();
    let mut at = 0;
    while let Some(party) = reached.get(at).copied() {
        let threads = |ender: &Index| process(picture, *ender).is_some();
        for ender in picture.graph.enders(party).into_iter().filter(threads) {
            if known.insert(ender) {
                reached.push(ender);
            }
        }
        at += 1;
    }
    reached
}

/// The processes of threads that are asked about and could not be looked at.
fn blind(picture: &Picture<'_>, asked: &[Index]) -> Vec<i32> {
    let unreadable = |doing: &Doing| matches!(doing, Doing::Unreadable(_));
    let blind = asked.iter().filter_map(|party| match picture.labels[*party] {
        Label::Thread(process, thread) => {
            let found = &picture.snapshot.processes[&process];
            let own = found.threads.iter().find(|own| own.id == thread)?;
            unreadable(&own.doing).then_some(process)
        }
        Label::Other(_) => None,
    });
    blind.collect::<BTreeSet<i32>>().into_iter().collect()
}
