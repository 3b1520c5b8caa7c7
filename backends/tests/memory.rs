//! Variables in memory: no value torn, none taken back, nobody left asleep.
//!
//! Rings are in `ring.rs`. How often threads really met is not judged: loops are bounded by counts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use pipewright_backends::memory::cell::{SeqCell, SeqReader, WordCell};
use pipewright_backends::memory::guarded::GuardedCell;

#[test]
fn a_word_gives_the_last_value_stored() {
    let cell = WordCell::new(1);
    assert_eq!(cell.load(), 1);
    assert_eq!(cell.load(), 1, "a load does not consume");
    cell.store(2);
    cell.store(u64::MAX);
    assert_eq!(cell.load(), u64::MAX);
}

#[test]
fn a_word_shows_what_was_done_before_it_was_stored() {
    const LAST: u64 = 200_000;
    let (data, flag) = (WordCell::new(0), WordCell::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 1..=LAST {
                data.store(value);
                flag.store(value);
            }
        });
        let mut before = 0;
        while before < LAST {
            let seen = flag.load();
            assert!(data.load() >= seen, "older than its flag");
            assert!(seen >= before, "taken back");
            before = seen;
            std::hint::spin_loop();
        }
    });
}

#[test]
fn several_words_are_new_once_for_each_reader() {
    let (mut writer, mut reader) = SeqCell::split([1, 2, 3]);
    assert_eq!(reader.load_if_newer(), None, "the first value is known");
    assert_eq!(reader.load(), [1, 2, 3]);
    writer.store([4, 5, 6]);
    let mut other = reader.clone();
    assert_eq!(reader.load_if_newer(), Some([4, 5, 6]));
    assert_eq!(reader.load_if_newer(), None);
    writer.store([4, 5, 6]);
    assert_eq!(reader.load_if_newer(), Some([4, 5, 6]), "equal words, another store");
    writer.store([7, 8, 9]);
    assert_eq!(other.load_if_newer(), Some([7, 8, 9]), "a value between was overwritten unseen");
    assert_eq!(reader.load(), [7, 8, 9]);
    assert_eq!(reader.load_if_newer(), None, "loaded already");
    assert_eq!(reader.try_load(), Some([7, 8, 9]), "no store is under way");
}

#[test]
fn no_words_and_many_words_are_fine() {
    let (mut writer, mut reader) = SeqCell::split([]);
    writer.store([]);
    assert_eq!(reader.load_if_newer(), Some([]));
    let (mut writer, mut reader) = SeqCell::split([0; 100]);
    let value = std::array::from_fn(|index| index as u64);
    writer.store(value);
    assert_eq!(reader.load(), value);
}

/// Words that belong together, and tell which store made them.
fn words(store: u64) -> [u64; 5] {
    std::array::from_fn(|index| store.wrapping_mul(2 * index as u64 + 1))
}

fn read_all(mut reader: SeqReader<5>, last: u64) {
    let mut before = 0;
    while before < last {
        if let Some(value) = reader.load_if_newer() {
            assert_eq!(value, words(value[0]), "torn");
            assert!(value[0] > before, "taken back, or not newer");
            before = value[0];
        }
        let value = reader.load();
        assert_eq!(value, words(value[0]), "torn");
        assert!(value[0] >= before, "taken back");
        before = value[0];
    }
}

#[test]
fn several_words_are_never_torn() {
    const LAST: u64 = 300_000;
    let (mut writer, reader) = SeqCell::split(words(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            let reader = reader.clone();
            scope.spawn(|| read_all(reader, LAST));
        }
        for store in 1..=LAST {
            writer.store(words(store));
        }
    });
}

#[test]
fn a_newer_value_is_not_waited_for() {
    let cell = GuardedCell::new('a');
    let (_, first) = cell.get();
    let second = cell.set('b');
    assert_eq!(cell.wait_newer(first), Some(('b', second)));
    assert_eq!(cell.get(), ('b', second));
    assert_ne!(first, second);
    let third = cell.set('b');
    assert_eq!(cell.wait_newer(second), Some(('b', third)), "equal, but set anew");
}

#[test]
fn a_closed_variable_gives_its_last_value_and_then_the_end() {
    let cell = GuardedCell::new(1);
    let (_, first) = cell.get();
    let second = cell.set(2);
    cell.close();
    assert!(cell.is_closed());
    assert_eq!(cell.wait_newer(first), Some((2, second)));
    assert_eq!(cell.wait_newer(second), None);
    let third = cell.set(3);
    assert_eq!(cell.wait_newer(second), Some((3, third)));
}

/// Runs `act` when three threads wait for a newer value; gives what they got.
fn with_three_waiting(
    cell: &GuardedCell<u32>,
    act: impl FnOnce(&GuardedCell<u32>),
) -> Vec<Option<u32>> {
    let (_, version) = cell.get();
    thread::scope(|scope| {
        let wait = || cell.wait_newer(version).map(|(value, _)| value);
        let waiters = [scope.spawn(wait), scope.spawn(wait), scope.spawn(wait)];
        while cell.waiting() < 3 {
            thread::yield_now();
        }
        act(cell);
        waiters.map(|waiter| waiter.join().expect("no panic")).to_vec()
    })
}

#[test]
fn setting_and_closing_wake_all_who_wait() {
    let cell = GuardedCell::new(0);
    let got = with_three_waiting(&cell, |cell| {
        cell.set(7);
        assert_eq!(cell.waiting(), 0, "woken, if not yet awake");
    });
    assert_eq!(got, [Some(7); 3]);
    assert_eq!(cell.waiting(), 0);
    assert_eq!(with_three_waiting(&cell, GuardedCell::close), [None; 3]);
}

#[test]
fn two_threads_answer_each_other_through_variables() {
    const LAST: u32 = 10_000;
    let (question, answer) = (GuardedCell::new(0), GuardedCell::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let (_, mut version) = question.get();
            // The first question may have been set before this thread looked.
            if question.get().0 != 0 {
                answer.set(question.get().0);
            }
            while let Some((value, newer)) = question.wait_newer(version) {
                version = newer;
                answer.set(value);
            }
        });
        for value in 1..=LAST {
            let mut seen = answer.get();
            question.set(value);
            while seen.0 != value {
                seen = answer.wait_newer(seen.1).expect("not closed");
            }
        }
        question.close();
    });
}

#[test]
fn dropping_the_old_value_may_use_the_variable() {
    static CELL: std::sync::LazyLock<GuardedCell<Prying>> =
        std::sync::LazyLock::new(|| GuardedCell::new(Prying(false)));
    static PRIED: AtomicBool = AtomicBool::new(false);

    #[derive(Clone)]
    struct Prying(bool);

    impl Drop for Prying {
        fn drop(&mut self) {
            if self.0 {
                self.0 = false;
                assert!(!CELL.is_closed());
                PRIED.store(true, Ordering::Relaxed);
            }
        }
    }

    CELL.set(Prying(true));
    CELL.set(Prying(false));
    assert!(PRIED.load(Ordering::Relaxed));
}
