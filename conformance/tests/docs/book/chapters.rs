//! Tables of what a chapter of rules covers, and lists of what it leaves open.

use std::fmt::Write as _;

use pipewright_conformance::status::Status;
use pipewright_model::decide::Decided;
use pipewright_model::kind::{KINDS, Kind};
use pipewright_model::rules::outside::CAUSES;
use pipewright_model::rules::{Chapter, Exception, Overlap};

use super::decided;
use crate::read;

pub(super) fn kinds(chapter: &Chapter) -> String {
    let mut table = String::from(
        "| kind | reach | direction | waiting | what it is |\n| --- | --- | --- | --- | --- |\n",
    );
    let speaks_of = |kind: &&&Kind| {
        kind.chapters.contains(&chapter.name) || chapter.of_all && kind.has_descriptors()
    };
    for kind in KINDS.iter().filter(speaks_of) {
        let Decided { direction, waiting, .. } = decided(kind);
        let Kind { name, reach, says, .. } = kind;
        let _ = writeln!(
            table,
            "| [{name}](map.md#{name}) | {reach} | {direction} | {waiting} | {says} |"
        );
    }
    table
}

/// Causes outside of the channel.
pub(super) fn outside() -> String {
    let mut page =
        "| id | replies | what it is | sources |\n| --- | --- | --- | --- |\n".to_owned();
    for cause in CAUSES {
        let errnos: Vec<_> = cause.errnos.iter().map(ToString::to_string).collect();
        let cite: Vec<_> = cause.cite.iter().map(ToString::to_string).collect();
        let (id, says) = (cause.id, cause.says);
        page += &format!("| `{id}` | {} | {says} | {} |\n", errnos.join(", "), cite.join("; "));
    }
    page
}

/// How commands end.
pub(super) fn exit_statuses() -> String {
    let row = |status: &Status| format!("| {} | {} |\n", status.code(), status.says());
    let rows: String = Status::ALL.iter().map(row).collect();
    format!("| status | what it says |\n| ---: | --- |\n{rows}")
}

fn linked(ids: &[&str]) -> String {
    let link =
        |id: &&str| format!("[`{id}`]({}.md#{id})", id.split('.').next().unwrap_or_default());
    ids.iter().map(link).collect::<Vec<_>>().join(", ")
}

/// Where several rules apply at once, and why.
pub(super) fn choices(chapter: &Chapter) -> String {
    let item = |overlap: &Overlap| format!("- {} {}.", overlap.why, linked(overlap.rules));
    let all: Vec<_> = chapter.overlaps.iter().map(item).collect();
    if all.is_empty() { "Nothing is left open here.".to_owned() } else { all.join("\n") }
}

/// The rules that apply on one of the two platforms only.
pub(super) fn platforms(chapter: &Chapter) -> String {
    let lists = [
        ("Rules that apply on Linux only", chapter.not_in_posix),
        ("Rules by which POSIX allows what Linux never does", chapter.not_on_linux),
    ];
    let named = lists.iter().filter(|(_, ids)| !ids.is_empty());
    let items: Vec<_> = named.map(|(what, ids)| format!("- {what}: {}.", linked(ids))).collect();
    match items[..] {
        [] => "Every rule of this chapter applies on Linux and in POSIX.".to_owned(),
        _ => items.join("\n"),
    }
}

/// Where Linux does what POSIX does not allow.
pub(super) fn exceptions(chapter: &Chapter) -> String {
    let item =
        |exception: &Exception| format!("- {}: {}", linked(&[exception.rule]), exception.why);
    let all: Vec<_> = chapter.exceptions.iter().map(item).collect();
    if all.is_empty() { "None is known.".to_owned() } else { all.join("\n") }
}

/// What a chapter says of itself that it does not model, from the head of its file.
pub(super) fn not_modelled(chapter: &str) -> String {
    let source = read(&format!("model/src/rules/{chapter}.rs"));
    let head: Vec<&str> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let paragraphs = head.split(|line| line.is_empty());
    let mut found = paragraphs.filter_map(|lines| {
        let text = lines.concat();
        Some(
            text.split_once("Not modelled: ")?
                .1
                .split(". ")
                .next()?
                .trim_end_matches('.')
                .to_owned(),
        )
    });
    found
        .next()
        .map_or_else(|| "Nothing beyond the limits.".to_owned(), |text| format!("Here: {text}."))
}
