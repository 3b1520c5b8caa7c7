//! What each kind claims of its direction and its waiting is what the rules give.

use pipewright_model::decide::{PLATFORM, decide};
use pipewright_model::kind::KINDS;
use pipewright_model::oracle::{Verdict, judge};

#[test]
fn every_kind_is_what_it_claims() {
    for kind in KINDS {
        let decided = decide(kind);
        for (what, run) in &decided.shown {
            println!("{}: {what}\n{run}", kind.name);
            assert_eq!(judge(run, &PLATFORM).verdict, Verdict::Conforms, "{}: {what}", kind.name);
        }
        assert_eq!(decided.direction, kind.direction, "{}", kind.name);
        assert_eq!(decided.waiting, kind.waiting, "{}", kind.name);
    }
}
