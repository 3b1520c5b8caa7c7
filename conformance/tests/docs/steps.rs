//! The steps of rules as they stand in the source: what chapters fold away below each sentence.
//!
//! A step is found by the layout that rustfmt gives a table of rules; it is not parsed.

use std::collections::BTreeMap;

use pipewright_model::rules::{CHAPTERS, Chapter};

use crate::read;

/// What a rule, its id and its step begin with, and what the rule ends with.
const RULE: &str = "\n    Rule {\n";
const ID: &str = "        id: \"";
const STEP: &str = "        step: ";
const END: &str = "\n    },";

/// The steps of a chapter's rules by id, without what they are indented by.
pub(crate) fn of(chapter: &str) -> BTreeMap<String, String> {
    let source = read(&format!("model/src/rules/{chapter}.rs"));
    source.split(RULE).skip(1).map(|rule| entry(chapter, rule)).collect()
}

fn entry(chapter: &str, rule: &str) -> (String, String) {
    let lost =
        |what: &str| -> ! { panic!("{chapter}.rs: no {what} where one is expected: {rule}") };
    let Some((rule, _)) = rule.split_once(END) else { lost("end of a rule") };
    let id = rule.lines().find_map(|line| line.strip_prefix(ID)?.strip_suffix("\","));
    let Some(id) = id else { lost("id") };
    let Some((_, step)) = rule.split_once(&format!("\n{STEP}")) else { lost("step") };
    let indent = " ".repeat(STEP.len() - STEP.trim_start().len());
    let lines: Vec<&str> =
        step.lines().map(|line| line.strip_prefix(&indent).unwrap_or(line)).collect();
    (id.to_owned(), lines.join("\n").trim_end_matches(',').to_owned())
}

#[test]
fn every_rule_has_its_step_in_the_source() {
    for Chapter { name, rules, .. } in CHAPTERS {
        let steps = of(name);
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
        let lost: Vec<_> = ids.iter().filter(|id| !steps.contains_key(**id)).collect();
        assert!(lost.is_empty(), "{name}.rs: no steps of {lost:?}");
        assert_eq!(steps.len(), ids.len(), "{name}.rs has steps of other rules");
        for (id, step) in steps {
            let (open, closed) =
                (step.matches(['(', '{']).count(), step.matches([')', '}']).count());
            assert_eq!(open, closed, "{id}: this is no whole step: {step}");
        }
    }
}
