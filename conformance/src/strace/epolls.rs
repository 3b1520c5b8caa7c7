//! Epolls in a log, whose entries are all of one channel: what is registered and told is compared.
//!
//! Of an epoll that watches several channels, or what is not followed, no run tells: what ends a wait for one may be
//! another. Which these are is known once the log was read; it is read twice.

use pipewright_model::call::{Answer, End, Events, Op, TOLD_MAX, Told, Trigger};
use pipewright_model::kind::Hold;

use super::calls::Outcome;
use super::channels::{Channels, Now};
use super::tables::{Channel, Entry};
use super::transfers::failed;

impl Channels {
    /// Something is registered or changed, or no longer watched.
    pub(super) fn controls_epoll(&mut self, now: Now<'_>) {
        let Some(list) = self.list(now) else { return };
        let target = self.descriptor(now, 2);
        let deletes = now.call.has_flag(1, "EPOLL_CTL_DEL");
        if !deletes {
            let channel = target.map(|(_, entry)| entry.channel);
            self.polls.watched[list].channels.insert(channel);
        }
        let made_at = self.polls.watched[list].made_at;
        let Some(channel) = self.single.get(&made_at).copied() else { return };
        let Some(number) = now.call.number(0) else { return };
        if self.tables.get(now.call.process, number).is_none() {
            let close_on_exec = self.polls.close_on_exec.contains(&list);
            let entry = Entry { channel, hold: Hold::EPOLL, close_on_exec };
            self.tables.of(now.call.process).insert(number, entry);
            self.at_once(now, (number, entry), Op::Epoll);
            if close_on_exec {
                self.at_once(now, (number, entry), Op::SetCloseOnExec(true));
            }
        }
        let Some(here) = self.descriptor(now, 0) else { return };
        let Some((watched, entry)) = target else {
            return self.gives_up_on(now, 0, "is of a descriptor that is not followed");
        };
        let Some(target) = self.end(channel, watched, entry.hold) else { return };
        let told = now.call.arguments.get(3).map(String::as_str).unwrap_or_default();
        let data = &mut self.polls.watched[list].data;
        data.retain(|(_, number, _)| *number != watched);
        let op = if deletes {
            Op::EpollDelete { target }
        } else {
            let Some((events, trigger)) = asked(told) else {
                return self.gives_up_on(now, 0, "has flags that are not followed");
            };
            data.extend(user_data(told).map(|data| (data, watched, entry.hold)));
            match now.call.has_flag(1, "EPOLL_CTL_ADD") {
                true => Op::EpollAdd { target, events, trigger },
                false => Op::EpollModify { target, events, trigger },
            }
        };
        self.on(now, here, op, Some(Answer::Done));
    }

    /// A wait of an epoll that is followed; whether it is one.
    pub(super) fn waits_on_epoll(&mut self, now: Now<'_>) -> bool {
        let call = now.call;
        let Some(here @ (_, entry)) = self.descriptor(now, 0) else { return false };
        if entry.hold != Hold::EPOLL || !call.name.starts_with("epoll") {
            return false;
        }
        let time_out = call.arguments.get(3).map(String::as_str);
        let wait = match (time_out, &call.outcome) {
            (Some("-1"), _) => true,
            (Some("0"), _) => false,
            // A time-out that is over leaves everything as it was; one that goes on is told of elsewhere.
            (_, Outcome::None) => return false,
            (_, Outcome::Value(0)) => return true,
            _ => true,
        };
        let most = call.number(2).and_then(|most| u8::try_from(most.clamp(0, 255)).ok());
        let most = most.unwrap_or(u8::MAX).min(TOLD_MAX as u8);
        let answer = match &call.outcome {
            Outcome::None => None,
            Outcome::Value(0) => Some(Answer::Ready(Events::NONE)),
            Outcome::Value(_) => match self.told(now, entry.channel) {
                Some(told) => Some(Answer::Told(told)),
                None => {
                    self.gives_up_on(now, 0, "tells of what can't be told from others");
                    return true;
                }
            },
            Outcome::Error(name) => failed(name),
        };
        if answer.is_none() && call.outcome != Outcome::None {
            self.gives_up_on(now, 0, "fails with what no run tells of");
            return true;
        }
        self.on(now, here, Op::EpollWait { most, wait }, answer);
        true
    }

    /// What a wait tells, by the ends that were registered.
    fn told(&mut self, now: Now<'_>, channel: Channel) -> Option<Told> {
        let list = self.list(now)?;
        let told = now.call.arguments.get(1)?;
        let count = usize::try_from(now.call.value()?).ok()?;
        let entries: Vec<&str> = told.split("{events=").skip(1).collect();
        if entries.len() != count || count > TOLD_MAX {
            return None;
        }
        let mut found: Vec<(End, Events)> = Vec::new();
        for entry in entries {
            let (events, trigger) = asked(&format!("{{events={entry}"))?;
            let data = user_data(entry)?;
            let mut those = self.polls.watched[list].data.iter().filter(|(of, ..)| *of == data);
            let (Some((_, number, hold)), None) = (those.next().cloned(), those.next()) else {
                return None;
            };
            if !trigger.is_empty() {
                return None;
            }
            found.push((self.end(channel, number, hold)?, events));
        }
        Some(found.into_iter().collect())
    }
}

/// The user's data of an entry.
fn user_data(told: &str) -> Option<String> {
    let (_, data) = told.split_once("u64=")?;
    Some(data.split([',', '}']).next()?.to_owned())
}

/// The events and flags of an entry; `None` where there are some that runs don't know.
fn asked(told: &str) -> Option<(Events, Trigger)> {
    const EVENTS: [(&str, Events); 6] = [
        ("EPOLLIN", Events::IN),
        ("EPOLLPRI", Events::PRI),
        ("EPOLLOUT", Events::OUT),
        ("EPOLLERR", Events::ERR),
        ("EPOLLHUP", Events::HUP),
        ("EPOLLRDHUP", Events::RDHUP),
    ];
    const FLAGS: [(&str, Trigger); 3] = [
        ("EPOLLET", Trigger::EDGE),
        ("EPOLLONESHOT", Trigger::ONE_SHOT),
        ("EPOLLEXCLUSIVE", Trigger::EXCLUSIVE),
    ];
    let (_, rest) = told.split_once("events=")?;
    let words = rest.split([',', '}']).next()?.split('|').filter(|word| *word != "0");
    words.into_iter().try_fold((Events::NONE, Trigger::NONE), |(events, flags), word| {
        let event = EVENTS.iter().find(|(name, _)| *name == word);
        let flag = FLAGS.iter().find(|(name, _)| *name == word);
        match (event, flag) {
            (Some((_, event)), _) => Some((events.union(*event), flags)),
            (_, Some((_, flag))) => Some((events, flags.union(*flag))),
            _ => None,
        }
    })
}
