//! Each operation of the descriptor port gives what the bare system call gives.

use std::path::{Path, PathBuf};

use pipewright_backends::{Channel, Fifo, Instance, Pipe, Port, Seen, channels};
use pipewright_model::call::{Answer, End, Errno, Events, Mode, Op, OpenFlags, Signal};
use pipewright_model::kind::{Discipline, Hold};
use pipewright_model::run::{Name, Seat};

const R: End = End(0);
const W: End = End(1);
const NEW: End = End(2);

fn both_ends() -> Vec<Seat> {
    let name = Name::new("solo").expect("a name");
    vec![Seat::new(name, vec![(R, Hold::READ), (W, Hold::WRITE)])]
}

fn live(channel: &dyn Channel, place: &Path) -> (Box<dyn Port>, u32) {
    let Instance { setup, mut ports, .. } = channel.create(place, &both_ends()).expect("a channel");
    (ports.remove(0), setup.capacity_bytes)
}

/// A pipe and a FIFO, both non-blocking, each with its two ends in one port.
fn both(check: impl Fn(&mut dyn Port)) {
    let dir = tempfile::tempdir().expect("a directory");
    check(&mut *live(&Pipe::NONBLOCKING, &PathBuf::from("/nonexistent/place")).0);
    check(&mut *live(&Fifo::NONBLOCKING, &dir.path().join("fifo")).0);
}

fn call(port: &mut dyn Port, end: End, op: Op) -> Answer {
    let len = match op {
        Op::Read { len }
        | Op::Write { len }
        | Op::ReadAt { len, at: 0 }
        | Op::WriteAt { len, at: 0 } => len,
        _ => 0,
    };
    let Seen { answer, signal } = port.call(end, op, &mut vec![7; len as usize]);
    assert_eq!(signal.is_some(), answer == Answer::Fails(Errno::EPIPE));
    answer
}

#[test]
fn reading_and_writing_count_bytes() {
    both(|port| {
        assert_eq!(call(port, R, Op::Read { len: 1 }), Answer::Fails(Errno::EAGAIN));
        let mut bytes = *b"abc";
        let written = port.call(W, Op::Write { len: 3 }, &mut bytes);
        assert_eq!(written, Seen::answer(Answer::Count(3)));
        assert_eq!(call(port, R, Op::Available), Answer::Count(3));
        let mut bytes = [0; 2];
        assert_eq!(port.call(R, Op::Read { len: 2 }, &mut bytes).answer, Answer::Count(2));
        assert_eq!(&bytes, b"ab");
        assert_eq!(call(port, R, Op::Read { len: 9 }), Answer::Count(1));
        assert_eq!(call(port, W, Op::Write { len: 70_000 }), Answer::Count(65_536));
        assert_eq!(call(port, W, Op::Write { len: 1 }), Answer::Fails(Errno::EAGAIN));
    });
}

#[test]
fn a_broken_pipe_raises_the_signal_once_a_call() {
    both(|port| {
        assert_eq!(call(port, R, Op::Close), Answer::Done);
        for _ in 0..3 {
            let seen = port.call(W, Op::Write { len: 1 }, &mut [0]);
            let signal = Some(Signal::Sigpipe);
            assert_eq!(seen, Seen { answer: Answer::Fails(Errno::EPIPE), signal });
        }
        assert_eq!(call(port, W, Op::Write { len: 0 }), Answer::Count(0));
    });
}

#[test]
fn every_call_on_an_end_that_is_not_open_fails_with_ebadf() {
    both(|port| {
        assert_eq!(call(port, W, Op::Close), Answer::Done);
        for end in [W, NEW] {
            let events = Events::IN;
            let ops = [
                Op::Read { len: 1 },
                Op::Write { len: 1 },
                Op::Close,
                Op::Dup { new: End(3) },
                Op::SetNonblock(true),
                Op::SetCapacity { bytes: 4096 },
                Op::GetCapacity,
                Op::Available,
                Op::POSITION,
                Op::ReadAt { len: 1, at: 0 },
                Op::WriteAt { len: 1, at: 0 },
            ];
            for op in ops {
                assert_eq!(call(port, end, op), Answer::Fails(Errno::EBADF), "{op:?}");
            }
            let nval = Answer::Ready(Events::NVAL);
            assert_eq!(call(port, end, Op::Poll { events, wait: true, among: false }), nval);
        }
    });
}

#[test]
fn polling_tells_exactly_the_events_there_are() {
    both(|port| {
        let events = Events::IN.union(Events::OUT);
        let poll = Op::Poll { events, wait: false, among: false };
        assert_eq!(call(port, R, poll), Answer::Ready(Events::NONE));
        assert_eq!(call(port, W, poll), Answer::Ready(Events::OUT));
        call(port, W, Op::Write { len: 1 });
        assert_eq!(
            call(port, R, Op::Poll { events, wait: true, among: false }),
            Answer::Ready(Events::IN)
        );
        call(port, W, Op::Close);
        assert_eq!(call(port, R, poll), Answer::Ready(Events::IN.union(Events::HUP)));
    });
}

#[test]
fn capacity_offset_and_status_flags() {
    both(|port| {
        assert_eq!(call(port, R, Op::GetCapacity), Answer::Count(65_536));
        assert_eq!(call(port, W, Op::SetCapacity { bytes: 5_000 }), Answer::Count(8_192));
        assert_eq!(call(port, W, Op::Write { len: 8_192 }), Answer::Count(8_192));
        let busy = Answer::Fails(Errno::EBUSY);
        assert_eq!(call(port, W, Op::SetCapacity { bytes: 4_096 }), busy);
        for op in [Op::POSITION, Op::ReadAt { len: 1, at: 0 }] {
            assert_eq!(call(port, R, op), Answer::Fails(Errno::ESPIPE));
        }
        assert_eq!(call(port, W, Op::WriteAt { len: 1, at: 0 }), Answer::Fails(Errno::ESPIPE));
        assert_eq!(call(port, W, Op::SetNonblock(false)), Answer::Done);
        assert_eq!(call(port, W, Op::SetNonblock(true)), Answer::Done);
        assert_eq!(call(port, W, Op::Write { len: 1 }), Answer::Fails(Errno::EAGAIN));
    });
}

#[test]
fn a_duplicate_keeps_the_description_open() {
    both(|port| {
        assert_eq!(call(port, W, Op::Dup { new: NEW }), Answer::Done);
        assert_eq!(port.descriptors().len(), 3);
        assert_eq!(call(port, W, Op::Close), Answer::Done);
        assert_eq!(call(port, R, Op::Read { len: 1 }), Answer::Fails(Errno::EAGAIN));
        assert_eq!(call(port, NEW, Op::Close), Answer::Done);
        assert_eq!(call(port, R, Op::Read { len: 1 }), Answer::Count(0));
        assert_eq!(call(port, NEW, Op::Close), Answer::Fails(Errno::EBADF));
    });
}

#[test]
fn a_path_can_be_opened_and_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut port, _) = live(&Fifo::PLAIN, &dir.path().join("fifo"));
    let open = |mode| Op::Open { mode, flags: OpenFlags::NONBLOCK };
    assert_eq!(call(&mut *port, NEW, open(Mode::ReadWrite)), Answer::Done);
    assert_eq!(call(&mut *port, NEW, Op::Close), Answer::Done);
    assert_eq!(call(&mut *port, R, Op::Close), Answer::Done);
    assert_eq!(call(&mut *port, NEW, open(Mode::Write)), Answer::Fails(Errno::ENXIO));
    assert_eq!(call(&mut *port, End(7), Op::Unlink), Answer::Done);
    assert_eq!(call(&mut *port, NEW, open(Mode::Read)), Answer::Fails(Errno::ENOENT));
}

#[test]
fn every_channel_is_what_it_says() {
    let dir = tempfile::tempdir().expect("a directory");
    let one_way = |channel: &&&dyn Channel| {
        let kind = channel.setup().kind;
        kind.discipline == Discipline::Stream && kind.sides == 1
    };
    for channel in channels().iter().filter(one_way) {
        let place = dir.path().join(channel.name());
        let (mut port, capacity_bytes) = live(*channel, &place);
        assert_eq!(capacity_bytes, channel.setup().capacity_bytes, "{}", channel.name());
        let capacity = call(&mut *port, W, Op::GetCapacity);
        assert_eq!(capacity, Answer::Count(capacity_bytes), "{}", channel.name());
        if channel.setup().nonblock {
            let again = Answer::Fails(Errno::EAGAIN);
            assert_eq!(call(&mut *port, R, Op::Read { len: 1 }), again, "{}", channel.name());
        }
        call(&mut *port, W, Op::Write { len: 10 });
        call(&mut *port, W, Op::Write { len: 10 });
        let first = if channel.setup().packet { 10 } else { 20 };
        assert_eq!(call(&mut *port, R, Op::Read { len: 30 }), Answer::Count(first));
    }
}

#[test]
fn a_small_fifo_that_nobody_holds_has_default_capacity() {
    let dir = tempfile::tempdir().expect("a directory");
    let name = Name::new("solo").expect("a name");
    let seats = [Seat::new(name, vec![])];
    let made = Fifo::SMALL.create(&dir.path().join("fifo"), &seats).expect("a channel");
    assert_eq!(made.setup.capacity_bytes, 65_536);
}
