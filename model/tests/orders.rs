//! Runs with so many orders of what goes on at once that the oracle must not go through all.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;

fn judged(run: &str) -> Verdict {
    let run: Run = run.parse().expect("a run");
    judge(&run, &LINUX).verdict
}

/// While one read takes piece after piece, two writers may send more, in any order: but what the read gives
/// tells which pieces it took.
#[test]
fn a_read_by_pieces_beside_two_writers_that_wait() {
    let run = |read: &str| {
        format!(
            "\
channel unix-stream-abstract
ann: set-option send-buffer 2304 -> ok
ann2: write 4576
quiet ann2
ann: send 131072 nosignal
quiet ann, ann2
ben: receive-end 131072 as s     -> {read}
ann2:                            -> 4576
"
        )
    };
    assert_eq!(judged(&run("4480 = ann2[0..4480]")), Verdict::Conforms);
    assert_eq!(judged(&run("4576 = ann2[0..4576]")), Verdict::Conforms);
    assert_eq!(judged(&run("6720 = ann2[0..4480] ann[0..2240]")), Verdict::Conforms);
    assert_eq!(judged(&run("4480 = ann2[0..2240] ann[0..2240]")), Verdict::Deviates);
}
