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

#[test]
fn a_call_that_sleeps_from_the_first_has_lost_no_wake_up() {
    let nonblocking =
        "channel pipe nonblocking\nactor writer holds w\nreader: read 5\nquiet reader";
    is(nonblocking, Fault::Blocks, "stream.read.empty-nonblocking");
    let there = "channel pipe\nwriter: write 1 -> 1\nreader: poll in wait\nquiet reader";
    is(there, Fault::Blocks, "descriptor.poll.ready");
    let woken =
        "channel pipe\nreader: poll in wait\nquiet reader\nwriter: write 1 -> 1\nquiet reader";
    is(woken, Fault::LostWakeUp, "descriptor.poll.ready");
}

#[test]
fn messages_that_come_as_one_are_merged() {
    for (kind, a, b) in [
        ("unix-datagram", "ann", "ben"),
        ("unix-seqpacket", "ann", "ben"),
        ("pipe packet", "writer", "reader"),
    ] {
        let text = format!(
            "channel {kind}\n{a}: write 2 -> 2\n{a}: write 2 -> 2\n{b}: read 9 -> 4 = {a}[0..4]"
        );
        let run: Run = text.parse().expect("the text is a run");
        let judgement = judge(&run, &LINUX);
        let told = diagnose(&run, &judgement, &judgement.deviations[0]);
        assert_eq!(told.fault, Fault::Merged, "{}", told.says);
    }
}

#[test]
fn what_no_rule_leads_to_is_not_guessed_at() {
    let gone =
        "channel pipe\nwriter: write 5 -> 5\nreader: read 5 -> 5\nreader: read 5 -> 5 = any[0..5]";
    is(gone, Fault::Invented, "stream.read.waits");
    let refused = "channel shared-memory\nreader: poll in -> in";
    let run: Run = refused.parse().expect("the text is a run");
    let judgement = judge(&run, &LINUX);
    let told = diagnose(&run, &judgement, &judgement.deviations[0]);
    assert_eq!(told.fault, Fault::MissingError, "{}", told.says);
    let early = "channel pipe\nactor a holds r\nactor b holds r\nwriter: write 8192 stops at 4096\n\
                 a: read 4096 -> 4096 = writer[4096..8192]\nwriter: goes on\nwriter: -> 8192";
    let run: Run = early.parse().expect("the text is a run");
    let judgement = judge(&run, &LINUX);
    let guessed = judgement.deviations.iter().skip(1).map(|d| diagnose(&run, &judgement, d).fault);
    assert!(guessed.into_iter().all(|fault| fault != Fault::LostWakeUp));
}

/// What is said of the first deviation.
#[track_caller]
fn says(text: &str, fault: Fault, says: &str) {
    let run: Run = text.parse().expect("the text is a run");
    let judgement = judge(&run, &LINUX);
    let deviation = judgement.deviations.first().expect("it deviates");
    let told = diagnose(&run, &judgement, deviation);
    assert_eq!((told.fault, told.says.as_str()), (fault, says), "{run}");
}

#[test]
fn who_is_shut_out_is_told_by_whose_stopped_call() {
    for (text, told) in [
        (
            "channel pipe\nactor w holds w\nactor a holds r\nactor b holds r\nw: write 5000 -> 5000\n\
             a: read 5000 stops at 0\nb: available -> 5000\na: goes on\na: -> 5000 = w[0..5000]",
            "b gets 5000, though it needs the lock that a's read, stopped at byte 0, holds",
        ),
        (
            "channel pipe\nactor w holds w\nactor x holds w\nactor a holds r\nw: write 10 stops at 5\n\
             x: write 5 -> 5\nw: goes on\nw: -> 10",
            "x gets 5, though it needs the lock that w's write, stopped at byte 5, holds",
        ),
        (
            "channel file\nactor a holds rw\nactor b holds rw\na: write-at 10 at 0 stops at 5\n\
             b: truncate 3 -> ok\na: goes on\na: -> 10",
            "b gets ok, though it needs the lock that a's write-at, stopped at byte 5, holds",
        ),
        (
            "channel tcp\nactor ann holds sa\nactor a2 holds sa\nactor b holds sb\nann: write 9 stops at 3\n\
             a2: shutdown write -> ok\nann: goes on\nann: -> 9",
            "a2 gets ok, though it needs the lock that ann's write, stopped at byte 3, holds",
        ),
        (
            "channel tcp\nactor ann holds sa\nactor a2 holds sa\nactor b holds sb\nann: write 9 stops at 3\n\
             a2: write 9 stops at 4\na2: goes on\na2: -> 9\nann: goes on\nann: -> 9",
            "a2's write comes to byte 4, though it needs the lock that ann's write, stopped at byte 3, holds",
        ),
    ] {
        says(text, Fault::ReturnsTooEarly, told);
    }
}

#[test]
fn bytes_that_a_stopped_call_has_not_copied_are_not_called_out_of_order() {
    let stopped = |read: &str| {
        format!(
            "channel unix-stream\nactor ann holds sa\nactor b holds sb\n{read}\nann: goes on\nann: -> 90000"
        )
    };
    says(
        &stopped("ann: write 90000 stops at 3\nb: read 9 -> 3 = ann[0..3]"),
        Fault::ReturnsTooEarly,
        "b is given ann[0..3], though ann's write, stopped at byte 3, has handed over none of them",
    );
    says(
        &stopped("ann: write 90000 stops at 50000\nb: read 60000 -> 60000 = ann[0..60000]"),
        Fault::Invented,
        "b is given ann[0..60000], though ann's write is stopped at byte 50000: the bytes from there on are not in \
         the channel yet",
    );
    says(
        "channel file\nactor a holds rw\nactor b holds rw\na: write-at 10 at 0 stops at 5\n\
         b: read-at 10 at 0 -> 10 = a[0..10]\na: goes on\na: -> 10",
        Fault::Stale,
        "b is given a[0..10], though a's write-at is stopped at byte 5: the bytes from there on are not in the \
         channel yet",
    );
    // What had been handed over before is out of order still.
    says(
        "channel unix-stream\nactor ann holds sa\nactor b holds sb\nann: write 9 -> 9\nann: write 9 stops at 3\n\
         b: read 9 -> 9 = ann[3..6] ann[0..3] ann[6..9]\nann: goes on\nann: -> 9",
        Fault::Reordered,
        "b is given ann[3..6] out of order",
    );
}

#[test]
fn a_call_that_fails_before_it_copies_has_come_to_no_byte() {
    says(
        "channel unix-datagram\nactor b holds sb\nann: write 900000 stops at 2\nann: goes on\nann: -> EMSGSIZE",
        Fault::Unexplained,
        "ann's write can't have come to byte 2: it gives EMSGSIZE, and fails before it copies",
    );
    says(
        "channel file\nactor a holds rw\na: close -> ok\na: write 9 stops at 2\na: goes on\na: -> EBADF",
        Fault::Unexplained,
        "a's write can't have come to byte 2: it gives EBADF, and fails before it copies",
    );
}

#[test]
fn a_mark_that_is_missing_is_no_disorder_of_bytes() {
    says(
        "channel unix-datagram\nann: write 3 -> 3\nben: receive 1 peek -> 1 = ann[0..1]",
        Fault::WrongValue,
        "ben gets 1, not 1 truncated",
    );
}

#[test]
fn who_is_stopped_or_has_ended_is_said_to_be_so() {
    let processes =
        "channel up pipe\nprocess p holds up.r up.w\nprocess q holds up.r up.w ignores SIGTERM\n";
    for (text, fault, told) in [
        (
            "q: read up.r 1\nquiet q\np: signal q SIGSTOP -> ok\nquiet q\np: write up.w 1 -> 1\nq: -> 1",
            Fault::ReturnsTooEarly,
            "q gets 1, though its process is stopped",
        ),
        (
            "p: signal p SIGTERM -> ok",
            Fault::ReturnsTooEarly,
            "p gets ok, though its process has ended",
        ),
        (
            "q: exit SIGTERM",
            Fault::Unexplained,
            "q is ended by SIGTERM, which it ignores or catches, or it is stopped",
        ),
    ] {
        says(&format!("{processes}{text}"), fault, told);
    }
}
