//! Channels that live in memory: the data structures behind them.
//!
//! - [`cell`]: a variable that is polled, of one word or of several;
//! - [`guarded`]: a variable behind a lock, whose readers can wait for a newer value;
//! - [`ring`]: bytes from one producer to one consumer, polled;
//! - [`waiting`]: the same, with ends that wait, by [`futex`] or otherwise;
//! - [`one_shot`]: a value handed over once, looked for or waited for;
//! - [`mapping`]: memory that processes share, and rings in it;
//! - [`line`](mod@line), [`sync`]: what they are made of.
//!
//! Nothing here knows the specification. `cell`, `guarded`, `ring`, `waiting` and `one_shot` name no primitive but
//! those of their sibling `sync`, so that the same files can be compiled over another `sync` that
//! explores interleavings; `futex` and `mapping` are about the real machine only.

pub mod cell;
pub mod futex;
pub mod guarded;
pub mod line;
pub mod mapping;
pub mod one_shot;
pub mod ring;
pub mod sync;
pub mod waiting;

// What may be sent to another thread, and what may be shared between threads. What may not be is shown at
// each by an example that does not compile.
const _: () = {
    const fn is_send<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}

    is_shared::<cell::WordCell>();
    is_shared::<cell::SeqCell<2>>();
    is_send::<cell::SeqWriter<2>>();
    is_send::<cell::SeqReader<2>>();
    is_shared::<guarded::GuardedCell<std::cell::Cell<u8>>>();
    is_shared::<std::sync::Arc<ring::Heap>>();
    is_shared::<mapping::Mapping>();
    is_shared::<mapping::SharedRing>();
    is_send::<ring::Producer<mapping::SharedRing>>();
    is_send::<ring::Consumer<mapping::SharedRing>>();
    is_send::<waiting::WaitingProducer<mapping::SharedRing, futex::Futex>>();
    is_send::<waiting::WaitingConsumer<mapping::SharedRing, futex::Futex>>();
    is_shared::<waiting::Interrupter<mapping::SharedRing, futex::Futex>>();
    is_send::<one_shot::Sender<std::cell::Cell<u8>, futex::Futex>>();
    is_send::<one_shot::Receiver<std::cell::Cell<u8>, futex::Futex>>();
};
