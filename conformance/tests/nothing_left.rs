//! Workers that die are noticed and replaced, and nothing is left behind: no process, no file, no
//! descriptor. One test in a process of its own, as it counts what the process has.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

use common::{play, quiet};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipewright_backends::troupe::Ways;
use pipewright_backends::{Arrangement, Channel, Fifo, Instance, Pipe, Port, Seen, Tcp};
use pipewright_conformance::replay::channels_of;
use pipewright_conformance::suite::{self, Failure, LINUX};
use pipewright_conformance::{Placement, Plot, Runner, Scenario, Trouble, Troupe};
use pipewright_model::call::{Actor, Answer, End, Mode, Op};
use pipewright_model::kind::{Hold, Side};
use pipewright_model::run::{Event, Run, Seat, Setup};

const R: End = End(0);
const W: End = End(1);

fn children() -> Vec<i32> {
    let threads = fs::read_dir("/proc/self/task").expect("threads").flatten();
    let lists = threads.map(|thread| fs::read_to_string(thread.path().join("children")));
    let ids = |list: String| list.split_whitespace().map(str::parse).collect::<Vec<_>>();
    let mut ids: Vec<i32> = lists
        .flat_map(|list| ids(list.unwrap_or_default()))
        .map(|id| id.expect("a number"))
        .collect();
    ids.sort_unstable();
    ids
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("descriptors").count()
}

#[test]
fn after_a_thousand_scenarios_and_deaths_nothing_is_left() {
    let own = tempfile::tempdir().expect("a directory");
    tempfile::env::override_temp_dir(own.path()).expect("not overridden before");
    let before = (children(), descriptors());
    for channel in [&Pipe::PLAIN as &'static dyn Channel, &Fifo::PLAIN] {
        for arrangement in channel.arrangements() {
            thousand(channel, *arrangement);
            the_dead_are_replaced(channel, *arrangement);
            assert_eq!((children(), descriptors()), before);
            assert_eq!(fs::read_dir(own.path()).expect("a directory").count(), 0);
        }
    }
    death_in_the_midst_of_a_call_is_noticed();
    families_leave_nothing(own.path());
    what_can_not_be_judged_is_no_success();
    assert_eq!((children(), descriptors()), before);
    links_between_namespaces_are_nowhere();
}

/// Network namespaces without a name last as long as the descriptors on them, which the process keeps: they are
/// gone when it ends, however it does. Their links are in no other namespace, so nothing is to be removed.
fn links_between_namespaces_are_nowhere() {
    let links = || {
        let names = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
        names.map(|entry| entry.file_name()).collect::<BTreeSet<_>>()
    };
    let before = links();
    if let Some(reason) = Tcp::VETH.unavailable() {
        eprintln!("skipped: {reason}");
        return;
    }
    let held = (children(), descriptors());
    let hold = |side| Hold { mode: Mode::ReadWrite, side };
    let scenario = play(
        &[&[(R, hold(Side::A))], &[(W, hold(Side::B))]],
        &[(0, R, Op::Read { len: 5 }), (1, W, Op::Write { len: 3 }), (0, R, Op::Close)],
    );
    for arrangement in Tcp::VETH.arrangements() {
        let mut runner =
            Runner::new(&Tcp::VETH, *arrangement, 2, Placement::Anywhere).expect("a runner");
        runner.run_all(&vec![scenario.clone(); 100], |_, run| {
            assert_eq!(quiet(&run.expect("a run"))[0], 1);
        });
        drop(runner);
        assert_eq!((children(), descriptors()), held);
        assert_eq!(links(), before);
    }
}

fn thousand(channel: &'static dyn Channel, arrangement: Arrangement) {
    let scenario = play(
        &[&[(R, Hold::READ)], &[(W, Hold::WRITE)]],
        &[(0, R, Op::Read { len: 5 }), (1, W, Op::Write { len: 3 }), (0, R, Op::Read { len: 5 })],
    );
    let mut runner = Runner::new(channel, arrangement, 2, Placement::Anywhere).expect("a runner");
    let mut seen = 0;
    runner.run_all(&vec![scenario; 1_000], |index, run| {
        assert_eq!(index, seen);
        seen += 1;
        assert_eq!(quiet(&run.expect("a run")), [1, 1]);
    });
    assert_eq!(seen, 1_000);
}

fn the_dead_are_replaced(channel: &'static dyn Channel, arrangement: Arrangement) {
    if arrangement == Arrangement::Threads {
        return;
    }
    let mut runner = Runner::new(channel, arrangement, 3, Placement::Anywhere).expect("a runner");
    let mut results = Vec::new();
    runner.run_all(&vec![two_readers(Op::Available); 4], |index, run| {
        if index == 1 {
            let victim = *children().last().expect("a worker");
            kill(Pid::from_raw(victim), Signal::SIGKILL).expect("killed");
        }
        results.push(run);
    });
    assert_died(&results[2]);
    for index in [0, 1, 3] {
        let run = results[index].as_ref().expect("a run");
        let is_end = |event: &&Event| matches!(event, Event::Return(Actor(0..2), reply) if reply.answer == Answer::Count(0));
        assert_eq!(run.events.iter().filter(is_end).count(), 1, "one gets bytes, one the end");
    }
}

fn death_in_the_midst_of_a_call_is_noticed() {
    for arrangement in [Arrangement::Inherited, Arrangement::Passed] {
        let mut runner =
            Runner::new(&Deadly, arrangement, 3, Placement::Anywhere).expect("a runner");
        for _ in 0..3 {
            assert_died(&runner.run(&two_readers(DEADLY)));
            runner.run(&two_readers(Op::Available)).expect("a run");
        }
    }
}

/// A family that forks, runs programs and is killed; its members die unasked, and the warden does.
fn families_leave_nothing(places: &Path) {
    let run: Run = "channel up pipe
        channel log fifo
        process shell holds up.r up.w log.r
        thread worker of shell
        shell: fork child -> ok
        child: fork grandchild -> ok
        grandchild: exec -> ok
        worker: read up.r 5
        quiet worker
        child: exit 0
        quiet worker
        grandchild: available up.r -> 0"
        .parse()
        .expect("a run");
    let (plot, channels) = (Plot::of(&run), channels_of(&run).expect("channels"));
    let before = (children(), descriptors());
    for deadly in [&Kills::Nobody, &Kills::Itself, &Kills::Warden] {
        let mut troupe = Troupe::with_ways(Placement::Anywhere, deadly).expect("a troupe");
        for _ in 0..20 {
            match (troupe.run(&plot, &channels), deadly) {
                (Ok(seen), Kills::Nobody) => {
                    assert!(quiet(&seen).iter().all(|open| *open == 0b10), "{seen}");
                }
                (Err(trouble), Kills::Itself | Kills::Warden) => {
                    assert!(trouble.is_of_one_run(), "{trouble}");
                }
                (result, _) => panic!("{result:?}"),
            }
        }
        drop(troupe);
        assert_eq!((children(), descriptors()), before);
        assert_eq!(fs::read_dir(places).expect("a directory").count(), 0);
    }
}

/// Who is killed by the first call of a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kills {
    Nobody,
    Itself,
    Warden,
}

impl Ways for Kills {
    fn call(&self, port: &mut dyn Port, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let victim = match self {
            Kills::Itself => Some(Pid::this()),
            Kills::Warden => Some(Pid::parent()),
            Kills::Nobody => None,
        };
        if let (Op::Read { .. }, Some(victim)) = (op, victim) {
            kill(victim, Signal::SIGKILL).expect("killed");
        }
        port.call(end, op, bytes)
    }
}

/// Most runs of these are judged, and conform; those that are not must not pass for it.
fn what_can_not_be_judged_is_no_success() {
    for result in [suite::cases(&Deadly, &LINUX), suite::walks(&Deadly, &LINUX)] {
        let Err(Failure::NotJudged(reason)) = result else { panic!("{result:?}") };
        assert!(reason.contains("SIGKILL"), "{reason}");
    }
}

/// Two blocked readers; a writer that makes a call, writes and closes.
fn two_readers(op: Op) -> Scenario {
    let reader: &[(End, Hold)] = &[(R, Hold::READ)];
    play(
        &[reader, reader, &[(W, Hold::WRITE)]],
        &[
            (0, R, Op::Read { len: 5 }),
            (1, R, Op::Read { len: 5 }),
            (2, W, op),
            (2, W, Op::Write { len: 3 }),
            (2, W, Op::Close),
        ],
    )
}

fn assert_died(result: &Result<Run, Trouble>) {
    let Err(Trouble::ActorDied { actor: Actor(2), status }) = result else {
        panic!("{result:?}");
    };
    assert!(status.contains("SIGKILL"), "{status}");
}

/// A pipe on which one call kills its caller.
struct Deadly;

const DEADLY: Op = Op::POSITION;

struct Mortal(Box<dyn Port>);

impl Port for Mortal {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        if op == DEADLY {
            kill(Pid::this(), Signal::SIGKILL).expect("killed");
        }
        self.0.call(end, op, bytes)
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.0.descriptors()
    }
}

impl Channel for Deadly {
    fn name(&self) -> &str {
        "deadly"
    }

    fn setup(&self) -> Setup {
        Pipe::PLAIN.setup()
    }

    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Inherited, Arrangement::Passed]
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let Instance { setup, ports, keeper } = Pipe::PLAIN.create(place, seats)?;
        let mortal = |port| Box::new(Mortal(port)) as Box<dyn Port>;
        Ok(Instance { setup, ports: ports.into_iter().map(mortal).collect(), keeper })
    }

    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        Ok(Box::new(Mortal(Pipe::PLAIN.adopt(place, ends)?)))
    }
}
