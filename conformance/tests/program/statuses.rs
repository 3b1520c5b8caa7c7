//! Exit statuses: the same in all commands.

use pipewright_conformance::status::Status;

use crate::place::Place;

/// A run that conforms, one that deviates, one that is not specified by POSIX, a litmus file, and one that is no run.
const FILES: [(&str, &str); 7] = [
    ("sound.case", "channel pipe\nwriter: close -> ok\nreader: read 5 -> 0\n"),
    ("broken.case", "channel pipe\nwriter: close -> ok\nreader: read 5 -> EAGAIN\n"),
    (
        "open.case",
        "channel pipe packet\nwriter: write 1 -> 1\nreader: read 5 -> 1\nreader: read 5 -> EPERM\n",
    ),
    ("few.litmus", "channel pipe\nwriter: write 1\nreader: read 1\n"),
    (
        "report.json",
        r#"{"version": 1, "kernel": "Linux", "profile": "linux", "observation": "full", "stops": true, "channels": []}"#,
    ),
    ("bad.case", "channel pipe\nwriter: wrte 2 -> 2\n"),
    ("log.strace", "pipe([3, 4]) = 0\nwrite(4, \"x\", 1) = 1\nread(3, \"x\", 1) = 1\n"),
];

/// What each command ends with. Commands from `draw` to `explore` and from `rules` on judge nothing.
const ENDINGS: [(&[&str], Status); 45] = [
    (&["compare", "pipe", "fifo", "--calls", "2"], Status::Conforms),
    (&["compare", "pipe", "pope"], Status::BadInput),
    (&["compare", "pipe", "file"], Status::BadInput),
    (&["check", "pipe", "--scenarios", "20"], Status::Conforms),
    (&["check", "pope"], Status::BadInput),
    (&["judge", "sound.case"], Status::Conforms),
    (&["judge", "broken.case"], Status::Deviates),
    (&["judge", "bad.case"], Status::BadInput),
    (&["judge", "none.case"], Status::BadInput),
    (&["judge", "open.case", "--profile", "posix"], Status::NotJudged),
    (&["replay", "sound.case"], Status::Conforms),
    (&["replay", "bad.case"], Status::BadInput),
    (&["replay", "none.case"], Status::BadInput),
    (&["replay", "open.case", "--profile", "posix"], Status::NotJudged),
    (&["litmus", "few.litmus", "--runs", "20"], Status::Conforms),
    (&["litmus", "bad.case"], Status::BadInput),
    (&["draw", "sound.case"], Status::Conforms),
    (&["draw", "broken.case"], Status::Conforms),
    (&["draw", "bad.case"], Status::BadInput),
    (&["explore"], Status::Conforms),
    (&["explore", "bad.case"], Status::BadInput),
    (&["explore", "leaked-write-ends"], Status::BadInput),
    (&["why", "0"], Status::BadInput),
    (&["trace"], Status::BadInput),
    (&["judge", "log.strace"], Status::Conforms),
    (&["verify", "leaked-write-end"], Status::Conforms),
    (&["verify", "simplex-pipe", "--states", "1"], Status::NotJudged),
    (&["verify", "leaked-write-ends"], Status::BadInput),
    (&["why", "--", "echo", "done"], Status::Conforms),
    (&["system", "sound.case"], Status::Conforms),
    (&["system", "bad.case"], Status::BadInput),
    (&["export", "--c", "c"], Status::Conforms),
    (&["export"], Status::BadInput),
    (&["bench", "--pairs", "0"], Status::BadInput),
    (&["bench", "nothing"], Status::BadInput),
    (&["rules"], Status::Conforms),
    (&["rules", "stream.read.nobody"], Status::BadInput),
    (&["channels"], Status::Conforms),
    (&["channels", "pope"], Status::BadInput),
    (&["matrix", "report.json"], Status::Conforms),
    (&["matrix", "bad.case"], Status::BadInput),
    (&["completions", "bash"], Status::Conforms),
    (&["completions", "cmd"], Status::BadInput),
    (&["man", "check"], Status::Conforms),
    (&["man", "chekc"], Status::BadInput),
];

#[test]
fn a_status_means_the_same_in_all_commands() {
    let place = Place::new();
    for (name, text) in FILES {
        place.file(name, text);
    }
    for (arguments, status) in ENDINGS {
        let ended = place.run(arguments);
        assert_eq!(ended.status, Some(status.code().into()), "{arguments:?}: {ended:?}");
        assert_eq!(status == Status::BadInput, ended.out.is_empty(), "{arguments:?}: {ended:?}");
    }
    let commands = place.run(&["--help"]).out;
    let commands = commands.split("Commands:\n").nth(1).expect("commands").lines();
    let names = commands.map_while(|line| line.strip_prefix("  "));
    for name in names.filter(|line| !line.starts_with(' ')).filter_map(|l| l.split(' ').next()) {
        let known = ENDINGS.iter().any(|(arguments, _)| arguments[0] == name);
        assert!(known || name == "help", "how does `{name}` end?");
    }
}

#[test]
fn every_help_text_tells_the_statuses() {
    let place = Place::new();
    let commands = ["check", "replay", "judge", "draw", "explore", "verify", "bench", "rules"];
    let of = |command: &str| place.run(&[command, "--help"]).out;
    let texts = commands.into_iter().map(of).chain([place.run(&["--help"]).out]);
    for text in texts {
        let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for status in Status::ALL {
            let line = format!("{} {}", status.code(), status.says());
            assert!(told.contains(&line), "{line} is not in:\n{text}");
        }
    }
}

#[test]
fn a_run_that_is_not_specified_is_told_in_words() {
    let place = Place::new();
    let (name, text) = FILES[2];
    place.file(name, text);
    let judged = place.run(&["judge", name, "--profile", "posix"]);
    assert_eq!(judged.status, Some(3), "{judged:?}");
    for words in ["unspecified (profile posix)", "the rules say nothing: ", "is not judged"] {
        assert!(judged.out.contains(words), "{words} is not in:\n{}", judged.out);
    }
}

#[test]
fn a_deviation_outweighs_what_is_not_judged() {
    let both = Status::NotJudged.and(Status::Deviates);
    assert_eq!((both, Status::Deviates.and(Status::NotJudged)), (Status::Deviates, both));
    assert_eq!(Status::Conforms.and(Status::NotJudged), Status::NotJudged);
}
