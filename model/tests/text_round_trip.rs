//! What is printed reads back as the same run, and no text makes the parser panic.

#[path = "common/any_run.rs"]
mod any_run;

use std::sync::Arc;

use pipewright_model::call::{Actor, Answer, Call, End, Errno, Mode, Op, OpenFlags, Reply};
use pipewright_model::data::{Data, fill};
use pipewright_model::kind::{FIFO, Hold, PIPE};
use pipewright_model::oracle::judge_naming;
use pipewright_model::platform::LINUX;
use pipewright_model::run::{Event, Run};
use pipewright_model::text::{event, named};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use any_run::{name, run};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_reads_back_from_its_print(run in run()) {
        prop_assert_eq!(run.check(), Ok(()));
        let text = run.to_string();
        let back: Run = text.parse().map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
        prop_assert_eq!(&back, &run, "{}", text);
        prop_assert_eq!(back.to_string(), text.as_str());
        for index in 0..run.events.len() {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert!(words(&text).contains(&words(&event(&run, index))));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", lines in vec("[a-z0-9 :>.=\\[\\]#_|,-]{0,20}", 0..5)) {
        sound(&text)?;
        sound(&format!("channel pipe\n{}", lines.join("\n")))?;
    }

    #[test]
    fn no_mutation_of_a_run_makes_the_parser_panic(run in run(), edits in vec(edit(), 1..6)) {
        let mut text = run.to_string();
        for edit in &edits {
            text = edit.of(&text);
            sound(&text)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_seen_keep_their_meaning(steps in vec((0..6_u8, 0..400_usize, any::<u8>()), 1..30)) {
        let mut run = pipe();
        let mut held: Vec<u8> = Vec::new();
        let mut written = [0_i64; 2];
        for (what, len, noise) in steps {
            match what {
                0 | 1 => {
                    write(&mut run, what, len as u32);
                    held.extend(bytes(&[(what, written[what as usize], len as u32)]));
                    written[what as usize] += len as i64;
                }
                2 => drop(held.drain(..len.min(held.len()))),
                _ => {
                    let mut seen: Vec<u8> = held.drain(..len.min(held.len())).collect();
                    if let (3, Some(byte)) = (what, seen.last_mut()) {
                        *byte = noise;
                    }
                    read(&mut run, &seen);
                }
            }
        }
        let text = run.to_string();
        let back: Run = text.parse().map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
        prop_assert!(same_but_for_names(&run, &back), "{}", text);
        prop_assert_eq!(back.to_string(), text);
    }
}

/// A change of a text: of characters, or of words.
#[derive(Clone, Debug)]
struct Edit {
    what: u8,
    words: bool,
    from: Index,
    to: Index,
    new: String,
}

fn edit() -> impl Strategy<Value = Edit> {
    let words = "writer|writer:|->|\\.\\.|99999999999999999999|=|0x6|\n|-|E1|é|\r|open|quiet|r9";
    (0..4_u8, any::<bool>(), any::<Index>(), any::<Index>(), words)
        .prop_map(|(what, words, from, to, new)| Edit { what, words, from, to, new })
}

impl Edit {
    fn of(&self, text: &str) -> String {
        let mut parts: Vec<&str> = match self.words {
            true => text.split_inclusive([' ', '\n', ':', '[', '.']).collect(),
            false => text.split_inclusive(|_: char| true).collect(),
        };
        if parts.is_empty() {
            return self.new.clone();
        }
        let (from, to) = (self.from.index(parts.len()), self.to.index(parts.len()));
        match self.what {
            0 => drop(parts.remove(from)),
            1 => parts.insert(to, parts[from]),
            2 => parts.swap(from, to),
            _ => parts.insert(to, &self.new),
        }
        parts.concat()
    }
}

/// Whatever is a run has one canonical text; whatever is none has a place inside the text.
fn sound(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Run>() {
        Ok(run) => {
            let print = run.to_string();
            let back: Run = print.parse().map_err(|fault| {
                TestCaseError::fail(format!("{fault}\nprinted:\n{print}\nof:\n{text}"))
            })?;
            prop_assert_eq!(back.to_string(), print);
        }
        Err(fault) => {
            let marked = text.get(fault.bytes.clone());
            prop_assert_eq!(marked.map(|marked| marked.chars().count()), Some(fault.len));
            let line = text.split('\n').nth(fault.line - 1).unwrap_or_default();
            prop_assert!(fault.column >= 1 && fault.column <= line.chars().count() + 1);
        }
    }
    Ok(())
}

/// A pipe with two writers and a reader, seen with real bytes.
fn pipe() -> Run {
    let mut run = Run::builder(&PIPE);
    let (r, w) = (run.end(Hold::READ), run.end(Hold::WRITE));
    for (name, end) in [("writer", w), ("writer2", w), ("reader", r)] {
        run.actor(name, [end]);
    }
    run.build().expect("a run")
}

fn push(run: &mut Run, actor: u8, end: u8, op: Op, answer: Answer, data: Data) {
    run.push(Event::Call(Call { actor: Actor(actor), end: End(end), op }));
    run.push(Event::Return(Actor(actor), Reply { data, ..Reply::new(answer) }));
}

fn write(run: &mut Run, actor: u8, len: u32) {
    push(run, actor, 1, Op::Write { len }, Answer::Count(len), Data::Unknown);
}

fn read(run: &mut Run, bytes: &[u8]) {
    let len = bytes.len() as u32;
    push(run, 2, 0, Op::Read { len }, Answer::Count(len), Data::Bytes(Arc::from(bytes)));
}

fn bytes(names: &[(u8, i64, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (actor, from, len) in names {
        let start = bytes.len();
        bytes.resize(start + *len as usize, 0);
        fill(Actor(*actor), *from, &mut bytes[start..]);
    }
    bytes
}

fn last_line(run: &Run) -> String {
    event(run, run.events.len() - 1)
}

/// The last line with the names that are known once the run is judged.
fn last_named(run: &Run) -> String {
    last_line(&named(run, &judge_naming(run, &LINUX)))
}

#[test]
fn bytes_have_the_names_that_the_oracle_finds_though_others_stand_for_the_same_bytes() {
    let mut run = pipe();
    write(&mut run, 0, 60_000);
    read(&mut run, &bytes(&[(0, 0, 60_000)]));
    write(&mut run, 0, 60_000);
    read(&mut run, &bytes(&[(0, 60_000, 5_521)]));
    read(&mut run, &bytes(&[(0, 0, 50)]));
    assert!(last_line(&run).contains(" = 0x"), "nothing is known before it is judged");
    assert_eq!(last_named(&run), "reader: read 50 -> 50 = writer[65521..65571]");
    read(&mut run, &bytes(&[(0, 50, 1)]));
    assert_eq!(last_named(&run), "reader: read 1 -> 1 = writer[65571..65572]");
}

#[test]
fn bytes_that_no_rule_allows_have_names_where_they_stand_at_one_place_only() {
    let mut run = pipe();
    write(&mut run, 0, 100_000);
    write(&mut run, 1, 3);
    read(&mut run, &bytes(&[(0, 0, 7), (1, 0, 3)]));
    assert_eq!(last_named(&run), "reader: read 10 -> 10 = 0x372e0e05161d21776e4e", "or 65521");
    read(&mut run, &bytes(&[(0, 60_000, 30_000), (1, 0, 3)]));
    assert_eq!(
        last_named(&run),
        "reader: read 30003 -> 30003 = writer[60000..90000] writer2[0..3]"
    );
    read(&mut run, &bytes(&[(0, 80_000, 20)]));
    assert!(last_named(&run).contains(" = 0x"), "the same bytes are before");
    read(&mut run, &bytes(&[(0, 7, 1)]));
    assert!(last_named(&run).contains(" = 0x"), "which is many a byte");
    let text = named(&run, &judge_naming(&run, &LINUX)).to_string();
    let back: Run = text.parse().expect("a run");
    assert_eq!(back.to_string(), text);
    assert!(same_but_for_names(&run, &back));
}

/// Whether two runs differ at most in that one has names where the other has the bytes.
fn same_but_for_names(seen: &Run, named: &Run) -> bool {
    let mut named = named.clone();
    for (seen, named) in seen.events.iter().zip(&mut named.events) {
        if let (Event::Return(_, seen), Event::Return(_, named)) = (seen, named) {
            let same = match (&seen.data, &named.data) {
                (Data::Bytes(_), Data::Named(names)) => seen.data.may_be(names),
                (Data::Bytes(bytes), Data::Unknown) => bytes.is_empty(),
                (seen, named) => seen == named,
            };
            if same {
                named.data = seen.data.clone();
            }
        }
    }
    *seen == named
}

#[test]
fn bytes_that_nobody_wrote_are_printed_as_they_are() {
    let mut run = pipe();
    write(&mut run, 0, 4);
    read(&mut run, b"hello, world");
    assert_eq!(last_line(&run), "reader: read 12 -> 12 = 0x68656c6c6f2c20776f726c64");
    read(&mut run, &bytes(&[(0, 0, 5)]));
    assert!(last_line(&run).contains(" = 0x"), "the fifth byte was not written");
    let foreign: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(at) >> 7) as u8).collect();
    write(&mut run, 0, 1_000_000);
    read(&mut run, &foreign);
    assert!(last_line(&run).contains(" = 0x"));
    let text = run.to_string();
    assert_eq!(text.parse::<Run>().map(|run| run.to_string()), Ok(text));
}

#[test]
fn bytes_of_a_write_that_has_not_returned_have_names() {
    let mut run = pipe();
    let call = Call { actor: Actor(0), end: End(1), op: Op::Write { len: 9 } };
    run.push(Event::Call(call));
    read(&mut run, &bytes(&[(0, 0, 9)]));
    assert_eq!(last_named(&run), "reader: read 9 -> 9 = writer[0..9]");
}

#[test]
fn the_end_of_data_shows_none() {
    let mut run = pipe();
    read(&mut run, &[]);
    assert_eq!(last_line(&run), "reader: read 0 -> 0");
    push(&mut run, 2, 0, Op::Close, Answer::Done, Data::Bytes(Arc::from([])));
    assert_eq!(last_line(&run), "reader: close -> ok = 0x");
}

#[test]
fn only_seats_and_ends_that_would_differ_are_declared() {
    let declared = |run: &Run| {
        let text = run.to_string();
        assert_eq!(text.parse().as_ref(), Ok(run), "{text}");
        let lines = text.lines().filter(|line| !line.contains(':') && !line.starts_with("channel"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let mut run = pipe();
    for (actor, end) in [(0, 1), (1, 1), (2, 0)] {
        push(&mut run, actor, end, Op::Close, Answer::Done, Data::Unknown);
    }
    assert_eq!(declared(&run), none);
    let mut backwards = run.clone();
    backwards.events.rotate_right(2);
    assert_eq!(declared(&backwards), ["actor writer holds w", "actor writer2 holds w"]);
    let mut other = run.clone();
    other.end_names.push(name("rw"));
    assert_eq!(declared(&other), ["ends r w rw"]);
    let mut other = run.clone();
    other.seats[0].ends.clear();
    other.seats[1].name = name("b");
    assert_eq!(declared(&other), ["actor writer", "actor b holds w"]);

    let mut fifo = Run::builder(&FIFO);
    let (w, writer) = (fifo.end(Hold::WRITE), fifo.actor("writer", []));
    let open = Op::Open { mode: Mode::Write, flags: OpenFlags::NONBLOCK };
    fifo.gets(writer, w, open, Errno::ENXIO);
    let fifo = fifo.build().expect("a run");
    assert_eq!(declared(&fifo), none);
}

#[test]
fn every_form_has_a_canonical_text() {
    let text = "\
# What this shows,
#
#   in two paragraphs.
channel fifo capacity 4096 nonblocking crowded
ends w r rw w2 r7
actor keeper holds rw
actor idle
quiet
writer: open write nonblocking                              -> ENXIO + SIGPIPE  # fifo.open
reader: open read as r7                                     # the remark of a call
reader: -> ok
reader: read 5
keeper: dup as w2                        -> ok
keeper: poll rw in|out wait              -> in|hup|0x40
keeper: write w2 70000                   -> 65536 + SIGPIPE
quiet reader
reader:                                  -> 3 = keeper[0..2] keeper[-4..-3]
reader: nonblocking off                  -> E131
reader: close                            -> ok
reader: close                            -> EBADF
idle: unlink                             -> none = nothing
";
    let run: Run = text.parse().expect("a run");
    let print = run.to_string();
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(words(&print), words(text));
    assert_eq!(print.parse(), Ok(run));
}
