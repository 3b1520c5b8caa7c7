//! A listener that closes with a connection pending: who was let in is told.

use crate::call::{Actor, Answer, Errno, Op};
use crate::kind::UNIX_STREAM;
use crate::system::ask::{always, eventually, no_deadlock, sometimes};
use crate::system::program::{Do, Seen, on, read};
use crate::system::{Family, System};

const SERVER: Actor = Actor(0);
const CLIENT: Actor = Actor(1);

pub(super) fn system() -> System {
    let server = [
        Do::Call("s", Op::Socket { nonblock: false }),
        Do::Call("s", Op::Bind),
        Do::Call("s", Op::Listen { backlog: 1 }),
    ];
    let client = [
        Do::Call("s", Op::Socket { nonblock: false }),
        Do::Call("s", Op::Connect),
        on(Seen::Done, [read("s", 1)]),
    ];
    System::new(
        "listener-closes",
        Family::Opening,
        "A server listens and exits without accepting; a client connects and reads.",
        &UNIX_STREAM,
    )
    .process("server", "", server)
    .process("client", "", client)
    .asks([
        always("a connection is reset only when the listener is gone", |_, state| {
            state.answer(CLIENT) != Some(RESET) || state.world.open_ends(SERVER).next().is_none()
        }),
        no_deadlock(),
        sometimes("the client waits in a pending connection", |_, state| {
            matches!(state.within(CLIENT), Some(Op::Read { .. }))
        }),
        sometimes("a pending connection is reset", |_, state| state.answer(CLIENT) == Some(RESET)),
        eventually("the client is told", |system, state| system.has_ended(state, CLIENT)),
    ])
}

const RESET: Answer = Answer::Fails(Errno::ECONNRESET);
