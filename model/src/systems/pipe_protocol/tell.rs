//! A state in words, for the Explorer.

use std::fmt::Write as _;

use super::{At, Inside, PipeProtocol};

impl PipeProtocol {
    /// A state in words: where each actor is, who has the mutex, who stands in line.
    pub fn tell(&self, state: &Inside) -> String {
        let name = |index: usize| self.seats[index].name;
        let mut told = String::new();
        // Writing to a string never fails.
        for (index, thread) in state.threads.iter().enumerate() {
            let at = match thread.at {
                At::Idle => "between calls",
                At::Lock => "before the mutex",
                At::Inside => "behind the mutex",
                At::Taking => "has copied, not yet taken",
                At::Unlock => "about to give the mutex back",
                At::Wake => "about to wake others",
                At::Queue => "about to stand in line",
                At::Look => "in line, about to look once more",
                At::Asleep => "asleep",
                At::Answered => "answered",
            };
            let _ = writeln!(told, "{}: {at}; {} calls made", name(index), thread.made);
        }
        let holder =
            state.mutex.map_or("nobody".to_owned(), |by| name(usize::from(by)).to_string());
        let _ = writeln!(told, "mutex: {holder}; in the ring: {} bytes", state.ring.len());
        let line = |queue: usize| {
            let names = state.queues[queue].iter().map(|by| name(usize::from(*by)).to_string());
            names.collect::<Vec<_>>().join(", ")
        };
        let _ = write!(told, "readers in line: [{}]; writers in line: [{}]", line(0), line(1));
        told
    }
}
