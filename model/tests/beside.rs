//! What is seen of a call while it goes on: the runs that a kernel shows, and beside each its false neighbours.

use pipewright_model::oracle::{Judgement, Verdict, judge};
use pipewright_model::platform::{LINUX, POSIX, Platform};
use pipewright_model::run::Run;
use pipewright_model::text;

fn judged(text: &str, platform: &Platform) -> (Run, Judgement) {
    let run: Run = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let judgement = judge(&run, platform);
    (run, judgement)
}

fn conforms(text: &str, platform: &Platform) {
    let (run, judgement) = judged(text, platform);
    assert_eq!(judgement.verdict, Verdict::Conforms, "{}:\n{run}", platform.name);
}

/// The first event that no rule allows is this line.
fn deviates_at(line: &str, text: &str, platform: &Platform) {
    let (run, judgement) = judged(text, platform);
    assert_eq!(judgement.verdict, Verdict::Deviates, "{}:\n{run}", platform.name);
    let said = text::event(&run, judgement.deviations[0].event);
    let squeezed = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(squeezed.ends_with(line), "{said:?}, not {line:?}:\n{run}");
}

const WRITE_BEGUN: &str = "\
channel pipe
actor writer holds w
actor other holds r w
actor third holds r w
writer: write 65536
";

#[test]
fn polls_see_a_write_that_fills_a_pipe_page_by_page() {
    let told = |rest: &str| format!("{WRITE_BEGUN}{rest}");
    let end = "writer: -> 65536\n";
    for rest in [
        "other: poll r in -> in\nother: poll w out -> out\n",
        "other: poll w out -> out\nother: poll r in -> none\nother: poll r in -> in\n",
        "other: poll r in -> in\nthird: poll w out -> out\nthird: nonblocking w on -> ok\nother: poll r in -> in\n",
        "third: poll r in wait\nthird: -> in\nother: poll w out -> out\nother: poll w out -> none\n",
        "other: poll r in -> in\nother: poll w out -> none\nother: available r -> 65536\n",
        "other: poll r in -> in\nother: poll w out -> out\nthird: read r 65536\nother: poll w out -> out\nwriter: -> 65536\nthird: -> 65536 = writer[0..65536]\n",
    ] {
        let rest =
            if rest.contains("writer: ->") { rest.to_owned() } else { format!("{rest}{end}") };
        conforms(&told(&rest), &LINUX);
    }
    for (line, rest) in [
        // It goes backwards.
        (
            "other: poll r in -> none",
            "other: poll r in -> in\nother: poll w out -> out\nother: poll r in -> none\n",
        ),
        ("other: poll w out -> out", "other: poll w out -> none\nother: poll w out -> out\n"),
        // Whoever needs the lock waits.
        (
            "other: poll w out -> out",
            "other: poll r in -> in\nother: available r -> 65536\nother: poll w out -> out\n",
        ),
        ("other: available r -> 4096", "other: poll r in -> in\nother: available r -> 4096\n"),
        (
            "other: read r 4096 -> 4096 = writer[0..4096]",
            "other: poll r in -> in\nother: read r 4096 -> 4096 = writer[0..4096]\nthird: poll w out -> out\n\
             third: available r -> 4096\n",
        ),
    ] {
        let (run, judgement) = judged(&told(&format!("{rest}{end}")), &LINUX);
        assert_eq!(judgement.verdict, Verdict::Deviates, "{line}:\n{run}");
    }
}

#[test]
fn polls_see_a_read_that_empties_a_pipe_page_by_page() {
    let begun = "\
channel pipe
actor other holds r w
actor reader holds r
other: write w 65536 -> 65536
reader: read 65536
";
    let end = "reader: -> 65536 = other[0..65536]\n";
    let told = |rest: &str| format!("{begun}{rest}{end}");
    for rest in [
        "other: poll w out -> out\nother: poll r in -> in\n",
        "other: poll r in -> in\nother: poll w out -> none\nother: poll w out -> out\n",
        "other: poll w out -> out\nother: poll r in -> in\nother: poll r in -> none\n",
    ] {
        conforms(&told(rest), &LINUX);
        conforms(&told(rest), &POSIX);
    }
    for rest in [
        "other: poll w out -> out\nother: poll r in -> in\nother: poll w out -> none\n",
        "other: poll r in -> none\nother: poll r in -> in\n",
        "other: poll w out -> out\nother: available r -> 61440\n",
    ] {
        let (run, judgement) = judged(&told(rest), &LINUX);
        assert_eq!(judgement.verdict, Verdict::Deviates, "{run}");
    }
}

/// Of one page nothing is seen half done.
#[test]
fn a_transfer_of_one_page_is_seen_before_or_after() {
    let begun = "\
channel fifo capacity 4096
actor a holds rw
actor b holds rw
a: write 4096
";
    conforms(&format!("{begun}b: poll in|out -> out\nb: poll in|out -> in\na: -> 4096\n"), &LINUX);
    let seen = "b: poll in|out -> in|out";
    deviates_at(seen, &format!("{begun}{seen}\na: -> 4096\n"), &LINUX);
    let back = "b: poll in|out -> out";
    deviates_at(back, &format!("{begun}b: poll in|out -> in\n{back}\na: -> 4096\n"), &LINUX);
}

/// A poll's two looks: the ring, then who has it open.
#[test]
fn poll_looks_at_the_data_before_it_looks_for_a_hang_up() {
    let begun =
        "channel pipe\nwriter: write 1\nreader: poll in\nwriter: -> 1\nwriter: close -> ok\n";
    for seen in ["hup", "in", "in|hup"] {
        let run = format!("{begun}reader: -> {seen}\n");
        conforms(&run, &LINUX);
        conforms(&run, &POSIX);
    }
    // One that begins when all is over sees all of it, and so does one that slept.
    let after = "reader: poll in -> hup";
    let over = format!("channel pipe\nwriter: write 1 -> 1\nwriter: close -> ok\n{after}\n");
    deviates_at(after, &over, &LINUX);
    let slept = "\
channel pipe
reader: poll in wait
quiet reader
writer: write 1 -> 1
reader: -> hup
";
    deviates_at("reader: -> hup", slept, &LINUX);
    // The other way round it is not: no hang-up is told that was there before the data went.
    let drained = "\
channel pipe
actor reader holds r
actor other holds r
reader: poll in
writer: write 1 -> 1
other: read 9 -> 1 = writer[0..1]
writer: close -> ok
reader: -> in|hup
";
    conforms(drained, &LINUX);
}

/// The open of a FIFO for writing counts a moment later than it ends the time without a hang-up: once.
#[test]
fn a_hang_up_beside_an_open_is_told_once() {
    let begun = "channel fifo\nreader: open read nonblocking -> ok\nwriter: open write\n";
    let told = |polls: &[&str]| {
        let polls = polls.iter().map(|seen| format!("reader: poll in -> {seen}\n"));
        format!("{begun}{}writer: -> ok\n", polls.collect::<String>())
    };
    conforms(&told(&["none", "hup", "hup", "none"]), &LINUX);
    deviates_at("poll in -> hup", &told(&["none", "hup", "none", "hup"]), &LINUX);
    let read = told(&["hup"]).replace("writer: -> ok\n", "writer: -> ok\nreader: poll in -> hup\n");
    deviates_at("poll in -> hup", &read, &LINUX);
}

/// How two reads at a time share the bytes is left open by the standard; that they return is not.
#[test]
fn concurrent_reads_share_the_bytes_and_return() {
    let begun = "\
channel pipe
actor writer holds w
reader1: read 4
reader2: read 4
writer: write 4 -> 4
";
    let shared = format!(
        "{begun}reader1: -> 2 = writer[0..1] writer[2..3]\nreader2: -> 2 = writer[1..2] writer[3..4]\n"
    );
    conforms(&shared, &POSIX);
    let (run, judgement) = judged(&shared, &LINUX);
    assert_eq!(judgement.verdict, Verdict::Deviates, "{run}");
    conforms(&format!("{begun}reader1: -> 4 = writer[0..4]\nquiet reader2\n"), &POSIX);
    for wrong in [
        "quiet reader1, reader2\n",
        "reader1: -> 2 = writer[0..2]\nquiet reader2\n",
        "reader1: -> 0\n",
        "reader1: -> 4 = writer[0..4]\nreader2: -> 1 = writer[3..4]\n",
    ] {
        let (run, judgement) = judged(&format!("{begun}{wrong}"), &POSIX);
        assert_eq!(judgement.verdict, Verdict::Deviates, "{run}");
    }
}

/// A message queue serves who has waited the longest; nobody gets what was handed to another.
#[test]
fn a_queue_serves_the_longest_waiter() {
    let receivers = "\
channel message-queue
reader1: read 64
quiet reader1
reader2: read 64
quiet reader1, reader2
writer: write 3 -> 3
";
    let second = "reader2: -> 3 = writer[0..3]";
    deviates_at(second, &format!("{receivers}{second}\n"), &LINUX);
    conforms(&format!("{receivers}{second}\n"), &POSIX);
    conforms(&format!("{receivers}reader1: -> 3 = writer[0..3]\n"), &LINUX);
    let seen = "reader3: poll in -> in";
    deviates_at(seen, &format!("{receivers}{seen}\n"), &LINUX);
    // Who came first is not known of two that were never seen to sleep.
    let unknown = receivers.replace("quiet reader1\n", "");
    conforms(&format!("{unknown}{second}\n"), &LINUX);
    let senders = "\
channel message-queue capacity 64
writer: write 1 -> 1
writer1: write 2
quiet writer1
writer2: write 3
quiet writer1, writer2
reader: read 64 -> 1 = writer[0..1]
";
    let second = "reader: read 64 -> 3 = writer2[0..3]";
    deviates_at(second, &format!("{senders}{second}\n"), &LINUX);
    conforms(&format!("{senders}{second}\nwriter2: -> 3\n"), &POSIX);
    conforms(&format!("{senders}reader: read 64 -> 2 = writer1[0..2]\nwriter1: -> 2\n"), &LINUX);
}

/// A pipe wakes the read that has slept the longest; a newcomer may be faster than the one that was woken.
#[test]
fn a_pipe_serves_the_longest_sleeper() {
    let asleep = "\
channel pipe
actor writer holds w
reader1: read 1
quiet reader1
reader2: read 1
quiet reader1, reader2
";
    let second = "reader2: -> 1 = writer[0..1]";
    let told = |rest: &str| format!("{asleep}{rest}\n");
    deviates_at(second, &told(&format!("writer: write 1 -> 1\n{second}")), &LINUX);
    conforms(&told(&format!("writer: write 1 -> 1\n{second}")), &POSIX);
    conforms(&told("writer: write 1 -> 1\nreader1: -> 1 = writer[0..1]\nquiet reader2"), &LINUX);
    conforms(
        &told("writer: write 2 -> 2\nreader1: -> 1 = writer[0..1]\nreader2: -> 1 = writer[1..2]"),
        &LINUX,
    );
    // In which order they return says nothing of the order in which they were served.
    conforms(
        &told("writer: write 2 -> 2\nreader2: -> 1 = writer[1..2]\nreader1: -> 1 = writer[0..1]"),
        &LINUX,
    );
    let wrong = "reader2: -> 1 = writer[0..1]";
    deviates_at(
        wrong,
        &told(&format!("writer: write 2 -> 2\n{wrong}\nreader1: -> 1 = writer[1..2]")),
        &LINUX,
    );
    // All see the end, in whatever order.
    conforms(&told("writer: close -> ok\nreader2: -> 0\nreader1: -> 0"), &LINUX);
    // A newcomer scatters them.
    let newcomer = "writer: write 1\nreader3: read 1\nwriter: -> 1\nreader3: -> 1 = writer[0..1]\n";
    for served in ["reader1", "reader2"] {
        let then = format!("{newcomer}writer: write 1 -> 1\n{served}: -> 1 = writer[1..2]");
        conforms(&told(&then), &LINUX);
    }
}

#[test]
fn what_was_possible_beside_a_call_is_not_forgotten_when_it_returns() {
    // While the file grew the read took hold of its only page.
    let text = "\
channel file
actor a holds rw
a: write-at 1 -> 1
reader: read 2
a: write-at 2 -> 2
reader: -> 1 = a[1..2]
";
    conforms(text, &LINUX);
}

#[test]
fn a_message_is_taken_before_there_is_room_again() {
    let told = |inside: &str| {
        format!(
            "channel unix-seqpacket\nactor ann holds sa\nactor ann2 holds sa\n\
             ben: write 48833 -> 48833\nann: read 1\n{inside}ann: -> 1\n"
        )
    };
    for inside in [
        "ann2: poll in -> none\nben2: poll out -> none\n",
        "ann2: available -> 0\nben2: poll out -> none\n",
        "ann2: receive 1 dontwait -> EAGAIN\nben2: poll out -> none\n",
        "ben2: shutdown write -> ok\nann2: read 1 -> 0\nben2: poll out -> none\n",
        "ann2: poll in -> in\nben2: poll out -> none\nann2: available -> 0\nben2: poll out -> out\n",
    ] {
        conforms(&told(inside), &LINUX);
    }
    for (line, inside) in [
        // Once there is room, there is no message.
        ("ann2: poll in -> in", "ben2: poll out -> out\nann2: poll in -> in\n"),
        ("ann2: available -> 48833", "ben2: poll out -> out\nann2: available -> 48833\n"),
    ] {
        deviates_at(line, &told(inside), &LINUX);
    }
    // Two messages: one receive takes one of them.
    let two = "channel unix-datagram\nactor ann holds sa\nactor ann2 holds sa\nben: write 1 -> 1\n\
               ben: write 2 -> 2\nann: read 9\nann2: available -> 0\n";
    deviates_at("ann2: available -> 0", two, &LINUX);
}

#[test]
fn in_the_standard_long_writes_are_torn_anywhere_and_short_ones_nowhere() {
    let torn = |first: u32, second: u32, cut: u32| {
        format!(
            "channel pipe\nactor a holds w\nactor b holds w\na: write {first}\nb: write {second}\n\
             a: -> {first}\nb: -> {second}\n\
             reader: read 99999 -> {} = a[0..{cut}] b[0..{second}] a[{cut}..{first}]\n",
            first + second
        )
    };
    for cut in [1, 100, 2000, 4095, 4096, 4999] {
        conforms(&torn(5000, 5000, cut), &POSIX);
        conforms(&torn(5000, 10, cut), &POSIX);
    }
    let whole = torn(4096, 10, 100);
    let (_, judgement) = judged(&whole, &POSIX);
    assert_eq!(judgement.verdict, Verdict::Deviates);
    // A reader sees any first part.
    let seen = "channel pipe\nwriter: write 5000\nreader: read 9000 -> 100 = writer[0..100]\nwriter: -> 5000\n";
    conforms(seen, &POSIX);
    // Only what a nonblocking write returns has a least.
    let returns = |count: u32, before: &str| {
        format!(
            "channel pipe nonblocking\nactor reader holds r\n{before}writer: write 5000 -> {count}\n"
        )
    };
    conforms(&returns(4096, ""), &POSIX);
    conforms(&returns(100, "writer: write 1 -> 1\n"), &POSIX);
    deviates_at("writer: write 5000 -> 100", &returns(100, ""), &POSIX);
}
