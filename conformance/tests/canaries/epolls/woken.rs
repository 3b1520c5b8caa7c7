//! Real epolls that wake, or are woken, otherwise: too seldom, too often, too early.

use pipewright_backends::tcp::Tcp;
use pipewright_backends::{Pipe, Seen};
use pipewright_model::call::{Answer, Events, Op, TOLD_MAX, Told, Trigger};

use super::{NONE, NOTHING, TELLS, canary};
use crate::Canary;

/// What a pipe holds, in bytes.
const CAPACITY_BYTES: u32 = 65_536;

pub(super) fn canaries() -> Vec<Canary> {
    vec![
        canary(
            "epoll_exclusive_wakes_nobody",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                let entries = port.entries.clone();
                port.told(seen, |(target, events)| {
                    let trigger = entries.get(&(end, target)).map(|(_, trigger)| *trigger);
                    let exclusive = trigger.is_some_and(|it| it.contains(Trigger::EXCLUSIVE));
                    (!exclusive).then_some((target, events))
                })
            },
            TELLS,
            "a: epoll-add e r in exclusive -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_two_waiters_get_one_edge",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                let Answer::Told(told) = seen.answer else { return seen };
                // The next who waits is told once more.
                for (target, _) in told.iter() {
                    let entry = port.entries.get(&(end, target)).copied();
                    let again = port.told.iter().position(|told| *told == target);
                    match (entry, again) {
                        (_, Some(at)) => _ = port.told.remove(at),
                        (Some((events, trigger)), None) if trigger == Trigger::EDGE => {
                            port.told.push(target);
                            port.real(end, Op::EpollModify { target, events, trigger });
                        }
                        _ => {}
                    }
                }
                seen
            },
            NONE,
            "a: epoll-add e r in edge -> ok
             a: write w 2 -> 2
             a: epoll-wait e -> [r in]
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_loses_what_comes_before_the_wait",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                match op {
                    Op::EpollAdd { .. } if !port.told.contains(&end) => port.told.push(end),
                    Op::EpollWait { most: 1.., .. } if port.told.contains(&end) => {
                        port.told.retain(|waited| *waited != end);
                        port.real(end, Op::EpollWait { most: TOLD_MAX as u8, wait: false });
                    }
                    _ => {}
                }
                port.real.call(end, op, bytes)
            },
            TELLS,
            "a: epoll-add e r in edge -> ok
             a: write w 1 -> 1
             a: epoll-wait e -> [r in]",
        ),
        canary(
            "epoll_tells_room_before_a_page_is_free",
            &Pipe::PLAIN,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                if !matches!(op, Op::EpollWait { most: 1.., .. }) || seen.answer != NOTHING {
                    return seen;
                }
                let asks = |(events, trigger): (Events, Trigger)| {
                    events.contains(Events::OUT) && trigger.is_empty()
                };
                let entries = port.entries.iter().map(|(key, entry)| (*key, *entry));
                let asked: Vec<_> = entries.filter(|(_, entry)| asks(*entry)).collect();
                let early = asked.into_iter().filter_map(|((_, target), _)| {
                    let held = port.real(target, Op::Available).answer.count()?;
                    (held < CAPACITY_BYTES).then_some((target, Events::OUT))
                });
                let told: Told = early.collect();
                if told.is_empty() { seen } else { Seen::answer(Answer::Told(told)) }
            },
            NONE,
            "a: write w 65536 -> 65536
             a: epoll-add e w out -> ok
             a: read r 1 -> 1
             a: epoll-wait e -> none",
        ),
        canary(
            "epoll_tells_no_end_of_data",
            &Tcp::LOOPBACK,
            |port, end, op, bytes| {
                let seen = port.real.call(end, op, bytes);
                port.told(seen, |(target, events)| {
                    let ends = events.contains(Events::RDHUP) && !events.contains(Events::HUP);
                    (!ends).then_some((target, events))
                })
            },
            TELLS,
            "a: epoll-add e sa in|rdhup edge -> ok
             a: shutdown sb write -> ok
             quiet
             a: epoll-wait e -> [sa in|rdhup]",
        ),
    ]
}
