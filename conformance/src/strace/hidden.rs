//! The numbers that a log hides, as `pipe2([...])` does with `-s 0`.
//!
//! A new descriptor gets the lowest number that is free, and the first of two is the lower. What the processes that have
//! the pipe do with numbers that nothing else explains decides; where it does not, the pipe stays hidden.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::calls::{Call, Calls, Outcome, Step};

/// How many steps are looked at for the use of a descriptor.
const STEPS_MAX: usize = 20_000;

/// Calls that make a descriptor and return it.
const MAKE: [&str; 24] = [
    "open",
    "openat",
    "openat2",
    "creat",
    "socket",
    "accept",
    "accept4",
    "eventfd",
    "eventfd2",
    "epoll_create",
    "epoll_create1",
    "memfd_create",
    "signalfd",
    "signalfd4",
    "timerfd_create",
    "inotify_init",
    "inotify_init1",
    "pidfd_open",
    "pidfd_getfd",
    "userfaultfd",
    "io_uring_setup",
    "fanotify_init",
    "perf_event_open",
    "mq_open",
];

/// Calls whose first argument is a descriptor.
const USE: [&str; 27] = [
    "read",
    "readv",
    "pread64",
    "write",
    "writev",
    "pwrite64",
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "ioctl",
    "fstat",
    "lseek",
    "recv",
    "recvfrom",
    "recvmsg",
    "send",
    "sendto",
    "sendmsg",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    "splice",
];

/// Tells the numbers of hidden descriptors, where they can be found out.
pub(super) fn reveal(log: &mut Calls) {
    if !log.calls.iter().any(is_hidden) {
        return;
    }
    let mut books = Books::default();
    for step in 0..log.steps.len() {
        let Step::Ends(at) = log.steps[step].0 else {
            books.follow(log, step);
            continue;
        };
        if let Some([first, second]) =
            is_hidden(&log.calls[at]).then(|| books.found(log, step, at)).flatten()
        {
            let told = format!("[{first}, {second}]");
            let place = if log.calls[at].name == "socketpair" { 3 } else { 0 };
            log.calls[at].arguments[place] = told;
        }
        books.follow(log, step);
    }
}

/// Whether a call makes two descriptors that the log hides.
fn is_hidden(call: &Call) -> bool {
    call.value() == Some(0) && pair(call).is_some_and(|pair| pair == "[...]")
}

/// The two descriptors that a call makes, as the log has them.
fn pair(call: &Call) -> Option<&str> {
    let place = match call.name.as_str() {
        "pipe" | "pipe2" => 0,
        "socketpair" => 3,
        _ => return None,
    };
    call.arguments.get(place).map(String::as_str)
}

/// Which numbers are open, by process, as far as the log tells; each with whether exec closes it.
#[derive(Clone, Debug, Default)]
struct Books {
    tables: Vec<BTreeMap<i64, bool>>,
    of: HashMap<u32, usize>,
}

impl Books {
    /// The table of a process; the standard three where nothing was heard of it.
    fn table(&mut self, process: u32) -> &mut BTreeMap<i64, bool> {
        let next = self.tables.len();
        let index = *self.of.entry(process).or_insert(next);
        if index == next {
            self.tables.push([(0, false), (1, false), (2, false)].into());
        }
        &mut self.tables[index]
    }

    /// The numbers that the call which returns at this step made.
    fn found(&mut self, log: &Calls, step: usize, at: usize) -> Option<[i64; 2]> {
        let process = log.calls[at].process;
        let table = self.table(process).clone();
        let mut free = (0..).filter(|number| !table.contains_key(number));
        let lowest = [free.next()?, free.next()?];
        let shared = self.of[&process];
        let those = self.of.iter().filter(|(_, table)| **table == shared);
        let of = those.map(|(process, _)| (*process, 0)).collect();
        let mut ahead = Books { tables: vec![table], of };
        let (mut used, mut pairs) = (BTreeSet::new(), 1);
        let last = log.steps.len().min(step + 1 + STEPS_MAX);
        for next in step + 1..last {
            if let Step::Begins(call) = log.steps[next].0
                && let Some(number) = ahead.unexplained(&log.calls[call])
            {
                used.insert(number);
            }
            if lowest.iter().all(|number| used.contains(number)) {
                return Some(lowest);
            }
            if let Step::Ends(call) = log.steps[next].0 {
                let call = &log.calls[call];
                pairs += usize::from(ahead.of.contains_key(&call.process) && is_hidden(call));
            }
            ahead.follow_those(log, next);
        }
        if used.is_empty() || used.contains(&lowest[0]) {
            return Some(lowest);
        }
        // The lowest was in use by something that the log does not tell of. Of several hidden pairs the first is the lowest.
        let all_are_told = used.len() == 2 * pairs;
        let mut used = used.into_iter();
        all_are_told.then(|| Some([used.next()?, used.next()?])).flatten()
    }

    /// The descriptor that a call uses, where it is not known to be open.
    fn unexplained(&self, call: &Call) -> Option<i64> {
        let table = &self.tables[*self.of.get(&call.process)?];
        let number = call.number(0).filter(|_| USE.contains(&call.name.as_str()))?;
        let fails = call.outcome == Outcome::Error("EBADF".to_owned());
        (number >= 0 && !fails && !table.contains_key(&number)).then_some(number)
    }

    /// Follows a step of those alone of whom it knows.
    fn follow_those(&mut self, log: &Calls, step: usize) {
        let process = match log.steps[step].0 {
            Step::Begins(at) | Step::Ends(at) => log.calls[at].process,
            Step::Exits { process, .. } | Step::Stops { process, .. } => process,
        };
        if self.of.contains_key(&process) {
            self.follow(log, step);
        }
    }

    fn follow(&mut self, log: &Calls, step: usize) {
        match log.steps[step].0 {
            Step::Begins(at) => self.begins(&log.calls[at]),
            Step::Ends(at) => self.ends(&log.calls[at]),
            Step::Exits { process, .. } => {
                self.of.remove(&process);
            }
            Step::Stops { .. } => {}
        }
    }

    fn begins(&mut self, call: &Call) {
        // A child may run before its parent hears of it.
        if matches!(call.name.as_str(), "clone" | "clone3" | "fork" | "vfork") {
            let Some(child) = call.value().and_then(|id| u32::try_from(id).ok()) else { return };
            let table = self.table(call.process).clone();
            if call.has_anywhere("CLONE_FILES") {
                self.of.insert(child, self.of[&call.process]);
            } else {
                self.of.insert(child, self.tables.len());
                self.tables.push(table);
            }
        } else if let Some(number) = self.unexplained(call) {
            // It was there from the start, or came in a way that is not followed.
            self.table(call.process).insert(number, false);
        }
    }

    fn ends(&mut self, call: &Call) {
        let Some(value) = call.value() else { return };
        let table = self.table(call.process);
        let close_on_exec = call.has_anywhere("O_CLOEXEC")
            || call.arguments.iter().any(|argument| argument.contains("_CLOEXEC"));
        match call.name.as_str() {
            "close" => {
                call.number(0).and_then(|number| table.remove(&number));
            }
            "close_range" => {
                let (first, last) = (call.number(0).unwrap_or(0), call.number(1));
                let those = |number: i64| number >= first && last.is_none_or(|last| number <= last);
                if close_on_exec {
                    table.iter_mut().filter(|(n, _)| those(**n)).for_each(|(_, bit)| *bit = true);
                } else {
                    table.retain(|number, _| !those(*number));
                }
            }
            "execve" | "execveat" => table.retain(|_, close_on_exec| !*close_on_exec),
            "fcntl" | "fcntl64" if call.has_flag(1, "F_SETFD") => {
                if let Some(bit) = call.number(0).and_then(|number| table.get_mut(&number)) {
                    *bit = call.has_flag(2, "FD_CLOEXEC");
                }
            }
            "fcntl" | "fcntl64" if call.has_anywhere("F_DUPFD_CLOEXEC") => {
                table.insert(value, true);
            }
            "fcntl" | "fcntl64" if call.has_anywhere("F_DUPFD") => {
                table.insert(value, false);
            }
            "dup" | "dup2" | "dup3" => {
                table.insert(value, close_on_exec);
            }
            "pipe" | "pipe2" | "socketpair" => {
                let numbers = pair(call).map(super::tables::numbers).unwrap_or_default();
                table.extend(numbers.into_iter().map(|number| (number, close_on_exec)));
            }
            name if MAKE.contains(&name) => {
                table.insert(value, close_on_exec);
            }
            _ => {}
        }
    }
}
