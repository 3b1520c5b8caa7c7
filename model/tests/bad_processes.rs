//! Texts about processes that are no runs, and what is said of them.

use pipewright_model::run::Run;

/// Texts that are no runs, with what is said of them.
const BAD: &[(&str, &str)] = &[
    ("channel up pip\n", "expected a kind of channel"),
    ("channel up pipe\nchannel up pipe\n", "there is already a channel up"),
    ("channel pipe\nchannel down pipe\n", "a run of several channels names each"),
    ("channel up pipe\nwriter: write 5\n", "the ends of writer are not known"),
    ("channel up pipe\nprocess p holds dwn.r\n", "no channel is called dwn"),
    ("channel up pipe\nprocess p holds up.q\n", "expected an end"),
    ("channel up pipe\nprocess p holds up.r up.r\n", "p already holds this end"),
    ("channel up pipe\nprocess p holds up.r\nthread t of q\n", "no actor is called q"),
    ("channel up pipe\nprocess p holds up.r\nprocess q inherits up.w of p\n", "p holds no up.w"),
    ("channel up pipe\nprocess p holds up.r\np: fork p\n", "there is a process p already"),
    ("channel up pipe\nprocess p holds up.r\np: wait p\n", "p waits for itself"),
    ("channel up pipe\nprocess p holds up.r\np: exit\np: read 5\n", "p has ended"),
    ("channel up pipe\nprocess p holds up.r ignores SIGKILL\n", "can be neither"),
    ("channel up pipe\nprocess p holds up.r\np: exit 256\n", "expected a status"),
    ("channel up pipe\nprocess p holds up.r\np: exit SIGKIL\n", "expected a status"),
    ("channel up pipe\nprocess p holds up.r\np: exit SIGSTOP\n", "SIGSTOP ends no process"),
    ("channel up pipe\nprocess p holds up.r\np: exit SIGCHLD\n", "SIGCHLD ends no process"),
    ("channel up pipe\noutsider o holds up.w\no: write 5\n", "o is an outsider"),
    (
        "channel up pipe\nprocess p holds up.r\np: read up.r 5\np: exit 1\n",
        "p exits in the middle of a call",
    ),
    ("channel up file\nprocess p holds up.r\np: open read\n", "which channel is meant is not said"),
    ("channel up pipe\nprocess p holds up.r\np: poll [] wait\n", "expected an end"),
    ("channel up pipe\nprocess p holds up.r\np: poll [up.r in, up.r in] -> [in]\n", "polls 2 ends"),
    (
        "channel up pipe\nprocess p holds up.r\nprocess q inherits up.r of p\nq: read 5\np: signal q SIGCONT -> ok\n\
         quiet\n",
        "the calls in progress here are of q",
    ),
    ("channel up pipe\nprocess p holds up.r\np: read 5 -> [in]\n", "polls one end, but"),
    ("channel up pipe\nprocess p holds up.r\np: poll [up.r in -> [in]\n", "expected \"]\""),
];

/// Every end that is polled beside another takes the place of an actor.
#[test]
fn polls_on_too_many_ends_are_refused() {
    let ends = vec!["a.r in"; 33].join(", ");
    let text = format!("channel a pipe\nprocess p holds a.r\np: poll [{ends}] wait\n");
    let error = text.parse::<Run>().expect_err("too many");
    assert!(error.what.contains("are more than 32"), "{error}");
    let text = text.replacen("a.r in, ", "", 1);
    assert!(text.parse::<Run>().is_ok(), "{text}");
}

#[test]
fn what_is_no_run_of_processes_is_told() {
    for (text, expected) in BAD {
        let error = text.parse::<Run>().expect_err(text);
        assert!(error.what.contains(expected), "{text}{error}");
    }
}
