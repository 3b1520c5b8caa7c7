//! Worker processes: they begin and end whatever the threads of their parent are at.

use std::io::Read;
use std::os::fd::AsRawFd;
use std::panic::{catch_unwind, set_hook};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pipewright_backends::sys::process::Child;

/// How long a hung child is waited for until that is said: nothing else waits for a time here.
const HUNG: u16 = 30_000;

/// Forks a child, and waits until it has ended.
fn fork_and_wait(work: impl FnOnce()) -> String {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut child = Child::fork(vec![writer.as_raw_fd()], work).expect("a process");
    drop(writer);
    let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(&reader), PollFlags::POLLIN)];
    assert_eq!(poll(&mut fds, PollTimeout::from(HUNG)), Ok(1), "the child hangs");
    assert_eq!(reader.read(&mut [0]).expect("the end"), 0);
    loop {
        if let Some(how) = child.ended() {
            return how.to_owned();
        }
        thread::yield_now();
    }
}

#[test]
fn children_end_whatever_another_thread_is_at() {
    let (inside, entered) = channel();
    let (leave, left) = channel::<()>();
    let left = Mutex::new(left);
    set_hook(Box::new(move |_| {
        if thread::current().name() != Some("panics") {
            return;
        }
        inside.send(()).expect("the test stays");
        let _ = left.lock().map(|left| left.recv());
    }));
    // Once before, so that forking has put in place what it needs.
    assert_eq!(fork_and_wait(|| ()), "exited with status 0");
    let panicking = thread::Builder::new().name("panics".to_owned());
    let panicking = panicking.spawn(|| catch_unwind(|| panic!("on purpose")).is_err());
    let panicking = panicking.expect("a thread");
    entered.recv().expect("it panics");
    // The thread is in the midst of its panic, and holds what locks that takes.
    assert_eq!(fork_and_wait(|| ()), "exited with status 0");
    assert_eq!(fork_and_wait(|| panic!("on purpose")), "exited with status 101");
    leave.send(()).expect("it waits");
    assert!(panicking.join().expect("caught"));
    // A hook of one's own, set later, does not make a child go on.
    set_hook(Box::new(|_| ()));
    assert_eq!(fork_and_wait(|| panic!("on purpose")), "exited with status 101");
}
