//! Runs made in Rust, without text: typed calls and replies, ends and actors that exist.

use crate::call::{
    ACTORS_MAX, Actor, Answer, Call, ENDS_MAX, End, Errno, Events, Op, Reply, Termination,
};
use crate::kind::{Hold, Kind};
use crate::run::{Actors, Channel, Event, Form, Malformed, Name, PollSet, Run, Seat, Setup};

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
    /// A channel can't be called so, or one is already.
    #[error("{0:?} is no name of a channel, or another channel is called so")]
    Channel(String),
    /// There is no such end.
    #[error("{0:?} is no name of an end: no number of a descriptor, or too long with its channel")]
    End(String),
    /// An actor can't be called so.
    #[error("{0:?} is no name of an actor: a lower-case letter and up to 15 more, digits or \"-\"")]
    Name(String),
    /// Two actors are called so.
    #[error("there is an actor {0} already")]
    Twice(Name),
    /// No actor can hold this at the start of a run of such a channel.
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

    /// Begins a run of several channels, of which this is the first, and of processes.
    ///
    /// ```
    /// use pipewright_model::call::{Events, Op, Termination};
    /// use pipewright_model::kind::{Hold, PIPE};
    /// use pipewright_model::oracle::{Verdict, judge};
    /// use pipewright_model::platform::LINUX;
    /// use pipewright_model::run::Run;
    ///
    /// let (mut run, up) = Run::builder_of_several("up", &PIPE);
    /// let down = run.channel("down", &PIPE);
    /// let (r, w) = (run.end_of(up, Hold::READ), run.end_of(up, Hold::WRITE));
    /// let (other, kept) = (run.end_of(down, Hold::READ), run.end_of(down, Hold::WRITE));
    /// let zero = run.number(0);
    /// let shell = run.process("shell", [r, w, other, kept]);
    /// let child = run.forks(shell, "child");
    /// run.gets(child, r, Op::Dup2 { new: zero }, ())
    ///     .gets(shell, w, Op::Write { len: 5 }, 5)
    ///     .gets(child, zero, Op::Read { len: 9 }, 5)
    ///     .polls(shell, [(r, Events::IN), (other, Events::IN)], true)
    ///     .quiet()
    ///     .exits(child, Termination::Exit(3));
    /// let run = run.build()?;
    ///
    /// assert_eq!(judge(&run, &LINUX).verdict, Verdict::Conforms);
    /// # Ok::<(), pipewright_model::run::BuildError>(())
    /// ```
    pub fn builder_of_several(name: &str, setup: impl Into<Setup>) -> (RunBuilder, ChannelNumber) {
        let mut run = Run::builder(setup);
        match Name::new(name) {
            Some(named) => run.run.channels[0].name = Some(named),
            None => run.wrong(BuildError::Channel(name.to_owned()), ()),
        }
        (run, ChannelNumber(0))
    }
}

/// A channel of a run that is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelNumber(usize);

/// What runs of several channels and of processes have besides.
impl RunBuilder {
    /// One more channel.
    pub fn channel(&mut self, name: &str, setup: impl Into<Setup>) -> ChannelNumber {
        let named = Name::new(name).filter(|_| self.run.channel_named(name).is_none());
        if named.is_none() {
            return self.wrong(BuildError::Channel(name.to_owned()), ChannelNumber(0));
        }
        self.run.channels.push(Channel { name: named, setup: setup.into() });
        ChannelNumber(self.run.channels.len() - 1)
    }

    /// Another end of this channel, for this.
    pub fn end_of(&mut self, channel: ChannelNumber, hold: Hold) -> End {
        let Some(Channel { name, .. }) = self.run.channels.get(channel.0) else {
            return self.wrong(BuildError::End(hold.letters().to_owned()), End(0));
        };
        let name = *name;
        let is_alike = |known: &&Name| {
            let (of, end) = known.parts();
            let is_its = of == name.as_ref().map(Name::as_str);
            is_its && end.trim_end_matches(|c: char| c.is_ascii_digit()) == hold.letters()
        };
        let alike = self.run.end_names.iter().filter(is_alike).count();
        let number = if alike == 0 { String::new() } else { (alike + 1).to_string() };
        let end = format!("{}{number}", hold.letters());
        let whole = Name::new(&end).and_then(|end| Name::of_end(name, end));
        self.new_end(&end, whole)
    }

    /// The descriptor of this number, which a call makes.
    pub fn number(&mut self, number: u16) -> End {
        let text = number.to_string();
        self.new_end(&text, Name::of_number(&text))
    }

    /// A process that holds these ends at the start.
    pub fn process(&mut self, name: &str, ends: impl IntoIterator<Item = End>) -> Actor {
        self.seated(name, Form::Process, ends)
    }

    /// A thread of the process of this actor.
    pub fn thread(&mut self, name: &str, of: Actor) -> Actor {
        let leader = self.run.leader(of);
        self.seated(name, Form::Thread(leader), [])
    }

    /// An actor forks a process, which returns at once.
    pub fn forks(&mut self, parent: Actor, name: &str) -> Actor {
        let child = self.seated(name, Form::Forked, []);
        self.gets(parent, End(0), Op::Fork { child }, ());
        child
    }

    /// An actor begins to poll several ends at once.
    pub fn polls(
        &mut self,
        actor: Actor,
        ends: impl IntoIterator<Item = (End, Events)>,
        wait: bool,
    ) -> &mut RunBuilder {
        let Ok(set) = u8::try_from(self.run.polls.len()) else {
            self.wrong(BuildError::TooManyEnds, ());
            return self;
        };
        self.run.polls.push(PollSet { ends: ends.into_iter().collect(), wait });
        self.calls(actor, End(0), Op::PollSet { set })
    }

    /// The actor's poll on several ends returns with these events, one for each end.
    pub fn finds(
        &mut self,
        actor: Actor,
        events: impl IntoIterator<Item = Events>,
    ) -> &mut RunBuilder {
        self.run.polled.push(events.into_iter().collect());
        let index = self.run.polled.len() as u16 - 1;
        self.returns(actor, Answer::Polled(index))
    }

    /// The process of this actor ends so.
    pub fn exits(&mut self, actor: Actor, status: Termination) -> &mut RunBuilder {
        self.open = self.run.without_threads(self.open, actor);
        self.event(Event::Exits(actor, status))
    }

    fn new_end(&mut self, told: &str, name: Option<Name>) -> End {
        let taken = self.run.end_names.len();
        match name.filter(|name| !self.run.end_names.contains(name)) {
            _ if taken == ENDS_MAX => self.wrong(BuildError::TooManyEnds, End(0)),
            None => self.wrong(BuildError::End(told.to_owned()), End(0)),
            Some(name) => {
                self.run.end_names.push(name);
                End(taken as u8)
            }
        }
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
        self.seated(name, Form::Actor, ends)
    }

    fn seated(&mut self, name: &str, form: Form, ends: impl IntoIterator<Item = End>) -> Actor {
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
        let mut seat = Seat { form, ..Seat::new(named, Vec::new()) };
        for end in ends {
            let Some(end_name) = self.run.end_names.get(usize::from(end.0)).copied() else {
                continue;
            };
            let kind = self.run.kind_of(end);
            match hold_of(end_name).filter(|hold| kind.held.contains(hold)) {
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
    Hold::named(name.parts().1.trim_end_matches(|c: char| c.is_ascii_digit()))
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
            .gets(ann, sa, Op::Poll { events: Events::IN, wait: false, among: false }, Events::IN)
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
        wrong(|run| _ = [(); 33].map(|()| run.end(Hold::READ)), "at most 32 names of ends");
        wrong(
            |run| (0..33).for_each(|number| _ = run.actor(&format!("a{number}"), [])),
            "at most 32 actors",
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
