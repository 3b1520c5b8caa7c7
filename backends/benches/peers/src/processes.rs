//! Between processes: our rings in shared memory beside those of threads, `iceoryx2`, `ipc-channel` and
//! `interprocess`.

use std::hint::{black_box, spin_loop};
use std::io::{Read, Write};

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use pipewright_backends::memory::futex::Futex;
use pipewright_backends::memory::mapping::{Mapping, SharedRing, anonymous};
use pipewright_backends::memory::ring::{Consumer, Producer};
use pipewright_backends::memory::waiting::{WaitingConsumer, WaitingProducer};

use super::{Side, each, pin};
use crate::threads::{read_all, write_all};

type Measure<'a> = dyn FnMut(&str, Option<(f64, f64)>, Side<'_>, Side<'_>) + 'a;

/// How many messages a channel holds.
const HELD: usize = 64;

pub fn measure(measure: &mut Measure<'_>) {
    // It says at length whenever somebody has gone at the end of a measurement.
    set_log_level(LogLevel::Error);
    measure(
        "processes, 64 B one way ÷ threads of the same ring",
        Some((1.1, 1.0)),
        Box::new(|| ring_one_way::<64>(3_000_000)),
        Box::new(|| ring_one_way_threads::<64>(3_000_000)),
    );
    sizes::<64>(measure, 200_000, 15_000, true);
    sizes::<4096>(measure, 40_000, 10_000, false);
    sizes::<65536>(measure, 3000, 3000, false);
}

fn sizes<const N: usize>(measure: &mut Measure<'_>, polled: usize, waiting: usize, aim: bool) {
    let name = |what: &str, peer: &str| format!("processes, {N} B there and back, {what} ÷ {peer}");
    let bounds = |must, best| aim.then_some((must, best));
    measure(
        &name("polled, two cores", "iceoryx2 polled"),
        bounds(0.5, 0.25),
        Box::new(|| ring_polled::<N>(polled)),
        Box::new(|| iceoryx_polled::<N>(polled)),
    );
    let ours = || ring_waiting::<N>(waiting);
    measure(
        &name("waiting, same core", "iceoryx2 event"),
        bounds(0.5, 0.3),
        Box::new(ours),
        Box::new(|| iceoryx_event::<N>(waiting)),
    );
    measure(
        &name("waiting, same core", "ipc-channel"),
        None,
        Box::new(ours),
        Box::new(|| ipc_channel(N, waiting)),
    );
    measure(
        &name("waiting, same core", "interprocess"),
        None,
        Box::new(ours),
        Box::new(|| interprocess(N, waiting)),
    );
}

/// Runs `child` in a process of its own while this one runs `parent`, and waits for its end.
fn beside(child: impl FnOnce(), parent: impl FnOnce() -> f64) -> f64 {
    // SAFETY: this program has one thread here; the child leaves by `_exit` and never returns from here.
    unsafe {
        let pid = libc::fork();
        assert!(pid >= 0, "no process");
        if pid == 0 {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            libc::_exit(i32::from(done.is_err()));
        }
        let result = parent();
        libc::waitpid(pid, std::ptr::null_mut(), 0);
        result
    }
}

fn ring(len: usize) -> impl Fn() -> SharedRing {
    let fd = anonymous(SharedRing::len_bytes(len * HELD)).expect("memory");
    move || SharedRing::new(Mapping::of(&fd).expect("a mapping")).expect("a ring")
}

/// Both arrangements go through this and through [`fetch_all`], so that they are the same machine code.
#[inline(never)]
fn send_all<const N: usize>(producer: &mut Producer<SharedRing>, count: usize) {
    (0..count).for_each(|_| write_all(producer, &black_box([1; N])));
}

#[inline(never)]
fn fetch_all<const N: usize>(consumer: &mut Consumer<SharedRing>, count: usize) {
    let mut buffer = [0; N];
    (0..count).for_each(|_| read_all(consumer, &mut buffer));
}

fn ring_one_way<const N: usize>(count: usize) -> f64 {
    let (there, back) = (ring(N), ring(N));
    let child = || {
        pin(1);
        let mut consumer = Consumer::claim(there()).expect("the first");
        let mut done = Producer::claim(back()).expect("the first");
        write_all(&mut done, &[1]);
        fetch_all::<N>(&mut consumer, count);
        write_all(&mut done, &[1]);
        // The parent reads before the end.
        while !done.is_empty() {
            spin_loop();
        }
    };
    beside(child, || {
        pin(0);
        let mut producer = Producer::claim(there()).expect("the first");
        let mut done = Consumer::claim(back()).expect("the first");
        read_all(&mut done, &mut [0]);
        each(count, || {
            send_all::<N>(&mut producer, count);
            read_all(&mut done, &mut [0]);
        })
    })
}

fn ring_one_way_threads<const N: usize>(count: usize) -> f64 {
    let there = ring(N);
    let mut producer = Producer::claim(there()).expect("the first");
    let mut consumer = Consumer::claim(there()).expect("the first");
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            pin(1);
            fetch_all::<N>(&mut consumer, count);
        });
        pin(0);
        each(count, || {
            send_all::<N>(&mut producer, count);
            reader.join().expect("no panic");
        })
    })
}

fn ring_polled<const N: usize>(count: usize) -> f64 {
    let (there, back) = (ring(N), ring(N));
    let child = || {
        pin(1);
        let mut asked = Consumer::claim(there()).expect("the first");
        let mut answer = Producer::claim(back()).expect("the first");
        let mut buffer = [0; N];
        for _ in 0..=count {
            read_all(&mut asked, &mut buffer);
            write_all(&mut answer, &buffer);
        }
        while !answer.is_empty() {
            spin_loop();
        }
    };
    beside(child, || {
        pin(0);
        let mut ask = Producer::claim(there()).expect("the first");
        let mut answered = Consumer::claim(back()).expect("the first");
        let (message, mut buffer) = ([1; N], [0; N]);
        let mut trip = || {
            write_all(&mut ask, black_box(&message));
            read_all(&mut answered, &mut buffer);
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn ring_waiting<const N: usize>(count: usize) -> f64 {
    let (there, back) = (ring(N), ring(N));
    pin(0);
    let read = |consumer: &mut WaitingConsumer<SharedRing, Futex>, bytes: &mut [u8]| {
        let mut read = 0;
        while read < bytes.len() {
            read += consumer.read(&mut bytes[read..]).expect("nobody closes");
        }
    };
    let ends = |mine: SharedRing, theirs: SharedRing| {
        let producer = Producer::claim(mine).expect("the first");
        let consumer = Consumer::claim(theirs).expect("the first");
        (WaitingProducer::new(producer, Futex), WaitingConsumer::new(consumer, Futex))
    };
    let child = || {
        let (mut answer, mut asked) = ends(back(), there());
        let mut buffer = [0; N];
        for _ in 0..=count {
            read(&mut asked, &mut buffer);
            answer.write_all(&buffer).expect("nobody closes");
        }
    };
    beside(child, || {
        let (mut ask, mut answered) = ends(there(), back());
        let (message, mut buffer) = ([1; N], [0; N]);
        let mut trip = || {
            ask.write_all(black_box(&message)).expect("nobody closes");
            read(&mut answered, &mut buffer);
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn ipc_channel(len: usize, count: usize) -> f64 {
    pin(0);
    let (ask, asked) = ipc_channel::ipc::bytes_channel().expect("a channel");
    let (answer, answered) = ipc_channel::ipc::bytes_channel().expect("a channel");
    let child = || {
        for _ in 0..=count {
            let bytes = asked.recv().expect("open");
            answer.send(&bytes).expect("open");
        }
    };
    let message = vec![1; len];
    beside(child, || {
        let trip = || {
            ask.send(black_box(&message)).expect("open");
            black_box(answered.recv()).expect("open");
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

fn interprocess(len: usize, count: usize) -> f64 {
    pin(0);
    let (mut ask, mut asked) = interprocess::unnamed_pipe::pipe().expect("a pipe");
    let (mut answer, mut answered) = interprocess::unnamed_pipe::pipe().expect("a pipe");
    let mut buffer = vec![1; len];
    let mut theirs = buffer.clone();
    let child = || {
        for _ in 0..=count {
            asked.read_exact(&mut theirs).expect("open");
            answer.write_all(&theirs).expect("open");
        }
    };
    beside(child, || {
        let mut trip = || {
            ask.write_all(black_box(&buffer)).expect("open");
            answered.read_exact(&mut buffer).expect("open");
        };
        trip();
        each(count, || (0..count).for_each(|_| trip()))
    })
}

/// One side of two services of `iceoryx2`, one for each direction.
struct Ports<const N: usize> {
    publisher: Publisher<ipc::Service, [u8; N], ()>,
    subscriber: Subscriber<ipc::Service, [u8; N], ()>,
    notifier: Notifier<ipc::Service>,
    listener: Listener<ipc::Service>,
}

impl<const N: usize> Ports<N> {
    fn new(mine: &str, theirs: &str) -> Ports<N> {
        let node = NodeBuilder::new().create::<ipc::Service>().expect("a node");
        let data = |name: &str| {
            let name = format!("pipewright/{name}/{N}").as_str().try_into().expect("a name");
            let service = node.service_builder(&name).publish_subscribe::<[u8; N]>();
            service.open_or_create().expect("a service")
        };
        let event = |name: &str| {
            let name = format!("pipewright/{name}/{N}/event").as_str().try_into().expect("a name");
            node.service_builder(&name).event().open_or_create().expect("a service")
        };
        Ports {
            publisher: data(mine).publisher_builder().create().expect("a publisher"),
            subscriber: data(theirs).subscriber_builder().create().expect("a subscriber"),
            notifier: event(mine).notifier_builder().create().expect("a notifier"),
            listener: event(theirs).listener_builder().create().expect("a listener"),
        }
    }

    fn send(&self, message: [u8; N]) {
        let sample = self.publisher.loan_uninit().expect("a place");
        sample.write_payload(message).send().expect("sent");
    }

    fn poll(&self) -> [u8; N] {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("open") {
                return *sample.payload();
            }
            spin_loop();
        }
    }

    fn notify(&self, message: [u8; N]) {
        self.send(message);
        self.notifier.notify().expect("told");
    }

    fn wait(&self) -> [u8; N] {
        loop {
            if let Some(sample) = self.subscriber.receive().expect("open") {
                return *sample.payload();
            }
            let _ = self.listener.blocking_wait_one();
        }
    }
}

/// Both sides have their ports before anything is sent: told by a byte each way.
fn iceoryx<const N: usize>(
    cores: (usize, usize),
    count: usize,
    send: fn(&Ports<N>, [u8; N]),
    receive: fn(&Ports<N>) -> [u8; N],
) -> f64 {
    let (mut ready, told) = std::io::pipe().expect("a pipe");
    let (go, going) = std::io::pipe().expect("a pipe");
    let child = || {
        pin(cores.1);
        let ports = Ports::new("back", "there");
        (&told).write_all(&[1]).expect("open");
        (&go).read_exact(&mut [0]).expect("open");
        for _ in 0..=count {
            send(&ports, receive(&ports));
        }
        // Keeps what was sent until it was fetched.
        (&go).read_exact(&mut [0]).expect("open");
    };
    beside(child, || {
        pin(cores.0);
        let ports = Ports::new("there", "back");
        ready.read_exact(&mut [0]).expect("open");
        // Who was there first learns of the other's ports now.
        ports.publisher.update_connections().expect("connected");
        (&going).write_all(&[1]).expect("open");
        let trip = || {
            send(&ports, black_box([1; N]));
            black_box(receive(&ports));
        };
        trip();
        let result = each(count, || (0..count).for_each(|_| trip()));
        (&going).write_all(&[1]).expect("open");
        result
    })
}

fn iceoryx_polled<const N: usize>(count: usize) -> f64 {
    iceoryx::<N>((0, 1), count, Ports::send, Ports::poll)
}

fn iceoryx_event<const N: usize>(count: usize) -> f64 {
    iceoryx::<N>((0, 0), count, Ports::notify, Ports::wait)
}
