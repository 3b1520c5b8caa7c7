//! The threads that sleep in `poll`, `select` or `epoll_wait` when the log ends, and for which
//! ends.
//!
//! What `poll` and `select` return is not compared, nor what an epoll tells of several channels. A list of epoll is followed from `epoll_create` on, by the number of its
//! descriptor in the process that made it and in those that come of it.

use pipewright_model::call::{Actor, End, Events};

use super::calls::Outcome;
use super::channels::{Channels, Descriptor, Now};
use super::line::cut;
use super::lists::{Polled, Registered, Watched};
use super::tables::Channel;

impl Channels {
    pub(super) fn makes_epoll(&mut self, now: Now<'_>) {
        self.tables.of(now.call.process);
        let table = self.tables.table_of(now.call.process);
        if let (Some(table), Some(number)) = (table, now.call.value()) {
            let list = self.polls.lists.len();
            self.polls.of.insert((table, number), list);
            self.polls.lists.push(Vec::new());
            self.polls.watched.push(Watched { made_at: now.at, ..Watched::default() });
            if now.call.has_flag(0, "EPOLL_CLOEXEC") {
                self.polls.close_on_exec.insert(list);
            }
        }
    }

    pub(super) fn list(&self, now: Now<'_>) -> Option<usize> {
        let table = self.tables.table_of(now.call.process)?;
        self.polls.of.get(&(table, now.call.number(0)?)).copied()
    }

    pub(super) fn registers(&mut self, now: Now<'_>) {
        let call = now.call;
        let (Some(list), Some(number)) = (self.list(now), call.number(2)) else { return };
        let channel = self.descriptor(now, 2).map(|(_, entry)| entry.channel);
        let list = &mut self.polls.lists[list];
        list.retain(|registered| registered.number != number);
        if !call.has_flag(1, "EPOLL_CTL_DEL") {
            let told = call.arguments.get(3).map(String::as_str).unwrap_or_default();
            let is_level = !told.contains("EPOLLET") && !told.contains("EPOLLONESHOT");
            list.push(Registered { number, events: events(told, "EPOLL"), channel, is_level });
        }
    }

    /// A call that has not returned sleeps for all of its ends, if it has no time-out.
    pub(super) fn polls(&mut self, now: Now<'_>) {
        if self.waits_on_epoll(now) || now.call.outcome != Outcome::None {
            return;
        }
        let Some((asked, mut and_others)) = self.asked(now) else { return };
        let mut those: Vec<(Channel, Actor, End, Events)> = Vec::new();
        for ((number, entry), events) in asked {
            let process = now.call.process;
            let known = those.iter().any(|(channel, ..)| *channel == entry.channel);
            let actor = self.actor(entry.channel, process, now.line).filter(|_| !known);
            match (actor, self.end(entry.channel, number, entry.hold)) {
                (Some(by), Some(end)) => those.push((entry.channel, by, end, events)),
                _ => and_others = true,
            }
        }
        for (channel, by, end, events) in those {
            self.found[channel].polled.push(Polled { by, end, events, and_others });
        }
    }

    /// The ends for which a call waits, and whether there is more that could end it; `None` where it tells of none.
    fn asked(&self, now: Now<'_>) -> Option<(Vec<(Descriptor, Events)>, bool)> {
        let call = now.call;
        let argument = |at: usize| call.arguments.get(at).map(String::as_str);
        let lead_to = |numbers: Vec<(i64, Events)>| {
            let entry = |number| self.tables.get(call.process, number);
            let all = numbers.len();
            let known =
                numbers.into_iter().filter_map(|(n, events)| Some(((n, entry(n)?), events)));
            let known: Vec<(Descriptor, Events)> = known.collect();
            let and_others = known.len() < all;
            (known, and_others)
        };
        match call.name.as_str() {
            "poll" | "ppoll" => {
                let waits = matches!(argument(2)?, "-1" | "NULL");
                waits.then(|| lead_to(polled(argument(0).unwrap_or_default())))
            }
            "select" | "pselect6" => {
                let sets = [(1, Events::IN), (2, Events::OUT)];
                let of = |(at, events): (usize, Events)| {
                    let numbers = super::tables::numbers(argument(at).unwrap_or_default());
                    numbers.into_iter().map(move |number| (number, events))
                };
                (argument(4)? == "NULL").then(|| lead_to(sets.into_iter().flat_map(of).collect()))
            }
            "epoll_wait" | "epoll_pwait" => {
                // Where the log breaks off, its time-out is not told.
                let may_time_out = argument(3).is_none_or(|time| time != "-1");
                let list = &self.polls.lists[self.list(now)?];
                let of = |registered: &Registered| {
                    let entry = self.tables.get(call.process, registered.number)?;
                    let is_it = registered.is_level && registered.channel == Some(entry.channel);
                    is_it.then_some(((registered.number, entry), registered.events))
                };
                let known: Vec<_> = list.iter().filter_map(of).collect();
                let and_others = known.len() < list.len() || may_time_out;
                Some((known, and_others))
            }
            _ => None,
        }
    }
}

/// The ends in the list of a poll.
fn polled(list: &str) -> Vec<(i64, Events)> {
    let of = |entry: &str| {
        let (_, rest) = entry.split_once("fd=")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((digits.parse().ok()?, events(rest, "POLL")))
    };
    let inner = list.trim_start_matches('[').trim_end_matches(']');
    cut(inner).into_iter().filter_map(of).collect()
}

/// The events that an entry asks for.
fn events(told: &str, prefix: &str) -> Events {
    let asked = told.split_once("events=").map_or(told, |(_, rest)| rest);
    let asked = asked.split([',', '}']).next().unwrap_or_default();
    let has = |word: &str| asked.split('|').any(|other| other == format!("{prefix}{word}"));
    let named = [("IN", Events::IN), ("OUT", Events::OUT), ("RDHUP", Events::RDHUP)];
    let asked = named.into_iter().filter(|(word, _)| has(word));
    asked.fold(Events::NONE, |all, (_, events)| all.union(events))
}
