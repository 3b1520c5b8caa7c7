//! `pipewright compare`: what changes from one platform, or one kind of channel, to another.

use std::fmt::Write as _;

use clap::{Args, ValueEnum as _};
use pipewright_conformance::compare::{Difference, Found, Side, compare, has_calls};
use pipewright_conformance::{Placement, Runner, Scenario, tell};
use pipewright_model::explore::Within;
use pipewright_model::kind::{KINDS, Kind, named};
use pipewright_model::oracle::Allowed;
use pipewright_model::rules::RULES;
use pipewright_model::run::{Event, Run};
use pipewright_model::text::{self, nearest};

use super::numbers::{MANY, number};
use super::replay::fitting;
use super::{Profile, Refusal, Status, print};

/// So many things that the other side has instead are told.
const INSTEAD_MAX: usize = 3;

/// What `compare` is given.
#[derive(Args)]
pub(super) struct Arguments {
    /// A profile, or a kind of channel.
    one: String,
    /// The other profile or kind of channel.
    other: String,
    /// For two profiles: the kinds of channel to compare over; by default all that have
    /// descriptors.
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,
    /// For two kinds: the rules to compare by.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
    /// Maximum number of calls in a run.
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true,
        value_parser = number(1_u64..=8))]
    calls: u64,
    /// Maximum number of pairs of states to visit, for each set of calls and each direction.
    #[arg(long, value_name = "N", default_value_t = 200_000, allow_negative_numbers = true,
        value_parser = number(1..=MANY as u64))]
    pairs: u64,
    /// Print only the differences, without their runs.
    #[arg(long)]
    brief: bool,
    /// Make the calls of each run on this machine's channel of that kind, and report whether they
    /// have the same results.
    #[arg(long)]
    confirm: bool,
}

/// One side, as it is called.
#[derive(Clone, Copy)]
struct Named {
    name: &'static str,
    side: Side,
}

/// Prints what each side allows and the other does not.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    compared(arguments).map_err(|refusal| refusal.text().to_owned())?;
    Ok(Status::Conforms)
}

fn compared(arguments: &Arguments) -> Result<(), Refusal> {
    let within = Within { calls: arguments.calls as usize, pairs: arguments.pairs as usize };
    let pairs = sides(arguments)?;
    for (one, other) in pairs {
        for (here, there) in [(one, other), (other, one)] {
            let found = compare(here.side, there.side, within).ok_or_else(|| {
                let (one, other) = (one.side.kind.name, other.side.kind.name);
                Refusal::new(if one == other {
                    format!("{one}: there is no small set of calls on it by which profiles could be compared")
                } else {
                    format!(
                        "{one} and {other} can't be compared: each must carry data from one to another; take pipe, fifo, unix-stream, unix-seqpacket, unix-datagram or tcp"
                    )
                })
            })?;
            print(&told(here, there, &found, arguments)?)?;
        }
    }
    Ok(())
}

/// What is compared with what.
fn sides(arguments: &Arguments) -> Result<Vec<(Named, Named)>, Refusal> {
    let profile = |name: &str| Profile::from_str(name, false).ok();
    let given = (profile(&arguments.one), profile(&arguments.other));
    if let (Some(one), Some(other)) = given {
        let kinds = arguments.kinds.iter().map(|name| kind(name)).collect::<Result<Vec<_>, _>>()?;
        let kinds = if kinds.is_empty() { with_descriptors() } else { kinds };
        let side = |profile: Profile, kind| {
            let platform = profile.platform();
            Named { name: platform.name, side: Side { platform, kind } }
        };
        return Ok(kinds.iter().map(|kind| (side(one, kind), side(other, kind))).collect());
    }
    if given.0.is_some() || given.1.is_some() {
        return Err(Refusal::new(format!(
            "one of {} and {} is a profile and the other is not; compare two profiles or two kinds",
            arguments.one, arguments.other
        )));
    }
    if let Some(more) = arguments.kinds.first() {
        return Err(Refusal::new(format!(
            "{more}: kinds come behind two profiles; to compare kinds, give two of them"
        )));
    }
    let platform = arguments.profile.platform();
    let side = |kind: &'static Kind| Named { name: kind.name, side: Side { platform, kind } };
    Ok(vec![(side(kind(&arguments.one)?), side(kind(&arguments.other)?))])
}

fn with_descriptors() -> Vec<&'static Kind> {
    KINDS.iter().copied().filter(|kind| kind.has_descriptors() && has_calls(kind)).collect()
}

fn kind(name: &str) -> Result<&'static Kind, Refusal> {
    named(name).ok_or_else(|| {
        let profiles = Profile::value_variants().iter().filter_map(|one| one.to_possible_value());
        let profiles: Vec<String> = profiles.map(|one| one.get_name().to_owned()).collect();
        let all = KINDS.iter().map(|kind| kind.name).chain(profiles.iter().map(String::as_str));
        let meant = nearest(name, all).map_or_else(
            || "`pipewright channels` names the kinds".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Refusal::new(format!("there is no profile and no kind of channel `{name}`; {meant}"))
    })
}

fn told(
    here: Named,
    there: Named,
    found: &Found,
    arguments: &Arguments,
) -> Result<String, Refusal> {
    let over = if here.side.kind == there.side.kind {
        format!("over {}, ", here.side.kind.name)
    } else {
        String::new()
    };
    let what = match found.differences.len() {
        0 => "no difference".to_owned(),
        1 => "1 difference".to_owned(),
        many => format!("{many} differences"),
    };
    let mut text = format!(
        "{over}{} allows and {} does not: {what} in runs of up to {} ({} pairs of states{})\n",
        here.name,
        there.name,
        if arguments.calls == 1 {
            "1 call".to_owned()
        } else {
            format!("{} calls", arguments.calls)
        },
        found.pairs,
        if found.whole { "" } else { ", not all: --pairs takes more" }
    );
    for difference in &found.differences {
        let seen = if arguments.confirm { Some(confirmed(difference)?) } else { None };
        text.push('\n');
        text.push_str(&one(here, there, difference, seen.as_deref()));
        if !arguments.brief {
            text.push('\n');
            let run = tell::explained(&difference.run, &difference.allowed).to_string();
            for line in run.lines() {
                let _ = writeln!(text, "        {line}");
            }
        }
    }
    text.push('\n');
    Ok(text)
}

/// A difference in words: what the one side does, by which rule, and what the other has instead.
fn one(here: Named, there: Named, difference: &Difference, seen: Option<&str>) -> String {
    let event = difference.event();
    let run = &difference.run;
    let mut text = String::from("  ");
    let line = |event| text::event(run, event).split_whitespace().collect::<Vec<_>>().join(" ");
    match difference.awake().map(&line) {
        Some(called) => {
            let (actor, call) = called.split_once(": ").unwrap_or(("", &called));
            let _ = write!(text, "{actor} sleeps in `{call}`");
        }
        None => text.push_str(&line(event)),
    }
    let _ = match difference.runs {
        1 => writeln!(text),
        many => writeln!(text, " ({many} runs)"),
    };
    if let Some(rule) = difference.rule() {
        let rule = RULES[usize::from(rule)];
        let _ = writeln!(text, "    {}: {}: {}", here.name, rule.id, rule.says);
    }
    let instead = difference.instead();
    for one in instead.iter().take(INSTEAD_MAX) {
        let rule = RULES[usize::from(one.rule())];
        let what = match one {
            Allowed::Returns(_, reply, _) => format!("-> {reply}"),
            Allowed::Sleeps(actor, _) => format!("{} sleeps", run.actor_name(*actor)),
        };
        let _ = writeln!(text, "    {}: {what}: {}: {}", there.name, rule.id, rule.says);
    }
    if let more @ 1.. = instead.len().saturating_sub(INSTEAD_MAX) {
        let _ = writeln!(text, "    {}: {more} more", there.name);
    }
    if let Some(seen) = seen {
        let _ = writeln!(text, "    {seen}");
    }
    text
}

/// Whether the calls of a run end here as the run says.
fn confirmed(difference: &Difference) -> Result<String, Refusal> {
    let run = &difference.run;
    let channel = match fitting(run.setup()) {
        Ok(Ok(channel)) => channel,
        Ok(Err(_)) | Err(_) => {
            return Ok("not tried here: no channel is set up like this".to_owned());
        }
    };
    if let Some(reason) = channel.unavailable() {
        return Ok(format!("not tried here: {reason}"));
    }
    let Some(arrangement) = channel.arrangements().first() else {
        return Ok("not tried here: no actors share such a channel".to_owned());
    };
    let mut runner = Runner::new(channel, *arrangement, run.seats.len(), Placement::Anywhere)?;
    let seen = runner.run(&Scenario::of(run))?;
    let ends = |run: &Run| match run.events.last() {
        Some(Event::Return(actor, reply)) => Some((Some(*actor), reply.to_string())),
        Some(Event::Quiet(asleep)) => Some((None, format!("{asleep:?}"))),
        _ => None,
    };
    Ok(match (ends(&seen) == ends(run), seen.events.len().checked_sub(1)) {
        (true, _) => "so it is on this machine".to_owned(),
        (false, Some(last)) => {
            let last = text::event(&seen, last);
            let last = last.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("on this machine: {last}")
        }
        (false, None) => "on this machine: nothing".to_owned(),
    })
}
