//! A value that is handed over once, from one thread to another.
//!
//! The sender gives one value or none, and is gone; the receiver looks, or waits, and is gone. Nothing is
//! copied and nothing lost: a value that cannot arrive comes back to who sent it, and one that arrived and
//! was not fetched is dropped with the receiver. How to sleep is left to a [`Waiter`].
//!
//! **Why it is right.** One word says how far it is: empty, a receiver waits, full, sender gone, receiver
//! gone. The value belongs to the sender until its `swap` says full, and to the receiver afterwards;
//! where the `swap` finds that the receiver is gone, that one has not touched the value and never will. So
//! the two never meet in it. Both ends change the word by `swap` or `compare_exchange` only: whichever
//! comes second sees what the first has said, so that neither an announcement nor an end is overlooked.
#![expect(unsafe_code, reason = "who may enter the value is told by the word beside it")]

use super::sync::{Arc, AtomicU32, Ordering, UnsafeCell};
use super::waiting::Waiter;

const EMPTY: u32 = 0;
const WAITING: u32 = 1;
const FULL: u32 = 2;
const SENDER_GONE: u32 = 3;
const RECEIVER_GONE: u32 = 4;

#[derive(Debug)]
struct Shared<T> {
    state: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value is entered by one thread at a time (see the head of this file) and moves from one to
// the other, so it must be `Send`; nobody has it by reference.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: it holds a value that may be sent and a word; only the cell around the value hides that.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    /// Takes the value out.
    ///
    /// # Safety
    ///
    /// The caller is the one to whom the value belongs, and has acquired what the one before released.
    unsafe fn take(&self) -> Option<T> {
        // SAFETY: nobody else is in the cell, says the caller.
        self.value.with_mut(|value| unsafe { (*value).take() })
    }
}

/// The two ends of a hand-over. The receiver sleeps as `waiter` does.
///
/// ```
/// use pipewright_backends::memory::futex::Futex;
/// use pipewright_backends::memory::one_shot;
///
/// let (sender, receiver) = one_shot::pair(Futex);
/// std::thread::scope(|scope| {
///     scope.spawn(move || sender.send(String::from("all of it")));
///     assert_eq!(receiver.receive().as_deref(), Some("all of it"));
/// });
///
/// let (sender, receiver) = one_shot::pair::<u8, _>(Futex);
/// drop(sender);
/// assert_eq!(receiver.receive(), None); // there will be none
///
/// let (sender, receiver) = one_shot::pair(Futex);
/// drop(receiver);
/// assert_eq!(sender.send(3), Err(3)); // it comes back
/// ```
pub fn pair<T, W: Waiter + Clone>(waiter: W) -> (Sender<T, W>, Receiver<T, W>) {
    let shared = Shared { state: AtomicU32::new(EMPTY), value: UnsafeCell::new(None) };
    let shared = Arc::new(shared);
    let sender = Sender { shared: Arc::clone(&shared), waiter: waiter.clone(), sent: false };
    (sender, Receiver { shared, waiter })
}

/// The end that gives a value. It can be sent to another thread if the value can, and cannot be cloned.
/// Dropping it says that there will be none.
///
/// ```compile_fail,E0382
/// use pipewright_backends::memory::{futex::Futex, one_shot};
///
/// let (sender, _receiver) = one_shot::pair(Futex);
/// let _ = sender.send(1);
/// let _ = sender.send(2); // it was handed over once
/// ```
///
/// ```compile_fail,E0277
/// use pipewright_backends::memory::{futex::Futex, one_shot};
///
/// let (sender, _receiver) = one_shot::pair::<std::rc::Rc<u8>, _>(Futex);
/// std::thread::spawn(move || drop(sender)); // an `Rc` stays in its thread
/// ```
#[derive(Debug)]
pub struct Sender<T, W: Waiter> {
    shared: Arc<Shared<T>>,
    waiter: W,
    sent: bool,
}

impl<T, W: Waiter> Sender<T, W> {
    /// Hands the value over, without waiting.
    ///
    /// # Errors
    ///
    /// The value, if the receiver is gone.
    pub fn send(mut self, value: T) -> Result<(), T> {
        self.sent = true;
        // SAFETY: the word has not said `FULL`, so the cell is the sender's.
        self.shared.value.with_mut(|place| unsafe { *place = Some(value) });
        // Release: who sees `FULL` sees the value. Acquire: after `RECEIVER_GONE` it is ours again.
        match self.shared.state.swap(FULL, Ordering::AcqRel) {
            // SAFETY: the receiver left before the value came, and has not touched it.
            RECEIVER_GONE => match unsafe { self.shared.take() } {
                Some(value) => Err(value),
                None => Ok(()),
            },
            WAITING => {
                // The memory is there as long as `self` is, even if the receiver has gone on and away.
                self.waiter.wake(&self.shared.state);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the receiver is gone, so that nothing would be handed over: then it stays so. It may be gone
    /// and not seen to be yet.
    ///
    /// ```
    /// use pipewright_backends::memory::{futex::Futex, one_shot};
    ///
    /// let (sender, receiver) = one_shot::pair::<Vec<u8>, _>(Futex);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed()); // no need to make a value
    /// ```
    pub fn is_closed(&self) -> bool {
        // Relaxed: nothing is touched on the strength of this. It is the receiver's last word, so `send`,
        // by its swap, finds it too, and acquires.
        self.shared.state.load(Ordering::Relaxed) == RECEIVER_GONE
    }
}

impl<T, W: Waiter> Drop for Sender<T, W> {
    fn drop(&mut self) {
        // Release: who learns that nothing will come sees all that was done before.
        if !self.sent && self.shared.state.swap(SENDER_GONE, Ordering::AcqRel) == WAITING {
            self.waiter.wake(&self.shared.state);
        }
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// It has not come yet.
    Yet,
    /// It will not come: the sender is gone, or the value was fetched.
    Ever,
}

/// The end that fetches the value. It can be sent to another thread if the value can. Dropping it tells
/// the sender; a value that had arrived is dropped.
#[derive(Debug)]
pub struct Receiver<T, W: Waiter> {
    shared: Arc<Shared<T>>,
    waiter: W,
}

impl<T, W: Waiter> Receiver<T, W> {
    /// Waits for the value; `None` if the sender is gone without.
    pub fn receive(mut self) -> Option<T> {
        loop {
            match self.try_receive() {
                Ok(value) => return Some(value),
                Err(Nothing::Ever) => return None,
                Err(Nothing::Yet) => self.sleep(),
            }
        }
    }

    /// Fetches the value if it is there, without waiting.
    ///
    /// ```
    /// use pipewright_backends::memory::futex::Futex;
    /// use pipewright_backends::memory::one_shot::{self, Nothing};
    ///
    /// let (sender, mut receiver) = one_shot::pair(Futex);
    /// assert_eq!(receiver.try_receive(), Err(Nothing::Yet));
    /// assert_eq!(sender.send(3), Ok(()));
    /// assert_eq!(receiver.try_receive(), Ok(3));
    /// assert_eq!(receiver.try_receive(), Err(Nothing::Ever));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Nothing`], now or ever.
    pub fn try_receive(&mut self) -> Result<T, Nothing> {
        // Acquire: shows the value.
        match self.shared.state.load(Ordering::Acquire) {
            // SAFETY: the sender has given it away.
            FULL => unsafe { self.shared.take() }.ok_or(Nothing::Ever),
            SENDER_GONE => Err(Nothing::Ever),
            _ => Err(Nothing::Yet),
        }
    }

    /// Sleeps unless the sender has been there meanwhile.
    fn sleep(&self) {
        let state = &self.shared.state;
        // Nothing is read on the strength of this: `try_receive` looks again, and acquires.
        let announced =
            state.compare_exchange(EMPTY, WAITING, Ordering::Relaxed, Ordering::Relaxed);
        if let Ok(_) | Err(WAITING) = announced {
            self.waiter.wait(state, WAITING);
        }
    }
}

impl<T, W: Waiter> Drop for Receiver<T, W> {
    fn drop(&mut self) {
        // Acquire: a value that has come is dropped here, at once, and not wherever the sender is.
        if self.shared.state.swap(RECEIVER_GONE, Ordering::AcqRel) == FULL {
            // SAFETY: the sender has given it away.
            drop(unsafe { self.shared.take() });
        }
    }
}
