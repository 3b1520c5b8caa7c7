//! A user's setting is no deviation: under other settings than the stock a sound system conforms, and the report says
//! under which it was checked.
//!
//! Each check runs in a network namespace of its own, which needs root; it is skipped elsewhere, but never in CI.

use std::fs;
use std::process::{Command, Output};
use std::thread;

use pipewright_backends::tcp::enter_namespace;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// Calls the program under these settings; `None` where there can't be such a namespace.
fn called(settings: &[(&str, &str)], arguments: &[&str]) -> Option<Output> {
    thread::scope(|scope| {
        // The thread that enters a namespace can't leave it.
        let checking = scope.spawn(|| {
            if let Err(error) = enter_namespace() {
                eprintln!("skipped: it takes root, and a kernel with network namespaces ({error})");
                assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI this is not skipped");
                return None;
            }
            for (name, value) in settings {
                let file = format!("/proc/sys/{}", name.replace('.', "/"));
                fs::write(file, value).expect("a setting of the namespace is set");
            }
            let place = tempfile::tempdir().expect("a directory");
            let mut command = Command::new(PROGRAM);
            command.args(arguments).env("TMPDIR", place.path());
            Some(command.output().expect("it runs"))
        });
        checking.join().expect("it does not panic")
    })
}

/// Where little is promised some runs have too many orders to be judged: they may be left.
fn conforms_under(settings: &[(&str, &str)], channels: &[&str], told: &str) {
    let amounts = ["--scenarios", "300", "--paths", "2"];
    let arguments = [&["check"], channels, &amounts].concat();
    let Some(output) = called(settings, &arguments) else { return };
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{out}{err}");
    assert!(out.contains(&format!("\nsettings: {told}\n")) && !out.contains("deviates"), "{out}");
}

#[test]
fn datagram_sockets_that_take_two_messages_conform() {
    let told = "net.unix.max_dgram_qlen 1 (stock 10)";
    conforms_under(&[("net.unix.max_dgram_qlen", "1")], &["unix-datagram"], told);
}

#[test]
fn datagram_sockets_that_take_many_messages_conform() {
    let told = "net.unix.max_dgram_qlen 512 (stock 10)";
    conforms_under(&[("net.unix.max_dgram_qlen", "512")], &["unix-datagram"], told);
}

#[test]
fn listeners_with_the_shortest_backlog_conform() {
    let told = "net.core.somaxconn 1 (stock 4096)";
    let channels = ["unix-stream", "unix-stream-abstract", "unix-seqpacket", "tcp"];
    conforms_under(&[("net.core.somaxconn", "1")], &channels, told);
}

#[test]
fn tcp_with_little_buffers_conforms() {
    let settings =
        [("net.ipv4.tcp_rmem", "4096 8192 8192"), ("net.ipv4.tcp_wmem", "4096 4096 4096")];
    let told = "net.ipv4.tcp_wmem 4096 (stock 16384), net.ipv4.tcp_rmem 8192 (stock 131072)";
    conforms_under(&settings, &["tcp", "tcp-nonblocking"], told);
}

#[test]
fn tcp_that_resets_what_it_has_no_room_for_is_not_called_deviating() {
    let settings = [("net.ipv4.tcp_abort_on_overflow", "1"), ("net.core.somaxconn", "0")];
    let told = "net.core.somaxconn 0 (stock 4096), net.ipv4.tcp_abort_on_overflow 1 (stock 0)";
    conforms_under(&settings, &["tcp"], told);
}

/// A writer that sleeps for room is woken by an acknowledgement, which a peer that has got all may delay.
#[test]
fn tcp_is_not_at_rest_while_an_acknowledgement_may_wake_a_writer() {
    let run = "\
channel tcp
setting net.ipv4.tcp_wmem 5000
ann: write 1000000
quiet ann
ben: receive 1000000 waitall -> 1000000
ann:                         -> 1000000
";
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("small-buffer.run");
    fs::write(&file, run).expect("it is written");
    let settings = [("net.ipv4.tcp_wmem", "4608 5000 5000")];
    for _ in 0..3 {
        let file = file.to_str().expect("a path of text");
        let Some(output) = called(&settings, &["replay", file]) else { return };
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !out.contains("quiet ann, ben"), "{out}");
    }
}
