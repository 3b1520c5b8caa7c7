//! Every call on every kind of channel: it is judged by rules, or said not to be, and never found wrong for want of
//! a rule.

#[path = "common/cases.rs"]
mod cases;

use std::collections::{BTreeMap, BTreeSet};

use cases::cases;
use pipewright_model::call::{Actor, Answer, Call, End, Errno, Events, Mode, Op, OpenFlags, Reply};
use pipewright_model::kind::{Ends, Hold, KINDS, Kind};
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, LINUX_5_10, POSIX, Platform};
use pipewright_model::run::{Actors, Event, Name, Run, Seat, Setup};

const ACTOR: Actor = Actor(0);

/// All calls of the cases, on the first end, so that each word is there.
fn ops() -> BTreeSet<Op> {
    let events = cases().into_iter().flat_map(|(_, run)| run.events);
    let calls = events.filter_map(|event| match event {
        Event::Call(call) => Some(call.op.map_ends(|_| End(1))),
        _ => None,
    });
    calls.collect()
}

/// A reply of every sort, and errors that channels of another kind give.
fn replies() -> Vec<Answer> {
    let errnos = [Errno::EDOM, Errno::EBADF, Errno::EINVAL, Errno::ENOTSOCK, Errno::ESPIPE];
    let others = [Answer::Done, Answer::Count(0), Answer::Count(1), Answer::Ready(Events::IN)];
    errnos.map(Answer::Fails).into_iter().chain(others).collect()
}

/// A run of one call, by an actor that holds the end.
fn run(kind: &'static Kind, hold: Option<Hold>, op: Op, answer: Option<Answer>) -> Run {
    let name = |text| Name::new(text).expect("a name");
    let ends = hold.map(|hold| (End(0), hold)).into_iter().collect();
    let letters = hold.map_or("r", Hold::letters);
    let seat = Seat::new(name("a"), ends);
    let names = vec![name(letters), name(&format!("{letters}2"))];
    let mut run = Run::new(Setup::new(kind), vec![seat], names);
    let makes = op.is_by_name() || op == Op::Epoll;
    let end = if op == Op::Unlink { End(0) } else { End(u8::from(makes)) };
    run.push(Event::Call(Call { actor: ACTOR, end, op }));
    run.push(match answer {
        Some(answer) => Event::Return(ACTOR, Reply::new(answer)),
        None => Event::Quiet(Actors::NONE.with(ACTOR)),
    });
    run
}

#[track_caller]
fn is_judged_by_rules(run: &Run, platform: &Platform) -> bool {
    let judgement = judge(run, platform);
    for deviation in &judgement.deviations {
        let told = format!("{}: nothing is allowed instead:\n{run}", platform.name);
        assert!(!deviation.allowed.is_empty(), "{told}");
    }
    !matches!(judgement.verdict, Verdict::Unspecified { .. })
}

/// Whether it is a call on one descriptor or name of a channel.
fn is_of_a_channel(op: &Op) -> bool {
    !op.is_of_process() && !matches!(op, Op::PollSet { .. })
}

#[test]
fn no_call_deviates_for_want_of_a_rule() {
    let (ops, replies) = (ops(), replies());
    let words: BTreeSet<_> = ops.iter().map(Op::word).collect();
    assert_eq!(words.len(), Op::CALLS.len(), "the cases make {words:?} only");
    // Those of processes name a process that there is, and polls on several ends the ends.
    let ops: Vec<Op> = ops.into_iter().filter(is_of_a_channel).collect();
    for kind in KINDS {
        let holds = kind.held.iter().copied().map(Some).chain([None]);
        for (hold, op) in holds.flat_map(|hold| ops.iter().map(move |op| (hold, *op))) {
            let quiet = run(kind, hold, op, None);
            let named = kind.has_no_name_for(op.word()).is_none();
            assert_eq!(quiet.check().is_ok(), named, "{quiet}");
            if !named {
                continue;
            }
            for platform in [&LINUX, &LINUX_5_10, &POSIX] {
                is_judged_by_rules(&quiet, platform);
                for answer in &replies {
                    is_judged_by_rules(&run(kind, hold, op, Some(*answer)), platform);
                }
            }
        }
    }
}

/// Calls that no rule of Linux's speaks of, by what channels are made of.
const UNSPOKEN: &[(&str, &[&str])] = &[
    (
        "eventfd",
        &[
            "available",
            "capacity",
            "read",
            "read-at",
            "seek",
            "set-capacity",
            "truncate",
            "write",
            "write-at",
        ],
    ),
    (
        "eventfd-semaphore",
        &[
            "available",
            "capacity",
            "read",
            "read-at",
            "seek",
            "set-capacity",
            "truncate",
            "write",
            "write-at",
        ],
    ),
    (
        "message-queue",
        &[
            "accept",
            "available",
            "bind",
            "capacity",
            "connect",
            "listen",
            "option",
            "read-at",
            "receive",
            "receive-end",
            "seek",
            "send",
            "send-end",
            "set-capacity",
            "set-option",
            "shutdown",
            "truncate",
            "write-at",
        ],
    ),
    ("tcp", &["flock", "lock", "option", "process-lock", "receive-end", "send-end", "set-option"]),
    ("unix-datagram", &["flock", "lock", "process-lock", "set-option"]),
    ("unix-seqpacket", &["flock", "lock", "process-lock", "set-option"]),
    ("unix-stream", &["flock", "lock", "process-lock", "set-option"]),
    ("unix-stream-abstract", &["flock", "lock", "process-lock", "set-option"]),
];

#[test]
fn the_calls_that_no_rule_speaks_of_are_known() {
    let mut unspoken = BTreeMap::<_, BTreeSet<_>>::new();
    let ops: Vec<Op> = ops().into_iter().filter(is_of_a_channel).collect();
    for (kind, op) in KINDS.iter().flat_map(|kind| ops.iter().map(move |op| (*kind, *op))) {
        for hold in kind.held.iter().filter(|_| kind.has_no_name_for(op.word()).is_none()) {
            let asked = run(kind, Some(*hold), op, Some(Answer::Fails(Errno::EDOM)));
            if !is_judged_by_rules(&asked, &LINUX) {
                unspoken.entry(kind.name).or_default().insert(op.word());
            }
        }
    }
    let known = UNSPOKEN.iter().map(|(kind, words)| (*kind, words.iter().copied().collect()));
    assert_eq!(unspoken, known.collect());
}

#[test]
fn a_name_is_missing_exactly_where_no_rule_speaks_of_it() {
    let flags = OpenFlags::NONE;
    let ops = [Op::Open { mode: Mode::Read, flags }, Op::Unlink, Op::Socket { nonblock: false }];
    for (kind, op) in KINDS.iter().flat_map(|kind| ops.map(move |op| (*kind, op))) {
        // No call by name fails so.
        let judged =
            is_judged_by_rules(&run(kind, None, op, Some(Answer::Fails(Errno::EDOM))), &LINUX);
        assert_eq!(
            judged,
            kind.has_no_name_for(op.word()).is_none(),
            "{} {}",
            kind.name,
            op.word()
        );
    }
}

#[test]
fn what_rules_say_of_calls_on_the_wrong_kind_stays_judged() {
    let word = |text: &str| {
        let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        judge(&run, &LINUX).verdict.word()
    };
    let texts = [
        ("channel pipe\nactor a holds r\na: listen 1 -> ENOTSOCK", "conforms"),
        ("channel pipe\nactor a holds r\na: listen 1 -> ok", "deviates"),
        ("channel pipe\nactor a holds r\na: seek -> ESPIPE", "conforms"),
        ("channel pipe\nactor a holds r\na: seek -> EINVAL", "deviates"),
        ("channel pipe\nactor a holds w\na: read 1 -> EBADF", "conforms"),
        ("channel message-queue\nactor a holds r\na: listen 1 -> ENOTSOCK", "unspecified"),
        ("channel message-queue\nactor a holds r\na: capacity -> EBADF", "unspecified"),
        ("channel message-queue\nactor a holds r\na: close -> ok\na: close -> EBADF", "conforms"),
        ("channel global-variable\nactor a holds r\na: poll in -> ENOSYS", "conforms"),
        ("channel global-variable\nactor a holds r\na: poll in -> in", "deviates"),
        ("channel global-variable\nactor a holds r\na: lock shared -> ok", "deviates"),
        ("channel shared-memory\nactor a holds r\na: flock none -> ok", "deviates"),
    ];
    for (text, verdict) in texts {
        assert_eq!(word(text), verdict, "{text}");
    }
}

#[test]
fn a_channel_without_a_name_is_not_called_by_one() {
    for kind in KINDS.iter().filter(|kind| !matches!(kind.ends, Ends::Opened | Ends::Connected)) {
        for call in ["open read", "unlink", "socket"] {
            let text = format!("channel {}\na: {call} -> ENOENT", kind.name);
            let error = text.parse::<Run>().expect_err(&text);
            assert_eq!((error.line, error.column), (2, 4), "{error}");
            assert!(error.help.is_some(), "{error}");
        }
    }
}
