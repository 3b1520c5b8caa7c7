//! What threads do with polled variables.

use pipewright_model::call::Answer;
use pipewright_model::kind::GLOBAL_VARIABLE;

use super::cell::{SeqCell, SeqReader, SeqWriter, WordCell};
use super::sync::{Arc, Mutex, Ordering, Plain, PoisonError, fence, spawn};
use crate::record::{Hand, READER, READER_2, Record, Scenario, WRITER};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::complete("a word, two stores, two loads", word),
    Scenario::complete("a word each way", word_each_way),
    Scenario::complete("a word shows what was done before", word_publishes),
    Scenario::complete("a word in a lock", word_in_a_lock),
    Scenario::complete("a word and fences", word_and_fences),
    Scenario::bounded("a word, two who store", 2, word_two_storers),
    Scenario::complete("two words, a store, two looks", || words_looked_at(1)),
    Scenario::bounded("two words, two stores, two looks", 3, || words_looked_at(2)),
    Scenario::bounded("two words, two stores, a load", 3, words),
    Scenario::complete("two words each way", || words_each_way(1)),
    Scenario::bounded("two words each way, two values each", 1, || words_each_way(2)),
    Scenario::complete("two words looked at for newer ones", words_if_newer),
    Scenario::bounded("two words, two readers", 1, words_two_readers),
];

const WORD: usize = 8;
const WHOLE: usize = 16;

fn word_record() -> Record {
    Record::new(&GLOBAL_VARIABLE, WORD as u32, &[WRITER, READER])
}

fn words_record() -> Record {
    Record::new(&GLOBAL_VARIABLE, WHOLE as u32, &[WRITER, READER])
}

fn store(hand: &mut Hand, cell: &WordCell) {
    hand.write(WORD, |bytes| {
        cell.store(u64::from_ne_bytes(bytes.try_into().expect("a word")));
        Answer::Count(WORD as u32)
    });
}

fn load(hand: &mut Hand, cell: &WordCell) {
    hand.read(WORD, |bytes| {
        bytes.copy_from_slice(&cell.load().to_ne_bytes());
        Answer::Count(WORD as u32)
    });
}

fn store_words(hand: &mut Hand, writer: &mut SeqWriter<2>) {
    hand.write(WHOLE, |bytes| {
        let (words, _) = bytes.as_chunks::<WORD>();
        writer.store([u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1])]);
        Answer::Count(WHOLE as u32)
    });
}

fn lay_down(words: [u64; 2], bytes: &mut [u8]) -> Answer {
    for (bytes, word) in bytes.chunks_exact_mut(WORD).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
    Answer::Count(WHOLE as u32)
}

fn load_words(hand: &mut Hand, reader: &mut SeqReader<2>) {
    hand.read(WHOLE, |bytes| lay_down(reader.load(), bytes));
}

fn word() {
    let record = word_record();
    let cell = Arc::new(WordCell::new(0));
    let (mut writer, mut reader) = (record.hand(0), record.hand(1));
    let stores = {
        let cell = Arc::clone(&cell);
        spawn(move || (0..2).for_each(|_| store(&mut writer, &cell)))
    };
    (0..2).for_each(|_| load(&mut reader, &cell));
    stores.join().expect("no panic");
    record.quiet();
    load(&mut reader, &cell);
    record.judge();
}

fn word_each_way() {
    let (there, back) = (word_record(), word_record());
    let cells = Arc::new((WordCell::new(0), WordCell::new(0)));
    let (mut writes, mut reads) = (back.hand(0), there.hand(1));
    let other = {
        let cells = Arc::clone(&cells);
        spawn(move || {
            for _ in 0..2 {
                store(&mut writes, &cells.1);
                load(&mut reads, &cells.0);
            }
        })
    };
    let (mut writes, mut reads) = (there.hand(0), back.hand(1));
    for _ in 0..2 {
        store(&mut writes, &cells.0);
        load(&mut reads, &cells.1);
    }
    other.join().expect("no panic");
    back.quiet();
    load(&mut reads, &cells.1);
    there.judge();
    back.judge();
}

fn word_publishes() {
    let shared = Arc::new((Plain::new(), WordCell::new(0)));
    let other = {
        let shared = Arc::clone(&shared);
        spawn(move || {
            shared.0.put(7);
            shared.1.store(1);
        })
    };
    if shared.1.load() == 1 {
        assert_eq!(shared.0.get(), 7);
    }
    other.join().expect("no panic");
}

/// Who stores and loads in a lock that both use is shown everything: lateness is no excuse there.
fn word_in_a_lock() {
    let record = word_record();
    let shared = Arc::new((Mutex::new(()), WordCell::new(0)));
    let (mut writer, mut reader) = (record.hand(0), record.hand(1));
    let stores = {
        let (shared, record) = (Arc::clone(&shared), record.clone());
        spawn(move || {
            for _ in 0..2 {
                let _guard = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                record.quiet();
                store(&mut writer, &shared.1);
            }
        })
    };
    for _ in 0..2 {
        let _guard = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        record.quiet();
        load(&mut reader, &shared.1);
    }
    stores.join().expect("no panic");
    record.judge();
}

/// Two who store, pass a fence and load: who passes last is shown what the other has stored.
fn word_and_fences() {
    let (there, back) = (word_record(), word_record());
    let cells = Arc::new((WordCell::new(0), WordCell::new(0)));
    let passes = |first: &Record, mine: &WordCell, mut writes: Hand, second: &Record| {
        store(&mut writes, mine);
        fence(Ordering::SeqCst);
        // From here on who passes a fence is shown `mine`. The other's store is so only if the other has passed
        // one, which is recorded by nobody else than itself.
        first.passed();
        if second.has_passed() {
            second.quiet();
        }
    };
    let other = {
        let (cells, there, back) = (Arc::clone(&cells), there.clone(), back.clone());
        spawn(move || {
            passes(&back, &cells.1, back.hand(0), &there);
            load(&mut there.hand(1), &cells.0);
        })
    };
    passes(&there, &cells.0, there.hand(0), &back);
    load(&mut back.hand(1), &cells.1);
    other.join().expect("no panic");
    there.judge();
    back.judge();
}

/// The rules know one who stores. What holds with two is asserted: none of the values comes back, and the
/// last is one for all. With one store each, as loom does not keep longer orders straight: it would give a
/// store again that coherence rules out.
fn word_two_storers() {
    let cell = Arc::new(WordCell::new(0));
    let storers = [1, 2].map(|value| {
        let cell = Arc::clone(&cell);
        spawn(move || cell.store(value))
    });
    let mut seen = vec![0];
    let mut load = || {
        let value = cell.load();
        if *seen.last().expect("the first") != value {
            assert!(!seen.contains(&value), "{value} comes back after {seen:?}");
            seen.push(value);
        }
        value
    };
    (0..2).for_each(|_| {
        load();
    });
    storers.into_iter().for_each(|storer| storer.join().expect("no panic"));
    let last = load();
    assert_ne!(last, 0, "a store has come after the joins");
    assert_eq!(load(), last, "the last store is one");
}

/// Looks once; whether the writer was not at it.
fn look_at_words(hand: &mut Hand, reader: &mut SeqReader<2>) -> bool {
    hand.look(WHOLE, |bytes| reader.try_load().map(|words| lay_down(words, bytes)))
}

/// Looks while the writer may be at it: where it is, nothing is given.
fn words_looked_at(stores: usize) {
    let record = words_record();
    let (mut writer, mut reader) = SeqCell::split([0, 0]);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let stores = spawn(move || (0..stores).for_each(|_| store_words(&mut writes, &mut writer)));
    for _ in 0..2 {
        look_at_words(&mut reads, &mut reader);
    }
    stores.join().expect("no panic");
    record.quiet();
    assert!(look_at_words(&mut reads, &mut reader), "a look gives nothing, and nobody stores");
    record.judge();
}

fn words() {
    let record = words_record();
    let (mut writer, mut reader) = SeqCell::split([0, 0]);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let stores = spawn(move || (0..2).for_each(|_| store_words(&mut writes, &mut writer)));
    load_words(&mut reads, &mut reader);
    stores.join().expect("no panic");
    record.quiet();
    load_words(&mut reads, &mut reader);
    record.judge();
}

fn words_each_way(times: usize) {
    let (there, back) = (words_record(), words_record());
    let (mut writer, mut other_reader) = SeqCell::split([0, 0]);
    let (mut other_writer, mut reader) = SeqCell::split([0, 0]);
    let (mut writes, mut reads) = (back.hand(0), there.hand(1));
    let other = spawn(move || {
        for _ in 0..times {
            store_words(&mut writes, &mut other_writer);
            look_at_words(&mut reads, &mut other_reader);
        }
    });
    let (mut writes, mut reads) = (there.hand(0), back.hand(1));
    for _ in 0..times {
        store_words(&mut writes, &mut writer);
        look_at_words(&mut reads, &mut reader);
    }
    other.join().expect("no panic");
    back.quiet();
    load_words(&mut reads, &mut reader);
    there.judge();
    back.judge();
}

fn words_if_newer() {
    let record = words_record();
    let (mut writer, mut reader) = SeqCell::split([0, 0]);
    let (mut writes, mut reads) = (record.hand(0), record.hand(1));
    let stores = spawn(move || (0..2).for_each(|_| store_words(&mut writes, &mut writer)));
    let mut look = |reader: &mut SeqReader<2>| {
        let mut last = None;
        let given = reads.look(WHOLE, |bytes| {
            last = reader.load_if_newer();
            last.map(|words| lay_down(words, bytes))
        });
        assert_eq!(given, last.is_some());
        last
    };
    let (first, second) = (look(&mut reader), look(&mut reader));
    assert!(second.is_none() || first != second, "the same store is newer once");
    stores.join().expect("no panic");
    record.quiet();
    let last = look(&mut reader).or(second).or(first);
    assert_eq!(last, Some(reader.load()), "the last store is seen after the join");
    record.judge();
}

fn words_two_readers() {
    let record = Record::new(&GLOBAL_VARIABLE, WHOLE as u32, &[WRITER, READER, READER_2]);
    let (mut writer, mut reader) = SeqCell::split([0, 0]);
    let mut other_reader = reader.clone();
    let (mut writes, mut reads, mut other_reads) = (record.hand(0), record.hand(1), record.hand(2));
    let stores = spawn(move || (0..2).for_each(|_| store_words(&mut writes, &mut writer)));
    let loads = spawn(move || load_words(&mut other_reads, &mut other_reader));
    load_words(&mut reads, &mut reader);
    stores.join().expect("no panic");
    loads.join().expect("no panic");
    record.quiet();
    load_words(&mut reads, &mut reader);
    record.judge();
}
