//! A campaign as JUnit XML, for what follows tests from one build to the next.

use pipewright_model::diagnosis::diagnose;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Heading, absent, found, runs, shown, verdict};
use crate::campaign::{Found, Tested};

/// The campaign as JUnit XML: a suite a channel with one test, whose name is the channel's whatever it comes to, so that
/// it can be followed from one campaign to the next. A failure's type is its most frequent fault in words.
///
/// # Errors
///
/// If it can't be serialised.
pub fn junit(heading: &Heading, tested: &[Tested]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(format!("pipewright {} {}", heading.profile, heading.kernel));
    for row in tested {
        let mut test = TestCase::new(row.channel.as_str(), junit_status(row));
        test.set_classname(format!("pipewright.{}", heading.profile)).set_time(row.took);
        let mut counts = format!(
            "{}\n{} scenarios, {} steps, {} of {} rules shown\n",
            verdict(row),
            row.scenarios,
            row.steps,
            shown(row),
            row.applicable.len()
        );
        row.lacking.reasons.iter().for_each(|reason| counts.push_str(&format!("{reason}\n")));
        test.set_system_out(counts);
        let mut suite = TestSuite::new(row.channel.as_str());
        suite.add_test_case(test).set_time(row.took);
        // What was skipped is looked for under that name.
        let skipped = std::mem::take(&mut suite.disabled);
        suite.extra.insert("skipped".into(), skipped.to_string().into());
        report.add_test_suite(suite);
    }
    report.set_time(tested.iter().map(|row| row.took).sum());
    report.to_string()
}

/// A pass is only what was judged in full.
fn junit_status(row: &Tested) -> TestCaseStatus {
    let reason = match row.verdict() {
        "deviates" | "not as expected" => return junit_failure(row),
        "inconclusive" | "unproven" => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(verdict(row)).set_description(row.inconclusive.1.join("\n"));
            return status;
        }
        "not supported" => row.lacking.reasons.join("; "),
        _ if row.stopped => "stopped before all scenarios were run".to_owned(),
        "unspecified" => "the rules leave a part of each run unspecified".to_owned(),
        _ => return TestCaseStatus::success(),
    };
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}

/// All faults of a channel, the most frequent first.
fn junit_failure(row: &Tested) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let unexpected = row.found.iter().filter(|found| found.expected.is_none());
    let told = row.told().iter().map(|kind| found(&row.channel, kind));
    let texts: Vec<_> = absent(row).into_iter().chain(told).collect();
    status.set_description(texts.join("\n"));
    let Some(first) = unexpected.clone().next() else {
        status.set_message(absent(row).join("; "));
        return status;
    };
    status.set_message(match unexpected.count() {
        0 | 1 => meaning(first),
        kinds => format!("{}; {} more kinds of deviations", meaning(first), kinds - 1),
    });
    if let Some(deviation) = first.judgement.deviations.first() {
        status.set_type(diagnose(&first.run, &first.judgement, deviation).fault.name());
    }
    status
}

/// What the first deviation means, and in how many runs it was seen.
pub(super) fn meaning(found: &Found) -> String {
    let first = found.judgement.deviations.first();
    let meaning =
        first.map(|deviation| diagnose(&found.run, &found.judgement, deviation).to_string());
    format!("{} (in {})", meaning.unwrap_or_default(), runs(found.runs))
}
