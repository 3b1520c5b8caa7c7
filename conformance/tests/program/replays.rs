//! `replay` plays what the file says, or says why not; `judge` says what nobody holds.

use pipewright_conformance::status::Status;

use crate::place::Place;

/// Replays a run that can't be played as it stands.
#[track_caller]
fn is_not_replayed(run: &str, why: &str) {
    let place = Place::new();
    place.file("a.case", run);
    let ended = place.run(&["replay", "a.case"]);
    assert_eq!(ended.status, Some(Status::NotJudged.code().into()), "{ended:?}");
    assert!(ended.out.contains("not replayed as the file says: "), "{ended:?}");
    assert!(ended.out.contains(why), "{ended:?}");
}

#[test]
fn what_cannot_be_played_is_refused_by_name() {
    is_not_replayed(
        "channel pipe\nwriter: write 3000000\nreader: close -> ok",
        "a.case:2:1: `writer: write 3000000`: a call on a real channel is of at most 1048576 bytes",
    );
    is_not_replayed(
        "channel message-queue\na: open read-write -> ok\na: available -> 0",
        "a.case:3:1: `a: available -> 0`: message-queue does not have `available`",
    );
    is_not_replayed(
        "channel pipe\nactor writer holds w\nreader: read 1 -> EAGAIN\nreader: read 2 -> EAGAIN",
        "line 4: `reader: read 2` was not made, as reader was still in an earlier call",
    );
}

#[test]
fn a_channel_is_set_up_as_the_file_says_or_not_at_all() {
    let set_up = [
        "channel pipe capacity 4096 nonblocking",
        "channel pipe capacity 8192 packet",
        "channel fifo capacity 16384\nactor a holds rw",
        "channel unix-seqpacket nonblocking",
        "channel locked-file append",
    ];
    for header in set_up {
        let place = Place::new();
        let call = match header.starts_with("channel pipe") {
            true => "actor b holds r\nb: close -> ok",
            false => "actor b\nb: unlink -> ok",
        };
        place.file("a.case", &format!("{header}\n{call}"));
        let ended = place.run(&["replay", "a.case"]);
        assert!(ended.out.starts_with(&format!("{header}\n")), "{ended:?}");
    }
    let crowded = include_str!("../../cases/descriptor/nonblocking-is-shared.case");
    let crowded = crowded.replace("channel pipe", "channel pipe crowded capacity 8192");
    is_not_replayed(&crowded, "it says `channel pipe capacity 8192 crowded`");
    is_not_replayed(
        "channel pipe capacity 4\nwriter: write 1 -> 1",
        "it says `channel pipe capacity 4`, and what could be made here is `channel pipe capacity 4096`",
    );
    is_not_replayed(
        "channel message-queue capacity 640\na: unlink -> ok",
        "no channel here can be set up as `channel message-queue capacity 640`",
    );
}

#[test]
fn an_end_that_nobody_holds_is_named() {
    let place = Place::new();
    place.file("a.case", "channel unix-stream\nben: receive 9 dontwait -> 0");
    let ended = place.run(&["judge", "a.case"]);
    assert!(ended.out.contains("nobody holds sa, so it counts as closed"), "{ended:?}");
    place.file("b.case", "channel unix-stream\nactor ann holds sa\nben: receive 9 dontwait -> 0");
    let ended = place.run(&["judge", "b.case"]);
    assert_eq!(ended.status, Some(Status::Deviates.code().into()), "{ended:?}");
    assert!(!ended.out.contains("nobody holds"), "{ended:?}");
    place.file("c.case", "channel unix-stream\na: socket -> ok");
    let ended = place.run(&["judge", "c.case"]);
    assert!(!ended.out.contains("nobody holds"), "{ended:?}");
}

/// A run that the book shows of a model is judged as one: by pages that hold two bytes.
#[test]
fn a_pipe_of_a_model_is_judged_as_one_and_named() {
    let place = Place::new();
    let deadlock = |capacity: &str| {
        let text = format!(
            "channel pipe-pair{capacity}\nann: write wa 8\nben: write wb 8\nquiet ann, ben\n"
        );
        place.file("a.case", &text);
        place.run(&["judge", "a.case"])
    };
    let ended = deadlock(" capacity 4");
    assert_eq!(ended.status, Some(Status::Conforms.code().into()), "{ended:?}");
    let note = "a pipe of 4 bytes is one of a model: its pages and PIPE_BUF are of 2 bytes; no system has it";
    assert!(ended.out.contains(note), "{ended:?}");
    for real in ["", " capacity 4096"] {
        let ended = deadlock(real);
        assert_eq!(ended.status, Some(Status::Deviates.code().into()), "{ended:?}");
        assert!(!ended.out.contains("of a model"), "{ended:?}");
    }
    place.file("b.case", "channel pipe capacity 4\nwriter: write 9 -> 9\n");
    assert_eq!(place.run(&["judge", "b.case"]).status, Some(Status::Deviates.code().into()));
}

#[test]
fn an_end_is_made_only_where_none_is_open() {
    let place = Place::new();
    let texts = [
        "channel pipe\nactor a holds r w\na: dup r as w -> ok",
        "channel fifo\na: open read -> ENXIO\na: open read nonblocking -> ok\na: open read -> ok",
        "channel unix-stream\nactor a holds sa\na: accept as sa -> EINVAL",
        "channel unix-stream\nactor a holds sa\na: receive-end 1 as sa",
    ];
    for text in texts {
        place.file("a.case", text);
        for command in ["judge", "replay", "draw"] {
            place.run(&[command, "a.case"]).refused(&[
                "already has ",
                "close ",
                " first, or make another",
            ]);
        }
    }
}

#[test]
fn a_call_that_a_kind_of_channel_lacks_is_not_judged() {
    let place = Place::new();
    place.file("a.case", "channel pipe\nactor a holds r w\na: unlink -> ENOENT");
    place.file("b.case", "channel tcp\na: open read -> ENOENT");
    place.file("c.case", "channel file\na: socket -> EBADF");
    let refused = [
        ("a.case", "a pipe has no name to unlink"),
        ("b.case", "a tcp has no name to open"),
        ("c.case", "a file is not made of sockets"),
    ];
    for (file, why) in refused {
        for command in ["judge", "replay", "draw"] {
            let ended = place.run(&[command, file]);
            ended.refused(&[why, "help: "]);
        }
    }
    for call in ["listen 1 -> ENOTSOCK", "capacity -> EBADF", "seek -> ESPIPE"] {
        place.file("d.case", &format!("channel message-queue\nactor a holds r\na: {call}"));
        let ended = place.run(&["judge", "d.case"]);
        assert_eq!(ended.status, Some(Status::NotJudged.code().into()), "{ended:?}");
        assert!(ended.out.contains("no rule speaks of this call"), "{ended:?}");
    }
}

#[test]
fn replies_seen_otherwise_are_named_by_their_lines() {
    let place = Place::new();
    let text = "channel pipe\n\nwriter: write 65537\nquiet writer\n# gone\nreader: close -> ok\n";
    place.file("a.case", &format!("{text}writer: -> EPIPE + SIGPIPE"));
    let ended = place.run(&["replay", "a.case"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let said = "seen otherwise than in the file: line 7: `65536 + SIGPIPE`, the file says `EPIPE + SIGPIPE`\n";
    assert!(ended.out.contains(said), "{ended:?}");
    place.file("a.case", &format!("{text}writer: -> 65536 + SIGPIPE"));
    let ended = place.run(&["replay", "a.case"]);
    assert!(!ended.out.contains("otherwise"), "{ended:?}");
    place.file("a.case", "channel pipe\nactor writer holds w\nreader: read 1 -> 1");
    let ended = place.run(&["replay", "a.case"]);
    assert!(ended.out.contains("line 3: the call sleeps, the file says `1`"), "{ended:?}");
}

#[test]
fn a_stop_that_was_not_reached_is_not_replayed() {
    let channel = pipewright_backends::named("pipe").expect("a channel");
    if !channel.copies_in_kernel() || pipewright_backends::sys::stop::unavailable().is_some() {
        return;
    }
    is_not_replayed(
        "channel pipe\nwriter: write 10 -> 10\nreader: read 8192 stops at 4000\nreader: goes on\nreader: -> 10",
        "line 3: `reader: read 8192` did not stop at 4000",
    );
}

#[test]
fn lines_are_those_of_the_file() {
    let place = Place::new();
    let text = "# why\n\nchannel pipe\n# a remark\n\nwriter: write 10 -> 10\n\n";
    place.file("a.case", &format!("{text}reader: read 20 -> 9"));
    let ended = place.run(&["judge", "a.case"]);
    assert!(ended.out.contains("no rule allows `reader: read 20 -> 9` (line 8)"), "{ended:?}");
    place.file("a.case", &format!("{text}reader: read 20 -> EINTR"));
    let ended = place.run(&["judge", "a.case"]);
    assert!(ended.out.contains("from `reader: read 20 -> EINTR` (line 8) on,"), "{ended:?}");
}

#[test]
fn an_arrangement_is_spelt_as_it_is_given() {
    let place = Place::new();
    place.file("a.case", "channel pipe\nwriter: write 1 -> 1");
    let ended = place.run(&["replay", "a.case", "--arrangement", "opened"]);
    ended.refused(&["in the arrangement \"opened\"; choose one of threads, inherited, passed"]);
}

#[test]
fn what_another_kind_of_channel_changes_is_told() {
    let place = Place::new();
    let run =
        "channel pipe\nactor reader holds r\nwriter: write 1 -> EAGAIN\nreader: read 1 -> 0\n";
    place.file("a.case", run);
    let on = |channel: &str| place.run(&["replay", "a.case", "--channel", channel]).out;
    let variable = on("global-variable");
    for told in [
        "made otherwise than in the file: line 3: `writer: write 64` in place of `writer: write 1`",
        "seen otherwise than in the file: line 3: `64`, the file says `EAGAIN`",
    ] {
        assert!(variable.contains(told), "{variable}");
    }
    for channel in ["pipe", "fifo", "unix-seqpacket"] {
        let out = on(channel);
        let told = "seen otherwise than in the file: line 3: `1`, the file says `EAGAIN`";
        assert!(out.contains(told) && !out.contains("made otherwise"), "{channel}: {out}");
    }
    // What is whole in the file and whole on the channel is seen alike.
    place.file("a.case", "channel pipe\nwriter: write 1 -> 1\nreader: read 1 -> 1\n");
    let out = on("global-variable");
    assert!(out.contains("made otherwise") && !out.contains("seen otherwise"), "{out}");
}

#[test]
fn who_sleeps_is_told_at_each_quiet() {
    let place = Place::new();
    let run = "channel pipe\nactor reader holds r\nactor writer holds w\nreader: read 5\nquiet reader\nwriter: write 3 -> 3\n\
               reader: -> 3 = writer[0..3]\nquiet\nreader: read 1\nquiet reader\n";
    place.file("twice.case", run);
    let told = place.run(&["judge", "twice.case"]).out;
    let told = told.split_once("\n\n").expect("a run").1;
    let sleeps = |call| {
        format!(
            "reader sleeps in `{call}` (stream.read.waits): writer could end it (write, close)\n"
        )
    };
    let expected = format!(
        "asleep at line 5:\n{}\nconforms (profile linux)\nasleep at the end:\n{}",
        sleeps("read 5"),
        sleeps("read 1")
    );
    assert_eq!(told, expected);
}
