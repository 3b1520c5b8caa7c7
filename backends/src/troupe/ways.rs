//! How an actor does what a process does. A broken troupe does it otherwise.

use pipewright_model::call::{Answer, End, Op};

use crate::channel::{Port, Seen};

/// How actors do what processes do. Each method does what the system does, unless it is overridden: that is how it is
/// tried whether the rules notice. The port is over the table of the process.
pub trait Ways: Sync {
    /// Makes a call on a descriptor.
    fn call(&self, port: &mut dyn Port, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        port.call(end, op, bytes)
    }

    /// Polls so many ends at once: `poll` does so for as many of them as it is told, in their order.
    fn poll(&self, ends: usize, poll: &mut dyn FnMut(usize) -> Answer) -> Answer {
        poll(ends)
    }

    /// In a process that was just forked, before it is given an order.
    fn forked(&self, port: &mut dyn Port) {
        let _ = port;
    }

    /// Before the process runs another program, which is a sound one whatever these ways are.
    fn before_exec(&self, port: &mut dyn Port) {
        let _ = port;
    }

    /// Waits for a child: `wait` does so.
    fn wait(&self, wait: &mut dyn FnMut() -> Answer) -> Answer {
        wait()
    }

    /// Before the process exits by itself.
    fn before_exit(&self, port: &mut dyn Port) {
        let _ = port;
    }
}

/// The system's ways.
#[derive(Clone, Copy, Debug)]
pub struct Sound;

impl Ways for Sound {}
