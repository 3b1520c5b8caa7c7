//! A close that is answered and has not returned, while others read: its description is gone already.

use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::PLATFORMS;
use pipewright_model::run::Run;

#[test]
fn a_read_that_races_the_last_close_may_see_the_end() {
    let run: Run = "\
channel pipe
reader1: read 5
writer: close
reader2: read 5
reader1:        -> 0
writer:         -> ok
reader2:        -> 0
"
    .parse()
    .expect("a run");
    for platform in PLATFORMS {
        let verdict = judge(&run, platform).verdict;
        assert!(!matches!(verdict, Verdict::Deviates), "{}: {verdict:?}", platform.name);
    }
}
