//! `pipewright compare`: what changes from one profile, or kind of channel, to another.

use crate::place::Place;

/// The lines that tell a difference, without the runs.
fn differences(arguments: &[&str]) -> Vec<String> {
    let ended = Place::new().run(&[&["compare"], arguments, &["--brief"]].concat());
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let told = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    ended.out.lines().filter(told).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_socket_is_written_to_from_both_sides() {
    let found = differences(&["pipe", "unix-stream", "--calls", "1"]);
    let has = |start: &str| found.iter().any(|line| line.starts_with(start));
    assert!(has("reader: write 1 -> EBADF"), "{found:#?}");
    assert!(has("writer sleeps in `write 70000`"), "{found:#?}");
    assert!(has("reader: write 1 -> 1"), "{found:#?}");
}

#[test]
fn what_is_open_behaves_like_a_pipe_and_versions_differ_where_they_do() {
    assert_eq!(differences(&["pipe", "fifo"]), [""; 0]);
    assert_eq!(differences(&["linux", "linux", "pipe", "unix-datagram"]), [""; 0]);
    let found = differences(&["linux", "linux-5.10", "unix-seqpacket"]);
    assert!(found.iter().any(|line| line.contains("write 0")), "{found:#?}");
}

#[test]
fn differences_are_confirmed_by_this_kernel() {
    let ended = Place::new().run(&["compare", "pipe", "unix-stream", "--calls", "1", "--confirm"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let seen = ended.out.matches("so it is on this machine").count();
    assert!(seen >= 5 && !ended.out.contains("    on this machine"), "{}", ended.out);
}

#[test]
fn what_can_not_be_compared_is_refused_with_a_remedy() {
    for (arguments, said) in [
        (&["pipe", "unix-strem"][..], "did you mean `unix-stream`?"),
        (&["pipe", "file"], "take pipe, fifo, unix-stream"),
        (&["pipe", "fifo", "tcp"], "kinds come behind two profiles"),
        (&["linux", "pipe"], "compare two profiles or two kinds"),
    ] {
        let ended = Place::new().run(&[&["compare"], arguments].concat());
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains(said), "{ended:?}");
    }
}
