//! Each kind of deviation is told in the words of the field, with the rule that is broken.

use pipewright_model::diagnosis::{Fault, diagnose};
use pipewright_model::oracle::judge;
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::run::Run;

#[track_caller]
fn is(text: &str, fault: Fault, broken: &str) {
    let run: Run = text.parse().expect("the text is a run");
    let judgement = judge(&run, &LINUX);
    let deviation = judgement.deviations.first().expect("it deviates");
    let told = diagnose(&run, &judgement, deviation);
    let rule = told.broken().map_or("", |rule| rule.id);
    assert_eq!((told.fault, rule), (fault, broken), "{}", told.says);
}

#[test]
fn sleepers_that_must_return_have_lost_their_wake_up() {
    let text = "channel pipe\nreader: read 5\nwriter: close -> ok\nquiet reader";
    is(text, Fault::LostWakeUp, "stream.read.no-writer");
}

#[test]
fn a_torn_write_is_blamed_on_the_write() {
    let text = "channel pipe\nactor a holds w\nactor b holds w\na: write 4 -> 4\nb: write 4 -> 4\n\
                reader: read 9 -> 8 = a[0..2] b[0..4] a[2..4]";
    is(text, Fault::Torn, "stream.write.fits");
}

#[test]
fn bytes_are_lost_invented_reordered_and_duplicated() {
    let run = |data: &str| {
        format!(
            "channel pipe\nwriter: write 9 -> 9\nreader: read 3 -> 3\nreader: read 3 -> 3 = {data}"
        )
    };
    let run = |data| run(data).replacen("-> 3\n", "-> 3 = writer[0..3]\n", 1);
    is(&run("writer[4..7]"), Fault::Lost, "stream.read.available");
    is(&run("zero[0..3]"), Fault::Invented, "stream.read.available");
    is(&run("writer[0..3]"), Fault::Duplicated, "stream.read.available");
    is(&run("writer[4..5] writer[3..4] writer[5..6]"), Fault::Reordered, "stream.read.available");
}

#[test]
fn the_end_is_told_too_early_or_too_late() {
    let early = "channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 0";
    is(early, Fault::EndTooEarly, "stream.read.available");
    let late = "channel pipe nonblocking\nwriter: close -> ok\nreader: read 2 -> EAGAIN";
    is(late, Fault::EndTooLate, "stream.read.no-writer");
}

#[test]
fn errors_signals_and_readiness() {
    let full = "channel pipe\nreader: close -> ok\nwriter: write 2 -> ";
    is(&format!("{full}EPIPE"), Fault::SignalMissing, "stream.write.no-reader");
    is(&format!("{full}EIO"), Fault::WrongError, "stream.write.no-reader");
    is(&format!("{full}2"), Fault::MissingError, "stream.write.no-reader");
    let poll = "channel pipe\nactor reader holds r\nwriter: write 2 -> 2\nwriter: poll out -> ";
    is(&format!("{poll}out|err"), Fault::ReadyThough, "descriptor.poll.ready");
}

#[test]
fn a_judgement_and_a_diagnosis_are_text() {
    let run: Run = "channel pipe\nreader: read 5\nwriter: close -> ok\nquiet reader"
        .parse()
        .expect("the text is a run");
    let judgement = judge(&run, &LINUX);
    assert_eq!(judgement.to_string(), "deviates at event 4 (stream.read.no-writer)");
    let told = diagnose(&run, &judgement, &judgement.deviations[0]);
    assert_eq!(
        told.to_string(),
        "lost wake-up: reader sleeps in `read 5`, which must return 0 (broken: stream.read.no-writer)"
    );
    let text = |run: &str| judge(&run.parse().expect("a run"), &POSIX).to_string();
    assert_eq!(text("channel pipe\nwriter: write 2 -> 2\nreader: read 2 -> 2"), "conforms");
    assert_eq!(
        text("channel pipe packet\nwriter: write 2 -> 2"),
        "unspecified from event 1 on: packet mode is not in the standard"
    );
}
