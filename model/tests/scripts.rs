//! Files of systems: what is printed reads back the same, what is wrong is told with its place, and no text makes the
//! program panic.

use pipewright_model::call::{Actor, Answer, Call, End, Errno, Events, Op, Sig, Termination};
use pipewright_model::run::Run;
use pipewright_model::script::{
    Bytes, Called, ChannelIs, Claim, Claimed, Clause, Compare, Does, Fairness, Given, Got,
    Predicate, Script, Seen, Statement, Verb, Who,
};
use pipewright_model::system::System;
use pipewright_model::systems;
use pipewright_model::verify::{Model, NO_DEADLOCK, verify};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Who takes part in the systems below: two processes, a child and a thread, over two pipes and a file.
const CAST: &str = "\
system any
says A sentence that is long enough to be told in two lines, as it has more than a hundred letters in all, \
and then some.

channel up pipe capacity 8192
channel down pipe
channel log file append

process ann holds up.r up.w down.r
  fork kid

process ben holds down.w log.rw
  stay

process kid
  close up.r

thread tom of ben
  stay
";

fn termination() -> impl Strategy<Value = Termination> {
    prop_oneof![
        any::<u8>().prop_map(Termination::Exit),
        (1_u8..=64).prop_map(|number| Termination::Signal(Sig(number))),
    ]
}

fn cast() -> Script {
    CAST.parse().expect("a system")
}

fn call() -> impl Strategy<Value = Op> {
    let size = || prop_oneof![0..9_u32, any::<u32>()];
    prop_oneof![
        size().prop_map(|len| Op::Read { len }),
        size().prop_map(|len| Op::Write { len }),
        (size(), any::<i32>()).prop_map(|(len, at)| Op::ReadAt { len, at }),
        Just(Op::Close),
        any::<bool>().prop_map(Op::SetNonblock),
        any::<bool>().prop_map(|wait| Op::Poll { events: Events::IN, wait, among: false }),
        size().prop_map(|bytes| Op::SetCapacity { bytes }),
        Just(Op::Exec),
    ]
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        any::<u32>().prop_map(Seen::Count),
        any::<u32>().prop_map(Seen::Less),
        select(vec![Errno::EPIPE, Errno::EAGAIN]).prop_map(Seen::Fails),
        Just(Seen::Error),
        Just(Seen::Ready(Events::IN.union(Events::OUT))),
        Just(Seen::Written),
        (0..4_u8).prop_map(|actor| Seen::Of(Actor(actor))),
        Just(Seen::Done),
    ]
}

/// A program of `actor` over so many ends.
fn body(actor: u8, ends: u8) -> impl Strategy<Value = Vec<Statement>> {
    let made = (0..ends, call()).prop_map(move |(end, op)| {
        let end = if op == Op::Exec { End(0) } else { End(end) };
        Statement::Call(Call { actor: Actor(actor), end, op })
    });
    let made = made.boxed();
    let other =
        move || select((0..4).filter(|other| *other != actor).map(Actor).collect::<Vec<_>>());
    let leaf = prop_oneof![
        4 => made.clone(),
        1 => other().prop_map(Statement::Until).boxed(),
        1 => other().prop_map(Statement::Kill).boxed(),
        1 => termination().prop_map(Statement::Exit).boxed(),
        1 => Just(Statement::Stay).boxed(),
        1 => Just(Statement::Loop(vec![Statement::Leave])).boxed(),
    ];
    let inner = leaf.prop_recursive(3, 24, 3, move |inner| {
        let block = || vec(inner.clone(), 1..3);
        // What is done on an answer stands behind a call: so both come as one.
        let told = (made.clone(), vec((seen(), block()), 1..3), vec(inner.clone(), 0..2));
        prop_oneof![
            block().prop_map(Statement::Loop),
            (1..4_u32, block()).prop_map(|(times, body)| Statement::Repeat(times, body)),
            vec(block(), 2..4).prop_map(Statement::Choose),
            told.prop_map(|(call, arms, otherwise)| {
                Statement::Repeat(1, vec![call, Statement::On(arms, otherwise)])
            }),
        ]
    });
    vec(inner, 0..4)
}

fn compare() -> impl Strategy<Value = (Compare, u32)> {
    (select(vec![Compare::Exactly, Compare::AtLeast, Compare::AtMost]), any::<u32>())
}

fn actor() -> impl Strategy<Value = Actor> {
    (0..4_u8).prop_map(Actor)
}

fn called() -> impl Strategy<Value = Called> {
    let kind = select(Op::CALLS.to_vec())
        .prop_map(|word| Op::WORDS.iter().position(|known| *known == word));
    prop_oneof![
        Just(Called::ANY),
        (kind, proptest::option::of(any::<u32>())).prop_map(|(kind, bytes)| Called { kind, bytes }),
    ]
}

fn data() -> impl Strategy<Value = Given> {
    let what = prop_oneof![
        Just(Bytes::Some),
        actor().prop_map(Bytes::Of),
        Just(Bytes::Own),
        Just(Bytes::Zeros),
        actor().prop_map(Bytes::First),
        (1..99_u32).prop_map(Bytes::Whole),
        Just(Bytes::Held(2)),
    ];
    (any::<bool>(), what).prop_map(|(other, what)| Given { other, what })
}

fn verb() -> impl Strategy<Value = Verb> {
    let answer = prop_oneof![
        any::<u32>().prop_map(Answer::Count),
        Just(Answer::Done),
        Just(Answer::Fails(Errno::EPIPE)),
    ];
    let read = prop_oneof![
        data(),
        compare().prop_map(|(how, n)| Given { other: false, what: Bytes::Length(how, n) }),
        compare().prop_map(|(how, n)| Given { other: true, what: Bytes::Pieces(how, n) }),
    ];
    let got = prop_oneof![
        Just(Got::Something),
        (any::<bool>(), answer).prop_map(|(other, answer)| Got::Answer { other, answer }),
        data().prop_map(Got::Data),
    ];
    let does = prop_oneof![
        proptest::option::of(termination()).prop_map(Does::Ended),
        Just(Does::Done),
        read.prop_map(|what| Does::Read { last: false, what }),
        called().prop_map(Does::In),
        called().prop_map(Does::Waits),
        called().prop_map(Does::Sleeps),
        (got, called()).prop_map(|(got, called)| Does::Gets(got, called)),
        proptest::option::of((0..5_u8).prop_map(End)).prop_map(Does::Holds),
    ];
    (any::<bool>(), does).prop_map(|(not, does)| Verb { not, does })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let who = prop_oneof![
        Just(Who::All),
        Just(Who::Nobody),
        Just(Who::Somebody),
        proptest::sample::subsequence((0..4).map(Actor).collect::<Vec<_>>(), 1..4)
            .prop_map(Who::These),
    ];
    let clause = (who, vec(verb(), 1..3)).prop_map(|(who, does)| Clause { who, does });
    let is = prop_oneof![
        compare().prop_map(|(how, n)| ChannelIs::Holds(how, n)),
        any::<bool>().prop_map(ChannelIs::Empty),
        any::<bool>().prop_map(ChannelIs::Writer),
        any::<bool>().prop_map(ChannelIs::Reader),
        compare().prop_map(|(how, n)| ChannelIs::Locked(how, n)),
    ];
    let leaf = prop_oneof![
        clause.prop_map(Predicate::Processes),
        (0..3_usize, is).prop_map(|(channel, is)| Predicate::Channel(channel, is)),
        compare().prop_map(|(how, n)| Predicate::Channel(2, ChannelIs::Pieces(how, n))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Predicate::Not(Box::new(inner))),
            vec(inner.clone(), 2..4).prop_map(Predicate::And),
            vec(inner, 2..4).prop_map(Predicate::Or),
        ]
    })
}

fn claim() -> impl Strategy<Value = Claim> {
    let when = || proptest::option::of(predicate());
    let fairness = || select(vec![Fairness::Fair, Fairness::Unfair]);
    let what = prop_oneof![
        Just(Claimed::NeverDeadlock),
        (predicate(), when()).prop_map(|(what, when)| Claimed::Always(what, when)),
        (predicate(), when()).prop_map(|(what, when)| Claimed::Never(what, when)),
        (predicate(), when()).prop_map(|(what, when)| Claimed::Possible(what, when)),
        (predicate(), fairness()).prop_map(|(goal, under)| Claimed::Eventually(goal, under)),
        (predicate(), predicate(), fairness())
            .prop_map(|(after, goal, under)| Claimed::LeadsTo(after, goal, under)),
    ];
    (any::<bool>(), what).prop_map(|(broken, what)| Claim { broken, what })
}

fn script() -> impl Strategy<Value = Script> {
    let bodies = (body(0, 5), body(1, 5), body(2, 5), body(3, 5));
    (bodies, vec(claim(), 0..4)).prop_map(|((ann, ben, kid, tom), mut claims)| {
        let mut script = cast();
        for (program, more) in script.programs.iter_mut().zip([ann, ben, kid, tom]) {
            program.extend(more);
        }
        claims.dedup_by(|one, other| one.what == other.what);
        claims.dedup_by_key(|claim| script.claimed(claim));
        script.bounded = true;
        script.claims = claims;
        script
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_printed_reads_back_the_same(script in script()) {
        let text = script.to_string();
        match text.parse::<Script>() {
            Ok(read) => prop_assert_eq!(read, script, "{}", text),
            Err(error) => {
                let what = &error.what;
                let too_much = what.contains("is kept") || what.contains("more than 250 steps")
                    || what.contains("claim is made twice");
                prop_assert!(too_much, "{}\n{}", text, error);
            }
        }
    }
}

#[test]
fn the_named_systems_are_printed_as_they_are_written() {
    for script in systems::scripts() {
        let read: Script = script.to_string().parse().expect("a system");
        assert_eq!(read, script);
    }
}

/// What is wrong, and what helps, of a text; the caret is where `^` stands in the line below.
fn fault(text: &str) -> (usize, usize, String, String) {
    let error = text.parse::<Script>().expect_err("it is no system");
    (error.line, error.column, error.what, error.help.unwrap_or_default())
}

const BEFORE: &str = "system own\nchannel pipe\nactor ann holds r w\n";

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    for (text, line, column, what, help) in [
        ("chanel pipe\n", 1, 1, "expected \"system\"", "begins with \"system NAME\""),
        ("system own\nchannel pip\n", 2, 9, "expected a kind of channel", "did you mean \"pipe\"?"),
        (&format!("{BEFORE}  raed r 5\n"), 4, 3, "expected a call", "did you mean \"read\"?"),
        (&format!("{BEFORE}  read 5\n"), 4, 8, "expected an end", "ann has r and w open here"),
        (&format!("{BEFORE}  read r 5 -> 2\n"), 4, 12, "without replies", "\"on 0\""),
        (&format!("{BEFORE}  leave\n"), 4, 3, "leaves a loop", ""),
        (&format!("{BEFORE}  on 0 leave\n"), 4, 3, "stands right behind the call", ""),
        (&format!("{BEFORE}  loop\n"), 4, 7, "expected what is done", ""),
        (&format!("{BEFORE}  read r 5\n    write w 5\n"), 5, 5, "further in", ""),
        (&format!("{BEFORE}\tread r 5\n"), 4, 1, "indented by spaces", ""),
        (&format!("{BEFORE}  wait until bob has ended\n"), 4, 14, "no process is called bob", ""),
        (&format!("{BEFORE}  stay\nnever deadlok\n"), 5, 7, "called deadlok", ""),
        (
            &format!("{BEFORE}  stay\neventualy ann has ended\n"),
            5,
            1,
            "expected",
            "did you mean \"eventually\"?",
        ),
        (
            &format!("{BEFORE}  stay\nalways ann has endet\n"),
            5,
            16,
            "expected",
            "did you mean \"ended\"?",
        ),
        (
            &format!("{BEFORE}  stay\nalways pip is empty\n"),
            5,
            8,
            "no channel is called pip",
            "did you mean \"pipe\"?",
        ),
        (
            &format!("{BEFORE}  stay\nnever deadlock\nnever deadlock\n"),
            6,
            1,
            "claim is made twice",
            "",
        ),
        (&format!("{BEFORE}  repeat 1000 write w 1\n"), 3, 1, "more than 250 steps", "loop"),
        (&format!("{BEFORE}process all\n  stay\n"), 4, 1, "word of the language", ""),
    ] {
        let (at, col, told, helped) = fault(text);
        assert_eq!((at, col), (line, column), "{text}{told}");
        assert!(told.contains(what), "{text}{told}");
        assert!(helped.contains(help), "{text}{told}: {helped}");
    }
}

#[test]
fn a_call_where_nothing_is_specified_ends_the_search_there() {
    let text = "system own\nchannel fifo\nactor ann\n  open read-write as rw\n  open read-write as rw\nnever deadlock\n";
    let system: System = text.parse().expect("a system");
    let report = verify(&system, usize::MAX);
    let broken: Vec<&str> = report.broken().map(|found| found.property).collect();
    assert_eq!(broken, [pipewright_model::system::SPECIFIED]);
}

#[test]
fn who_chooses_may_choose_either() {
    let text = "system own\nchannel pipe\nactor ann holds r\n  choose\n    read 1\n  or\n    close\n\
                actor ben holds w\n  wait until ann has ended\n\
                expect broken never deadlock\npossible ann waits in read\npossible ann has ended\n";
    let system: System = text.parse().expect("a system");
    let report = verify(&system, usize::MAX);
    let broken: Vec<&str> = report.broken().map(|found| found.property).collect();
    assert_eq!(broken, [NO_DEADLOCK], "the choice to read is a deadlock");
}

#[test]
fn any_order_of_the_calls_of_a_run_is_searched() {
    let run = |text: &str| text.parse::<Run>().expect("a run");
    let broken = |text: &str| {
        let script = Script::of_run("a.case", &run(text)).expect("a system");
        let read: Script = script.to_string().parse().expect("it reads back");
        assert_eq!(read, script);
        let report = verify(&System::of(&script), usize::MAX);
        report.broken().count()
    };
    // The reader may come first and sleep, but then the writer comes.
    assert_eq!(broken("channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2\n"), 0);
    // Here the second read finds nothing, in whatever order, while the writer stays.
    let text = "channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2\nreader: read 2\n";
    assert_eq!(broken(text), 1);
}

/// How many mutated files are read: `MUTATED=1000000 cargo test --test scripts mutated` reads a million.
fn mutated_files() -> usize {
    std::env::var("MUTATED").ok().and_then(|count| count.parse().ok()).unwrap_or(3_000)
}

#[test]
fn mutated_files_are_errors_or_systems_and_never_a_panic() {
    let files: Vec<String> = systems::scripts().iter().map(ToString::to_string).collect();
    let words: Vec<&str> =
        files.iter().flat_map(|file| file.split_inclusive([' ', '\n'])).collect();
    let odd = [
        "\t",
        "\u{feff}",
        "ö",
        "#",
        "(",
        ")",
        ",",
        "not ",
        "4294967296 ",
        "[",
        "..",
        "",
        "    ",
        "\n",
    ];
    let mut state = 1_u64;
    let mut dice = move |below: usize| {
        // Knuth's generator is good enough to choose places.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let (mut systems, count) = (0, mutated_files());
    for _ in 0..count {
        let file = &files[dice(files.len())];
        let mut parts: Vec<&str> = file.split_inclusive([' ', '\n']).collect();
        for _ in 0..=dice(3) {
            let (at, other) = (dice(parts.len()), dice(parts.len()));
            match dice(5) {
                0 => drop(parts.remove(at)),
                1 => parts.insert(at, words[dice(words.len())]),
                2 => parts[at] = words[dice(words.len())],
                3 => parts.swap(at, other),
                _ => parts.insert(at, odd[dice(odd.len())]),
            }
            if parts.is_empty() {
                parts.push("system");
            }
        }
        let text = parts.concat();
        let Ok(script) = text.parse::<Script>() else { continue };
        systems += 1;
        let printed = script.to_string();
        let read = printed.parse::<Script>();
        assert_eq!(read.as_ref(), Ok(&script), "{text}\nis printed as\n{printed}");
        // Some can't be searched to the end; a few states show whether the calls are taken.
        if systems % 8 == 0 {
            let system = System::of(&script);
            let report = verify(&system, 300);
            assert!(report.states > 0);
            for found in report.found.iter().filter_map(|found| found.shown.as_ref()) {
                let run = system.run(found);
                assert_eq!(run.to_string().parse::<Run>().as_ref(), Ok(&run), "{text}");
            }
            system.tell(&system.start());
        }
    }
    println!("{systems} of {count} were systems");
    assert!(systems > count / 50, "{systems} of {count}");
}
