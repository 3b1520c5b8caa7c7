//! Known patterns of hanging programs: what a knot shows, and how it is mended.

use pipewright_model::asleep::{Deed, Sleeper};
use pipewright_model::call::{End as CallEnd, Events, Mode, Op};
use pipewright_model::kind::Discipline;
use pipewright_model::rules::RULES;
use pipewright_model::run::Run;
use pipewright_model::waits::Index;

use super::picture::{Channel, Detail, End, Label, On, Picture, Wants};

/// A known way in which programs hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Its name, as the book has it.
    pub name: &'static str,
    /// What goes wrong.
    pub wrong: &'static str,
    /// How it is mended.
    pub mend: &'static str,
    /// Systems of the specification that show it, where there are any.
    pub systems: &'static [&'static str],
}

const OWN_END: Pattern = Pattern {
    name: "a leaked end, held by the reader itself",
    wrong: "A reader sees the end of file only when every write end (of a socket, its peer) is closed, and it holds one \
            itself.",
    mend: "Close the write end in the reader, after fork and before exec (or make it close-on-exec: pipe2 with \
           O_CLOEXEC); a dup of it is an end of its own.",
    systems: &["leaked-write-end"],
};

const OTHERS_END: Pattern = Pattern {
    name: "a leaked end",
    wrong: "A reader sees the end of file only when every write end is closed, and one is held by a process that waits \
            for the reader.",
    mend: "Close each end in each process that does not use it: the write end before waiting for the reader, inherited \
           copies after fork. Make ends close-on-exec (O_CLOEXEC).",
    systems: &["parent-keeps-the-write-end", "close-on-exec-forgotten", "dup2-leaves-the-original"],
};

const WAIT_BEFORE_DRAIN: Pattern = Pattern {
    name: "wait before drain",
    wrong: "The parent waits for its child before it has read what the child writes: more than the channel holds.",
    mend: "Read to the end of file first, then wait (in Python communicate() and not wait(); a thread or poll where \
           there are several pipes).",
    systems: &["wait-before-draining"],
};

const BOTH_WRITE: Pattern = Pattern {
    name: "both write more than fits",
    wrong: "Each writes and would read only afterwards; what both have written fills the channels between them.",
    mend: "Let one read while it writes: with poll and O_NONBLOCK, with a thread for each direction (communicate() in \
           Python), or by a file in between.",
    systems: &["both-write-more-than-fits", "filter-fed-first"],
};

const STDERR: Pattern = Pattern {
    name: "stderr forgotten",
    wrong: "The parent reads one pipe of its child to the end, and the child fills the other, its stderr, meanwhile.",
    mend: "Read both at once (poll, communicate()), merge them (2>&1, stderr=STDOUT), or send stderr to a file.",
    systems: &["errors-unread"],
};

const ONE_BY_ONE: Pattern = Pattern {
    name: "one channel read after the other",
    wrong: "A process reads one channel to the end, and another one that it is to read fills meanwhile.",
    mend: "Read all channels at once, with poll or a thread for each.",
    systems: &["errors-unread"],
};

const BOTH_READ: Pattern = Pattern {
    name: "each waits for the other to write",
    wrong: "All of them read; what one of them has written may still lie in its buffer.",
    mend: "Flush before waiting for an answer; close or shut down the direction in which nothing more is sent.",
    systems: &["waiting-for-each-other"],
};

const NAMED_TWICE: Pattern = Pattern {
    name: "a FIFO opened by both for the same side",
    wrong: "An open of a FIFO waits for the other side, and each of these opens the same one.",
    mend: "Let one open it for reading and the other for writing.",
    systems: &["fifo-both-open-to-read-first"],
};

const NAMED_CROSSED: Pattern = Pattern {
    name: "crossed FIFOs",
    wrong: "An open of a FIFO waits for the other side; these open two FIFOs, in different order.",
    mend: "Open them in the same order on both sides, or open one with O_RDWR or O_NONBLOCK.",
    systems: &["crossed-fifos-opposite-orders"],
};

const NAMED_ALONE: Pattern = Pattern {
    name: "a FIFO whose other side never comes",
    wrong: "An open of a FIFO waits until the other side is opened, and no process here is about to.",
    mend: "Start the other side first, or open with O_NONBLOCK (reading) or O_RDWR, and poll.",
    systems: &[],
};

const LOCK_UPGRADE: Pattern = Pattern {
    name: "lock upgrade",
    wrong: "The caller waits for a lock that it holds itself, by another open of the same file.",
    mend: "Convert the lock on the descriptor that holds it, or unlock that first; open a locked file once.",
    systems: &[],
};

const LOCK_ORDER: Pattern = Pattern {
    name: "locks in different order",
    wrong: "Each holds a lock for which another one waits.",
    mend: "Take the locks in one order everywhere, or take the second without waiting and start anew.",
    systems: &[],
};

const HELD_LOCK: Pattern = Pattern {
    name: "a lock held while waiting",
    wrong: "The holder of a lock waits for the process that wants it.",
    mend: "Unlock before waiting, and close the descriptor in children: a lock of flock is inherited with it.",
    systems: &["daemon-keeps-the-lock"],
};

const FULL_QUEUE: Pattern = Pattern {
    name: "a full queue",
    wrong: "A queue takes no more messages, and the processes that could receive wait for the sender.",
    mend: "Receive before sending more, send with a time-out (mq_timedsend) or O_NONBLOCK, or make the queue longer \
           (mq_maxmsg).",
    systems: &[],
};

const BACKLOG: Pattern = Pattern {
    name: "a connect beyond the backlog",
    wrong: "As many connections wait at the listener as may, and nobody accepts them.",
    mend: "Accept in a loop of its own, or raise the backlog of listen (and net.core.somaxconn); close what is not \
           needed.",
    systems: &[],
};

const STOPPED: Pattern = Pattern {
    name: "a stopped peer",
    wrong: "A process that was stopped by a signal (Ctrl-Z, SIGSTOP, SIGTTIN) holds what the others wait for.",
    mend: "Continue it (fg, kill -CONT), or end it; a job in the background must not read from the terminal.",
    systems: &[],
};

/// A call that sleeps, as far as a pattern shows in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The call.
    pub op: Op,
    /// The rule by which it sleeps.
    pub rule: &'static str,
    /// The channel, by a number.
    pub channel: usize,
    /// Whether its own process holds what it waits for.
    pub holds_itself: bool,
    /// Whether somebody who could end it holds the end by other numbers than those of standard input and output.
    pub is_leaked: bool,
    /// Whether it writes to what is the standard error of a process.
    pub is_error: bool,
    /// Whether a process that could end it is stopped.
    pub is_for_a_stopped_process: bool,
}

impl Wait {
    /// What a run tells of a call that sleeps.
    pub fn of(run: &Run, sleeper: &Sleeper, channel: usize) -> Wait {
        let number = |end: CallEnd| {
            let name = run.end_name(end);
            name.rsplit('.')
                .next()?
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .parse::<u32>()
                .ok()
        };
        let is_stream = |end: CallEnd| {
            let channel = run.channel_of(end).unwrap_or(0);
            let setup = run.channels.get(channel).map(|channel| &channel.setup);
            setup.is_some_and(|setup| setup.kind.discipline == Discipline::Stream)
        };
        let ends: Vec<CallEnd> = sleeper
            .ways
            .iter()
            .flatten()
            .filter_map(|(_, deed)| match deed {
                Deed::Calls(calls) => calls.first().map(|call| call.end),
                Deed::Exit => None,
            })
            .collect();
        let is_high = |end: &CallEnd| number(*end).is_some_and(|number| number > 2);
        Wait {
            op: sleeper.call.op,
            rule: RULES[usize::from(sleeper.rule)].id,
            channel,
            holds_itself: !sleeper.own.is_empty(),
            is_leaked: is_stream(sleeper.call.end) && !ends.is_empty() && ends.iter().all(is_high),
            is_error: sleeper.call.op.offers().is_some()
                && std::iter::once(sleeper.call.end).chain(ends).any(|end| number(end) == Some(2)),
            is_for_a_stopped_process: false,
        }
    }
}

impl Pattern {
    /// Its name, how it is mended, and the systems that show it, in a line.
    pub fn in_a_line(self) -> String {
        let systems = match self.systems {
            [] => String::new(),
            systems => format!("; as a system: {}", systems.join(", ")),
        };
        format!("the pattern is: {} ({}{systems})\n", self.name, self.mend.trim_end_matches('.'))
    }

    /// All of them, in the order of the book.
    pub const ALL: [Pattern; 16] = [
        OWN_END,
        OTHERS_END,
        BOTH_WRITE,
        STDERR,
        ONE_BY_ONE,
        WAIT_BEFORE_DRAIN,
        NAMED_TWICE,
        NAMED_CROSSED,
        NAMED_ALONE,
        STOPPED,
        LOCK_UPGRADE,
        LOCK_ORDER,
        HELD_LOCK,
        FULL_QUEUE,
        BACKLOG,
        BOTH_READ,
    ];

    /// The one that sleepers of a run show, which wait for each other or for nobody.
    pub fn of_sleepers(run: &Run, sleepers: &[&Sleeper]) -> Option<Pattern> {
        let waits: Vec<Wait> = sleepers
            .iter()
            .map(|sleeper| Wait::of(run, sleeper, run.channel_of(sleeper.call.end).unwrap_or(0)))
            .collect();
        Pattern::of_waits(&waits)
    }

    /// The one that waits show, which are for each other or for nobody.
    pub fn of_waits(waits: &[Wait]) -> Option<Pattern> {
        let any = |is: fn(&Op) -> bool| waits.iter().any(|wait| is(&wait.op));
        let all = |is: fn(&Op) -> bool| waits.iter().all(|wait| is(&wait.op));
        let holds_itself = waits.iter().any(|wait| wait.holds_itself);
        let by = |rule: &str| waits.iter().any(|wait| wait.rule.starts_with(rule));
        let is_lock =
            |op: &Op| matches!(op, Op::Lock { .. } | Op::Flock { .. } | Op::ProcessLock { .. });
        if any(|op| matches!(op, Op::Open { .. })) {
            let opens = waits.iter().filter_map(|wait| match wait.op {
                Op::Open { mode, .. } => Some((wait.channel, mode)),
                _ => None,
            });
            let opens: Vec<(usize, Mode)> = opens.collect();
            return Some(match opens[..] {
                [_] if waits.len() == 1 => NAMED_ALONE,
                [first, ..] if opens.iter().all(|other| *other == first) => NAMED_TWICE,
                _ => NAMED_CROSSED,
            });
        }
        if any(is_lock) {
            return Some(match waits {
                _ if waits.iter().any(|wait| is_lock(&wait.op) && wait.holds_itself) => {
                    LOCK_UPGRADE
                }
                [_] => HELD_LOCK,
                _ if all(is_lock) => LOCK_ORDER,
                _ => HELD_LOCK,
            });
        }
        if by("connection.connect") || by("unix.connect") {
            return Some(BACKLOG);
        }
        if by("queue.write") {
            return Some(FULL_QUEUE);
        }
        let polls = |op: &Op, events: Events| matches!(op, Op::Poll { events: asked, .. } if asked.contains(events));
        let reads =
            waits.iter().any(|wait| wait.op.asks().is_some() || polls(&wait.op, Events::IN));
        let writes =
            waits.iter().any(|wait| wait.op.offers().is_some() || polls(&wait.op, Events::OUT));
        let waits_for_child = any(|op| matches!(op, Op::Wait { .. }));
        match (reads, writes) {
            (true, false) if holds_itself => Some(OWN_END),
            (true, false) if waits_for_child || waits.iter().any(|wait| wait.is_leaked) => {
                Some(OTHERS_END)
            }
            (true, false) if waits.len() > 1 => Some(BOTH_READ),
            (true, true) if waits.iter().any(|wait| wait.is_error) => Some(STDERR),
            (true, true) => Some(ONE_BY_ONE),
            (false, true) if waits_for_child => Some(WAIT_BEFORE_DRAIN),
            (false, true) if waits.len() > 1 => Some(BOTH_WRITE),
            _ => None,
        }
    }

    /// The one that waits show which somebody from outside could end: only what says so by itself.
    pub fn of_waits_outside(waits: &[Wait]) -> Option<Pattern> {
        if waits.iter().any(|wait| wait.is_for_a_stopped_process) {
            return Some(STOPPED);
        }
        let telling = |wait: &&Wait| {
            matches!(wait.op, Op::Open { .. } | Op::Connect) || wait.rule.starts_with("queue.write")
        };
        let telling: Vec<Wait> = waits.iter().filter(telling).cloned().collect();
        Pattern::of_waits(&telling)
    }

    /// The one that these parties show, which wait for each other.
    pub(super) fn of(picture: &Picture<'_>, parties: &[Index]) -> Option<Pattern> {
        let waits: Vec<(i32, &Detail)> = parties
            .iter()
            .filter_map(|party| match picture.labels[*party] {
                Label::Thread(process, _) => Some((process, picture.waits.get(party)?)),
                Label::Other(_) => None,
            })
            .collect();
        let ends: Vec<(i32, &End)> = waits
            .iter()
            .flat_map(|(process, detail)| match &detail.on {
                On::End(end) => vec![(*process, end)],
                On::Events(ends) => ends.iter().map(|end| (*process, end)).collect(),
                _ => Vec::new(),
            })
            .collect();
        let any = |is: fn(&On) -> bool| waits.iter().any(|(_, detail)| is(&detail.on));
        if any(|on| *on == On::Stopped) {
            return Some(STOPPED);
        }
        if any(|on| matches!(on, On::Open { .. })) {
            return Some(of_names(&waits));
        }
        if any(|on| matches!(on, On::Lock { .. })) {
            return Some(of_locks(&waits));
        }
        let wants = |channel: Wants| ends.iter().any(|(_, end)| end.wants == channel);
        if wants(Wants::Acceptance) {
            return Some(BACKLOG);
        }
        if wants(Wants::Room(Channel::Queue)) {
            return Some(FULL_QUEUE);
        }
        of_streams(&waits, &ends)
    }
}

impl Pattern {
    /// The one that these parties show, which wait for somebody from outside: only what says so by itself, as a server
    /// that waits for its clients is in order.
    pub(super) fn of_outside(picture: &Picture<'_>, parties: &[Index]) -> Option<Pattern> {
        let telling = [STOPPED, NAMED_TWICE, NAMED_CROSSED, NAMED_ALONE, FULL_QUEUE, BACKLOG];
        Pattern::of(picture, parties).filter(|pattern| telling.contains(pattern))
    }
}

fn of_names(waits: &[(i32, &Detail)]) -> Pattern {
    let opened = waits.iter().filter_map(|(_, detail)| match &detail.on {
        On::Open { file, way, .. } => Some((*file, *way)),
        _ => None,
    });
    let opened: Vec<_> = opened.collect();
    match opened[..] {
        [] | [_] => NAMED_ALONE,
        [(first, way), ..] if opened.iter().all(|(file, own)| *file == first && *own == way) => {
            NAMED_TWICE
        }
        _ => NAMED_CROSSED,
    }
}

fn of_locks(waits: &[(i32, &Detail)]) -> Pattern {
    let locks = waits.iter().filter(|(_, detail)| matches!(detail.on, On::Lock { .. }));
    let own = |(_, detail): &(i32, &Detail)| matches!(detail.on, On::Lock { own: true, .. });
    match locks.clone().count() {
        _ if locks.clone().any(own) => LOCK_UPGRADE,
        1 => HELD_LOCK,
        _ => LOCK_ORDER,
    }
}

fn of_streams(waits: &[(i32, &Detail)], ends: &[(i32, &End)]) -> Option<Pattern> {
    let is_data = |end: &End| matches!(end.wants, Wants::Data(_));
    let is_room = |end: &End| matches!(end.wants, Wants::Room(_));
    // A socket has one peer: a process that talks to itself by threads holds it rightly.
    let itself = |(process, end): &&(i32, &End)| {
        let leaks = end.wants == Wants::Data(Channel::Stream) || waits.len() == 1;
        is_data(end) && leaks && end.holders.iter().any(|holder| holder.process == *process)
    };
    let parent_waits = waits.iter().any(|(_, detail)| matches!(detail.on, On::Children(_)));
    let (reads, writes) =
        (ends.iter().any(|(_, end)| is_data(end)), ends.iter().any(|(_, end)| is_room(end)));
    let own = ends.iter().find(itself);
    match (reads, writes) {
        (true, false) if own.is_some() => Some(OWN_END),
        (true, false) if parent_waits => Some(OTHERS_END),
        // It writes nothing more, and yet holds what the other one reads.
        (true, false) if is_between_pipes(ends) => Some(OTHERS_END),
        (true, false) => Some(BOTH_READ),
        (true, true) if ends.iter().any(|(_, end)| is_room(end) && end.is_error) => Some(STDERR),
        (true, true) => Some(ONE_BY_ONE),
        (false, true) if parent_waits => Some(WAIT_BEFORE_DRAIN),
        (false, true) => Some(BOTH_WRITE),
        (false, false) => None,
    }
}

/// Whether an end that is waited for is held by a process to which it is not its standard output.
fn is_between_pipes(ends: &[(i32, &End)]) -> bool {
    let leaked = |end: &End| {
        end.holders.iter().any(|holder| holder.numbers.iter().all(|number| *number > 2))
    };
    ends.iter().any(|(_, end)| end.wants == Wants::Data(Channel::Stream) && leaked(end))
}
