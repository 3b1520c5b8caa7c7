//! Runs made in Rust, without text: typed calls and replies, ends and actors that exist.

use crate::call::{ACTORS_MAX, Actor, Answer, Call, ENDS_MAX, End, Errno, Events, Op, Reply};
use crate::kind::{Hold, Kind};
use crate::run::{Actors, Event, Malformed, Name, Run, Seat, Setup};

/// What is being put together: see [`Run::builder`].
#[derive(Clone, Debug)]
pub struct RunBuilder {
    run: Run,
    open: Actors,
    wrong: Option<BuildError>,
}

/// Why what was put together is no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An actor can't be called so.
    #[error("{0:?} is no name of an actor: a lower-case letter and up to 15 more, digits or \"-\"")]
    Name(String),
    /// Two actors are called so.
    #[error("there is an actor {0} already")]
    Twice(Name),
    /// Nobody can hold this at the start of a run of such a channel.
    #[error("nobody holds {0} at the start of a run of this kind of channel")]
    NotHeld(Name),
    /// There are more actors than a run can have.
    #[error("a run has at most {ACTORS_MAX} actors")]
    TooManyActors,
    /// There are more names of ends than a run can have.
    #[error("a run has at most {ENDS_MAX} names of ends")]
    TooManyEnds,
    /// A call, a return, a stop or a quiet can't be where it stands.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Run {
    /// Begins a run of a channel: a [`Kind`] as it comes, or a [`Setup`].
    ///
    /// ```
    /// use pipewright_model::call::Op;
    /// use pipewright_model::kind::{Hold, PIPE};
    /// use pipewright_model::oracle::{Verdict, judge};
    /// use pipewright_model::platform::LINUX;
    /// use pipewright_model::run::Run;
    ///
    /// let mut run = Run::builder(&PIPE);
    /// let (r, w) = (run.end(Hold::READ), run.end(Hold::WRITE));
    /// let (reader, writer) = (run.actor("reader", [r]), run.actor("writer", [w]));
    /// run.calls(reader, r, Op::Read { len: 5 })
    ///     .quiet()
    ///     .gets(writer, w, Op::Write { len: 2 }, 2)
    ///     .returns(reader, 2);
    /// let run = run.build()?;
    ///
    /// assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
    /// assert_eq!(
    ///     run.to_string(),
    ///     "channel pipe\nreader: read 5\nquiet reader\nwriter: write 2 -> 2\nreader:         -> 2\n"
    /// );
    /// # Ok::<(), pipewright_model::run::BuildError>(())
    /// ```
    pub fn builder(setup: impl Into<Setup>) -> RunBuilder {
        let run = Run::new(setup.into(), Vec::new(), Vec::new());
        RunBuilder { run, open: Actors::NONE, wrong: None }
    }
}

impl RunBuilder {
    /// Another end for this: the first is called by its letters, as `w`, the next `w2`, and so on.
    pub fn end(&mut self, hold: Hold) -> End {
        let taken = self.run.end_names.len();
        if taken == ENDS_MAX {
            return self.wrong(BuildError::TooManyEnds, End(0));
        }
        let alike = self.run.end_names.iter().filter(|name| hold_of(**name) == Some(hold)).count();
        let number = if alike == 0 { String::new() } else { (alike + 1).to_string() };
        self.run.end_names.extend(Name::new(&format!("{}{number}", hold.letters())));
        End(taken as u8)
    }

    /// An actor that holds these ends at the start.
    pub fn actor(&mut self, name: &str, ends: impl IntoIterator<Item = End>) -> Actor {
        let taken = self.run.seats.len();
        if taken == ACTORS_MAX {
            return self.wrong(BuildError::TooManyActors, Actor(0));
        }
        let Some(named) = Name::new(name) else {
            return self.wrong(BuildError::Name(name.to_owned()), Actor(0));
        };
        if self.run.seats.iter().any(|seat| seat.name == named) {
            return self.wrong(BuildError::Twice(named), Actor(0));
        }
        let mut seat = Seat { name: named, ends: Vec::new() };
        for end in ends {
            let Some(end_name) = self.run.end_names.get(usize::from(end.0)).copied() else {
                continue;
            };
            match hold_of(end_name).filter(|hold| self.run.setup.kind.held.contains(hold)) {
                Some(hold) => seat.ends.push((end, hold)),
                None => return self.wrong(BuildError::NotHeld(end_name), Actor(0)),
            }
        }
        self.run.seats.push(seat);
        Actor(taken as u8)
    }

    /// Notes the first thing that is wrong; what is given back instead is never used in a run.
    fn wrong<T>(&mut self, error: BuildError, instead: T) -> T {
        self.wrong.get_or_insert(error);
        instead
    }

    /// A call begins, and is open until it [returns](RunBuilder::returns).
    pub fn calls(&mut self, actor: Actor, end: End, op: Op) -> &mut RunBuilder {
        self.open = self.open.with(actor);
        self.event(Event::Call(Call { actor, end, op }))
    }

    /// The open call of this actor returns.
    pub fn returns(&mut self, actor: Actor, reply: impl Into<Reply>) -> &mut RunBuilder {
        self.open = self.open.without(actor);
        self.event(Event::Return(actor, reply.into()))
    }

    /// A call returns at once.
    pub fn gets(
        &mut self,
        actor: Actor,
        end: End,
        op: Op,
        reply: impl Into<Reply>,
    ) -> &mut RunBuilder {
        self.calls(actor, end, op).returns(actor, reply)
    }

    /// All open calls sleep, at one moment.
    pub fn quiet(&mut self) -> &mut RunBuilder {
        self.event(Event::Quiet(self.open))
    }

    /// The open call of this actor stops at this byte of its buffer.
    pub fn stops(&mut self, actor: Actor, at: u32) -> &mut RunBuilder {
        self.event(Event::Stops(actor, at))
    }

    /// The stopped call of this actor goes on.
    pub fn goes_on(&mut self, actor: Actor) -> &mut RunBuilder {
        self.event(Event::GoesOn(actor))
    }

    /// A remark on the last event.
    pub fn remark(&mut self, remark: impl Into<String>) -> &mut RunBuilder {
        if let Some(last) = self.run.remarks.last_mut() {
            *last = remark.into();
        }
        self
    }

    fn event(&mut self, event: Event) -> &mut RunBuilder {
        self.run.push(event);
        self
    }

    /// The run.
    ///
    /// # Errors
    ///
    /// The first thing that no run has: see [`Run::check`].
    pub fn build(self) -> Result<Run, BuildError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        self.run.check()?;
        Ok(self.run)
    }
}

/// What an end of this name is for.
fn hold_of(name: Name) -> Option<Hold> {
    Hold::named(name.as_str().trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// A count.
impl From<u32> for Reply {
    fn from(count: u32) -> Reply {
        Reply::new(Answer::Count(count))
    }
}

/// `ok`.
impl From<()> for Reply {
    fn from((): ()) -> Reply {
        Reply::new(Answer::Done)
    }
}

/// An error.
impl From<Errno> for Reply {
    fn from(errno: Errno) -> Reply {
        Reply::new(Answer::Fails(errno))
    }
}

/// What `poll` tells.
impl From<Events> for Reply {
    fn from(events: Events) -> Reply {
        Reply::new(Answer::Ready(events))
    }
}

/// Without signal and data.
impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply::new(answer)
    }
}

/// As it comes.
impl From<&'static Kind> for Setup {
    fn from(kind: &'static Kind) -> Setup {
        Setup::new(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{FIFO, PIPE, Side, UNIX_STREAM};

    #[test]
    fn what_is_built_reads_back() {
        let mut run = Run::builder(Setup { nonblock: true, ..Setup::new(&UNIX_STREAM) });
        let sa = run.end(Hold { side: Side::A, ..Hold::SOCKET });
        let (s, s2) = (run.end(Hold::SOCKET), run.end(Hold::SOCKET));
        let (ann, ben) = (run.actor("ann", [sa]), run.actor("ben", []));
        run.gets(ben, s, Op::Socket { nonblock: true }, ())
            .gets(ben, s, Op::Bind, Errno::EINVAL)
            .remark("a remark")
            .gets(ann, sa, Op::Dup { new: s2 }, ())
            .gets(ann, sa, Op::Poll { events: Events::IN, wait: false }, Events::IN)
            .calls(ann, sa, Op::Write { len: 9 })
            .stops(ann, 4)
            .goes_on(ann)
            .returns(ann, 9)
            .quiet();
        let run = run.build().expect("a run");
        assert_eq!(run.to_string().parse(), Ok(run.clone()), "{run}");
        assert_eq!(run.end_names.iter().map(Name::as_str).collect::<Vec<_>>(), ["sa", "s", "s2"]);
    }

    #[test]
    fn what_is_no_run_is_told() {
        let built = |make: fn(&mut RunBuilder)| {
            let mut run = Run::builder(&PIPE);
            make(&mut run);
            run.build().map(|run| run.to_string()).map_err(|error| error.to_string())
        };
        let wrong = |make, told: &str| {
            let error = built(make).expect_err("no run");
            assert!(error.contains(told), "{error}");
        };
        wrong(|run| _ = run.actor("Ann", []), "\"Ann\" is no name");
        wrong(|run| _ = [(); 2].map(|()| run.actor("a", [])), "an actor a already");
        wrong(
            |run| {
                let both = run.end(Hold::BOTH);
                run.actor("a", [both]);
            },
            "nobody holds rw",
        );
        wrong(|run| _ = [(); 9].map(|()| run.end(Hold::READ)), "at most 8 names of ends");
        wrong(
            |run| (b'a'..b'j').for_each(|name| _ = run.actor(&char::from(name).to_string(), [])),
            "at most 8 actors",
        );
        wrong(
            |run| {
                let r = run.end(Hold::READ);
                let a = run.actor("a", [r]);
                run.calls(a, r, Op::Close).calls(a, r, Op::Close);
            },
            "a makes a call while its call before has not returned",
        );
        assert_eq!(
            Run::builder(&FIFO).build().map(|run| run.to_string()),
            Ok("channel fifo\n".into())
        );
    }
}
