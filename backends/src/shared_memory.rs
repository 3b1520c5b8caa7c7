//! A ring of bytes in memory that processes share: without a name (`memfd_create(2)`), inherited or passed,
//! or with one (`shm_open(3)`); polled, or waiting by futex.
//!
//! Each side is claimed in the process that uses it: ports that are still to be handed over hold the memory
//! only. A signal that finds a call asleep ends the ring, as it would end a call of a pipe: the harness
//! interrupts calls when a run is over. An end that is closed or not for this fails with `EBADF`; what is
//! full or empty with `EAGAIN`, and a write that nobody will read with `EPIPE`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use pipewright_model::call::{Answer, End, Errno, Mode, Op};
use pipewright_model::kind::{Hold, Kind, SHARED_MEMORY, SHARED_MEMORY_WAITING};
use pipewright_model::run::{Seat, Setup};
use pipewright_model::taxonomy::Waiting;
use rustix::thread::futex;

use crate::channel::{Arrangement, Channel, Instance, Port, Seen, Sleep};
use crate::memory::futex::Futex;
use crate::memory::mapping::{
    Mapping, SharedRing, anonymous, create_named, open_named, unlink_named,
};
use crate::memory::ring::{Closed, Consumer, Producer};
use crate::memory::waiting::{Cut, Interrupter, Waiter, WaitingConsumer, WaitingProducer};

/// A way to make a ring in shared memory.
#[derive(Clone, Copy, Debug)]
pub struct SharedMemory {
    /// Its name in reports.
    pub name: &'static str,
    /// What it is: polled or waiting.
    pub kind: &'static Kind,
    /// How many bytes it holds at most.
    pub capacity_bytes: u32,
}

impl SharedMemory {
    /// One that is polled.
    pub const POLLED: SharedMemory = SharedMemory {
        name: SHARED_MEMORY.name,
        kind: &SHARED_MEMORY,
        capacity_bytes: SHARED_MEMORY.capacity_default_bytes,
    };
    /// One whose ends wait.
    pub const WAITING: SharedMemory = SharedMemory {
        name: SHARED_MEMORY_WAITING.name,
        kind: &SHARED_MEMORY_WAITING,
        ..SharedMemory::POLLED
    };

    fn waits(&self) -> bool {
        self.kind.waiting == Waiting::Waits
    }

    fn port(&self, memory: &Memory, ends: impl Iterator<Item = (End, Hold)>) -> RingPort {
        let end = |(end, hold): (End, Hold)| OneEnd {
            end,
            mode: hold.mode,
            side: Side::Unclaimed,
            memory: memory.clone(),
        };
        RingPort { waits: self.waits(), ends: ends.map(end).collect() }
    }
}

impl Channel for SharedMemory {
    fn name(&self) -> &str {
        self.name
    }

    fn setup(&self) -> Setup {
        Setup { capacity_bytes: self.capacity_bytes, ..Setup::new(self.kind) }
    }

    fn arrangements(&self) -> &[Arrangement] {
        use Arrangement::{Inherited, Opened, Passed, Threads};
        &[Threads, Inherited, Passed, Opened]
    }

    fn offers(&self, op: &Op) -> bool {
        matches!(op, Op::Read { .. } | Op::Write { .. } | Op::Close)
    }

    fn create(&self, place: &Path, seats: &[Seat]) -> io::Result<Instance> {
        let len_bytes = SharedRing::len_bytes(self.capacity_bytes as usize);
        let setup = self.setup();
        if seats.is_empty() {
            // Who takes part opens it by name.
            let name = shm_name(place)?;
            let fd = create_named(&name, len_bytes)?;
            let keeper = Keeper { ring: SharedRing::new(Mapping::of(fd)?)?, name };
            return Ok(Instance { setup, ports: Vec::new(), keeper: Some(Box::new(keeper)) });
        }
        let memory = Memory::of(anonymous(len_bytes)?)?;
        for hold in [Hold::READ, Hold::WRITE] {
            let holds = |seat: &Seat| seat.ends.iter().filter(|end| end.1 == hold).count();
            match seats.iter().map(holds).sum() {
                0 => close_unclaimed(&memory.ring, hold.mode),
                1 => {}
                2.. => return Err(io::Error::new(io::ErrorKind::InvalidInput, "one holds an end")),
            }
        }
        let port =
            |seat: &Seat| Box::new(self.port(&memory, seat.ends.iter().copied())) as Box<dyn Port>;
        Ok(Instance { setup, ports: seats.iter().map(port).collect(), keeper: None })
    }

    fn adopt_as(
        &self,
        _place: &Path,
        ends: Vec<(End, Hold, OwnedFd)>,
    ) -> io::Result<Box<dyn Port>> {
        let mut port = RingPort { waits: self.waits(), ends: Vec::new() };
        for (end, hold, fd) in ends {
            let memory = Memory::of(fd)?;
            port.ends.extend(self.port(&memory, std::iter::once((end, hold))).ends);
        }
        port.claim()?;
        Ok(Box::new(port))
    }

    fn join(&self, place: &Path, ends: &[(End, Hold)]) -> io::Result<Box<dyn Port>> {
        let memory = Memory::of(open_named(&shm_name(place)?)?)?;
        let mut port = self.port(&memory, ends.iter().copied());
        port.claim()?;
        Ok(Box::new(port))
    }
}

/// The name of shared memory that belongs to a place: its last two parts, which are not used twice.
fn shm_name(place: &Path) -> io::Result<String> {
    let part = |path: Option<&Path>| path?.file_name()?.to_str().map(str::to_owned);
    let parts = part(place.parent()).zip(part(Some(place)));
    let (directory, file) = parts.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(format!("/{directory}-{file}"))
}

/// Keeps named memory until all who take part have opened it; then the name goes, and the sides that nobody
/// has taken are closed.
struct Keeper {
    name: String,
    ring: SharedRing,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Without a name it is gone already.
        let _ = unlink_named(&self.name);
        close_unclaimed(&self.ring, Mode::Read);
        close_unclaimed(&self.ring, Mode::Write);
    }
}

/// Closes a side that nobody has.
fn close_unclaimed(ring: &SharedRing, mode: Mode) {
    match mode {
        Mode::Read => drop(Consumer::claim(ring.clone())),
        _ => drop(Producer::claim(ring.clone())),
    }
}

/// The memory of a ring, mapped, with a descriptor to pass it on.
#[derive(Clone)]
struct Memory {
    fd: Arc<OwnedFd>,
    ring: SharedRing,
}

impl Memory {
    fn of(fd: OwnedFd) -> io::Result<Memory> {
        let ring = SharedRing::new(Mapping::of(&fd)?)?;
        Ok(Memory { fd: Arc::new(fd), ring })
    }
}

/// Sleeps by futex. A signal that ends the sleep ends the ring.
struct UntilSignal(SharedRing);

impl Waiter for UntilSignal {
    fn wait(&self, word: &AtomicU32, value: u32) {
        let woken = futex::wait(word, futex::Flags::empty(), value, None);
        if woken == Err(rustix::io::Errno::INTR) {
            Interrupter::new(self.0.clone(), Futex).interrupt();
        }
    }

    fn wake(&self, word: &AtomicU32) {
        Futex.wake(word);
    }
}

/// What one side has of a ring.
enum Side {
    /// Nothing yet: it is claimed when it is first used, in the process that uses it.
    Unclaimed,
    Producer(Producer<SharedRing>),
    Consumer(Consumer<SharedRing>),
    WaitingProducer(WaitingProducer<SharedRing, UntilSignal>),
    WaitingConsumer(WaitingConsumer<SharedRing, UntilSignal>),
}

impl Side {
    /// `None` if there is or was one already.
    fn claim(ring: &SharedRing, mode: Mode, waits: bool) -> Option<Side> {
        let waiter = || UntilSignal(ring.clone());
        Some(match (mode, waits) {
            (Mode::Read, false) => Side::Consumer(Consumer::claim(ring.clone())?),
            (Mode::Read, true) => {
                let consumer = Consumer::claim(ring.clone())?;
                Side::WaitingConsumer(WaitingConsumer::new(consumer, waiter()))
            }
            (_, false) => Side::Producer(Producer::claim(ring.clone())?),
            (_, true) => {
                let producer = Producer::claim(ring.clone())?;
                Side::WaitingProducer(WaitingProducer::new(producer, waiter()))
            }
        })
    }

    fn read(&mut self, bytes: &mut [u8]) -> Answer {
        let empty = bytes.is_empty();
        let read = match self {
            Side::Consumer(consumer) => consumer.read(bytes),
            Side::WaitingConsumer(consumer) => consumer.read(bytes),
            _ => return Answer::Fails(Errno::EBADF),
        };
        match read {
            Ok(0) if !empty => Answer::Fails(Errno::EAGAIN),
            Ok(count) => Answer::Count(count as u32),
            Err(Closed) => Answer::Count(0),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Answer {
        let written = match self {
            Side::Producer(producer) => producer.write(bytes),
            Side::WaitingProducer(producer) => match producer.write_all(bytes) {
                Ok(()) => Ok(bytes.len()),
                Err(Cut { written: 0 }) => Err(Closed),
                Err(Cut { written }) => Ok(written),
            },
            _ => return Answer::Fails(Errno::EBADF),
        };
        match written {
            Ok(0) if !bytes.is_empty() => Answer::Fails(Errno::EAGAIN),
            Ok(count) => Answer::Count(count as u32),
            Err(Closed) => Answer::Fails(Errno::EPIPE),
        }
    }
}

/// One end of one actor.
struct OneEnd {
    end: End,
    mode: Mode,
    // Before the memory: dropping it closes the side there.
    side: Side,
    memory: Memory,
}

impl OneEnd {
    /// Whether the side is this end's, claimed now if it was not.
    fn claim(&mut self, waits: bool) -> bool {
        if let Side::Unclaimed = self.side {
            let claimed = Side::claim(&self.memory.ring, self.mode, waits);
            self.side = claimed.unwrap_or(Side::Unclaimed);
        }
        !matches!(self.side, Side::Unclaimed)
    }
}

/// One actor's ends of a ring.
struct RingPort {
    waits: bool,
    /// Those that are open.
    ends: Vec<OneEnd>,
}

impl RingPort {
    fn claim(&mut self) -> io::Result<()> {
        match self.ends.iter_mut().all(|end| end.claim(self.waits)) {
            true => Ok(()),
            false => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
}

impl Port for RingPort {
    fn sleeps_in(&self, _: End, _: Op) -> Option<Sleep> {
        Some(Sleep { calls: &[nix::libc::SYS_futex], descriptor: None })
    }

    fn call(&mut self, end: End, op: Op, bytes: &mut [u8]) -> Seen {
        let Some(at) = self.ends.iter().position(|one| one.end == end) else {
            return Seen::answer(Answer::Fails(Errno::EBADF));
        };
        let one = &mut self.ends[at];
        if !one.claim(self.waits) {
            return Seen::answer(Answer::Fails(Errno::EBUSY));
        }
        Seen::answer(match op {
            Op::Read { .. } => one.side.read(bytes),
            Op::Write { .. } => one.side.write(bytes),
            Op::Close => {
                self.ends.remove(at);
                Answer::Done
            }
            _ => Answer::Fails(Errno::ENOSYS),
        })
    }

    fn descriptors(&self) -> Vec<(End, BorrowedFd<'_>)> {
        self.ends.iter().map(|one| (one.end, one.memory.fd.as_fd())).collect()
    }
}
