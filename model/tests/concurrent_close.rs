//! What a call refers to while other threads close and replace its descriptor: an open file description stays until the
//! call returns, and a poll that is woken looks its descriptor up again.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::{LINUX, PLATFORMS};
use pipewright_model::run::Run;

fn run(text: &str) -> Run {
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn is_allowed_everywhere(text: &str) {
    for platform in PLATFORMS {
        let verdict = judge(&run(text), platform).verdict;
        assert!(!matches!(verdict, Verdict::Deviates), "{}: {verdict:?}\n{text}", platform.name);
    }
}

fn deviates_on_linux(text: &str) {
    let verdict = judge(&run(text), &LINUX).verdict;
    assert!(matches!(verdict, Verdict::Deviates), "{verdict:?}\n{text}");
}

#[test]
fn a_read_that_races_the_last_close_may_see_the_end() {
    is_allowed_everywhere(
        "\
channel pipe
reader1: read 5
writer: close
reader2: read 5
reader1:        -> 0
writer:         -> ok
reader2:        -> 0
",
    );
}

#[test]
fn a_write_beside_a_read_that_returns_may_find_a_reader() {
    let begin = "\
channel up pipe capacity 4096
process p holds up.r up.w
thread t of p
t: read up.r 4097
quiet t
p: close up.r -> ok
";
    for end in [
        "p: write up.w 4097 -> 4097\nt: -> 4096\n",
        "quiet t\np: write up.w 4097\nt: -> 4096\np: -> 4097\n",
        "p: write up.w 4097\nt: -> 4096\np: -> 4096 + SIGPIPE\n",
        "p: write up.w 1 -> 1\np: write up.w 1 -> 1\nt: -> 1\np: write up.w 1 -> EPIPE + SIGPIPE\n",
    ] {
        is_allowed_everywhere(&format!("{begin}{end}"));
    }
    // Once it has returned the reader is gone.
    deviates_on_linux(&format!("{begin}p: write up.w 1 -> 1\nt: -> 1\np: write up.w 1 -> 1\n"));
}

#[test]
fn a_receive_that_returns_keeps_its_socket() {
    for (kind, gone) in [("unix-stream", "EPIPE"), ("unix-datagram", "ECONNREFUSED")] {
        let begin = format!(
            "\
channel up {kind}
process p holds up.sa up.sb
thread t of p
t: receive up.sa 5
quiet t
p: close up.sa -> ok
p: send up.sb 1 nosignal -> 1
"
        );
        is_allowed_everywhere(&format!("{begin}p: send up.sb 1 nosignal -> 1\nt: -> 1\n"));
        is_allowed_everywhere(&format!("{begin}t: -> 1\np: send up.sb 1 nosignal -> {gone}\n"));
        deviates_on_linux(&format!("{begin}t: -> 1\np: send up.sb 1 nosignal -> 1\n"));
    }
}

#[test]
fn a_lock_that_is_given_after_the_close_is_held_until_its_call_returns() {
    let begin = "\
channel f locked-file
process p holds f.rw
thread t of p
process q holds f.rw
q: lock exclusive -> ok
t: lock exclusive wait
quiet t
p: close f.rw -> ok
q: lock none -> ok
";
    is_allowed_everywhere(&format!("{begin}q: lock exclusive -> EAGAIN\nt: -> ok\n"));
    is_allowed_everywhere(&format!("{begin}t: -> ok\nq: lock exclusive -> ok\n"));
    deviates_on_linux(&format!("{begin}t: -> ok\nq: lock exclusive -> EAGAIN\n"));
}

#[test]
fn a_close_lets_go_of_what_it_closes_before_it_returns_and_perhaps_no_sooner() {
    // Another thread finds the descriptor gone, and the pipe still with a reader.
    let begin = "\
channel up pipe
process p holds up.r up.w
thread t of p
t: close up.r
p: close up.r -> EBADF
p: write up.w 1 -> 1
";
    is_allowed_everywhere(&format!("{begin}t: -> ok\np: write up.w 1 -> EPIPE + SIGPIPE\n"));
    deviates_on_linux(&format!("{begin}t: -> ok\np: write up.w 1 -> 1\n"));
    // The lock of the process goes before that of the description.
    let locks = "\
channel f locked-file
process p holds f.rw
process q holds f.rw
p: flock exclusive -> ok
p: process-lock exclusive -> ok
p: close f.rw
q: process-lock exclusive -> ok
q: flock exclusive -> EAGAIN
p: -> ok
q: flock exclusive -> ok
";
    is_allowed_everywhere(locks);
}

#[test]
fn dup2_lets_go_of_what_it_replaces_before_it_returns() {
    is_allowed_everywhere(
        "\
channel up pipe
process p holds up.r up.w
thread t of p
t: dup2 up.w as up.r
p: read up.r 1 -> EBADF
p: write up.w 1 -> 1
t: -> ok
p: write up.w 1 -> EPIPE + SIGPIPE
",
    );
}

/// A poll that sleeps while another thread puts the write end in place of the read end that it polls.
const REPLACED: &str = "\
channel up pipe
process shell holds up.r up.w
thread worker of shell
shell: poll up.r in wait
quiet shell
worker: dup2 up.w as up.r -> ok
";

#[test]
fn a_poll_that_is_woken_finds_what_its_descriptor_leads_to_now() {
    is_allowed_everywhere(&format!(
        "{REPLACED}quiet shell\nworker: write up.w 1 -> 1\nquiet shell\nworker: write up.w 1 -> 1\nquiet shell\n"
    ));
    deviates_on_linux(&format!("{REPLACED}worker: write up.w 1 -> 1\nshell: -> in\n"));
    // It has slept at the read end, and keeps it open: the pipe has a reader.
    deviates_on_linux(&format!("{REPLACED}quiet shell\nworker: write up.w 1 -> EPIPE + SIGPIPE\n"));
}

#[test]
fn one_of_several_ends_that_was_closed_beside_a_sleeping_poll_is_found_so() {
    let begin = "\
channel up pipe
channel down pipe
process p holds up.r up.w down.r down.w
thread t of p
p: poll [up.r in, down.r in] wait
quiet p
t: close down.r -> ok
quiet p
t: write up.w 1 -> 1
";
    is_allowed_everywhere(&format!("{begin}p: -> [in, nval]\n"));
    deviates_on_linux(&format!("{begin}p: -> [in, none]\n"));
}

#[test]
fn a_process_that_ends_in_a_call_that_is_over_lets_go_of_what_that_kept() {
    is_allowed_everywhere(
        "\
channel up pipe
process p holds up.r up.w
thread t of p
process q holds up.w
t: read up.r 1
quiet t
p: close up.r -> ok
q: write up.w 1 -> 1
p: exit 0
quiet
q: write up.w 1 -> EPIPE + SIGPIPE
",
    );
}

/// What a close lets go of is gone when its process dies of a signal that came meanwhile.
#[test]
fn a_process_may_be_killed_in_the_last_close() {
    let killed = "\
channel up pipe
process p holds up.w
process q holds up.r
q: close up.r
p: signal q SIGKILL -> ok
q: exit SIGKILL
";
    assert_eq!(judge(&run(killed), &LINUX).verdict, Verdict::Conforms);
    is_allowed_everywhere(killed);
}
