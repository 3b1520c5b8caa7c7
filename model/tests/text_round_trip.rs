//! What is printed reads back as the same run, and no text makes the parser panic.

use std::sync::Arc;

use pipewright_model::call::{
    ACTORS_MAX, Actor, Answer, Call, End, Errno, Events, Lock, Marks, Mode, Op, OpenFlags, Reply,
    SendFlags, Signal, SocketOption, Whence,
};
use pipewright_model::data::{Data, Segment, Segments, fill, push_segment};
use pipewright_model::ends::OpenEnds;
use pipewright_model::kind::{FIFO, Hold, KINDS, Kind, PIPE};
use pipewright_model::run::{Actors, Event, Name, Run, Seat, Setup};
use pipewright_model::settings::{Setting, Settings};
use pipewright_model::text::event;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

const ACTOR_NAMES: [&str; 10] =
    ["writer", "writer-2", "reader", "reader2", "a", "b7", "quiet", "channel", "nothing", "actor"];
const END_NAMES: [&str; 8] = ["r", "w", "rw", "r2", "wa", "sb", "s10", "w03"];

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// What an end of this name is for.
fn hold_of(name: Name) -> Hold {
    let letters = name.as_str().trim_end_matches(|c: char| c.is_ascii_digit());
    Hold::named(letters).expect("the names above are names of ends")
}

fn events() -> impl Strategy<Value = Events> {
    prop_oneof![any::<u16>().prop_map(Events), select(vec![Events::IN, Events::OUT, Events::NONE])]
}

fn op(ends: u8) -> impl Strategy<Value = Op> {
    prop_oneof![of_any_channel(ends).boxed(), of_files().boxed(), of_sockets(ends).boxed()]
}

fn size() -> impl Strategy<Value = u32> {
    prop_oneof![0..10_u32, any::<u32>()]
}

fn mode() -> impl Strategy<Value = Mode> {
    select(Mode::NAMED.map(|(_, mode)| mode).to_vec())
}

fn of_any_channel(ends: u8) -> impl Strategy<Value = Op> {
    prop_oneof![
        (mode(), 0..8_u8).prop_map(|(mode, flags)| Op::Open { mode, flags: OpenFlags(flags) }),
        size().prop_map(|len| Op::Read { len }),
        size().prop_map(|len| Op::Write { len }),
        Just(Op::Close),
        (0..ends).prop_map(|new| Op::Dup { new: End(new) }),
        any::<bool>().prop_map(Op::SetNonblock),
        (events(), any::<bool>()).prop_map(|(events, wait)| Op::Poll { events, wait }),
        size().prop_map(|bytes| Op::SetCapacity { bytes }),
        Just(Op::GetCapacity),
        Just(Op::Available),
        Just(Op::Unlink),
    ]
}

fn of_files() -> impl Strategy<Value = Op> {
    let offset = || prop_oneof![Just(0), any::<i32>()];
    let lock = || select(Lock::NAMED.map(|(_, lock)| lock).to_vec());
    let from = select(Whence::NAMED.map(|(_, from)| from).to_vec());
    prop_oneof![
        (from, offset()).prop_map(|(from, offset)| Op::Seek { from, offset }),
        (size(), offset()).prop_map(|(len, at)| Op::ReadAt { len, at }),
        (size(), offset()).prop_map(|(len, at)| Op::WriteAt { len, at }),
        size().prop_map(|len| Op::Truncate { len }),
        (lock(), any::<bool>()).prop_map(|(lock, wait)| Op::Lock { lock, wait }),
        (lock(), any::<bool>()).prop_map(|(lock, wait)| Op::Flock { lock, wait }),
    ]
}

fn of_sockets(ends: u8) -> impl Strategy<Value = Op> {
    let flags = || (0..64_u8).prop_map(SendFlags);
    let end = move || (0..ends).prop_map(End);
    let option = || select(SocketOption::NAMED.map(|(_, option)| option).to_vec());
    prop_oneof![
        any::<bool>().prop_map(|nonblock| Op::Socket { nonblock }),
        Just(Op::Bind),
        any::<u16>().prop_map(|backlog| Op::Listen { backlog }),
        Just(Op::Connect),
        (end(), any::<bool>()).prop_map(|(new, nonblock)| Op::Accept { new, nonblock }),
        mode().prop_map(|how| Op::Shutdown { how }),
        (size(), flags()).prop_map(|(len, flags)| Op::Send { len, flags }),
        (size(), flags()).prop_map(|(len, flags)| Op::Receive { len, flags }),
        (size(), end()).prop_map(|(len, passed)| Op::SendEnd { len, passed }),
        (size(), end()).prop_map(|(len, new)| Op::ReceiveEnd { len, new }),
        (option(), any::<i32>()).prop_map(|(option, value)| Op::SetOption { option, value }),
        option().prop_map(|option| Op::GetOption { option }),
    ]
}

fn reply(actors: u8) -> impl Strategy<Value = Reply> {
    let answer = prop_oneof![
        4 => Just(Answer::Done),
        2 => any::<u32>().prop_map(Answer::Count),
        1 => (any::<u32>(), 1..8_u8).prop_map(|(count, marks)| Answer::Marked(count, Marks(marks))),
        1 => events().prop_map(Answer::Ready),
        1 => any::<u16>().prop_map(|number| Answer::Fails(Errno::from_number(number))),
        1 => select(Errno::NAMED).prop_map(|(_, errno, _)| Answer::Fails(errno)),
    ];
    let segment = (0..actors, -9..1_000_000_000_000_i64, 1..100_000_u32)
        .prop_map(|(actor, from, len)| Segment { actor: Actor(actor), from, len });
    let segment = prop_oneof![4 => segment, 1 => (1..100_000_u32).prop_map(Segment::zero)];
    let data = prop_oneof![
        2 => Just(Data::Unknown),
        1 => vec(segment, 0..4).prop_map(|parts| {
            let mut segments = Segments::new();
            parts.into_iter().for_each(|part| push_segment(&mut segments, part));
            Data::Named(segments)
        }),
    ];
    (answer, any::<bool>(), data).prop_map(|(answer, signal, data)| Reply {
        answer,
        signal: signal.then_some(Signal::Sigpipe),
        data,
    })
}

/// What a generated run does next; what the state of the run forbids is left out.
#[derive(Clone, Debug)]
enum Next {
    Call(Call),
    Return(u8, Reply),
    Quiet,
    Stops(u8, Index),
    GoesOn(u8),
}

fn next(actors: u8, ends: u8) -> impl Strategy<Value = (Next, String)> {
    let call = (0..actors, 0..ends, op(ends)).prop_map(|(actor, end, op)| {
        let end = if op == Op::Unlink { End(0) } else { End(end) };
        Next::Call(Call { actor: Actor(actor), end, op })
    });
    let next = prop_oneof![
        3 => call,
        3 => (0..actors, reply(actors)).prop_map(|(actor, reply)| Next::Return(actor, reply)),
        1 => Just(Next::Quiet),
        1 => (0..actors, any::<Index>()).prop_map(|(actor, at)| Next::Stops(actor, at)),
        1 => (0..actors).prop_map(Next::GoesOn),
    ];
    (next, "([a-z#:]{1,8}( [a-z.é]{1,30}){0,2})?")
}

fn seats(kind: &'static Kind, end_names: Vec<Name>) -> impl Strategy<Value = Vec<Seat>> {
    let fits = move |end: &(End, Hold)| kind.held.contains(&end.1);
    let all = (0_u8..).map(End).zip(end_names.into_iter().map(hold_of)).filter(fits);
    let all: Vec<_> = all.collect();
    let count = all.len();
    let names = subsequence(&ACTOR_NAMES[..], 1..=ACTORS_MAX).prop_shuffle();
    (names, vec(subsequence(all, 0..=count.min(2)), ACTORS_MAX)).prop_map(|(names, held)| {
        let seat = |(text, ends): (&str, _)| Seat { name: name(text), ends };
        names.into_iter().zip(held).map(seat).collect()
    })
}

/// Any run, of legal events with any replies.
fn run() -> impl Strategy<Value = Run> {
    let some_ends = subsequence(&END_NAMES[..], 1..=END_NAMES.len());
    let ends = prop_oneof![some_ends.prop_shuffle(), Just(vec!["r", "w"])];
    let capacity =
        prop_oneof![(0..32_u32).prop_map(|bits| 1 << bits), (1..99_u32).prop_map(|n| n * 64)];
    let setting = select(Setting::all().collect::<Vec<_>>());
    let value = prop_oneof![any::<u32>(), 0..20_000_u32, (9..17_u32).prop_map(|bits| 1 << bits)];
    let setup = (select(KINDS), any::<[bool; 3]>(), capacity, vec((setting, value), 0..3));
    (setup, ends, vec("( {0,2}[a-z#]{1,9})?", 0..3))
        .prop_flat_map(|((kind, flags, capacity_bytes, settings), ends, preamble)| {
            let mut setup = Setup::new(kind);
            setup.packet = flags[0];
            setup.nonblock = flags[1];
            if flags[2] && kind.check_capacity(capacity_bytes).is_ok() {
                setup.capacity_bytes = capacity_bytes;
            }
            let settings = settings.iter().filter(|(set, value)| set.check(*value).is_ok());
            let settings =
                settings.fold(Settings::STOCK, |all, (set, value)| all.with(*set, *value));
            setup.settings = settings.of_kind(kind);
            let ends: Vec<Name> = ends.into_iter().map(name).collect();
            let seats = seats(kind, ends.clone());
            (Just((setup, ends, preamble)), seats)
        })
        .prop_flat_map(|((setup, ends, preamble), seats)| {
            let nexts = vec(next(seats.len() as u8, ends.len() as u8), 0..24);
            let run = Run { preamble, ..Run::new(setup, seats, ends) };
            (Just(run), nexts)
        })
        .prop_map(|(mut run, nexts)| {
            let mut open = Actors::NONE;
            let mut stopped = Actors::NONE;
            let mut lens = [0; ACTORS_MAX];
            let mut ends = OpenEnds::at_start(&run.seats);
            for (next, remark) in nexts {
                let in_the_way = |call: &Call| ends.of(call.actor).in_the_way(call).is_some();
                run.events.push(match next {
                    Next::Call(call) if !open.contains(call.actor) && !in_the_way(&call) => {
                        open = open.with(call.actor);
                        let len = call.op.offers().or(call.op.asks());
                        lens[usize::from(call.actor.0)] = len.unwrap_or(0) as usize;
                        ends.call(&call);
                        Event::Call(call)
                    }
                    Next::Stops(actor, at)
                        if open.contains(Actor(actor)) && lens[usize::from(actor)] > 0 =>
                    {
                        let len = std::mem::take(&mut lens[usize::from(actor)]);
                        stopped = stopped.with(Actor(actor));
                        Event::Stops(Actor(actor), at.index(len) as u32)
                    }
                    Next::GoesOn(actor) if stopped.contains(Actor(actor)) => {
                        stopped = stopped.iter().filter(|other| other.0 != actor).collect();
                        Event::GoesOn(Actor(actor))
                    }
                    Next::Return(actor, _) if stopped.contains(Actor(actor)) => continue,
                    Next::Return(actor, reply) if open.contains(Actor(actor)) => {
                        ends.returned(Actor(actor), reply.answer);
                        open = open.iter().filter(|open| open.0 != actor).collect();
                        Event::Return(Actor(actor), reply)
                    }
                    Next::Quiet if stopped.is_empty() => Event::Quiet(open),
                    _ => continue,
                });
                run.remarks.push(remark);
            }
            run
        })
}

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

fn seat(text: &str, ends: &[(End, Hold)]) -> Seat {
    Seat { name: name(text), ends: ends.to_vec() }
}

/// A pipe with two writers and a reader, seen with real bytes.
fn pipe() -> Run {
    let seats = vec![
        seat("writer", &[(End(1), Hold::WRITE)]),
        seat("writer2", &[(End(1), Hold::WRITE)]),
        seat("reader", &[(End(0), Hold::READ)]),
    ];
    Run::new(Setup::new(&PIPE), seats, vec![name("r"), name("w")])
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

#[test]
fn bytes_that_stand_for_names_are_printed_as_names() {
    let mut run = pipe();
    write(&mut run, 0, 100_000);
    write(&mut run, 1, 3);
    read(&mut run, &bytes(&[(0, 0, 7), (1, 0, 3)]));
    assert_eq!(last_line(&run), "reader: read 10 -> 10 = writer[0..7] writer2[0..3]");
    read(&mut run, &bytes(&[(0, 7, 1)]));
    assert_eq!(last_line(&run), "reader: read 1 -> 1 = writer[7..8]");
    read(&mut run, &bytes(&[(0, 60_000, 30_000)]));
    assert_eq!(last_line(&run), "reader: read 30000 -> 30000 = writer[60000..90000]");
    read(&mut run, &bytes(&[(0, 80_000, 20)]));
    assert_eq!(last_line(&run), "reader: read 20 -> 20 = writer[80000..80020]");
    let text = run.to_string();
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
    assert_eq!(last_line(&run), "reader: read 9 -> 9 = writer[0..9]");
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

    let mut fifo = Run::new(Setup::new(&FIFO), vec![seat("writer", &[])], vec![name("w")]);
    let open = Op::Open { mode: Mode::Write, flags: OpenFlags::NONBLOCK };
    push(&mut fifo, 0, 0, open, Answer::Fails(Errno::ENXIO), Data::Unknown);
    assert_eq!(declared(&fifo), none);
}

#[test]
fn every_form_has_a_canonical_text() {
    let text = "\
# What this shows,
#
#   in two paragraphs.
channel fifo capacity 4096 packet nonblocking
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
