//! The same search by many: threads of this process, and other processes on this machine or on others.
//!
//! Each state belongs to one worker, by a hash that is the same everywhere. A worker keeps its states packed, looks
//! at them, and sends those that follow to their owners, level by level: a dataflow of [timely](https://docs.rs/timely)
//! tells when all states of a level are known. So states, steps and depth are counted exactly as by
//! [`verify`](super::verify), and what is shown is as short; among the shortest it is always the same, however many
//! workers there are. What must come in the end is decided by the first worker alone, which goes through all
//! states once more for it. It opens no connections: whoever calls brings the streams.

mod peers;
mod search;
mod ways;

use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use timely::bytes::arc::BytesMut;
use timely::communication::Bytesable;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::allocator::zero_copy::stream::Stream;
use timely::communication::allocator::{AllocatorBuilder, ProcessBuilder};
use timely::communication::{Hooks, initialize_from};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::operator::Operator;
use timely::dataflow::operators::{Probe, ToStream};
use timely::worker::{Config, Worker};
use timely::{Bincode, ExchangeData};

use super::{Found, Model, Report, What};
use peers::{Watch, Watched};
use search::Part;

pub use peers::{Lost, Peer};

/// States that can be sent to another process.
pub trait Sent: Hash + Serialize + for<'a> Deserialize<'a> + Send + 'static {}

impl<S: Hash + Serialize + for<'a> Deserialize<'a> + Send + 'static> Sent for S {}

/// The workers that search together.
#[derive(Debug)]
pub struct Team<S> {
    /// Threads of each process.
    pub threads: usize,
    /// The number of this process among all.
    pub process: usize,
    /// The other processes; `None` for this one. One process alone needs none.
    pub peers: Vec<Option<Peer<S>>>,
}

impl Team<std::net::TcpStream> {
    /// Threads of this process.
    pub fn of_threads(threads: usize) -> Team<std::net::TcpStream> {
        Team { threads, process: 0, peers: Vec::new() }
    }
}

/// How long a worker that has nothing to do sleeps before it looks whether all others are still there.
const NAP: Duration = Duration::from_millis(10);

/// How long it looks out for news before it sleeps: depths follow each other quickly, and waking takes long on a
/// busy machine.
const PATIENCE: Duration = Duration::from_micros(500);

/// Has each worker of this process do the same; what each found. All workers of all processes must do the same
/// searches in the same order.
///
/// # Errors
///
/// If another process has gone before all was done.
///
/// # Panics
///
/// If a worker does, or if no threads can be made.
pub fn together<S, T, F>(team: Team<S>, work: F) -> Result<Vec<T>, Lost>
where
    S: Stream + 'static,
    T: Send + 'static,
    F: Fn(&mut Member) -> Result<T, Lost> + Send + Sync + 'static,
{
    let Team { threads, process, peers } = team;
    let watch = Arc::new(Watch::default());
    let hooks = Hooks::default();
    let local = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), None);
    let others = peers.iter().flatten().count();
    let builders: Vec<AllocatorBuilder> = if others == 0 {
        local.into_iter().map(AllocatorBuilder::Process).collect()
    } else {
        let watched = |(index, peer): (usize, Option<Peer<S>>)| {
            peer.map(|peer| Watched::new(index, peer, &watch))
        };
        let sockets = peers.into_iter().enumerate().map(watched).collect();
        let made = initialize_networking_from_sockets(local, sockets, process, threads, hooks);
        let (builders, guard) = made.expect("threads for the network");
        // It would wait for its threads and panic where one was given up; they are waited for below.
        std::mem::forget(guard);
        builders.into_iter().map(AllocatorBuilder::Tcp).collect()
    };
    let seen = watch.clone();
    let workers = initialize_from(builders, Box::new(()), move |allocator| {
        // Without a time to begin with a worker never sleeps.
        let config = Config::default().idle_spin(PATIENCE);
        let worker = Worker::new(config, allocator, Some(Instant::now()));
        let mut member = Member { worker, watch: Alarm(watch.clone()) };
        let found = work(&mut member)?;
        member.until(|worker| !worker.has_dataflows())?;
        Ok(found)
    });
    let found: Vec<_> = workers.expect("threads for the workers").join();
    let found: Result<Vec<_>, _> = found.into_iter().collect();
    let found = found.expect("no worker panics");
    if found.iter().all(Result::is_ok) {
        // What was sent last must get there before this process ends.
        seen.wait_for_ends(2 * others);
    }
    seen.give_up();
    found.into_iter().collect()
}

/// Stops all others when the worker that has it panics.
#[derive(Debug)]
struct Alarm(Arc<Watch>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// One worker among those who search together.
pub struct Member {
    worker: Worker,
    watch: Alarm,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("index", &self.index()).finish_non_exhaustive()
    }
}

/// What a worker tells all others of its part.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Share {
    states: u64,
    transitions: u64,
    depth: u64,
    bytes: u64,
    /// For each property where it is decided.
    deciding: Vec<Option<Place>>,
}

/// A state that decides a property: nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    depth: u64,
    hash: u64,
    /// Its number in the table of its owner.
    index: u32,
}

/// A way as states, and from which of its steps on it can be gone again and again.
type Way<S> = (Vec<S>, Option<u64>);

impl Member {
    /// Its number among all workers.
    pub fn index(&self) -> usize {
        self.worker.index()
    }

    /// How many workers there are, in all processes.
    pub fn workers(&self) -> usize {
        self.worker.peers()
    }

    /// Searches all states of a model together with all other workers, who all get the same report. Ways to
    /// what [`What::Sometimes`] finds are left out.
    ///
    /// # Errors
    ///
    /// If another process has gone before it was done.
    pub fn verify<M>(&mut self, model: &Rc<M>) -> Result<Report<M::Action>, Lost>
    where
        M: Model + 'static,
        M::State: Sent,
    {
        let part = Part::new(model.clone(), self.index(), self.workers());
        let part = self.explore(part)?;
        let shares = self.gather(part.share())?;
        let ways = self.ways(&part, &shares)?;
        // The search for loops takes as much again.
        drop(part);
        let liveness = self.liveness(model)?;
        let properties = model.properties().iter().enumerate();
        let found = properties.map(|(index, property)| {
            let decided = shares.iter().any(|share| share.deciding[index].is_some());
            let (holds, way) = match property.what {
                What::Sometimes(_) => (decided, None),
                What::Always(_) | What::NoDeadlock => (!decided, ways[index].as_ref()),
                What::Eventually { .. } => (liveness[index].is_none(), liveness[index].as_ref()),
            };
            let shown = way.map(|way| ways::path(model.as_ref(), way));
            Found { property: property.name, holds, shown }
        });
        let sum = |of: fn(&Share) -> u64| shares.iter().map(of).sum::<u64>();
        Ok(Report {
            states: sum(|share| share.states) as usize,
            transitions: sum(|share| share.transitions) as usize,
            depth: shares.iter().map(|share| share.depth).max().unwrap_or(0) as usize,
            exhaustive: true,
            bytes_a_state: sum(|share| share.bytes) as f64 / sum(|share| share.states) as f64,
            found: found.collect(),
        })
    }

    /// What each worker says, in the order of workers; all get to know all.
    fn gather<T: ExchangeData>(&mut self, said: T) -> Result<Vec<T>, Lost> {
        let mut bytes = Vec::new();
        Bincode::from(said).into_bytes(&mut bytes);
        let read = |bytes| Bincode::from_bytes(BytesMut::from(bytes).freeze()).payload;
        Ok(self.gather_bytes(bytes)?.into_iter().map(read).collect())
    }

    /// The same of bytes: one dataflow, whatever is said. A dataflow takes the compiler long.
    fn gather_bytes(&mut self, said: Vec<u8>) -> Result<Vec<Vec<u8>>, Lost> {
        type Letter = (u64, u64, Vec<u8>);
        let (index, workers) = (self.index() as u64, self.workers() as u64);
        let heard = Rc::new(std::cell::RefCell::new(Vec::new()));
        let hears = heard.clone();
        let probe = self.worker.dataflow::<u64, _, _>(move |scope| {
            let letters: Vec<Letter> = (0..workers).map(|to| (to, index, said.clone())).collect();
            let letters = letters.to_stream(scope).container::<Vec<_>>();
            let by_receiver = Exchange::new(|letter: &Letter| letter.0);
            let none = letters.unary::<CapacityContainerBuilder<Vec<Letter>>, _, _, _>(
                by_receiver,
                "gather",
                move |_, _| {
                    move |input, _| {
                        input.for_each(|_, letters| {
                            let told = letters.drain(..).map(|(_, from, said)| (from, said));
                            hears.borrow_mut().extend(told);
                        });
                    }
                },
            );
            none.probe().0
        });
        self.until(|_| probe.done())?;
        let mut heard = heard.take();
        heard.sort_by_key(|(from, _)| *from);
        Ok(heard.into_iter().map(|(_, said)| said).collect())
    }

    /// Works until something is so.
    fn until(&mut self, done: impl Fn(&Worker) -> bool) -> Result<(), Lost> {
        while !done(&self.worker) {
            if self.watch.0.stops() {
                let lost = self.watch.0.first_lost();
                return Err(lost.unwrap_or_else(|| Lost {
                    process: 0,
                    name: "this process".into(),
                    why: "a worker panicked".into(),
                }));
            }
            self.worker.step_or_park(Some(NAP));
        }
        Ok(())
    }
}

/// The hash of a state, the same in all processes.
fn hash_of<S: Hash>(state: &S) -> u64 {
    let mut hasher = FxHasher::default();
    state.hash(&mut hasher);
    hasher.finish()
}

/// Whose state one with this hash is.
fn owner(hash: u64, workers: u64) -> u64 {
    // By the high bits of a product: those of the hash itself may hang together.
    ((u128::from(hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)) * u128::from(workers)) >> 64) as u64
}
