//! The desk between the controller of a run and one worker: orders one way, reports the other.
//!
//! A desk lies in memory shared by both, be they threads or processes. One order is out at a time.
//! The order belongs to the worker from the moment that the controller posts it until the worker
//! reports; everything else on the desk but the atomics follows it, and so does the right to touch it.
#![expect(unsafe_code, reason = "one side at a time owns what lies in shared memory")]

use std::cell::UnsafeCell;
use std::io;
use std::mem::size_of;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use pipewright_model::call::{Actor, ENDS_MAX, End, Op};
use pipewright_model::kind::Hold;

use super::map::{self, Bell, Map};
use crate::channel::{Seen, Sleep};

/// The most bytes that one call can offer or take.
pub const BYTES_MAX: usize = 1 << 20;

/// What a worker is told to do.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Say who you are; every worker's first order.
    Introduce,
    /// Make a call. A write offers this actor's bytes from position `from` on.
    Call {
        /// The actor that the worker plays.
        actor: Actor,
        /// The end.
        end: End,
        /// The operation.
        op: Op,
        /// Position of the first byte offered among all that the actor has written.
        from: i64,
        /// The byte of the buffer from which on a page is missing, where the call is to stop there.
        stop: Option<u32>,
    },
    /// Get ready for calls that stop, and send the descriptor of the watch.
    Watch,
    /// Take the port, or the descriptors, handed over for the channel at this place.
    Take {
        /// Number of the place.
        place: u64,
        /// The ends handed over; none after the first `None`.
        ends: [Option<(End, Hold)>; ENDS_MAX],
    },
    /// Open these ends of the channel at this place.
    Join {
        /// Number of the place.
        place: u64,
        /// The ends, in order; none after the first `None`.
        ends: [Option<(End, Hold)>; ENDS_MAX],
    },
    /// Use the port inherited at this index.
    Use {
        /// Index among the ports inherited.
        index: u32,
    },
    /// Drop the port.
    Drop,
    /// Have this actor's process forked, which holds the ends that are sent; every thread of it has a desk of its own.
    Enlist {
        /// The actor.
        actor: Actor,
        /// Its threads, a bit each.
        threads: u32,
    },
    /// Have all processes that have come of this one killed and reaped.
    Strike,
    /// End.
    Leave,
}

/// What a worker says when it has carried out an order.
#[derive(Clone, Copy, Debug)]
pub enum Report {
    /// The number by which the system knows the worker's thread.
    Thread(i32),
    /// The address of the page that can be missing: ready for calls that stop.
    Watched(usize),
    /// What a call gave, and when it had returned, on the clock of [`super::now_ns`].
    Seen(Seen, u64),
    /// Done, nothing to say.
    Done,
    /// It failed with this error number.
    Failed(i32),
}

/// The most system calls in which one call may sleep.
const SLEEP_CALLS_MAX: usize = 3;

/// No number of a call, and none of a descriptor.
const ANY: i64 = -1;

#[repr(C, align(4096))]
struct Shared {
    /// Counts orders posted. The worker sleeps on this word.
    posted: AtomicU32,
    /// Counts orders carried out.
    finished: AtomicU32,
    /// When the call under way was entered.
    entered_ns: AtomicU64,
    /// The system calls in which it may sleep, then the descriptor that they are made on; [`ANY`] for none.
    sleep: [AtomicI64; SLEEP_CALLS_MAX + 1],
    order: UnsafeCell<Order>,
    report: UnsafeCell<Report>,
    bytes: UnsafeCell<Page<[u8; BYTES_MAX]>>,
}

#[repr(C, align(4096))]
struct Page<T>(T);

// SAFETY: the cells belong to one side at a time, as the two counters say.
unsafe impl Sync for Shared {}

/// Makes a desk: the controller's side and the worker's.
///
/// # Errors
///
/// If the system has no memory for it.
pub fn desk(bell: Arc<Bell>) -> io::Result<(Desk, Orders)> {
    // SAFETY: the two enums are written, the rest is valid as zeros; no pointers in it.
    let shared = unsafe {
        Map::<Shared>::new(|shared| {
            let shared = shared.as_ref();
            shared.order.get().write(Order::Introduce);
            shared.report.get().write(Report::Done);
        })
    }?;
    let shared = Arc::new(shared);
    let desk = Desk { shared: shared.clone(), posted: 0 };
    Ok((desk, Orders { shared, bell, taken: 0 }))
}

/// How much of a file a desk takes, in bytes: so many pages.
pub(crate) const DESK_BYTES: usize = size_of::<Shared>();

/// The controller's side of a desk that lies in a file, at this offset. Whoever sits there takes
/// [its side](Orders::of_file) when the order is out.
///
/// # Errors
///
/// If the system has no memory for it.
///
/// # Safety
///
/// Only the two sides of one desk use this part of the file.
pub(crate) unsafe fn desk_of_file(file: impl AsFd, offset: usize) -> io::Result<Desk> {
    // SAFETY: the caller's promise; the two enums are written by `reset`, the rest is valid as it is.
    let shared = unsafe { Map::<Shared>::of_file(file, offset) }?;
    let mut desk = Desk { shared: Arc::new(shared), posted: 0 };
    desk.reset();
    Ok(desk)
}

/// The controller's side of a desk.
pub struct Desk {
    shared: Arc<Map<Shared>>,
    posted: u32,
}

impl Desk {
    /// Gives the worker an order.
    ///
    /// # Panics
    ///
    /// If the worker has not carried out the one before.
    pub fn post(&mut self, order: Order) {
        assert!(self.finished(), "the worker still has an order");
        if matches!(order, Order::Call { .. }) {
            self.shared.entered_ns.store(0, Ordering::Release);
        }
        // SAFETY: no order is out, so the desk is the controller's.
        unsafe { *self.shared.order.get() = order };
        self.posted = self.posted.wrapping_add(1);
        self.shared.posted.store(self.posted, Ordering::Release);
        map::wake(&self.shared.posted);
    }

    /// Makes the desk as new, for another worker: the one before must be gone.
    pub fn reset(&mut self) {
        // SAFETY: nobody sits at the desk.
        unsafe {
            self.shared.order.get().write(Order::Introduce);
            self.shared.report.get().write(Report::Done);
        }
        self.posted = 0;
        self.shared.finished.store(0, Ordering::Release);
        self.shared.posted.store(0, Ordering::Release);
        self.shared.entered_ns.store(0, Ordering::Release);
    }

    /// Forgets when the call before was entered, so that it shows whether the next one is.
    pub fn forget_entry(&mut self) {
        assert!(self.finished(), "the worker still has an order");
        self.shared.entered_ns.store(0, Ordering::Release);
    }

    /// Whether the worker has carried out all orders.
    pub fn finished(&self) -> bool {
        self.shared.finished.load(Ordering::Acquire) == self.posted
    }

    /// What the worker reported last, if it has carried out its order.
    pub fn report(&self) -> Option<Report> {
        // SAFETY: no order is out, so the desk is the controller's.
        self.finished().then(|| unsafe { *self.shared.report.get() })
    }

    /// The bytes of the call that returned last.
    ///
    /// # Panics
    ///
    /// If the worker has not carried out its order.
    pub fn bytes(&self) -> &[u8] {
        assert!(self.finished(), "the worker still has an order");
        // SAFETY: no order is out, and posting one takes `&mut self`.
        unsafe { &(*self.shared.bytes.get()).0 }
    }

    /// Whether the call that was ordered last has been entered.
    pub fn has_entered(&self) -> bool {
        self.entered_ns() != 0
    }

    /// When the call under way, or the last one, was entered; 0 before.
    pub fn entered_ns(&self) -> u64 {
        self.shared.entered_ns.load(Ordering::Acquire)
    }

    /// Whether a thread asleep in the system call of this number, with this first argument, sleeps in the call under way,
    /// as far as its port can tell.
    pub fn sleeps_in(&self, number: i64, first: i64) -> bool {
        let expected = |at: usize| self.shared.sleep[at].load(Ordering::Acquire);
        let calls = (0..SLEEP_CALLS_MAX).map(expected);
        let descriptor = expected(SLEEP_CALLS_MAX);
        let known = expected(0) != ANY;
        !known
            || calls.into_iter().any(|call| call == number)
                && (descriptor == ANY || descriptor == first)
    }

    /// Address of the word on which the worker sleeps while it has no order; the same in all
    /// processes, as they were forked from this one.
    pub fn idle_address(&self) -> usize {
        (&raw const self.shared.posted).addr()
    }
}

/// The worker's side of a desk.
pub struct Orders {
    shared: Arc<Map<Shared>>,
    bell: Arc<Bell>,
    taken: u32,
}

impl Orders {
    /// The worker's side of a desk that lies in a file, at this offset; with the order that is out, if one is and it is
    /// `in_hand`, taken already.
    ///
    /// # Errors
    ///
    /// If the system has no memory for it.
    ///
    /// # Safety
    ///
    /// A desk lies there, and no other worker sits at it.
    pub(crate) unsafe fn of_file(
        file: impl AsFd,
        offset: usize,
        bell: Arc<Bell>,
        in_hand: bool,
    ) -> io::Result<Orders> {
        // SAFETY: the caller's promise.
        let shared = Arc::new(unsafe { Map::<Shared>::of_file(file, offset) }?);
        let count = if in_hand { &shared.posted } else { &shared.finished };
        let taken = count.load(Ordering::Acquire);
        Ok(Orders { shared, bell, taken })
    }

    /// Waits for the next order. The one before must have been reported on.
    pub fn take(&mut self) -> Order {
        loop {
            let posted = self.shared.posted.load(Ordering::Acquire);
            if posted != self.taken {
                self.taken = posted;
                // SAFETY: an order is out, so the desk is the worker's.
                return unsafe { *self.shared.order.get() };
            }
            map::wait(&self.shared.posted, posted, None);
        }
    }

    fn holds_order(&self) -> bool {
        self.shared.finished.load(Ordering::Relaxed) != self.taken
    }

    /// Room for the bytes of a call, and the stamp to set when it is entered.
    ///
    /// # Panics
    ///
    /// If no order is out.
    pub fn call(&mut self) -> (&mut [u8], Stamp<'_>) {
        assert!(self.holds_order(), "the desk is the controller's");
        // SAFETY: an order is out, so the desk is the worker's, and reporting takes `&mut self`.
        let bytes = unsafe { &mut (*self.shared.bytes.get()).0 };
        (bytes, Stamp(&self.shared))
    }

    /// Reports on the order, which ends it.
    ///
    /// # Panics
    ///
    /// If no order is out.
    pub fn finish(&mut self, report: Report) {
        assert!(self.holds_order(), "the desk is the controller's");
        // SAFETY: an order is out, so the desk is the worker's.
        unsafe { *self.shared.report.get() = report };
        self.shared.finished.store(self.taken, Ordering::Release);
        self.bell.ring();
    }
}

/// Stamps the entry into a call.
pub struct Stamp<'a>(&'a Shared);

impl Stamp<'_> {
    /// Notes where the call that is entered next may sleep.
    pub fn sleeps_in(&self, sleep: Option<Sleep>) {
        let none = Sleep { calls: &[], descriptor: None };
        let Sleep { calls, descriptor } = sleep.unwrap_or(none);
        for (at, place) in self.0.sleep[..SLEEP_CALLS_MAX].iter().enumerate() {
            place.store(calls.get(at).copied().unwrap_or(ANY), Ordering::Release);
        }
        self.0.sleep[SLEEP_CALLS_MAX].store(descriptor.map_or(ANY, i64::from), Ordering::Release);
    }

    /// Notes that the call is entered now.
    pub fn entered(self) {
        self.0.entered_ns.store(super::now_ns(), Ordering::Release);
    }
}
