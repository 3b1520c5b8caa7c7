//! What threads do with values handed over once.
//!
//! To the rules a hand-over is a ring with room for the value: written once at most, and read once.

use std::cell::Cell;

use pipewright_model::call::{Answer, Errno};
use pipewright_model::kind::{SHARED_MEMORY, SHARED_MEMORY_WAITING};

use super::one_shot::{Nothing, Receiver, Sender, pair};
use super::sleeper::Sleeper;
use super::sync::{spawn, wake_for_no_reason};
use crate::record::{Hand, READER, Record, Scenario, WRITER};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::complete("a hand-over that is waited for", waited_for),
    Scenario::bounded("a hand-over each way", 3, each_way),
    Scenario::complete("a hand-over that does not come", does_not_come),
    Scenario::complete("a hand-over that is not fetched", not_fetched),
    Scenario::complete("a hand-over that is looked for", looked_for),
    Scenario::complete("a hand-over whose sender looks first", sender_looks_first),
    Scenario::complete("a hand-over and waits that end for no reason", no_reason),
];

const BYTES: usize = 2;

/// A value that is counted while it lives. It owns nothing: so a fault that drops it twice is told, and
/// does no harm before.
struct Value {
    bytes: [u8; BYTES],
}

thread_local! {
    /// A checker runs all threads of a model on one thread of the system.
    static LIVING: Cell<i32> = const { Cell::new(0) };
}

impl Value {
    fn new(bytes: &[u8]) -> Value {
        LIVING.set(LIVING.get() + 1);
        Value { bytes: bytes.try_into().expect("a value") }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        LIVING.set(LIVING.get() - 1);
    }
}

type Sends = Sender<Value, Sleeper>;
type Receives = Receiver<Value, Sleeper>;

fn ends() -> (Sends, Receives) {
    pair(Sleeper::default())
}

fn waiting_record() -> Record {
    Record::new(&SHARED_MEMORY_WAITING, BYTES as u32, &[WRITER, READER])
}

fn send(hand: &mut Hand, sender: Sends) -> Answer {
    hand.write(BYTES, |bytes| match sender.send(Value::new(bytes)) {
        Ok(()) => Answer::Count(BYTES as u32),
        Err(_) => Answer::Fails(Errno::EPIPE),
    })
}

fn fetched(value: Option<Value>, bytes: &mut [u8]) -> Answer {
    match value {
        Some(value) => {
            bytes.copy_from_slice(&value.bytes);
            Answer::Count(BYTES as u32)
        }
        None => Answer::Count(0),
    }
}

fn receive(hand: &mut Hand, receiver: Receives) {
    hand.read(BYTES, |bytes| fetched(receiver.receive(), bytes));
}

/// Both ends are gone: so must be every value.
fn none_left() {
    let living = LIVING.get();
    assert!(living <= 0, "a value was not dropped");
    assert!(living >= 0, "a value was dropped twice");
}

fn waited_for() {
    let record = waiting_record();
    let (sender, receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || send(&mut writes, sender));
    receive(&mut reads, receiver);
    writer.join().expect("no panic");
    none_left();
    record.judge();
}

/// Two values each way, each by ends of its own.
fn each_way() {
    let records = [(); 4].map(|()| waiting_record());
    let ([there, back, there_2, back_2], mut hands) = (
        [(); 4].map(|()| ends()),
        records.each_ref().map(|record| [record.hand(0), record.hand(1)]),
    );
    let mut others: Vec<Hand> = (0..4).map(|at| records[at].hand((at as u8 + 1) % 2)).collect();
    let other = spawn(move || {
        receive(&mut others[0], there.1);
        send(&mut others[1], back.0);
        receive(&mut others[2], there_2.1);
        send(&mut others[3], back_2.0);
    });
    send(&mut hands[0][0], there.0);
    receive(&mut hands[1][1], back.1);
    send(&mut hands[2][0], there_2.0);
    receive(&mut hands[3][1], back_2.1);
    other.join().expect("no panic");
    none_left();
    records.iter().for_each(Record::judge);
}

fn does_not_come() {
    let record = waiting_record();
    let (sender, receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || writes.close(|| drop(sender)));
    receive(&mut reads, receiver);
    writer.join().expect("no panic");
    record.judge();
}

fn not_fetched() {
    let record = waiting_record();
    let (sender, receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || send(&mut writes, sender));
    reads.close(|| drop(receiver));
    writer.join().expect("no panic");
    none_left();
    record.judge();
}

fn looked_for() {
    let record = Record::new(&SHARED_MEMORY, BYTES as u32, &[WRITER, READER]);
    let (sender, mut receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = spawn(move || send(&mut writes, sender));
    let mut there = false;
    let mut look = |receiver: &mut Receives| {
        reads.read(BYTES, |bytes| match receiver.try_receive() {
            Ok(value) => {
                there = true;
                fetched(Some(value), bytes)
            }
            Err(Nothing::Yet) => Answer::Fails(Errno::EAGAIN),
            Err(Nothing::Ever) => Answer::Count(0),
        });
        there
    };
    let fetched = look(&mut receiver) || look(&mut receiver);
    writer.join().expect("no panic");
    if !fetched {
        record.quiet();
        assert!(look(&mut receiver));
    }
    assert!(matches!(receiver.try_receive(), Err(Nothing::Ever)), "it was handed over once");
    reads.close(|| drop(receiver));
    none_left();
    record.judge();
}

/// Who is said to be gone takes nothing; who waits is not gone.
fn sender_looks_first() {
    let (waits, gone) = (waiting_record(), waiting_record());
    let ((to_one, one), (to_other, other), (kept, third)) = (ends(), ends(), ends());
    let hands = [waits.hand(0), gone.hand(0)];
    let (mut reads, mut closes) = (waits.hand(1), gone.hand(1));
    let senders = spawn(move || {
        for (mut hand, sender) in hands.into_iter().zip([to_one, to_other]) {
            let closed = sender.is_closed();
            let failed = send(&mut hand, sender) == Answer::Fails(Errno::EPIPE);
            assert!(!closed || failed, "a receiver that is gone takes nothing");
        }
    });
    receive(&mut reads, one);
    closes.close(|| drop(other));
    drop(third);
    assert!(kept.is_closed(), "who is gone is seen to be gone");
    senders.join().expect("no panic");
    none_left();
    waits.judge();
    gone.judge();
}

fn no_reason() {
    wake_for_no_reason(2);
    waited_for();
    wake_for_no_reason(0);
}
