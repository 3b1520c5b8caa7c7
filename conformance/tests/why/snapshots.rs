//! Snapshots that are made up: what is said of them. Above all, what must not be said to wait for ever.

use crate::in_one_line;
use pipewright_conformance::why::{
    About, Address, Asleep, Call, Children, Descriptor, Doing, FileId, HeldLock, LockSort, Object,
    Process, Report, Snapshot, Socket, SocketSort, Thread, Watched, Way, picture,
};

/// The number of the process that asks; none of the snapshots has it.
const CALLER: i32 = 9_999;

fn asleep(name: &'static str, call: Call) -> Doing {
    Doing::Sleeps(Asleep { name, call })
}

fn read(fd: i32) -> Doing {
    asleep("read", Call::Transfer(fd, Way::In))
}

fn write(fd: i32) -> Doing {
    asleep("write", Call::Transfer(fd, Way::Out))
}

fn wait() -> Doing {
    asleep("wait", Call::Children(Children::Any))
}

fn process(id: i32, parent: i32, name: &str, doing: Doing) -> Process {
    let threads = vec![Thread { id, doing }];
    let descriptors = Some(Vec::new());
    Process { id, parent, group: id, name: name.into(), threads, descriptors, ..Process::default() }
}

fn descriptor(number: i32, object: Object, reads: bool, writes: bool) -> Descriptor {
    Descriptor { number, object, reads, writes, locks: Vec::new(), watches: Vec::new() }
}

fn reads(number: i32, pipe: u64) -> Descriptor {
    descriptor(number, Object::Pipe(pipe), true, false)
}

fn writes(number: i32, pipe: u64) -> Descriptor {
    descriptor(number, Object::Pipe(pipe), false, true)
}

fn socket(number: i32, inode: u64) -> Descriptor {
    descriptor(number, Object::Socket(inode), true, true)
}

fn holding(mut process: Process, descriptors: impl IntoIterator<Item = Descriptor>) -> Process {
    process.descriptors = Some(descriptors.into_iter().collect());
    process
}

fn snapshot(processes: impl IntoIterator<Item = Process>) -> Snapshot {
    let processes = processes.into_iter().map(|process| (process.id, process)).collect();
    Snapshot { processes, ..Snapshot::default() }
}

/// Whether something waits for ever, whether it would but for what was not seen, and what is said.
fn said(snapshot: &Snapshot) -> (bool, bool, String) {
    let picture = picture(snapshot, CALLER);
    let about = About::Processes(snapshot.processes.keys().copied().collect());
    let report = Report::new(&picture, &about);
    (report.hangs(), report.may_hang(), in_one_line(&report.text()))
}

#[track_caller]
fn hangs(snapshot: &Snapshot, says: &str) {
    let (hangs, _, text) = said(snapshot);
    assert!(hangs && text.contains(says), "{text}");
}

#[track_caller]
fn waits(snapshot: &Snapshot, says: &str) {
    let (_, may_hang, text) = said(snapshot);
    assert!(!may_hang && text.contains(says), "{text}");
}

#[track_caller]
fn unsure(snapshot: &Snapshot, says: &str) {
    let (hangs, may_hang, text) = said(snapshot);
    assert!(!hangs && may_hang && text.contains(says), "{text}");
}

/// A shell that waits for a filter, which holds the write end that it reads from.
fn leaked() -> Snapshot {
    let wc = holding(process(11, 10, "wc", read(0)), [reads(0, 5), writes(4, 5)]);
    snapshot([process(10, 1, "sh", wait()), wc])
}

#[test]
fn a_reader_that_holds_its_own_write_end_waits_for_ever() {
    hangs(&leaked(), "pipe 5 is empty, and its write end is still held by wc itself (fd 4)");
    hangs(&leaked(), "Behind that: sh (10) sleeps in wait (process.wait.waits)");
}

#[test]
fn another_holder_who_is_awake_may_end_it() {
    let mut snapshot = leaked();
    let other = holding(process(12, 10, "cat", Doing::Runs), [writes(7, 5)]);
    snapshot.processes.insert(12, other);
    waits(&snapshot, "held by wc itself (fd 4) and by cat (12), fd 7");
    for doing in [
        asleep("nanosleep", Call::Time),
        asleep("futex", Call::NotFollowed),
        Doing::Held("waits for the kernel itself (state D)"),
        Doing::Unreadable("sleeps in a call that this user may not see"),
        Doing::Stopped,
    ] {
        snapshot.processes.get_mut(&12).unwrap().threads[0].doing = doing;
        waits(&snapshot, "cat (12)");
    }
}

#[test]
fn another_thread_that_is_awake_may_end_it() {
    let mut snapshot = leaked();
    let wc = snapshot.processes.get_mut(&11).unwrap();
    wc.threads.push(Thread { id: 13, doing: Doing::Runs });
    waits(&snapshot, "wc (11, thread 13) runs");
}

#[test]
fn what_was_not_seen_makes_it_unsure() {
    let mut snapshot = leaked();
    snapshot.unseen.push("the descriptors of 3 processes can't be read by this user".into());
    unsure(&snapshot, "Not seen: the descriptors of 3 processes can't be read by this user.");
    snapshot.unseen.clear();
    snapshot.closed.push(30);
    // It is none of the processes that are known.
    unsure(&snapshot, "Not seen: the descriptors of process 30 can't be read by this user.");
    let mut nested = leaked();
    nested.nested = true;
    hangs(&nested, "wc itself");
    nested.processes.get_mut(&11).unwrap().parent = 0;
    unsure(&nested, "outside this container");
}

/// The same as what is leaked, below a login shell (5) whose parent (4) can't be read, as the first process can't.
fn without_root() -> Snapshot {
    let mut snapshot = leaked();
    let mut add = |id, parent, name, started, closed| {
        let mut new = process(id, parent, name, Doing::Runs);
        new.started = started;
        if closed {
            new.descriptors = None;
            snapshot.closed.push(id);
        }
        snapshot.processes.insert(id, new);
    };
    add(1, 0, "init", 1, true);
    add(3, 1, "cron", 30, true);
    add(4, 1, "login", 40, true);
    add(5, 4, "sh", 50, false);
    for id in [10, 11] {
        let process = snapshot.processes.get_mut(&id).unwrap();
        process.started = 60;
        process.parent = if id == 10 { 5 } else { 10 };
    }
    snapshot
}

#[test]
fn processes_that_were_there_before_hold_nothing_of_a_family() {
    hangs(&without_root(), "wc itself");
    let change = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = without_root();
        change(&mut snapshot);
        snapshot
    };
    // A later child of the first process may have been an orphan of the family.
    unsure(&change(&|all| all.processes.get_mut(&3).unwrap().started = 70), "cron (3)");
    // One of the family may have inherited it, whatever user it has become.
    unsure(&change(&|all| all.processes.get_mut(&3).unwrap().parent = 10), "cron (3)");
    // One of which nothing is known may be anything.
    unsure(&change(&|all| all.processes.get_mut(&3).unwrap().parent = -1), "cron (3)");
    // What the shell has may be from its parent, and others may have it from there.
    let shell = |all: &mut Snapshot| {
        all.processes.get_mut(&5).unwrap().descriptors = Some(vec![reads(3, 5), writes(4, 5)]);
        all.processes.get_mut(&5).unwrap().threads[0].doing = wait();
    };
    unsure(&change(&shell), "login (4)");
}

#[test]
fn what_came_of_the_caller_is_held_below_it() {
    let hangs = |snapshot: &Snapshot| {
        let picture = picture(snapshot, 5);
        Report::new(&picture, &About::Processes(vec![10])).hangs()
    };
    // The caller takes in orphans: whoever is elsewhere, and came when it may, is none.
    let mut snapshot = without_root();
    snapshot.processes.get_mut(&3).unwrap().started = 70;
    assert!(hangs(&snapshot));
    snapshot.processes.get_mut(&3).unwrap().parent = 10;
    assert!(!hangs(&snapshot));
    let mut snapshot = without_root();
    snapshot.processes.get_mut(&5).unwrap().descriptors = Some(vec![reads(3, 5)]);
    assert!(!hangs(&snapshot));
}

#[test]
fn a_holder_that_must_be_there_and_was_not_seen_may_end_it() {
    let wc = holding(process(11, 1, "wc", read(0)), [reads(0, 5)]);
    waits(&snapshot([wc]), "it may also be ended by a holder of pipe 5 that was not seen");
}

#[test]
fn timers_and_handlers_may_end_it() {
    let bit = |signal: u32| 1 << (signal - 1);
    let with = |change: &dyn Fn(&mut Process)| {
        let mut snapshot = leaked();
        change(snapshot.processes.get_mut(&11).unwrap());
        snapshot
    };
    waits(&with(&|wc| wc.timer = true), "a timer of wc (11)");
    unsure(&with(&|wc| wc.caught = bit(14)), "SIGALRM, which wc (11) catches");
    unsure(&with(&|wc| wc.caught = bit(34)), "signal 34, which wc (11) catches");
    // A shell tidies up on whatever would end it: nothing is to wake it.
    hangs(&with(&|wc| wc.caught = bit(14) | bit(10) | bit(24) | bit(26)), "wc itself");
    // What people send, and what libraries use themselves.
    hangs(&with(&|wc| wc.caught = bit(2) | bit(3) | bit(17) | bit(32) | bit(33)), "wc itself");
    // An event loop reads what its own handlers write.
    unsure(&with(&|wc| wc.caught = bit(15)), "SIGTERM, if its handler in wc (11) writes there");
    let mut two = leaked();
    two.processes.get_mut(&11).unwrap().caught = bit(15);
    two.processes.insert(12, holding(process(12, 10, "cat", read(0)), [reads(0, 5), writes(4, 5)]));
    hangs(&two, "held by wc itself (fd 4) and by cat (12), fd 4");
    waits(&with(&|wc| wc.ring = true), "the io_uring of wc (11)");
}

#[test]
fn a_parent_with_a_time_out_may_end_it() {
    let mut snapshot = leaked();
    let sh = snapshot.processes.get_mut(&10).unwrap();
    sh.threads[0].doing = asleep("nanosleep", Call::Time);
    waits(&snapshot, "sh (10), which waits with a time-out and may end wc (11)");
    // The one who asks does not.
    let picture = picture(&snapshot, 10);
    assert!(Report::new(&picture, &About::Processes(vec![11])).hangs());
}

#[test]
fn two_that_write_more_than_fits_wait_for_ever() {
    let a = holding(process(1, 0, "a", write(4)), [writes(4, 5), reads(3, 6)]);
    let b = holding(process(2, 1, "b", write(1)), [reads(0, 5), writes(1, 6)]);
    hangs(
        &snapshot([a, b]),
        "2 processes wait for ever, for each other: both write more than fits",
    );
}

fn unix(peer: u64) -> Socket {
    Socket {
        sort: SocketSort::UnixStream,
        listens: false,
        peer: Some(peer),
        address: None,
        unread: 0,
        sending: 0,
        time_out: Some(false),
    }
}

#[test]
fn sockets_wait_for_their_peers_and_for_time_outs() {
    let a = holding(process(1, 0, "a", read(3)), [socket(3, 5)]);
    let b = holding(process(2, 1, "b", read(4)), [socket(4, 6)]);
    let mut snapshot = snapshot([a, b]);
    snapshot.sockets.extend([(5, unix(6)), (6, unix(5))]);
    hangs(
        &snapshot,
        "(unix.any.waits-for-data): Unix socket 5 has no data, and its peer is held by b (2), fd 4",
    );
    snapshot.sockets.get_mut(&5).unwrap().time_out = Some(true);
    waits(&snapshot, "a time-out of socket 5");
    snapshot.sockets.get_mut(&5).unwrap().time_out = None;
    unsure(&snapshot, "Unix socket 5");
    snapshot.sockets.remove(&5);
    waits(&snapshot, "of a sort that is not followed");
}

#[test]
fn tcp_waits_for_peers_here_and_elsewhere_and_for_data_in_flight() {
    let there = || Some(Address::Internet("127.0.0.1:80".parse().unwrap()));
    let tcp = |peer| Socket { sort: SocketSort::Tcp, address: there(), peer, ..unix(0) };
    let a = holding(process(1, 0, "a", read(3)), [socket(3, 5)]);
    let b = holding(process(2, 1, "b", read(4)), [socket(4, 6)]);
    let mut snapshot = snapshot([a, b]);
    snapshot.sockets.extend([(5, tcp(Some(6))), (6, tcp(Some(5)))]);
    hangs(&snapshot, "(tcp.any.read-waits)");
    snapshot.sockets.get_mut(&6).unwrap().sending = 1;
    waits(&snapshot, "data in flight");
    snapshot.sockets.insert(5, tcp(None));
    waits(&snapshot, "127.0.0.1:80, which is no process of this machine that was seen");
}

#[test]
fn names_are_open_to_anybody_until_they_are_gone() {
    let id = FileId { device: 1, inode: 2 };
    let end = |gone, way| {
        let object = Object::Fifo(id, "/tmp/talk".into(), gone);
        descriptor(3, object, way == Way::In, way == Way::Out)
    };
    let only = |gone| {
        let both = [end(gone, Way::In), Descriptor { number: 4, ..end(gone, Way::Out) }];
        snapshot([holding(process(1, 0, "a", read(3)), both)])
    };
    waits(&only(false), "anybody who opens /tmp/talk");
    hangs(
        &only(true),
        "FIFO /tmp/talk is empty, and its write end is still held by a itself (fd 4)",
    );
    let call = Call::Queue(3, Way::Out);
    let queue = |gone| {
        let end = descriptor(3, Object::Queue(id, "/q".into(), gone), true, true);
        snapshot([holding(process(1, 0, "a", asleep("mq_send", call.clone())), [end])])
    };
    waits(&queue(false), "anybody who opens /q");
    hangs(&queue(true), "(queue.write.waits): message queue /q is full");
}

#[test]
fn a_poll_waits_for_any_of_its_descriptors() {
    let watched = |fd| Watched { fd, input: true, output: false, inode: None };
    let poll = asleep("poll", Call::Events(vec![watched(3), watched(4)]));
    let a = holding(process(1, 0, "a", poll), [reads(3, 5), reads(4, 6)]);
    let b = holding(process(2, 1, "b", read(0)), [reads(0, 7), writes(1, 5), writes(2, 6)]);
    let c = holding(process(3, 1, "c", wait()), [writes(1, 7)]);
    let mut snapshot = snapshot([a, b, c, process(4, 3, "d", write(1))]);
    let d = snapshot.processes.get_mut(&4).unwrap();
    d.descriptors = Some(vec![writes(1, 8), reads(3, 8)]);
    hangs(&snapshot, "(descriptor.poll.waits): none is ready; fd 3: pipe 5 is empty");
    snapshot.processes.insert(5, holding(process(5, 1, "e", Doing::Runs), [writes(9, 6)]));
    let (_, _, text) = said(&snapshot);
    assert!(text.contains("held by b (2), fd 2 and by e (5), fd 9"), "{text}");
}

#[test]
fn an_epoll_watches_files_and_not_numbers() {
    let watched = |inode| Watched { fd: 3, input: true, output: false, inode };
    let of = |inode| {
        let epoll = asleep("epoll_wait", Call::Events(vec![watched(inode)]));
        snapshot([holding(process(1, 0, "a", epoll), [reads(3, 5), writes(4, 5)])])
    };
    hangs(&of(Some(5)), "fd 3: pipe 5 is empty");
    hangs(&of(None), "fd 3: pipe 5 is empty");
    waits(&of(Some(6)), "a descriptor that could not be read");
}

#[test]
fn locks_wait_for_those_who_hold_what_excludes_them() {
    let id = FileId { device: 1, inode: 2 };
    let file = |number, lock: Option<(LockSort, bool)>| {
        let mut end = descriptor(number, Object::File(id, "/tmp/lock".into()), true, true);
        end.locks.extend(lock.map(|(sort, exclusive)| HeldLock { sort, exclusive }));
        end
    };
    let flock = |exclusive| asleep("flock", Call::Flock { fd: 3, exclusive });
    let held = Some((LockSort::Flock, false));
    let own = |exclusive| {
        snapshot([holding(process(1, 0, "a", flock(exclusive)), [file(3, None), file(4, held)])])
    };
    hangs(&own(true), "1 process waits for ever: lock upgrade");
    // A shared one excludes no shared one: somebody else must hold it.
    waits(&own(false), "/tmp/lock is locked by a holder that was not seen");
    let range = |of_description| {
        let call = Call::Lock { fd: 3, of_description, exclusive: true };
        let held = Some((LockSort::OfProcess, true));
        snapshot([holding(
            process(1, 0, "a", asleep("fcntl", call)),
            [file(3, None), file(4, held)],
        )])
    };
    hangs(&range(true), "(lock.lock.waits): /tmp/lock is locked by a itself (fd 4)");
    waits(&range(false), "not seen");
}

#[test]
fn children_are_waited_for_by_number_and_group() {
    let of = |which| {
        let mut snapshot = leaked();
        let sh = snapshot.processes.get_mut(&10).unwrap();
        sh.threads[0].doing = asleep("wait", Call::Children(which));
        snapshot.processes.insert(12, process(12, 10, "cat", Doing::Runs));
        said(&snapshot).2
    };
    assert!(of(Children::One(11)).contains("Behind that: sh (10)"));
    assert!(of(Children::Group(11)).contains("Behind that: sh (10)"));
    let mut within = leaked();
    within.processes.get_mut(&10).unwrap().numbers = vec![10, 1];
    within.processes.get_mut(&11).unwrap().numbers = vec![11, 2];
    let wait = asleep("wait", Call::Children(Children::One(2)));
    within.processes.get_mut(&10).unwrap().threads[0].doing = wait;
    hangs(&within, "its child wc (11) has not ended");
    let any = of(Children::Any);
    assert!(any.contains("none of its children wc (11), cat (12) has ended"), "{any}");
    assert!(!any.contains("Behind that"), "{any}");
}

#[test]
fn a_tracer_may_do_what_it_likes() {
    let mut snapshot = leaked();
    snapshot.processes.get_mut(&11).unwrap().tracer = 20;
    snapshot.processes.insert(20, process(20, 1, "gdb", Doing::Runs));
    waits(&snapshot, "gdb (20) runs");
    // One that only follows it waits for it.
    snapshot.processes.get_mut(&20).unwrap().threads[0].doing = wait();
    hangs(&snapshot, "wc itself");
}

#[test]
fn a_screen_is_enough_for_hundreds() {
    let parent = process(1, 0, "sh", wait());
    let children = (2..502).map(|id: i32| {
        let pipe = u64::from(id.unsigned_abs());
        holding(process(id, 1, "wc", read(0)), [reads(0, pipe), writes(1, pipe)])
    });
    let snapshot = snapshot([parent].into_iter().chain(children));
    let picture = picture(&snapshot, CALLER);
    let report = Report::new(&picture, &About::Processes(vec![1]));
    assert!(report.hangs());
    let text = report.text();
    assert!(text.lines().count() < 60, "{} lines", text.lines().count());
}
