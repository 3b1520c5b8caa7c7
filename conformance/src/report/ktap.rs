//! A campaign as KTAP, the format of the kernel's own tests (`Documentation/dev-tools/ktap.rst`): a line a channel.

use super::junit::meaning;
use super::{Heading, absent, lacking, shown, verdict};
use crate::campaign::Tested;

/// The campaign as KTAP: a test a channel, in the order of the table, each after lines that say what was found.
pub fn ktap(heading: &Heading, tested: &[Tested]) -> String {
    let mut text = String::from("KTAP version 1\n");
    text.push_str(&remarks(&heading.to_string()));
    text.push_str(&format!("1..{}\n", tested.len()));
    for (index, row) in tested.iter().enumerate() {
        text.push_str(&remarks(&told(row)));
        let (result, directive) = result(row);
        let directive = directive.map_or(String::new(), |directive| format!(" # {directive}"));
        text.push_str(&format!("{result} {} {}{directive}\n", index + 1, row.channel));
    }
    text
}

/// What was found, a line each.
fn told(row: &Tested) -> String {
    let mut text = format!(
        "{}: {} scenarios, {} steps, {} of {} rules shown: {}\n",
        row.channel,
        row.scenarios,
        row.steps,
        shown(row),
        row.applicable.len(),
        verdict(row)
    );
    text.push_str(&lacking(row));
    absent(row).into_iter().for_each(|line| text.push_str(&(line + "\n")));
    for found in row.told() {
        let expected = if found.expected.is_some() { "expected: " } else { "" };
        text.push_str(&format!("{expected}{}\n", meaning(found)));
    }
    row.inconclusive.1.iter().for_each(|reason| text.push_str(&format!("not judged: {reason}\n")));
    text
}

/// A pass is only what was judged in full.
fn result(row: &Tested) -> (&'static str, Option<String>) {
    match row.verdict() {
        "deviates" | "not as expected" => ("not ok", None),
        "inconclusive" | "unproven" => ("not ok", Some(format!("ERROR {}", verdict(row)))),
        "not supported" => ("ok", Some("SKIP not supported".to_owned())),
        _ if row.stopped => ("ok", Some("SKIP stopped before all scenarios were run".to_owned())),
        "unspecified" => ("ok", Some("SKIP unspecified".to_owned())),
        "deviates as expected" => ("ok", Some(format!("XFAIL {}", verdict(row)))),
        _ => ("ok", None),
    }
}

fn remarks(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("# {line}\n")).collect()
}
