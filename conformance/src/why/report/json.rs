//! The answer as JSON: what the text says, and all that it leaves out.

use pipewright_model::waits::{Fate, Index};
use serde_json::{Value, json};

use crate::why::pattern::Pattern;
use crate::why::picture::{End, Holder, Label, On, Picture};
use crate::why::tell::sentence;

use super::{Knot, Report};

/// The whole answer.
pub(super) fn of(report: &Report<'_>) -> String {
    let (picture, fates) = (report.picture, &report.fates);
    let party = |party: &Index| self::party(picture, *party, fates.of(*party));
    let parties = |parties: &[Index]| parties.iter().map(party).collect::<Vec<Value>>();
    let knot = |knot: &Knot| json!({ "pattern": pattern(knot.pattern), "parties": parties(&knot.parties) });
    let all = json!({
        "status": report.status().code(),
        "knots": report.knots.iter().map(knot).collect::<Vec<_>>(),
        "unless_somebody_unseen": report.unsure.iter().map(knot).collect::<Vec<_>>(),
        "behind": parties(&report.behind),
        "only_from_outside": parties(&report.outside),
        "others": parties(&report.others),
        "pattern": pattern(report.pattern),
        "not_looked_at": report.blind,
        "unseen": report.unseen(),
    });
    format!("{all:#}\n")
}

fn pattern(pattern: Option<Pattern>) -> Value {
    pattern.map_or(
        Value::Null,
        |pattern| json!({ "name": pattern.name, "wrong": pattern.wrong, "mend": pattern.mend }),
    )
}

fn party(picture: &Picture<'_>, party: Index, fate: Fate) -> Value {
    let fate = match fate {
        Fate::ForEver => "for ever",
        Fate::Waits => "waits",
        Fate::Free => "free",
    };
    let says = sentence(picture, party);
    let Label::Thread(process, thread) = picture.labels[party] else {
        return json!({ "fate": fate, "says": says });
    };
    let found = &picture.snapshot.processes[&process];
    let detail = picture.waits.get(&party);
    let enders: Vec<Value> = picture
        .graph
        .enders(party)
        .into_iter()
        .map(|ender| match &picture.labels[ender] {
            Label::Thread(process, thread) => json!({ "process": process, "thread": thread }),
            Label::Other(clause) => json!({ "other": clause }),
        })
        .collect();
    json!({
        "process": process,
        "thread": thread,
        "name": found.name,
        "command": found.command,
        "call": detail.map(|detail| detail.call).filter(|call| !call.is_empty()),
        "rule": detail.and_then(|detail| detail.rule),
        "fate": fate,
        "says": says,
        "waits_on": detail.map_or(Value::Null, |detail| on(&detail.on)),
        "ended_by": enders,
    })
}

fn on(on: &On) -> Value {
    match on {
        On::End(end) => json!([self::end(end)]),
        On::Events(ends) => ends.iter().map(end).collect(),
        On::Lock { fd, path, holders, .. } => {
            json!([{ "fd": fd, "what": path, "holders": self::holders(holders) }])
        }
        On::Open { path, .. } => json!([{ "what": path }]),
        On::Children(children) => {
            children.iter().map(|child| json!({ "process": child })).collect()
        }
        On::Stopped | On::Nothing(_) => json!([]),
    }
}

fn end(end: &End) -> Value {
    json!({ "fd": end.fd, "what": end.what, "holders": holders(&end.holders), "others": end.others })
}

fn holders(holders: &[Holder]) -> Vec<Value> {
    let one = |holder: &Holder| json!({ "process": holder.process, "fds": holder.numbers });
    holders.iter().map(one).collect()
}
