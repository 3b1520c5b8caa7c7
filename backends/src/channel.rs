//! The one trait that a channel implements to be judged, and what goes with it.
//!
//! A channel translates calls into those of its system and what it sees into the words of the
//! specification. It never judges: whether a reply is right is not known here.

use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

use pipewright_model::call::{Answer, End, Op, Signal};
use pipewright_model::kind::Hold;
use pipewright_model::run::{Seat, Setup};

/// How actors come to share a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arrangement {
    /// Actors are threads of one process.
    Threads,
    /// Actors are processes that were forked after the channel was made, and inherited its ends.
    Inherited,
    /// Actors are processes that were handed their ends over a Unix socket (`SCM_RIGHTS`).
    Passed,
    /// Actors are processes that opened their ends by path, or make them by name during the run, and share
    /// nothing else.
    Opened,
}

impl Arrangement {
    /// The word for it in reports and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Arrangement::Threads => "threads",
            Arrangement::Inherited => "inherited",
            Arrangement::Passed => "passed",
            Arrangement::Opened => "opened",
        }
    }
}

impl fmt::Display for Arrangement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a call gave, as seen by its caller. Bytes read are in the buffer of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What the call returned.
    pub answer: Answer,
    /// The signal that it raised in the caller, if any.
    pub signal: Option<Signal>,
}

impl Seen {
    /// An answer without signal.
    pub const fn answer(answer: Answer) -> Seen {
        Seen { answer, signal: None }
    }
}

/// Where a call sleeps, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sleep {
    /// The system calls that it may sleep in, as the kernel numbers them.
    pub calls: &'static [i64],
    /// The descriptor that is their first argument, where it is one.
    pub descriptor: Option<RawFd>,
}

/// One actor's ends of one live channel. Dropping it closes them.
///
/// Any `FnMut(End, Op, &mut [u8]) -> Seen` is a port.
pub trait Port: Send {
    /// Makes one call and waits for its return.
    ///
    /// `bytes` has the length of the call: what a write offers, room for what a read gives; it is
    /// empty for other calls.
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen;

    /// The descriptors behind the ends that are open, to be passed to another process. None for a
    /// channel that lives in one process.
    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        Vec::new()
    }

    /// Where a call that is about to be made sleeps, if it does. A thread that sleeps elsewhere meanwhile, in a library
    /// between the program and the kernel for example, is not asleep in this call. `None` where that can't be told:
    /// then any sleep is taken for that of the call.
    fn sleeps_in(&self, end: End, op: Op) -> Option<Sleep> {
        let _ = (end, op);
        None
    }

    /// What makes a call of this port that sleeps return, whatever it returns then; for a port whose
    /// calls no signal interrupts, such as one that sleeps on a condition variable. It is called from
    /// another thread, when the run is over.
    fn interrupter(&self) -> Option<Box<dyn Fn()>> {
        None
    }
}

impl<F: FnMut(End, Op, &mut [u8]) -> Seen + Send> Port for F {
    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        self(end, op, bytes)
    }
}

/// One live channel, fresh.
pub struct Instance {
    /// How it really is set up (a kernel may give less capacity than asked for).
    pub setup: Setup,
    /// A port for each seat, in their order.
    pub ports: Vec<Box<dyn Port>>,
    /// What keeps the channel, an open end for example, until all actors have their ends; dropped before
    /// the run.
    pub keeper: Option<Box<dyn Send>>,
}

/// Tells whether nothing is under way in the kernel's own queues: whether what was sent has arrived, or can't
/// before somebody reads. Asked between two looks at actors who sleep, with whether a call may have connected
/// anything, or asked to be, since it last was so.
pub type Queues = Box<dyn FnMut(bool) -> io::Result<bool>>;

/// A real channel: how to make one and how to get at its ends.
///
/// A channel that lives in one process needs [`name`](Channel::name), [`setup`](Channel::setup) and
/// [`create`](Channel::create) only; its ports tell how calls that sleep are
/// [interrupted](Port::interrupter). One made of descriptors adds
/// [`arrangements`](Channel::arrangements) and [`adopt`](Channel::adopt), one with a path
/// [`join`](Channel::join).
pub trait Channel: Send + Sync {
    /// Its name in reports: lower case, words joined by `-`.
    fn name(&self) -> &str;

    /// What the specification is to know: the kind of channel, and how this one is set up.
    fn setup(&self) -> Setup;

    /// The same channel set up like this; `None` where it can't be. Settings of the
    /// system, and whether the user's limits crowd it, are no matter of set-up: [`Instance::setup`] tells.
    fn set_up(&self, setup: &Setup) -> Option<Box<dyn Channel>> {
        let _ = setup;
        None
    }

    /// The arrangements in which actors can share it.
    fn arrangements(&self) -> &[Arrangement] {
        &[Arrangement::Threads]
    }

    /// Why it can't be had here, where it can't: it is skipped then.
    fn unavailable(&self) -> Option<String> {
        None
    }

    /// Whether it has this call at all. Scenarios are run without the calls that it lacks.
    fn offers(&self, op: &Op) -> bool {
        let _ = op;
        true
    }

    /// Whether the kernel itself copies to and from the bytes that a call is given: then the call can be stopped
    /// in its middle.
    fn copies_in_kernel(&self) -> bool {
        false
    }

    /// The directory in which its places are to be, where it isn't the temporary one.
    ///
    /// # Errors
    ///
    /// There is none as it needs one: nothing can be judged then.
    fn directory(&self) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }

    /// Makes a fresh channel, with a port for each seat. `place` is a path of its own that does not
    /// exist yet, in a directory that is removed afterwards.
    ///
    /// # Errors
    ///
    /// Whatever the system says; the run is not judged then.
    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance>;

    /// Removes what [`create`](Channel::create) has left under the name of this place, if it is still there:
    /// called when a run is over.
    fn remove(&self, place: &Path) {
        // The scenario may have removed it.
        let _ = std::fs::remove_file(place);
    }

    /// The queues of the channel just made at this place, for one that carries data later than the call
    /// returns. Nothing that they hold may keep the channel open. `by_name`: sockets will be made besides those
    /// that are there.
    ///
    /// # Errors
    ///
    /// Whatever the system says; the run is not judged then.
    fn queues(&self, place: &Path, by_name: bool) -> io::Result<Option<Queues>> {
        let _ = (place, by_name);
        Ok(None)
    }

    /// In another process: a port of descriptors received ([`Arrangement::Passed`]).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] unless overridden.
    fn adopt(&self, place: &Path, ends: Vec<(End, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        let _ = (place, ends);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same, with what each end is for: for channels that can't tell by the descriptor.
    ///
    /// # Errors
    ///
    /// Those of [`adopt`](Channel::adopt), which is called unless this is overridden.
    fn adopt_as(&self, place: &Path, ends: Vec<(End, Hold, OwnedFd)>) -> io::Result<Box<dyn Port>> {
        self.adopt(place, ends.into_iter().map(|(end, _, fd)| (end, fd)).collect())
    }

    /// In another process: a port whose ends are the descriptors of that process with the numbers from
    /// [`TABLE`](crate::port::TABLE) on, for actors that share a table of descriptors, or hand a copy of it on.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] unless overridden.
    fn of_table(&self, place: &Path) -> io::Result<Box<dyn Port>> {
        let _ = place;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// In another process: a port with these ends, opened by path ([`Arrangement::Opened`]). The
    /// channel was made by [`create`](Channel::create) without seats and is kept open meanwhile. Sockets are made
    /// during the run: there are no ends then.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`] unless overridden; whatever the system says.
    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        let _ = (place, ends);
        Err(io::ErrorKind::Unsupported.into())
    }
}
