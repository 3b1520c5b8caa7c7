//! Real TCP sockets with one fault in how they get connected.

use pipewright_backends::Seen;
use pipewright_model::call::{Answer, End, Errno, Op};

use crate::Canary;
use crate::tcp::canary;

/// An end that no scenario of these names.
const SPARE: End = End(7);

/// Those of this file.
pub(crate) fn canaries() -> Vec<Canary> {
    vec![
        canary(
            "backlog_is_ignored",
            |port, end, op, bytes, _| match op {
                Op::Listen { .. } => port.call(end, Op::Listen { backlog: 100 }, bytes),
                _ => port.call(end, op, bytes),
            },
            "connection.connect.under-way",
            "channel tcp
             a: socket -> ok
             a: bind -> ok
             a: listen 0 -> ok
             b: socket -> ok
             b: connect -> ok
             c: socket nonblocking -> ok
             c: connect -> EINPROGRESS
             quiet
             c: connect -> EALREADY",
        ),
        canary(
            "refused_connect_succeeds",
            |port, end, op, bytes, _| match (op, port.call(end, op, bytes)) {
                (Op::Connect, Seen { answer: Answer::Fails(Errno::ECONNREFUSED), .. }) => {
                    Seen::answer(Answer::Done)
                }
                (_, seen) => seen,
            },
            "connection.connect.failed",
            "channel tcp
             a: socket -> ok
             a: connect -> ECONNREFUSED",
        ),
        canary(
            "accept_loses_a_connection",
            |port, end, op, bytes, lost| {
                let seen = port.call(end, op, bytes);
                match (op, seen.answer) {
                    (Op::Accept { new, .. }, Answer::Done) if !*lost => {
                        *lost = true;
                        port.call(new, Op::Close, &mut []);
                        port.call(end, op, bytes)
                    }
                    _ => seen,
                }
            },
            "tcp.any.read-data",
            "channel tcp
             a: socket -> ok
             a: bind -> ok
             a: listen 1 -> ok
             b: socket -> ok
             b: connect -> ok
             c: socket -> ok
             c: connect -> ok
             b: write 1 -> 1
             quiet
             a: accept as s2 -> ok
             a: receive s2 5 dontwait -> 1 = b[0..1]",
        ),
        canary(
            "under_way_though_done",
            |port, end, op, bytes, told| match (op, port.call(end, op, bytes)) {
                (Op::Connect, Seen { answer: Answer::Done, .. }) if *told => {
                    Seen::answer(Answer::Fails(Errno::EALREADY))
                }
                (op, seen) => {
                    *told |= op == Op::Connect && seen.answer == Answer::Fails(Errno::EINPROGRESS);
                    seen
                }
            },
            "connection.connect.connected",
            "channel tcp
             a: socket -> ok
             a: bind -> ok
             a: listen 0 -> ok
             b: socket nonblocking -> ok
             b: connect -> EINPROGRESS
             quiet
             b: connect -> ok",
        ),
        canary(
            "listener_closes_and_keeps_who_waits",
            |port, end, op, bytes, listens| {
                if op == Op::Close && *listens {
                    *listens = false;
                    port.call(end, Op::Dup { new: SPARE }, &mut []);
                }
                let seen = port.call(end, op, bytes);
                *listens |= matches!(op, Op::Listen { .. }) && seen.answer == Answer::Done;
                seen
            },
            "tcp.any.read-error",
            "channel tcp
             a: socket -> ok
             a: bind -> ok
             a: listen 0 -> ok
             b: socket -> ok
             b: connect -> ok
             a: close -> ok
             quiet
             b: receive 1 dontwait -> ECONNRESET",
        ),
    ]
}
