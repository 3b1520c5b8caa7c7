//! `pipewright explore`: the Stateright Explorer, on this machine alone.

use std::hash::Hash;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use clap::Args;
use pipewright_model::explorer::{Drawn, Pipewright, link};
use pipewright_model::scenario::Scenario;
use pipewright_model::system::System;
use pipewright_model::systems::{self, Subject};
use pipewright_model::verify::{Model, What, verify};
use stateright::Model as _;

use super::input::{self, Searched, load_searched, script_of};
use super::numbers::number;
use super::verify::chosen;
use super::{Profile, Refusal, Status, print};

/// Arguments of `explore`.
#[derive(Args)]
pub(super) struct Arguments {
    /// A system by name or as a file, or a run file (a case, or a saved failure); `-` is standard
    /// input. Without an argument, the systems are listed.
    #[arg(value_name = "SYSTEM|FILE")]
    what: Option<String>,
    /// The port on which to serve the page, to this machine alone; 0 for any free port.
    #[arg(long, value_name = "N", default_value_t = 3000, allow_negative_numbers = true,
        value_parser = number(0..=u16::MAX))]
    port: u16,
    /// The rules for a run file; systems run on Linux.
    #[arg(long, value_enum, default_value_t)]
    profile: Profile,
}

/// The most states that are searched for places worth opening.
const STATES_MAX: usize = 20_000;

/// A directory that has no `ui` in it: the Explorer would serve that instead of its own page.
const NO_UI: &str = "/proc/self/fd";

/// Serves until stopped.
pub(super) fn run(arguments: &Arguments) -> Result<Status, String> {
    explored(arguments).map_err(|refusal| refusal.text().to_owned())
}

fn explored(arguments: &Arguments) -> Result<Status, Refusal> {
    let Some(what) = &arguments.what else { return listed() };
    let port = arguments.port;
    match systems::all().into_iter().find(|subject| subject.name() == what) {
        Some(Subject::System(system)) => serve(system, what, port),
        Some(Subject::Protocol(protocol)) => serve(protocol, what, port),
        // What can't be the name of a system is the path of a file, be it there or not.
        None if !input::is_path(what) => {
            let unknown = chosen(std::slice::from_ref(what)).err();
            Err(unknown.unwrap_or_else(|| Refusal::new(format!("there is no file {what}"))))
        }
        None => match load_searched(Path::new(what))? {
            Searched::Run(run) if !run.is_of_processes() => {
                serve(Scenario::new(*run, arguments.profile.platform()), what, port)
            }
            searched => {
                let script = script_of(Path::new(what), searched)?;
                serve(System::of(&script), what, port)
            }
        },
    }
}

/// Lists the systems.
fn listed() -> Result<Status, Refusal> {
    let all = systems::all();
    let width = all.iter().map(|subject| subject.name().len()).max().unwrap_or(0);
    let mut text = "Open one by `pipewright explore SYSTEM`:\n\n".to_owned();
    for subject in &all {
        text.push_str(&format!("  {:width$}  {}\n", subject.name(), subject.says()));
    }
    print(&text)?;
    Ok(Status::Conforms)
}

fn serve<M>(model: M, name: &str, port: u16) -> Result<Status, Refusal>
where
    M: Drawn + Send + Sync + 'static,
    M::State: Hash + Send + Sync,
    M::Action: Send + Sync,
{
    let address = free(port)?;
    std::env::set_current_dir(NO_UI)
        .map_err(|e| Refusal::new(format!("failed to enter {NO_UI}: {e}")))?;
    let model = Arc::new(model);
    let served = Pipewright::new(Arc::clone(&model));
    // If somebody else has taken the port meanwhile, the Explorer panics: that is told below.
    std::panic::set_hook(Box::new(|_| {}));
    let serving =
        thread::Builder::new().spawn(move || drop(served.checker().serve(address))).map_err(
            |e| Refusal::new(format!("failed to start a thread: {e}; raise the limit (ulimit -u)")),
        )?;
    // Whoever reads the address may go there at once.
    while !serving.is_finished() && TcpStream::connect(address).is_err() {
        thread::yield_now();
    }
    print(&format!("{name}: http://{address}/ (Ctrl-C ends it)\n"))?;
    print(&places(&*model, address))?;
    // A signal ends all; if this ends by itself, it has panicked.
    let _ = serving.join();
    Err(Refusal::new(format!(
        "failed to serve on {address}: the Explorer has ended; perhaps somebody else has taken the port"
    )))
}

/// The address, if nobody has taken it.
fn free(port: u16) -> Result<SocketAddr, Refusal> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|e| {
        Refusal::new(format!("failed to serve on port {port}: {e}; choose another by --port"))
    })?;
    Ok(listener.local_addr()?)
}

/// Where the shortest way to each thing asked leads, a line each.
fn places<M: Model>(model: &M, address: SocketAddr) -> String {
    let report = verify(model, STATES_MAX);
    let mut text = String::new();
    for (found, property) in report.found.iter().zip(model.properties()) {
        let sometimes = matches!(property.what, What::Sometimes(_));
        let word = match (found.holds, report.exhaustive, sometimes) {
            (true, true, _) | (true, false, true) => "yes",
            (false, _, false) | (false, true, true) => "no",
            (true, false, false) | (false, false, true) => "not decided here",
        };
        text.push_str(&format!("  {}: {word}", property.name));
        let link = found.shown.as_ref().and_then(|path| link(model, &path.actions));
        if let Some(link) = link {
            text.push_str(&format!(", see http://{address}/{link}"));
        }
        text.push('\n');
    }
    text
}
