//! Tables of descriptors, by process, as a log tells of them.

use std::collections::{BTreeMap, HashMap};

use pipewright_model::kind::Hold;

use super::line::cut;

/// A number above those of all descriptors: of one that is not made yet, or not at all.
pub(super) const UNMADE: i64 = 10_000_000;

/// A channel, by its index.
pub(super) type Channel = usize;

/// What a descriptor leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) channel: Channel,
    /// What it is for.
    pub(super) hold: Hold,
    pub(super) close_on_exec: bool,
}

/// All tables, and who uses which.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    tables: Vec<BTreeMap<i64, Entry>>,
    of: HashMap<u32, usize>,
    leaders: HashMap<u32, u32>,
    parents: HashMap<u32, u32>,
    /// Where each process is, from the root or from where the log begins; `None`: it is not known.
    places: HashMap<u32, Option<String>>,
}

/// The numbers of descriptors that stand in brackets, as `[3<pipe:[99]>, 4]`; none where the log hides them.
pub(super) fn numbers(list: &str) -> Vec<i64> {
    let number = |text: &str| text.split('<').next().unwrap_or_default().trim().parse().ok();
    let mut depth = 0_usize;
    let inner = list.strip_prefix('[').unwrap_or(list);
    let end = inner.bytes().position(|byte| {
        depth += usize::from(byte == b'[');
        let closes = byte == b']' && depth == 0;
        depth = depth.saturating_sub(usize::from(byte == b']'));
        closes
    });
    cut(&inner[..end.unwrap_or(inner.len())]).into_iter().filter_map(number).collect()
}

impl Tables {
    /// The table of a thread; an empty one where nothing was heard of it before.
    pub(super) fn of(&mut self, process: u32) -> &mut BTreeMap<i64, Entry> {
        let next = self.tables.len();
        let table = *self.of.entry(process).or_insert(next);
        if table == next {
            self.tables.push(BTreeMap::new());
        }
        &mut self.tables[table]
    }

    /// The number of a thread's table; `None` where nothing was heard of it.
    pub(super) fn table_of(&self, process: u32) -> Option<usize> {
        self.of.get(&process).copied()
    }

    /// Whether a descriptor of anybody leads to a channel.
    pub(super) fn any_leads_to(&self, channel: Channel) -> bool {
        self.tables.iter().any(|table| table.values().any(|entry| entry.channel == channel))
    }

    pub(super) fn get(&self, process: u32, descriptor: i64) -> Option<Entry> {
        self.tables.get(*self.of.get(&process)?)?.get(&descriptor).copied()
    }

    /// A process with a copy of the table.
    pub(super) fn fork(&mut self, parent: u32, child: u32) {
        let copy = self.of(parent).clone();
        self.tables.push(copy);
        self.of.insert(child, self.tables.len() - 1);
        self.leaders.insert(child, child);
        let parent_process = self.leader(parent);
        self.parents.insert(child, parent_process);
        let place = self.place(parent);
        self.places.insert(child, place);
    }

    /// A thread with the same table.
    pub(super) fn thread(&mut self, parent: u32, child: u32) {
        self.of(parent);
        self.of.insert(child, self.of[&parent]);
        let leader = self.leader(parent);
        self.leaders.insert(child, leader);
    }

    /// The process of a thread.
    pub(super) fn leader(&self, process: u32) -> u32 {
        self.leaders.get(&process).copied().unwrap_or(process)
    }

    /// Whether a thread is of a process that another one has made, or one of those that it has made.
    pub(super) fn descends(&self, process: u32, from: u32) -> bool {
        let parent = |process: &u32| self.parents.get(process).copied();
        let mut ancestors = std::iter::successors(parent(&self.leader(process)), parent);
        let from = self.leader(from);
        ancestors.any(|ancestor| ancestor == from)
    }

    /// The working directory of a process: empty where the log begins; `None` where it is not known.
    pub(super) fn place(&self, process: u32) -> Option<String> {
        self.places.get(&self.leader(process)).cloned().unwrap_or(Some(String::new()))
    }

    pub(super) fn goes_to(&mut self, process: u32, place: Option<String>) {
        self.places.insert(self.leader(process), place);
    }

    pub(super) fn is_known(&self, process: u32) -> bool {
        self.of.contains_key(&process)
    }

    /// The process is gone.
    pub(super) fn gone(&mut self, process: u32) {
        if let Some(table) = self.of.get(&process) {
            self.tables[*table].clear();
        }
    }
}
