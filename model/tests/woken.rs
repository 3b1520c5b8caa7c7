//! What a call that was asleep finds once it is woken: not what it could have found had it only begun.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;

fn verdict(text: &str) -> Verdict {
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    judge(&run, &LINUX).verdict
}

#[test]
fn a_poll_that_slept_finds_all_of_a_close_at_once() {
    for kind in ["unix-stream", "unix-seqpacket"] {
        let asleep =
            format!("channel {kind}\nben: poll in|rdhup wait\nquiet ben\nann: close -> ok\n");
        let unread = format!(
            "channel {kind}\nann: write 1 -> 1\nann: poll in|rdhup wait\nquiet ann\nben: close -> ok\n"
        );
        let whole = verdict(&format!("{asleep}ben: -> in|hup|rdhup\n"));
        assert_eq!(whole, Verdict::Conforms, "{kind}");
        let whole = verdict(&format!("{unread}ann: -> in|err|hup|rdhup\n"));
        assert_eq!(whole, Verdict::Conforms, "{kind}");
        for part in ["in", "hup", "rdhup", "in|rdhup", "in|hup", "hup|rdhup"] {
            let told = verdict(&format!("{asleep}ben: -> {part}\n"));
            assert_eq!(told, Verdict::Deviates, "{kind}: {part}");
        }
        for part in ["err", "in|hup|rdhup", "err|hup"] {
            let told = verdict(&format!("{unread}ann: -> {part}\n"));
            assert_eq!(told, Verdict::Deviates, "{kind}: {part}");
        }
    }
    // What the close discards makes room a moment later.
    let full = "channel unix-stream\nann: write 60000 -> 60000\nann: poll out wait\nquiet ann\nben: close\n";
    for found in ["err|hup", "out|err|hup"] {
        let told = verdict(&format!("{full}ann: -> {found}\nben: -> ok\n"));
        assert_eq!(told, Verdict::Conforms, "{found}");
    }
}

#[test]
fn a_poll_beside_a_close_finds_no_hang_up_without_the_end() {
    let beside =
        |found| format!("channel unix-stream\nann: close\nben: poll in -> {found}\nann: -> ok\n");
    assert_eq!(verdict(&beside("hup")), Verdict::Deviates);
    for found in ["none", "in|hup"] {
        assert_eq!(verdict(&beside(found)), Verdict::Conforms, "{found}");
    }
}

#[test]
fn a_poll_that_was_woken_before_the_close_may_find_a_part_of_it() {
    let text = "channel unix-stream\nben: poll in|rdhup wait\nquiet ben\nann: write 1 -> 1\nann: close\nben: -> in\nann: -> ok\n";
    assert_eq!(verdict(text), Verdict::Conforms);
}

#[test]
fn an_epoll_wait_that_sleeps_goes_on_sleeping_when_the_epoll_is_closed() {
    let text = "channel pipe\nprocess p holds r\nthread t of p\nprocess q holds w\np: epoll -> ok\np: epoll-add e r in -> ok\n\
                p: epoll-wait e wait\nquiet p\nt: close e -> ok\n";
    assert_eq!(verdict(&format!("{text}quiet p\n")), Verdict::Conforms);
    assert_eq!(verdict(&format!("{text}p: -> EBADF\n")), Verdict::Deviates);
    // One that has only begun may look after the close.
    let begun = text.replace("quiet p\n", "");
    assert_eq!(verdict(&format!("{begun}p: -> EBADF\n")), Verdict::Conforms);
}
