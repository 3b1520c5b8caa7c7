//! Linux refines POSIX: every behaviour of the one is allowed by the other, but for declared exceptions.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::{
    EXCEPTED_SMALL, LINUX_SMALL, POSIX_SMALL, Pinned, in_parallel, pipe_pair, pipe_two_writers,
    read, spaces, write,
};
use pipewright_model::call::{Actor, Call, End};
use pipewright_model::explore::{Space, refines, refines_as, visit};
use pipewright_model::kind::{Kind, PIPE_PAIR, UNIX_STREAM};
use pipewright_model::oracle::{Steps, Verdict, judge};
use pipewright_model::platform::Platform;
use pipewright_model::rules::{CHAPTERS, Exception, by_id};
use pipewright_model::run::{Name, Seat, Setup};
use pipewright_model::world::World;

#[test]
fn linux_refines_posix() {
    let exceptions: Vec<&Exception> =
        CHAPTERS.iter().flat_map(|chapter| chapter.exceptions).collect();
    let occurred: Vec<AtomicBool> = exceptions.iter().map(|_| AtomicBool::new(false)).collect();
    in_parallel(&spaces(), |Pinned { name, space, .. }| {
        if space.setup.packet {
            return; // packet mode is not in the standard: everything is allowed there
        }
        if !space.setup.kind.has_descriptors() {
            return; // no rule of a channel in memory reads a field of a platform: the profiles are one there
        }
        if follows(space) {
            eprintln!("{name:30} is followed step by step");
            return;
        }
        if ["unix waiting", "tcp cut short"].contains(name) {
            eprintln!("{name:30} is not compared: its pairs are too many");
            return;
        }
        let result = refines(space, &LINUX_SMALL, &POSIX_SMALL);
        eprintln!("{name:30} {:7} pairs, {:6} Linux states", result.pairs, result.concrete);
        for run in result.violations {
            let judgement = judge(&run, &LINUX_SMALL);
            assert_eq!(judgement.verdict, Verdict::Conforms, "{name}: {run}");
            let excepted = judge(&run, &EXCEPTED_SMALL).verdict;
            let declared = matches!(excepted, Verdict::Conforms | Verdict::Unspecified { .. });
            assert!(declared, "{name}: Linux does what POSIX does not allow\n{run}");
            for (exception, occurred) in exceptions.iter().zip(&occurred) {
                let rule = by_id(exception.rule).expect("a rule");
                let needed =
                    || judge(&run, &LINUX_SMALL.without(rule)).verdict != Verdict::Conforms;
                if judgement.shown.contains(rule) || needed() {
                    occurred.store(true, Ordering::Relaxed);
                }
            }
        }
    });
    for (exception, occurred) in exceptions.iter().zip(occurred) {
        let occurred = occurred.into_inner();
        assert!(occurred, "{} no longer is an exception: {}", exception.rule, exception.why);
    }
}

/// Whether POSIX follows Linux step by step in this space: in each world that Linux reaches, whatever Linux goes on to
/// is also what POSIX may go on to, and where Linux may sleep so may POSIX. Then there are no pairs to look at.
///
/// What a call has asked its socket is left out: only Linux notes it, as POSIX does not say when a call asks.
fn follows(space: &Space) -> bool {
    let (linux, posix) = (Steps::new(&LINUX_SMALL), Steps::new(&POSIX_SMALL));
    let mut follows = without_terms(space.start(&LINUX_SMALL)) == space.start(&POSIX_SMALL);
    visit(space, &LINUX_SMALL, |world| {
        let noted = without_terms(world.clone());
        let includes = |all: Vec<World>, some: Vec<World>| {
            some.into_iter().map(without_terms).all(|one| all.contains(&one))
        };
        follows = follows
            && (!linux.may_sleep(world) || posix.may_sleep(&noted))
            && includes(posix.delivered(&noted), linux.delivered(world))
            && world
                .busy()
                .iter()
                .all(|actor| includes(posix.of(&noted, actor), linux.of(world, actor)));
    });
    follows
}

fn without_terms(mut world: World) -> World {
    let calls = world.actors.iter_mut().filter_map(|actor| actor.call.as_mut());
    calls.for_each(|call| call.terms = None);
    world
}

/// A check that can't fail shows nothing: platforms with one promise broken must be caught, by a run that
/// the broken platform allows and the sound one does not.
#[test]
fn a_platform_that_breaks_a_promise_is_caught() {
    let splits = Platform { pipe_buf_bytes: 4, ..POSIX_SMALL };
    let strict = Platform { zero_read_may_fail: false, ..POSIX_SMALL };
    for (what, space, broken, sound) in [
        ("splits writes of up to PIPE_BUF", pipe_two_writers(), &LINUX_SMALL, &splits),
        ("fails reads of zero bytes", pipe_pair(), &POSIX_SMALL, &strict),
        ("is as loose as the standard", pipe_pair(), &POSIX_SMALL, &LINUX_SMALL),
    ] {
        let result = refines(&space, broken, sound);
        let Some(run) = result.violations.first() else { panic!("{what}: not caught") };
        eprintln!("{what}:\n{run}");
        assert_eq!(judge(run, sound).verdict, Verdict::Deviates, "{what}");
        assert_eq!(judge(run, broken).verdict, Verdict::Conforms, "{what}");
    }
}

/// A pair of pipes is one way to make a duplex stream: whoever has been promised a stream socket's reads
/// and writes can be given two pipes. (Not its closing: of two pipes, each way ends by itself.)
#[test]
fn a_pair_of_pipes_refines_a_duplex_stream() {
    let talk = |kind: &'static Kind, ends: [(u8, u8); 2]| {
        let mut setup = Setup::new(kind);
        setup.capacity_bytes = 4.min(kind.capacity_default_bytes);
        let name = |text: &str| Name::new(text).expect("a name");
        let hold = |at: u8| (End(at), kind.held[usize::from(at)]);
        let seat = |text: &str, (first, last): (u8, u8)| {
            Seat::new(name(text), (first..=last).map(hold).collect())
        };
        let calls = [
            (0, 0, read(3)),
            (0, 1, write(1)),
            (0, 1, write(5)),
            (1, 2, read(1)),
            (1, 3, write(3)),
        ];
        let call = |(actor, end, op)| Call { actor: Actor(actor), end: End(end), op };
        Space {
            setup,
            seats: vec![seat("ann", ends[0]), seat("ben", ends[1])],
            end_names: kind.held.iter().map(|hold| name(hold.letters())).collect(),
            alphabet: calls.map(call).to_vec(),
            fill_bytes: 4,
            lasting_bytes: None,
        }
    };
    let pipes = talk(&PIPE_PAIR, [(0, 1), (2, 3)]);
    let socket = talk(&UNIX_STREAM, [(0, 0), (1, 1)]);
    // Ends 0 and 1 are ann's, 2 and 3 are ben's: of sockets each has one.
    let called = |call: Call| Call { end: End(call.end.0 / 2), ..call };
    let result = refines_as(&pipes, &LINUX_SMALL, &socket, &POSIX_SMALL, called);
    eprintln!("{} pairs, {} states of two pipes", result.pairs, result.concrete);
    if let Some(run) = result.violations.first() {
        panic!("two pipes do what a stream socket does not:\n{run}");
    }
    // The other way round it does not hold: a socket takes what a pipe of two pages has no room for.
    let back = |call: Call| call;
    let other = refines_as(&pipes, &POSIX_SMALL, &pipes, &LINUX_SMALL, back);
    assert!(!other.violations.is_empty(), "a check that can't fail shows nothing");
}
