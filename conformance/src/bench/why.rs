//! Telling why processes wait, on a machine of hundreds, against a list of what they have open.

use std::hint::black_box;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use nix::unistd::{pipe, read};
use pipewright_backends::sys::process::Child;

use super::{Bench, Row, each};
use crate::Trouble;
use crate::why::{About, Report, picture, settled};

/// So many that look like those of a machine that is used.
const PROCESSES: usize = 500;

/// A look at all processes, with all that is said of them, against `lsof +E`, which lists descriptors with the other ends of
/// pipes and sockets.
pub(super) fn machine(bench: &mut Bench<'_>) -> Result<(), Trouble> {
    let failed = Trouble::while_doing("start a process");
    let (from, _to) = pipe().map_err(|errno| failed(errno.into()))?;
    let mut children = Vec::new();
    for _ in 0..PROCESSES {
        // Each waits for this process, which is awake.
        let wait = || _ = read(&from, &mut [0]);
        children.push(Child::fork(vec![from.as_raw_fd()], wait).map_err(&failed)?);
    }
    let caller = std::process::id() as i32;
    let mut trouble = None;
    let look = || {
        each(|| {
            match settled(caller) {
                Ok(snapshot) => {
                    let picture = picture(&snapshot, caller);
                    black_box(Report::new(&picture, &About::User(0)).text());
                }
                Err(error) => trouble = Some(error),
            }
            1
        })
    };
    let mut list = Command::new("lsof");
    list.args(["+E", "-n", "-P"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if list.status().is_err() {
        // There is nothing to compare with.
        return Ok(());
    }
    let medians = bench.pairs(look, || each(|| usize::from(list.status().is_ok()).max(1)))?;
    if let Some(error) = trouble {
        return Err(Trouble::while_doing("look at processes")(error));
    }
    bench.add(Row::ratio("why, on 500 processes ÷ lsof +E", medians, 0.5, 0.2));
    Ok(())
}
