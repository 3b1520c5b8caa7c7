//! Real epolls whose calls and replies are bent.

mod bent;
mod woken;

use pipewright_backends::{Channel, Eventfd, File, Pipe, Seen, Unix};
use pipewright_model::call::{Answer, Errno, Events, Op, TOLD_MAX, Trigger};

use crate::Canary;
use bent::{Bend, Bent};

const NOTHING: Answer = Answer::Ready(Events::NONE);
const TELLS: &str = "epoll.epoll-wait.tells";
const NONE: &str = "epoll.epoll-wait.nothing";

/// An error that is not told.
fn unseen(seen: Seen, errno: Errno) -> Seen {
    if seen.answer == Answer::Fails(errno) { Seen::answer(Answer::Done) } else { seen }
}

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    let mut all = triggers();
    all.extend(lists());
    all.extend(errors());
    all.extend(woken::canaries());
    all
}

/// What is told when.
fn triggers() -> Vec<Canary> {
    vec![
        canary(
            "epoll_edge_is_level",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let op = match op {
                    Op::EpollAdd { target, events, trigger } => {
                        let trigger = trigger.without(Trigger::EDGE);
                        Op::EpollAdd { target, events, trigger }
                    }
                    op => op,
                };
                port.real.call(end, op, bytes)
            },
            NONE,
            "a: epoll-add e r in edge -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_level_is_edge",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let op = match op {
                    Op::EpollAdd { target, events, trigger } => {
                        Op::EpollAdd { target, events, trigger: trigger.union(Trigger::EDGE) }
                    }
                    op => op,
                };
                port.real.call(end, op, bytes)
            },
            TELLS,
            "a: epoll-add e r in -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_one_shot_tells_twice",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let op = match op {
                    Op::EpollAdd { target, events, trigger } => {
                        let trigger = trigger.without(Trigger::ONE_SHOT);
                        Op::EpollAdd { target, events, trigger }
                    }
                    op => op,
                };
                port.real.call(end, op, bytes)
            },
            NONE,
            "a: epoll-add e r in one-shot -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_disabled_one_shot_tells_a_hang_up",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                let entries: Vec<_> = port.entries.iter().map(|(k, v)| (*k, *v)).collect();
                if let Answer::Told(told) = seen.answer {
                    for (target, _) in told.iter() {
                        let of = entries.iter().find(|(key, _)| *key == (end, target));
                        let one_shot =
                            |(_, (_, t)): &&(_, (Events, Trigger))| t.contains(Trigger::ONE_SHOT);
                        if of.filter(one_shot).is_some() {
                            let trigger = Trigger::ONE_SHOT;
                            let op = Op::EpollModify { target, events: Events::NONE, trigger };
                            port.real(end, op);
                        }
                    }
                }
                seen
            },
            NONE,
            "a: epoll-add e r in one-shot -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: close w -> ok
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_exclusive_stands_among_the_others",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let op = match op {
                    Op::EpollAdd { target, events, trigger } => {
                        let trigger = trigger.without(Trigger::EXCLUSIVE);
                        Op::EpollAdd { target, events, trigger }
                    }
                    op => op,
                };
                port.real.call(end, op, bytes)
            },
            TELLS,
            "a: dup r as r2 -> ok
             a: epoll-add e r2 in -> ok
             a: epoll-add e r in exclusive -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r2 in, r in]",
        ),
        canary(
            "epoll_hides_that_nothing_more_comes",
            &Unix::STREAM,
            |port, end, op, bytes| {
                let op = match op {
                    Op::EpollAdd { target, events, trigger } => {
                        let events = Events(events.0 & !Events::RDHUP.0);
                        Op::EpollAdd { target, events, trigger }
                    }
                    op => op,
                };
                port.real.call(end, op, bytes)
            },
            TELLS,
            "a: epoll-add e sa in|rdhup -> ok
             a: shutdown sb write -> ok
             a: epoll-wait e -> [sa in|rdhup]",
        ),
        canary(
            "epoll_modify_does_not_arm",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollModify { target, .. } if port.entries.contains_key(&(end, target)) => {
                    Seen::answer(Answer::Done)
                }
                op => port.real.call(end, op, bytes),
            },
            TELLS,
            "a: epoll-add e r in one-shot -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: epoll-modify e r in one-shot -> ok
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_partial_read_arms_again",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                if matches!(op, Op::Read { .. }) {
                    let entries: Vec<_> = port.entries.iter().map(|(k, v)| (*k, *v)).collect();
                    for ((epoll, target), (events, trigger)) in entries {
                        if target == end && trigger == Trigger::EDGE {
                            port.real(epoll, Op::EpollModify { target, events, trigger });
                        }
                    }
                }
                seen
            },
            NONE,
            "a: epoll-add e r in edge -> ok
             a: write w 2 -> 2
             a: epoll-wait e -> [r in]
             a: read r 1 -> 1
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_edge_only_from_empty_to_full",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                if let Op::Read { .. } = op
                    && port.real(end, Op::Available).answer == Answer::Count(0)
                {
                    port.told.retain(|told| *told != end);
                }
                let Op::EpollWait { .. } = op else { return seen };
                let (entries, mut known) = (port.entries.clone(), port.told.clone());
                let seen = port.told(seen, |(target, events)| {
                    let edge = entries
                        .get(&(end, target))
                        .is_some_and(|(_, trigger)| trigger.contains(Trigger::EDGE));
                    let again = edge && events == Events::IN && known.contains(&target);
                    if events.contains(Events::IN) {
                        known.push(target);
                    }
                    (!again).then_some((target, events))
                });
                port.told = known;
                seen
            },
            TELLS,
            "a: epoll-add e r in edge -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_registering_what_is_ready_is_no_edge",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                if let Op::EpollAdd { trigger, .. } = op
                    && trigger.contains(Trigger::EDGE)
                {
                    port.real(end, Op::EpollWait { most: TOLD_MAX as u8, wait: false });
                }
                seen
            },
            TELLS,
            "a: epoll-add e w out edge -> ok
             a: epoll-wait e -> [w out]",
        ),
        canary(
            "epoll_hides_hang_ups_that_nobody_asked_for",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                port.told(seen, |(target, events)| {
                    let left = Events(events.0 & !Events::HUP.0);
                    (!left.is_empty()).then_some((target, left))
                })
            },
            TELLS,
            "a: epoll-add e r none -> ok
             a: close w -> ok
             a: epoll-wait e -> [r hup]",
        ),
        canary(
            "epoll_tells_only_what_woke",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                port.told(seen, |(target, events)| {
                    let first = 1 << events.0.trailing_zeros();
                    Some((target, Events(first)))
                })
            },
            TELLS,
            "a: epoll-add e r in -> ok
             a: write w 1 -> 1
             a: close w -> ok
             a: epoll-wait e -> [r in|hup]",
        ),
        canary(
            "eventfd_write_of_zero_is_no_edge",
            &Eventfd::PLAIN,
            |port, end, op, bytes| match op {
                Op::Add { value } if value.get() == 0 => Seen::answer(Answer::Done),
                op => port.real.call(end, op, bytes),
            },
            TELLS,
            "a: epoll-add e rw in|out edge -> ok
             a: epoll-wait e -> [rw out]
             a: add rw 0 -> ok
             a: epoll-wait e -> [rw out]",
        ),
    ]
}

/// What is on which list.
fn lists() -> Vec<Canary> {
    vec![
        canary(
            "epoll_forgets_with_a_living_duplicate",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                if op == Op::Close {
                    let entries: Vec<_> = port.entries.keys().copied().collect();
                    for (epoll, target) in entries.into_iter().filter(|key| key.1 == end) {
                        port.real(epoll, Op::EpollDelete { target });
                    }
                }
                port.real.call(end, op, bytes)
            },
            TELLS,
            "a: dup r as r2 -> ok
             a: epoll-add e r in -> ok
             a: close r -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_tells_what_was_deleted",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollDelete { target } if port.entries.contains_key(&(end, target)) => {
                    Seen::answer(Answer::Done)
                }
                op => port.real.call(end, op, bytes),
            },
            NONE,
            "a: epoll-add e w out -> ok
             a: epoll-delete e w -> ok
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_tells_the_same_first_each_time",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let Op::EpollWait { most, wait } = op else {
                    return port.real.call(end, op, bytes);
                };
                let all = Op::EpollWait { most: most.max(1).max(TOLD_MAX as u8), wait };
                let seen = port.real.call(end, if most == 0 { op } else { all }, bytes);
                let Answer::Told(told) = seen.answer else { return seen };
                let mut entries: Vec<_> = told.iter().collect();
                entries.sort_unstable_by_key(|(end, _)| *end);
                entries.truncate(usize::from(most));
                Seen::answer(Answer::Told(entries.into_iter().collect()))
            },
            TELLS,
            "a: dup w as w2 -> ok
             a: epoll-add e w out -> ok
             a: epoll-add e w2 out -> ok
             a: epoll-wait e at-most 1 -> [w out]
             a: epoll-wait e at-most 1 -> [w2 out]",
        ),
        canary(
            "epoll_is_never_readable_itself",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let watches = port.entries.keys().any(|(epoll, _)| *epoll == end);
                match op {
                    Op::Poll { wait: false, .. } if watches => Seen::answer(NOTHING),
                    op => port.real.call(end, op, bytes),
                }
            },
            "descriptor.poll.ready",
            "a: epoll-add e w out -> ok
             a: poll e in -> in",
        ),
        canary(
            "epoll_wait_without_time_out_ends_with_nothing",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollWait { most, .. } => {
                    port.real.call(end, Op::EpollWait { most, wait: false }, bytes)
                }
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-wait.waits",
            "a: epoll-add e r in -> ok
             a: epoll-wait e wait
             quiet a",
        ),
    ]
}

/// Errors that are not told.
fn errors() -> Vec<Canary> {
    vec![
        canary(
            "epoll_registers_twice",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollAdd { .. } => unseen(port.real.call(end, op, bytes), Errno::EEXIST),
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-add.exists",
            "a: epoll-add e r in -> ok
             a: epoll-add e r in -> EEXIST",
        ),
        canary(
            "epoll_deletes_what_is_not_registered",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollDelete { .. } => unseen(port.real.call(end, op, bytes), Errno::ENOENT),
                op => port.real.call(end, op, bytes),
            },
            "epoll.any.not-registered",
            "a: epoll-delete e r -> ENOENT",
        ),
        canary(
            "epoll_deletes_by_a_closed_number",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollDelete { .. } => unseen(port.real.call(end, op, bytes), Errno::EBADF),
                op => port.real.call(end, op, bytes),
            },
            "epoll.any.target-not-open",
            "a: epoll-add e r in -> ok
             a: close r -> ok
             a: epoll-delete e r -> EBADF",
        ),
        canary(
            "epoll_modifies_what_is_exclusive",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollModify { .. } => unseen(port.real.call(end, op, bytes), Errno::EINVAL),
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-modify.was-exclusive",
            "a: epoll-add e r in exclusive -> ok
             a: epoll-modify e r in -> EINVAL",
        ),
        canary(
            "epoll_takes_exclusive_with_one_shot",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollAdd { .. } => unseen(port.real.call(end, op, bytes), Errno::EINVAL),
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-add.exclusive-with-others",
            "a: epoll-add e r in one-shot exclusive -> EINVAL",
        ),
        canary(
            "epoll_watches_files",
            &File::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollAdd { .. } => unseen(port.real.call(end, op, bytes), Errno::EPERM),
                op => port.real.call(end, op, bytes),
            },
            "epoll.any.no-poll",
            "a: epoll-add e rw in -> EPERM",
        ),
        canary(
            "epoll_waits_for_no_events",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollWait { most: 0, .. } => Seen::answer(NOTHING),
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-wait.no-room",
            "a: epoll-wait e at-most 0 -> EINVAL",
        ),
        canary(
            "epoll_watches_in_a_circle",
            &Pipe::PLAIN,
            |port, end, op, bytes| match op {
                Op::EpollAdd { .. } => unseen(port.real.call(end, op, bytes), Errno::ELOOP),
                op => port.real.call(end, op, bytes),
            },
            "epoll.epoll-add.loops",
            "a: epoll as e2 -> ok
             a: epoll-add e e2 in -> ok
             a: epoll-add e2 e in -> ELOOP",
        ),
    ]
}

/// A canary; `shows` is of one actor who holds all ends, and has made an epoll.
fn canary(
    name: &'static str,
    real: &'static dyn Channel,
    bend: Bend,
    rule: &'static str,
    shows: &'static str,
) -> Canary {
    let kind = real.setup().kind;
    let held: Vec<_> = kind.held.iter().map(|hold| hold.letters()).collect();
    let held = held.join(" ");
    let text = format!("channel {}\nactor a holds {held}\na: epoll -> ok\n{shows}", kind.name);
    let broken = Box::leak(Box::new(Bent { name, real, bend }));
    Canary { name, broken, sound: real, rule, shows: text.leak() }
}
