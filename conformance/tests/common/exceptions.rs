//! Which runs Linux may show though POSIX does not allow them.

use pipewright_model::oracle::{Judgement, Verdict, judge};
use pipewright_model::platform::{LINUX, Platform};
use pipewright_model::rules::exceptions_in;
use pipewright_model::run::Run;

/// Whether a run is explained only by what Linux does and POSIX does not allow.
pub(crate) fn is_exception(run: &Run, by_linux: &Judgement) -> bool {
    exceptions_in(by_linux.shown).next().is_some() || goes_in_parts(run)
}

/// Whether only calls on files that go in parts explain a run: which of the rules of such calls it is can't always
/// be told, so that none of their exceptions is shown for sure.
fn goes_in_parts(run: &Run) -> bool {
    let whole = Platform { file_transfers_in_parts: false, ..LINUX };
    judge(run, &whole).verdict == Verdict::Deviates
}
