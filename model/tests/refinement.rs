//! Linux refines POSIX: every behaviour of the one is allowed by the other, but for declared exceptions.

mod common;

use common::{LINUX_SMALL, POSIX_SMALL, Pinned, pipe_pair, pipe_two_writers, spaces};
use pipewright_model::explore::refines;
use pipewright_model::oracle::{Verdict, judge};
use pipewright_model::platform::Platform;
use pipewright_model::rules::{CHAPTERS, Exception};

#[test]
fn linux_refines_posix() {
    let exceptions: Vec<&Exception> =
        CHAPTERS.iter().flat_map(|chapter| chapter.exceptions).collect();
    let mut occurred = vec![false; exceptions.len()];
    for Pinned { name, space, .. } in spaces() {
        if space.setup.packet {
            continue; // packet mode is not in the standard: everything is allowed there
        }
        if !space.setup.kind.has_descriptors() {
            continue; // no rule of a channel in memory reads a field of a platform: the profiles are one there
        }
        let result = refines(&space, &LINUX_SMALL, &POSIX_SMALL);
        eprintln!("{name:30} {:7} pairs, {:6} Linux states", result.pairs, result.concrete);
        for run in result.violations {
            let explained = judge(&run, &LINUX_SMALL).explained;
            let known = exceptions.iter().position(|exception| {
                explained.iter().flatten().any(|rule| {
                    pipewright_model::rules::RULES[usize::from(*rule)].id == exception.rule
                })
            });
            match known {
                Some(index) => occurred[index] = true,
                None => panic!("{name}: Linux does what POSIX does not allow\n{run}"),
            }
        }
    }
    for (exception, occurred) in exceptions.iter().zip(occurred) {
        assert!(occurred, "{} no longer is an exception: {}", exception.rule, exception.why);
    }
}

/// A check that can't fail shows nothing: platforms with one promise broken must be caught, by a run that
/// the broken platform allows and the sound one does not.
#[test]
fn a_platform_that_breaks_a_promise_is_caught() {
    let splits = Platform { pipe_buf_bytes: 4, ..POSIX_SMALL };
    let waits_for_nobody = Platform { zero_read_may_fail: true, ..LINUX_SMALL };
    let strict = Platform { zero_read_may_fail: false, ..POSIX_SMALL };
    for (what, space, broken, sound) in [
        ("splits writes of up to PIPE_BUF", pipe_two_writers(), &LINUX_SMALL, &splits),
        ("fails reads of zero bytes", pipe_pair(), &waits_for_nobody, &strict),
        ("is as loose as the standard", pipe_pair(), &POSIX_SMALL, &LINUX_SMALL),
    ] {
        let result = refines(&space, broken, sound);
        let Some(run) = result.violations.first() else { panic!("{what}: not caught") };
        eprintln!("{what}:\n{run}");
        assert_eq!(judge(run, sound).verdict, Verdict::Deviates, "{what}");
        assert_eq!(judge(run, broken).verdict, Verdict::Conforms, "{what}");
    }
}
