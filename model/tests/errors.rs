//! Errors are a set: of several that hold the standard allows any, and Linux tells the first that it checks.
//!
//! All calls of the cases, and some that are wrong in several ways at once, are made in states of all small spaces.

#[path = "common/cases.rs"]
mod cases;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use cases::cases;
use common::{LINUX_SMALL, POSIX_SMALL, Pinned, in_parallel, spaces};
use pipewright_model::call::{Actor, Call, ENDS_MAX, End, Events, Mode, Op, SendFlags};
use pipewright_model::explore::visit;
use pipewright_model::index::RuleIndex;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{Family, LINUX, POSIX, Platform};
use pipewright_model::rule::{Fault, Move, Scene, What};
use pipewright_model::rules::checks::{self, order};
use pipewright_model::rules::{RULES, by_id, has, of_call};
use pipewright_model::run::{Event, Run};
use pipewright_model::step::{RuleSet, moves};
use pipewright_model::world::{Pending, Progress, World};

/// So many worlds of each space meet all calls; all meet those that the space has.
const WORLDS: usize = 400;

/// Rules by which a call fails or waits that held together, by family.
type Together = Mutex<BTreeSet<(u8, Vec<&'static str>)>>;

#[test]
fn of_several_errors_posix_allows_any_and_linux_tells_the_first() {
    let ops = ops();
    let together = Together::default();
    let held = Mutex::new(RuleSet::default());
    let platforms = [&LINUX_SMALL, &POSIX_SMALL].into_iter();
    let all: Vec<_> = platforms.flat_map(|p| spaces().into_iter().map(move |s| (p, s))).collect();
    in_parallel(&all, |(platform, Pinned { space, .. })| {
        if space.setup.packet && !platform.packets {
            return; // not in the standard
        }
        let mut seen = RuleSet::default();
        let mut worlds = 0;
        visit(space, platform, |world| {
            for actor in world.busy().iter() {
                judge_faults(platform, world, actor, &mut seen, &together);
            }
            let actors = (0..world.actors.len() as u8).map(Actor);
            let idle: Vec<_> = actors.filter(|actor| world.pending(*actor).is_none()).collect();
            worlds += usize::from(!idle.is_empty());
            if worlds > WORLDS {
                return;
            }
            let closed = End(ENDS_MAX as u8 - 1);
            for actor in idle {
                for end in world.open_ends(actor).chain([closed]) {
                    for op in &ops {
                        let mut world = world.clone();
                        world.call(Call { actor, end, op: *op });
                        judge_faults(platform, &world, actor, &mut seen, &together);
                    }
                }
            }
        });
        let mut held = held.lock().expect("no test panics with it");
        *held = held.union(seen);
    });
    let together = together.into_inner().expect("no test panics with it");
    for (family, rules) in &together {
        eprintln!("{} {}", ["linux", "posix"][usize::from(*family)], rules.join(" and "));
    }
    let both = |a, b| together.iter().any(|(_, rules)| rules.contains(&a) && rules.contains(&b));
    for (a, b) in TOGETHER {
        assert!(both(a, b), "{a} and {b} never hold at once");
    }
    let held = held.into_inner().expect("no test panics with it");
    // These take two processes, of which one waits or has ended: cases and tests/processes.rs show them.
    let by_processes = ["lock.process-lock.deadlock", "signal.signal.no-process"];
    let checked = checks::LINUX.iter().flat_map(|checks| checks.rules.iter().copied().flatten());
    let checked = checked.filter(|id| !by_processes.contains(id));
    let never: BTreeSet<_> =
        checked.filter(|id| !by_id(id).is_some_and(|rule| held.contains(rule))).collect();
    assert!(never.is_empty(), "among the checks, and never hold: {never:?}");
}

/// Errors that hold at once, of which the standard therefore allows either.
const TOGETHER: &[(&str, &str)] = &[
    ("descriptor.any.not-open", "descriptor.read-at.negative-offset"),
    ("stream.read-at.no-offset", "stream.read-at.not-for-reading"),
    ("file.read-at.not-for-reading", "file.read-at.negative-offset"),
    ("file.write-at.not-for-writing", "file.write-at.negative-offset"),
    ("queue.read.too-short", "queue.read.empty-nonblocking"),
    ("queue.write.too-long", "descriptor.write.not-for-writing"),
    ("lock.lock.wrong-mode", "lock.lock.refused"),
    ("unix.bind.address-in-use", "unix.bind.has-a-name"),
    ("unix.bind.name-in-use", "unix.bind.has-a-name"),
    ("connection.bind.address-in-use", "connection.bind.has-a-name"),
    ("connection.connect.listening", "connection.connect.not-for-listeners"),
    ("unix.connect.connected", "unix.connect.refused"),
    ("unix.connect.listening", "unix.connect.no-entry"),
    ("unix.connect.in-progress", "unix.connect.connected"),
    ("unix.any.writes-unconnected", "unix.send.address-unsupported"),
    ("unix.send.address-of-connected", "unix.any.broken"),
    ("socket.accept.none-nonblocking", "socket.accept.not-listening"),
    ("tcp.any.write-error", "tcp.any.write-broken"),
    ("unix.any.reset-first", "unix.any.broken"),
    ("unix.any.unconnected-nonblocking", "unix.any.read-not-connected"),
    ("unix.any.unconnected-nonblocking", "message.any.receives-unconnected"),
    ("connection.any.unconnected-nonblocking", "connection.any.read-unconnected"),
];

/// All that the cases ask for, each once, and what is wrong in several ways at once.
fn ops() -> BTreeSet<Op> {
    let events = cases().into_iter().flat_map(|(_, run)| run.events);
    let asked =
        events.filter_map(|event| if let Event::Call(call) = event { Some(call.op) } else { None });
    // A poll on several ends is one on each.
    let asked = asked.filter(|op| !matches!(op, Op::PollSet { .. }));
    let flags = SendFlags::ADDRESSED.union(SendFlags::NOSIGNAL);
    let wrong = [
        Op::ReadAt { len: 0, at: -1 },
        Op::ReadAt { len: 1, at: -1 },
        Op::WriteAt { len: 1, at: -1 },
        Op::Read { len: 1 },
        Op::Write { len: 1 << 20 },
        Op::Send { len: 1, flags },
        Op::Shutdown { how: Mode::ReadWrite },
    ];
    asked.chain(wrong).collect()
}

/// Holds what the call may do against the faults that its rules state, each by itself.
fn judge_faults(
    platform: &Platform,
    world: &World,
    actor: Actor,
    seen: &mut RuleSet,
    together: &Together,
) {
    let open = |call: &&Pending| call.progress == Progress::Open;
    let Some(call) = world.pending(actor).filter(open) else { return };
    let at = Scene { platform, world, actor, call, found: (Events::NONE, Events::NONE) };
    let of = of_call(platform.family, world.discipline(), &call.op);
    let stated = |rule: &RuleIndex| Some((*rule, (RULES[usize::from(*rule)].step)(&at)?));
    let stated: Vec<(RuleIndex, Move)> = of.iter().filter_map(stated).collect();
    let faults: Vec<_> = stated.iter().filter(|(_, step)| step.fault.is_some()).collect();
    stated.iter().for_each(|(rule, _)| seen.insert(*rule));
    if faults.is_empty() {
        return;
    }
    let told = moves(platform, world, actor, &mut RuleSet::default());
    let is_told = |rule: RuleIndex| told.iter().any(|(told, _)| *told == rule);
    let ids = |moves: &[&(RuleIndex, Move)]| -> Vec<_> {
        moves.iter().map(|(rule, _)| RULES[usize::from(*rule)].id).collect()
    };
    if faults.len() > 1 {
        let of = (platform.family as u8, ids(&faults));
        together.lock().expect("no test panics with it").insert(of);
    }
    let begun = call.entered || call.done > 0;
    let besides: Vec<_> = told.iter().filter(|(_, step)| step.fault.is_none()).collect();
    let besides: Vec<_> = besides
        .into_iter()
        .filter(|(_, step)| !matches!(step.what, What::Unspecified(_)))
        .collect();
    let state = || format!("{}: {call:?} in {world:?}", platform.name);
    match order(platform.family, &call.op) {
        None => {
            assert!(
                faults.iter().all(|(rule, _)| is_told(*rule)),
                "{:?} {}",
                ids(&faults),
                state()
            );
            let shall = faults.iter().any(|(_, step)| step.fault == Some(Fault::Shall));
            assert!(begun || !shall || besides.is_empty(), "{:?} {}", ids(&besides), state());
        }
        Some(order) => {
            let unplaced: Vec<_> = faults.iter().filter(|(rule, _)| !order.has(*rule)).collect();
            assert!(unplaced.is_empty(), "no place is given to {unplaced:?}: {}", state());
            let first = faults.iter().map(|(rule, _)| order.place(*rule)).min();
            for (rule, _) in &faults {
                let is_first = Some(order.place(*rule)) == first;
                let waits = !begun && !besides.is_empty();
                assert_eq!(is_told(*rule), is_first && !waits, "{}", RULES[usize::from(*rule)].id);
            }
            let before = |(rule, _): &&(RuleIndex, Move)| Some(order.place(*rule)) < first;
            assert!(begun || besides.iter().all(before), "{:?} {}", ids(&besides), state());
        }
    }
}

#[test]
fn checks_name_rules_that_linux_has_each_once_a_call() {
    let mut of_calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for checks in checks::LINUX {
        assert!(Op::WORDS.contains(&checks.call), "no call {}", checks.call);
        for id in checks.rules.iter().copied().flatten() {
            assert!(by_id(id).is_some(), "there is no rule {id}");
            assert!(has(Family::Linux, id), "{id} is not of Linux");
            let call = RULES[usize::from(by_id(id).expect("it"))].call();
            assert!(
                call == checks.call || call == "any" || call == "send",
                "{}: {id}",
                checks.call
            );
            assert!(of_calls.entry(checks.call).or_default().insert(id), "{id} stands twice");
        }
    }
}

/// What the `posix` profile allows of calls that are wrong in several ways, or wrong as the standard has it.
#[test]
fn errors_of_the_standard_are_allowed() {
    for (run, by_linux) in [
        ("channel unix-stream\na: socket -> ok\na: bind -> ok\na: bind -> EINVAL\n", false),
        ("channel unix-stream\na: socket -> ok\na: bind -> ok\na: bind -> EADDRINUSE\n", true),
        ("channel pipe\nreader: read-at 1 at -1 -> ESPIPE\n", false),
        ("channel pipe\nwriter: read-at 1 at 0 -> EBADF\n", false),
        ("channel pipe\nwriter: read-at 1 at 0 -> ESPIPE\n", true),
        ("channel file\nwriter: read-at 1 at -1 -> EBADF\n", false),
        ("channel file\nwriter: read-at 1 at -1 -> EINVAL\n", true),
        ("channel unix-stream\nactor ben holds sb\nann: bind -> EISCONN\n", false),
        ("channel unix-datagram\nactor ben holds sb\nann: bind -> EISCONN\n", false),
        ("channel tcp\nactor ben holds sb\nann: bind -> EISCONN\n", false),
        ("channel tcp\na: socket -> ok\na: listen 1 -> ok\na: connect -> EOPNOTSUPP\n", false),
        ("channel tcp\na: socket -> ok\na: listen 1 -> ok\na: connect -> EISCONN\n", true),
        (
            "channel unix-stream\nann: shutdown write -> ok\nann: set-option linger 0 -> EINVAL\n",
            false,
        ),
        ("channel unix-datagram\na: socket -> ok\na: shutdown write -> ENOTCONN\n", false),
        ("channel unix-stream\na: socket nonblocking -> ok\na: receive 1 -> EAGAIN\n", false),
        ("channel unix-seqpacket\na: socket nonblocking -> ok\na: receive 1 -> EAGAIN\n", false),
        ("channel unix-seqpacket\na: socket nonblocking -> ok\na: receive 1 -> ENOTCONN\n", true),
        ("channel unix-seqpacket\na: socket -> ok\na: receive 1 dontwait -> EAGAIN\n", false),
        ("channel tcp\na: socket nonblocking -> ok\na: receive 1 -> EAGAIN\n", false),
        ("channel tcp\na: socket nonblocking -> ok\na: receive 1 -> ENOTCONN\n", true),
        ("channel unix-seqpacket\na: socket -> ok\na: write 1 -> EMSGSIZE\n", false),
        ("channel unix-datagram\nann: shutdown write -> ok\nann: write 1 -> EMSGSIZE\n", false),
        (
            "channel unix-datagram\nann: shutdown write -> ok\nann: send 1 addressed -> ENOENT\n",
            false,
        ),
        (
            "channel unix-datagram\nann: shutdown write -> ok\nann: send 1 addressed -> EPIPE\n",
            true,
        ),
        (
            "channel unix-stream\nann: write 1 -> 1\nben: close -> ok\nann: write 1 -> ECONNRESET\n",
            false,
        ),
        (
            "channel unix-stream\nann: write 1 -> 1\nben: close -> ok\nann: write 1 -> EPIPE + SIGPIPE\n",
            true,
        ),
        (
            "channel unix-seqpacket\nann: write 1 -> 1\nben: close -> ok\nann: write 1 -> EPIPE + SIGPIPE\n\
             ann: write 1 -> ECONNRESET\n",
            false,
        ),
        (
            "channel unix-seqpacket\nann: write 1 -> 1\nben: close -> ok\nann: write 1 -> EMSGSIZE\n",
            false,
        ),
        (
            "channel unix-seqpacket\nann: write 1 -> 1\nben: close -> ok\nann: write 1 -> ECONNRESET\n",
            true,
        ),
    ] {
        let judged: Run = run.parse().unwrap_or_else(|error| panic!("{error}\n{run}"));
        assert_eq!(judge(&judged, &POSIX).verdict, Verdict::Conforms, "{run}");
        let linux = judge(&judged, &LINUX).verdict == Verdict::Conforms;
        assert_eq!(linux, by_linux, "{run}");
    }
}
