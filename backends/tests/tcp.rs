//! The proof that nothing is under way: whenever the kernel's queues say so, what was sent has come.

use std::path::PathBuf;
use std::thread;

use pipewright_backends::{Channel, Port, Queues, tcp::Tcp};
use pipewright_model::call::{Answer, End, Errno, Mode, Op, SendFlags, SocketOption};
use pipewright_model::kind::{Hold, Side};
use pipewright_model::run::{Name, Seat};

/// Connections that each of the threads makes, which disturb each other.
const CONNECTIONS: usize = 10_000;

/// How often the queues are asked at most about one connection.
const LOOKS_MAX: usize = 1_000_000;

const END: End = End(0);
const RECEIVE: Op = Op::Receive { len: 2, flags: SendFlags::DONTWAIT };

#[test]
fn what_was_sent_has_come_when_the_queues_say_that_nothing_is_under_way() {
    let threads = ["first", "second"].map(|name| thread::spawn(move || send_and_look(name)));
    let [first, second] = threads.map(|thread| thread.join().expect("a thread that panics"));
    eprintln!("{} of {} times something was under way", first + second, 2 * CONNECTIONS);
}

/// Makes connections, and says in how many of them something was seen under way.
fn send_and_look(name: &str) -> usize {
    let seat = |name: &str, side| Seat {
        name: Name::new(name).unwrap(),
        ends: vec![(END, Hold { mode: Mode::ReadWrite, side })],
    };
    let seats = [seat("ann", Side::A), seat("ben", Side::B)];
    let mut delayed = 0;
    for number in 0..CONNECTIONS {
        let place = PathBuf::from(format!("{name}-{number}"));
        let mut ports = Tcp::LOOPBACK.create(&place, &seats).unwrap().ports;
        let mut queues = Tcp::LOOPBACK.queues(&place, false).unwrap().expect("queues");
        let mut ben = ports.pop().unwrap();
        let mut ann = ports.pop().unwrap();
        let expected = sends(number, ann.as_mut());
        delayed += usize::from(!comes_to_rest(&mut queues));
        let got = ben.call(END, RECEIVE, &mut [0; 2]).answer;
        assert_eq!(got, expected, "connection {number} of the {name}");
    }
    delayed
}

/// Sends data, the end of data or a reset; what the peer must get.
fn sends(number: usize, ann: &mut dyn Port) -> Answer {
    let mut done = |op: Op, bytes: &mut [u8]| ann.call(END, op, bytes).answer;
    match number % 5 {
        0 => {
            assert_eq!(done(Op::Write { len: 1 }, &mut [7]), Answer::Count(1));
            Answer::Count(1)
        }
        1 => {
            assert_eq!(done(Op::Write { len: 1 }, &mut [7]), Answer::Count(1));
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Count(1)
        }
        2 => {
            assert_eq!(done(Op::Shutdown { how: Mode::Write }, &mut []), Answer::Done);
            Answer::Count(0)
        }
        3 => {
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Count(0)
        }
        _ => {
            let linger = Op::SetOption { option: SocketOption::Linger, value: 0 };
            assert_eq!(done(linger, &mut []), Answer::Done);
            assert_eq!(done(Op::Close, &mut []), Answer::Done);
            Answer::Fails(Errno::ECONNRESET)
        }
    }
}

/// Asks the queues until nothing is under way; says whether the first answer was that.
fn comes_to_rest(queues: &mut Queues) -> bool {
    let looks = (0..LOOKS_MAX).find(|_| queues().unwrap());
    looks.expect("nothing comes to rest") == 0
}
