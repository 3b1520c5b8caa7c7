//! What threads do with values handed over once.
//!
//! To the rules a hand-over is a ring with room for the value: written once at most, and read once.

use std::sync::Arc as Tokens;

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
    Scenario::complete("a hand-over and waits that end for no reason", no_reason),
];

const BYTES: usize = 2;

/// A value that tells when it is dropped.
struct Value {
    bytes: [u8; BYTES],
    _token: Tokens<()>,
}

type Sends = Sender<Value, Sleeper>;
type Receives = Receiver<Value, Sleeper>;

fn ends() -> (Sends, Receives) {
    pair(Sleeper::default())
}

fn waiting_record() -> Record {
    Record::new(&SHARED_MEMORY_WAITING, BYTES as u32, &[WRITER, READER])
}

fn send(hand: &mut Hand, sender: Sends, tokens: &Tokens<()>) {
    hand.write(BYTES, |bytes| {
        let value =
            Value { bytes: bytes.try_into().expect("a value"), _token: Tokens::clone(tokens) };
        match sender.send(value) {
            Ok(()) => Answer::Count(BYTES as u32),
            Err(_) => Answer::Fails(Errno::EPIPE),
        }
    });
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
fn none_left(tokens: Tokens<()>) {
    assert_eq!(Tokens::strong_count(&tokens), 1, "a value was not dropped");
}

fn waited_for() {
    let (record, tokens) = (waiting_record(), Tokens::new(()));
    let (sender, receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let tokens = Tokens::clone(&tokens);
        spawn(move || send(&mut writes, sender, &tokens))
    };
    receive(&mut reads, receiver);
    writer.join().expect("no panic");
    none_left(tokens);
    record.judge();
}

/// Two values each way, each by ends of its own.
fn each_way() {
    let tokens = Tokens::new(());
    let records = [(); 4].map(|()| waiting_record());
    let ([there, back, there_2, back_2], mut hands) = (
        [(); 4].map(|()| ends()),
        records.each_ref().map(|record| [record.hand(0), record.hand(1)]),
    );
    let other = {
        let tokens = Tokens::clone(&tokens);
        let mut hands: Vec<Hand> = (0..4).map(|at| records[at].hand((at as u8 + 1) % 2)).collect();
        spawn(move || {
            receive(&mut hands[0], there.1);
            send(&mut hands[1], back.0, &tokens);
            receive(&mut hands[2], there_2.1);
            send(&mut hands[3], back_2.0, &tokens);
        })
    };
    send(&mut hands[0][0], there.0, &tokens);
    receive(&mut hands[1][1], back.1);
    send(&mut hands[2][0], there_2.0, &tokens);
    receive(&mut hands[3][1], back_2.1);
    other.join().expect("no panic");
    none_left(tokens);
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
    let (record, tokens) = (waiting_record(), Tokens::new(()));
    let (sender, receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let tokens = Tokens::clone(&tokens);
        spawn(move || send(&mut writes, sender, &tokens))
    };
    reads.close(|| drop(receiver));
    writer.join().expect("no panic");
    none_left(tokens);
    record.judge();
}

fn looked_for() {
    let record = Record::new(&SHARED_MEMORY, BYTES as u32, &[WRITER, READER]);
    let tokens = Tokens::new(());
    let (sender, mut receiver) = ends();
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let writer = {
        let tokens = Tokens::clone(&tokens);
        spawn(move || send(&mut writes, sender, &tokens))
    };
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
    none_left(tokens);
    record.judge();
}

fn no_reason() {
    wake_for_no_reason(2);
    waited_for();
    wake_for_no_reason(0);
}
