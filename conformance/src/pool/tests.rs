//! Workers that end in the middle of their calls.

use super::*;
use pipewright_backends::{Instance, named};
use pipewright_model::call::Op;
use pipewright_model::run::Run;

/// A pipe between workers of this form; `None` where calls can't be stopped.
fn around_a_pipe(form: fn() -> Form, text: &str) -> Option<(Pool, Run)> {
    if stop::unavailable().is_some() {
        return None;
    }
    let run: Run = text.parse().expect("the text is a run");
    let channel = named("pipe").expect("there are pipes");
    let mut pool = Pool::new(channel, Vec::new()).expect("a pool");
    pool.add(run.seats.iter().map(|_| form()).collect()).expect("workers");
    let place = pool.places().join("1");
    let Instance { ports, keeper, .. } = channel.create(&place, &run.seats).expect("a pipe");
    for (index, (port, seat)) in ports.into_iter().zip(&run.seats).enumerate() {
        let actor = Actor(index as u8);
        pool.hand_over(actor, port).expect("handed over");
        let mut ends = [None; pipewright_model::call::ENDS_MAX];
        ends.iter_mut().zip(&seat.ends).for_each(|(end, held)| *end = Some(*held));
        pool.carry_out([(actor, Order::Take { place: 1, ends })], "take ends").expect("taken");
        pool.watch(Actors::NONE.with(actor)).expect("watched");
    }
    drop(keeper);
    Some((pool, run))
}

fn call(run: &Run, actor: Actor, end: usize, op: Op, stop: Option<u32>) -> Order {
    let end = run.seats[usize::from(actor.0)].ends[end].0;
    Order::Call { actor, end, op, from: 0, stop }
}

fn stop_at_once(pool: &mut Pool, actor: Actor, order: Order) {
    pool.member(actor).desk.post(order);
    let mut patience = Patience::new();
    while !pool.member(actor).watch.as_ref().is_some_and(|w| w.has_stopped().expect("watched")) {
        pool.pause(&mut patience, Actors::NONE).expect("it stops");
    }
}

/// After trouble calls may still be at their stops.
#[test]
fn a_call_at_its_stop_is_released() {
    let text = "channel pipe\nactor ann holds r w\n";
    let Some((mut pool, run)) = around_a_pipe(|| Form::Thread, text) else { return };
    let ann = Actor(0);
    let write = call(&run, ann, 1, Op::Write { len: 9 }, None);
    pool.carry_out([(ann, write)], "write").expect("written");
    stop_at_once(&mut pool, ann, call(&run, ann, 0, Op::Read { len: 9 }, Some(0)));
    assert!(pool.release(ann).expect("released"));
}

/// Neither signal nor death ends the wait for the lock of a pipe.
#[test]
fn who_waits_for_a_call_at_its_stop_ends_with_it() {
    let text = "channel pipe\nactor ann holds r\nactor ben holds r w\n";
    for form in [|| Form::Process, || Form::Thread] {
        let Some((mut pool, run)) = around_a_pipe(form, text) else { return };
        let [ann, ben] = [0, 1].map(Actor);
        let write = call(&run, ben, 1, Op::Write { len: 9 }, None);
        pool.carry_out([(ben, write)], "write").expect("written");
        stop_at_once(&mut pool, ben, call(&run, ben, 0, Op::Read { len: 9 }, Some(0)));
        pool.member(ann).desk.post(call(&run, ann, 0, Op::Read { len: 9 }, None));
        let mut patience = Patience::new();
        while !pool.still(Actors::NONE.with(ann)) {
            pool.pause(&mut patience, Actors::NONE).expect("it waits");
        }
    }
}
