//! A wait as a sentence.

use pipewright_model::waits::Index;

use super::picture::{Channel, Detail, End, Holder, Label, On, Picture, Wants};
use super::snapshot::Way;

/// The longest command that is shown.
const COMMAND_LETTERS_MAX: usize = 60;

/// The longest line, but for a word that is longer.
const LINE_LETTERS_MAX: usize = 100;

/// The most holders of one end that are named.
const HOLDERS_MAX: usize = 4;

/// What a party is and does, as a sentence.
pub(super) fn sentence(picture: &Picture<'_>, party: Index) -> String {
    sentences(picture, &[party]).concat()
}

/// The same of several: threads of one process that do the same have one sentence.
pub(super) fn sentences(picture: &Picture<'_>, parties: &[Index]) -> Vec<String> {
    let mut told: Vec<(i32, String, Vec<i32>)> = Vec::new();
    for party in parties {
        let Label::Thread(process, thread) = picture.labels[*party] else { continue };
        let does = picture.waits.get(party).map(|detail| all_it_does(picture, process, detail));
        let does = does.unwrap_or_else(|| "runs".to_owned());
        match told.iter_mut().find(|(own, same, _)| *own == process && *same == does) {
            Some((_, _, threads)) => threads.push(thread),
            None => told.push((process, does, vec![thread])),
        }
    }
    let sentence = |(process, does, threads): (i32, String, Vec<i32>)| {
        format!("{} {does}.", who(picture, process, &threads))
    };
    told.into_iter().map(sentence).collect()
}

fn all_it_does(picture: &Picture<'_>, process: i32, detail: &Detail) -> String {
    let mut does = does(picture, process, detail);
    if !detail.besides.is_empty() {
        does.push_str("; it may also be ended by ");
        does.push_str(&detail.besides.join(", or by "));
    }
    does
}

/// A process by name and number, with its command where that says more.
fn who(picture: &Picture<'_>, process: i32, threads: &[i32]) -> String {
    let found = &picture.snapshot.processes[&process];
    let thread = match (found.threads.len(), threads) {
        (..=1, _) => String::new(),
        (_, [thread]) => format!(", thread {thread}"),
        (_, threads) => format!(", {} threads", threads.len()),
    };
    let name = format!("{} ({process}{thread})", found.name);
    match &found.command {
        command if command.is_empty() || *command == found.name => name,
        command => format!("{name} `{}`", shortened(command)),
    }
}

/// A sentence in lines, the first one less indented than the others.
pub(super) fn wrapped(sentence: &str, indent: usize) -> String {
    let mut lines = " ".repeat(indent);
    let mut letters = indent;
    for (index, word) in sentence.split(' ').enumerate() {
        let len = word.chars().count();
        if index > 0 && letters + 1 + len > LINE_LETTERS_MAX {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent + 2));
            letters = indent + 2;
        } else if index > 0 {
            lines.push(' ');
            letters += 1;
        }
        lines.push_str(word);
        letters += len;
    }
    lines + "\n"
}

/// The beginning of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(COMMAND_LETTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A process by name and number.
pub(super) fn named(picture: &Picture<'_>, process: i32) -> String {
    match picture.snapshot.processes.get(&process) {
        Some(found) => format!("{} ({process})", found.name),
        None => format!("process {process}"),
    }
}

fn does(picture: &Picture<'_>, process: i32, detail: &Detail) -> String {
    let call = detail.call;
    let rule = detail.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
    let on_fd = |fd: i32, why: String| format!("sleeps in {call} on fd {fd}{rule}: {why}");
    match &detail.on {
        On::Nothing(text) => text.clone(),
        On::Stopped => format!("is stopped{rule}: a signal, SIGCONT, lets it go on"),
        On::End(end) => on_fd(end.fd, waits_for(picture, process, end)),
        On::Lock { fd, path, holders, .. } => {
            let by = held_by(picture, process, holders);
            on_fd(*fd, format!("{path} is locked by {by}"))
        }
        On::Open { path, way, .. } => {
            let (other, as_what) = match way {
                Way::In => ("writing", "reading"),
                Way::Out => ("reading", "writing"),
            };
            format!(
                "sleeps in {call} of {path} for {as_what}{rule}: nobody has the FIFO open for {other}; \
                 whoever opens it so ends the wait"
            )
        }
        On::Children(children) => {
            let named: Vec<String> =
                children.iter().take(HOLDERS_MAX).map(|child| named(picture, *child)).collect();
            let more = match children.len() {
                ..=HOLDERS_MAX => String::new(),
                all => format!(" and {} more", all - HOLDERS_MAX),
            };
            let which = match children.len() {
                0 => "its child has not ended".to_owned(),
                1 => format!("its child {} has not ended", named[0]),
                _ => format!("none of its children {}{more} has ended", named.join(", ")),
            };
            format!("sleeps in {call}{rule}: {which}")
        }
        On::Events(ends) => {
            let one = |end: &End| format!("fd {}: {}", end.fd, waits_for(picture, process, end));
            let shown: Vec<String> = ends.iter().take(HOLDERS_MAX).map(one).collect();
            let more = match ends.len() {
                ..=HOLDERS_MAX => String::new(),
                all => format!("; and {} more", all - HOLDERS_MAX),
            };
            match ends.len() {
                0 => format!("sleeps in {call}{rule}: it watches nothing"),
                1 => format!("sleeps in {call}{rule}: {}", shown[0]),
                _ => format!("sleeps in {call}{rule}: none is ready; {}{more}", shown.join("; ")),
            }
        }
    }
}

/// Why a descriptor gives nothing, and who could change that.
fn waits_for(picture: &Picture<'_>, process: i32, end: &End) -> String {
    let what = &end.what;
    let by = held_by(picture, process, &end.holders);
    let nobody = end.holders.is_empty();
    let mut told = match end.wants {
        Wants::Data(Channel::Stream) if nobody => format!("{what} is empty"),
        Wants::Room(Channel::Stream) if nobody => format!("{what} is full"),
        Wants::Data(Channel::Stream) => {
            format!("{what} is empty, and its write end is still held by {by}")
        }
        Wants::Room(Channel::Stream) => format!("{what} is full, and its read end is held by {by}"),
        Wants::Data(Channel::Socket) if nobody => format!("{what} has no data"),
        Wants::Room(Channel::Socket) if nobody => format!("{what} has no room"),
        Wants::Data(Channel::Socket) => {
            format!("{what} has no data, and its peer is held by {by}")
        }
        Wants::Room(Channel::Socket) => {
            format!("{what} has no room, and its peer is held by {by}")
        }
        Wants::Data(Channel::Queue) if nobody => {
            format!("{what} is empty, and nobody has it open for sending")
        }
        Wants::Room(Channel::Queue) if nobody => {
            format!("{what} is full, and nobody has it open for receiving")
        }
        Wants::Data(Channel::Queue) => {
            format!("{what} is empty, and is open for sending by {by}")
        }
        Wants::Room(Channel::Queue) => {
            format!("{what} is full, and is open for receiving by {by}")
        }
        Wants::Connection => format!("no connection comes to {what}"),
        Wants::Acceptance if nobody => format!("nobody seen here listens at {what}"),
        Wants::Acceptance => {
            format!(
                "no more connections may wait at {what}, where {by} listens and does not accept"
            )
        }
        Wants::Other => what.clone(),
    };
    if end.wants != Wants::Connection && !end.others.is_empty() {
        told.push_str("; it may also be ended by ");
        told.push_str(&end.others.join(", or by "));
    }
    told
}

/// "by wc itself (fd 4) and by sh (12), fd 4".
fn held_by(picture: &Picture<'_>, process: i32, holders: &[Holder]) -> String {
    let one = |holder: &Holder| {
        let numbers: Vec<String> =
            holder.numbers.iter().map(|number| format!("fd {number}")).collect();
        let numbers = match numbers.len() {
            ..=HOLDERS_MAX => numbers.join(" and "),
            all => format!("{} and {} more", numbers[..HOLDERS_MAX].join(", "), all - HOLDERS_MAX),
        };
        if holder.process == process {
            let name = picture.snapshot.processes.get(&process).map(|found| found.name.as_str());
            let fork = inherited(picture, holder).unwrap_or_default();
            format!("{} itself ({numbers}{fork})", name.unwrap_or("it"))
        } else {
            let fork = inherited(picture, holder).unwrap_or_default();
            let name = named(picture, holder.process);
            if numbers.is_empty() { name } else { format!("{name}, {numbers}{fork}") }
        }
    };
    let mut told: Vec<String> = holders.iter().take(HOLDERS_MAX).map(one).collect();
    if holders.len() > HOLDERS_MAX {
        told.push(format!("{} more", holders.len() - HOLDERS_MAX));
    }
    match told.len() {
        0 => "a holder that was not seen".to_owned(),
        _ => told.join(" and by "),
    }
}

/// Since when, where the parent holds the same by the same number.
fn inherited(picture: &Picture<'_>, holder: &Holder) -> Option<&'static str> {
    let processes = &picture.snapshot.processes;
    let own = processes.get(&holder.process)?;
    let parent = processes.get(&own.parent)?;
    let object = |of: &super::snapshot::Process, number: i32| {
        let all = of.descriptors.as_ref()?;
        all.iter().find(|one| one.number == number).map(|one| one.object.clone())
    };
    let same =
        |number: &i32| object(own, *number).is_some_and(|own| Some(own) == object(parent, *number));
    holder.numbers.iter().all(same).then_some(", since the fork")
}
