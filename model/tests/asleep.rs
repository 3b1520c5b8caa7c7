//! Who sleeps for ever, against all that can happen: in every state that a system can come to.

use std::collections::HashMap;

use pipewright_model::asleep::{Moment, Present};
use pipewright_model::call::Actor;
use pipewright_model::oracle;
use pipewright_model::platform::LINUX;
use pipewright_model::run::Run;
use pipewright_model::system::{State, System};
use pipewright_model::systems;
use pipewright_model::verify::Model;

/// Systems of more states are left out.
const STATES_MAX: usize = 20_000;

struct Space {
    states: Vec<State>,
    /// For each state those that lead to it.
    before: Vec<Vec<usize>>,
    /// Whether nothing can happen in it.
    still: Vec<bool>,
}

/// All states of a system; `None` where there are too many.
fn space(system: &System) -> Option<Space> {
    let start = system.start();
    let mut known = HashMap::from([(start.clone(), 0)]);
    let mut space = Space { states: vec![start], before: vec![Vec::new()], still: Vec::new() };
    let mut next = Vec::new();
    let mut at = 0;
    while at < space.states.len() {
        next.clear();
        system.steps(&space.states[at], &mut next);
        space.still.push(next.is_empty());
        for (_, after) in next.drain(..) {
            let to = *known.entry(after.clone()).or_insert_with(|| {
                space.states.push(after);
                space.before.push(Vec::new());
                space.states.len() - 1
            });
            space.before[to].push(at);
        }
        if space.states.len() > STATES_MAX {
            return None;
        }
        at += 1;
    }
    Some(space)
}

/// For each state whether some continuation ends the call that the actor is in; true where it is in none.
fn may_end(space: &Space, actor: Actor) -> Vec<bool> {
    let mut may: Vec<bool> =
        space.states.iter().map(|state| state.within(actor).is_none()).collect();
    let mut todo: Vec<usize> = (0..may.len()).filter(|at| may[*at]).collect();
    while let Some(at) = todo.pop() {
        for before in &space.before[at] {
            if !std::mem::replace(&mut may[*before], true) {
                todo.push(*before);
            }
        }
    }
    may
}

#[test]
fn for_ever_is_said_where_no_continuation_ends_a_call() {
    let (mut systems, mut looked_at, mut for_ever, mut deadlocks, mut unsaid) = (0, 0, 0, 0, 0);
    for system in systems::systems() {
        let Some(space) = space(&system) else { continue };
        systems += 1;
        let actors = 0..system.processes.len() as u8;
        let ends: Vec<Vec<bool>> =
            actors.clone().map(|actor| may_end(&space, Actor(actor))).collect();
        for (at, state) in space.states.iter().enumerate() {
            let moment = system.moment(state).expect("the worlds are known");
            looked_at += 1;
            for actor in actors.clone().map(Actor) {
                let says = moment.is_for_ever(actor);
                let can_end = ends[usize::from(actor.0)][at];
                let told = || {
                    format!(
                        "{} in\n{}\n{}",
                        system.name,
                        system.tell(state),
                        moment.sentences(&system.names())
                    )
                };
                assert!(
                    !(says && can_end),
                    "for ever, and yet it may end: {actor:?} of {}",
                    told()
                );
                let sleeps = moment.sleepers.iter().any(|sleeper| sleeper.actor == actor);
                for_ever += usize::from(says);
                unsaid += usize::from(sleeps && !can_end && !says);
                if space.still[at] && state.within(actor).is_some() {
                    deadlocks += 1;
                    assert!(says, "nothing goes on, and {actor:?} is not for ever: {}", told());
                }
            }
        }
    }
    eprintln!(
        "{systems} systems, {looked_at} states, {for_ever} waits for ever, {deadlocks} of them where nothing goes on; {unsaid} waits \
         that only the programs make endless"
    );
    assert!(systems > 60 && for_ever > 40 && deadlocks > 20);
}

/// What is said of who sleeps at the end of a run.
fn told(text: &str) -> String {
    let run: Run = text.parse().expect("a run");
    let worlds = oracle::after(&run, &LINUX);
    let present = Present::after(&run, run.events.len() - 1);
    let moment = Moment::of(&run, &LINUX, &worlds, &present).expect("it is followed to its end");
    format!("{}\n{}", moment.verdict(&run), moment.sentences(&run))
}

#[test]
fn polls_on_several_ends_sleep_as_other_calls_do() {
    let text = "\
channel up pipe
channel down pipe
process p holds up.r down.w
process q holds up.w down.r
q: read down.r 1
quiet q
p: poll [up.r in, down.w none] wait
quiet p, q
";
    let told = told(text);
    assert!(told.starts_with("p and q wait for each other\n"), "{told}");
    assert!(told.contains("p sleeps for ever in `poll [up.r in, down.w none] wait`"), "{told}");
}

#[test]
fn who_may_be_continued_or_interrupted_waits_for_no_ever() {
    let stopped = "\
channel up pipe
process p holds up.w
process q holds up.r
q: read up.r 1
quiet q
p: signal q SIGSTOP -> ok
quiet q
";
    let told_stopped = told(stopped);
    for words in ["p could end it (write", "its process is stopped, until SIGCONT comes"] {
        assert!(told_stopped.contains(words), "{told_stopped}");
    }
    let catches = "\
channel up pipe
process p holds up.r up.w catches SIGUSR1
process q holds up.r
p: read up.r 1
quiet p
";
    let told_catches = told(catches);
    assert!(told_catches.contains("a signal that it catches could interrupt it"), "{told_catches}");
    assert!(!told_catches.contains("for ever"), "{told_catches}");
    let plain = told(&catches.replace(" catches SIGUSR1", ""));
    assert!(plain.contains("for ever") && plain.contains("its own process holds up.w"), "{plain}");
}

#[test]
fn who_is_stopped_and_what_is_opened_is_said_so() {
    let stopped = told(
        "channel up pipe\nprocess p holds up.r up.w\np: fork q -> ok\np: close up.w -> ok\n\
         p: signal q SIGSTOP -> ok\np: read 1\nquiet p\n",
    );
    assert!(
        stopped.contains(
            "q could end it (write up.w, close up.w) but is stopped, until SIGCONT comes"
        ),
        "{stopped}"
    );
    let opened = told(
        "channel up fifo\nchannel down pipe\nprocess p holds down.r\nprocess q holds down.w\n\
         p: open read as up.r\nquiet p\n",
    );
    assert!(opened.contains("q could end it (open write as up.w, "), "{opened}");
}

#[test]
fn several_that_can_only_together_are_named_together() {
    let told = told(
        "\
channel locked-file
process a holds rw
process b holds rw
process c holds rw
a: lock shared -> ok
b: lock shared -> ok
c: lock exclusive wait
quiet c
",
    );
    assert!(told.contains("a (lock none) and b (lock none) could end it together"), "{told}");
}

#[test]
fn who_could_add_to_a_counter_or_register_with_an_epoll_is_named() {
    let takes = told("channel eventfd\nactor w holds rw\nactor b holds rw\nb: take\nquiet b\n");
    assert!(takes.contains("w could end it (add"), "{takes}");
    let full = told(
        "channel eventfd\nactor w holds rw\nactor b holds rw\nb: add 18446744073709551614 -> ok\nb: add 1\nquiet b\n",
    );
    assert!(full.contains("w could end it (take"), "{full}");
    let waits = told(
        "channel pipe\nprocess p holds r w\nthread t of p\np: epoll -> ok\np: epoll-wait e wait\nquiet p\n",
    );
    assert!(waits.contains("t could end it (epoll-add"), "{waits}");
    assert!(!waits.contains("close e"), "{waits}");
}

#[test]
fn no_shutdown_of_the_listener_ends_a_connect_that_waits() {
    let told = told(
        "channel unix-stream\na: socket -> ok\na: bind -> ok\na: listen 0 -> ok\nb: socket -> ok\n\
         b: connect -> ok\nc: socket -> ok\nc: connect\nquiet c\n",
    );
    assert!(told.contains("a could end it (") && !told.contains("shutdown"), "{told}");
}
