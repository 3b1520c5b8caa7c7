//! A program that hangs: it counts bytes with `wc`, and keeps a write end of the pipe that `wc` reads.
//!
//! With `--fixed` it gives that end up first, and ends. The book follows it from here to the rule.

use std::io::{Write, pipe};
use std::process::Command;

fn main() -> std::io::Result<()> {
    let (reader, mut writer) = pipe()?;
    let copy = writer.try_clone()?;
    let mut counter = Command::new("wc").arg("-c").stdin(reader).spawn()?;
    writer.write_all(b"hello")?;
    drop(writer); // The end of the data, or so it seems.
    if std::env::args().any(|argument| argument == "--fixed") {
        drop(copy);
    }
    counter.wait()?;
    Ok(())
}
