//! The side of `iceoryx2` between processes: services of arrays, each beside one of events.
//!
//! A message is copied once into the memory that the library lends and once out of it, as in our ring.

use std::hint::{black_box, spin_loop};
use std::io::{Read, Write};

use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::{event, publish_subscribe};

use super::{each, pin};
use crate::processes::{beside, one_way};
use crate::threads::HELD;

/// It says at length whenever somebody has gone at the end of a measurement.
pub fn be_quiet() {
    set_log_level(LogLevel::Error);
}

type Messages<const N: usize> = publish_subscribe::PortFactory<ipc::Service, [u8; N], ()>;

/// What messages go through and what tells of them. That of round trips is as the library has it; the other
/// loses nothing: it holds as many messages as ours, and who sends waits for room.
fn services<const N: usize>(
    name: &str,
    lossless: bool,
) -> (Messages<N>, event::PortFactory<ipc::Service>) {
    let node = NodeBuilder::new().create::<ipc::Service>().expect("a node");
    let called = |what: &str| {
        let name = format!("pipewright/{name}/{N}/{what}");
        node.service_builder(&name.as_str().try_into().expect("a name"))
    };
    let mut messages = called("messages").publish_subscribe::<[u8; N]>();
    if lossless {
        messages = messages.subscriber_max_buffer_size(HELD).enable_safe_overflow(false);
        messages = messages.max_publishers(1).max_subscribers(1);
    }
    let events = called("events").event().open_or_create().expect("a service");
    (messages.open_or_create().expect("a service"), events)
}

struct Sending<const N: usize> {
    publisher: Publisher<ipc::Service, [u8; N], ()>,
    notifier: Notifier<ipc::Service>,
}

struct Receiving<const N: usize> {
    subscriber: Subscriber<ipc::Service, [u8; N], ()>,
    listener: Listener<ipc::Service>,
}

impl<const N: usize> Sending<N> {
    fn new(name: &str, lossless: bool) -> Sending<N> {
        let (messages, events) = services(name, lossless);
        let publisher = messages.publisher_builder();
        let publisher = publisher.unable_to_deliver_strategy(UnableToDeliverStrategy::Block);
        Sending {
            publisher: publisher.create().expect("a publisher"),
            notifier: events.notifier_builder().create().expect("a notifier"),
        }
    }

    fn send(&self, message: &[u8; N]) {
        let mut sample = self.publisher.loan_uninit().expect("a place");
        // SAFETY: the place has room for the message, which fills it.
        let sample = unsafe {
            sample.payload_mut().as_mut_ptr().copy_from_nonoverlapping(message, 1);
            sample.assume_init()
        };
        let receivers = sample.send().expect("sent");
        assert_eq!(receivers, 1, "a message was lost");
    }

    fn notify(&self, message: &[u8; N]) {
        self.send(message);
        // Where so many notifications are under way that none is taken, the listener will look anyway.
        self.notifier.notify().expect("told");
    }
}

impl<const N: usize> Receiving<N> {
    fn new(name: &str, lossless: bool) -> Receiving<N> {
        let (messages, events) = services(name, lossless);
        Receiving {
            subscriber: messages.subscriber_builder().create().expect("a subscriber"),
            listener: events.listener_builder().create().expect("a listener"),
        }
    }

    fn try_receive(&self, buffer: &mut [u8; N]) -> bool {
        let Some(sample) = self.subscriber.receive().expect("open") else { return false };
        buffer.copy_from_slice(sample.payload());
        black_box(buffer);
        true
    }

    fn poll(&self, buffer: &mut [u8; N]) {
        while !self.try_receive(buffer) {
            spin_loop();
        }
    }

    fn wait(&self, buffer: &mut [u8; N]) {
        while !self.try_receive(buffer) {
            // All that have come: they tell of messages that are there now.
            let _ = self.listener.blocking_wait_all(|_| ());
        }
    }
}

type Send<const N: usize> = fn(&Sending<N>, &[u8; N]);
type Receive<const N: usize> = fn(&Receiving<N>, &mut [u8; N]);

/// Both sides have their ports before anything is sent: told by a byte each way.
fn trips<const N: usize>(
    cores: (usize, usize),
    count: usize,
    send: Send<N>,
    receive: Receive<N>,
) -> f64 {
    let (mut ready, told) = std::io::pipe().expect("a pipe");
    let (go, going) = std::io::pipe().expect("a pipe");
    let child = || {
        pin(cores.1);
        let (asked, answer) = (Receiving::new("there", false), Sending::new("back", false));
        let mut buffer = [0; N];
        (&told).write_all(&[1]).expect("open");
        (&go).read_exact(&mut [0]).expect("open");
        // Who was there first learns of the other's ports now.
        answer.publisher.update_connections().expect("connected");
        for _ in 0..=count {
            receive(&asked, &mut buffer);
            send(&answer, &buffer);
        }
        // Keeps what was sent until it was fetched.
        (&go).read_exact(&mut [0]).expect("open");
    };
    beside(child, || {
        pin(cores.0);
        let (ask, answered) = (Sending::new("there", false), Receiving::new("back", false));
        ready.read_exact(&mut [0]).expect("open");
        ask.publisher.update_connections().expect("connected");
        (&going).write_all(&[1]).expect("open");
        let (message, mut buffer) = ([1; N], [0; N]);
        let mut trip = || {
            send(&ask, black_box(&message));
            receive(&answered, &mut buffer);
        };
        trip();
        let result = each(count, || (0..count).for_each(|_| trip()));
        (&going).write_all(&[1]).expect("open");
        result
    })
}

pub fn trips_polled<const N: usize>(count: usize) -> f64 {
    trips::<N>((0, 1), count, Sending::send, Receiving::poll)
}

pub fn trips_event<const N: usize>(count: usize) -> f64 {
    trips::<N>((0, 0), count, Sending::notify, Receiving::wait)
}

fn all_one_way<const N: usize>(count: usize, send: Send<N>, receive: Receive<N>) -> f64 {
    let sender = || {
        let (sending, message) = (Sending::new("one-way", true), [1; N]);
        move || (0..count).for_each(|_| send(&sending, black_box(&message)))
    };
    let receiver = || {
        let (receiving, mut buffer) = (Receiving::new("one-way", true), [0; N]);
        move || (0..count).for_each(|_| receive(&receiving, &mut buffer))
    };
    one_way(count, sender, receiver)
}

pub fn one_way_polled<const N: usize>(count: usize) -> f64 {
    all_one_way::<N>(count, Sending::send, Receiving::poll)
}

pub fn one_way_event<const N: usize>(count: usize) -> f64 {
    all_one_way::<N>(count, Sending::notify, Receiving::wait)
}
