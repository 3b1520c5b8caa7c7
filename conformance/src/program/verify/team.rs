//! How the processes that search together find each other, and make sure that they mean the same search.
//!
//! Process I listens at the address of its line, where those with higher numbers come; it goes to those with lower
//! ones. Each tells the other who it is before anything else is said, and shows that it knows the secret where there is
//! one. Nothing is enciphered.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pipewright_model::verify::many::{Peer, Team};
use rustix::net::sockopt;

use super::super::{Refusal, print_error};
use super::hosts::Host;
use super::secret::Secret;

/// What all processes must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Processes in all.
    pub(super) processes: usize,
    /// Threads of each.
    pub(super) threads: usize,
    /// What is searched, by what rules: a fingerprint.
    pub(super) what: u64,
}

/// The first word that one process says to another.
const GREETING: &str = concat!("pipewright-verify/", env!("CARGO_PKG_VERSION"));

/// The longest greeting, in bytes.
const GREETING_MAX: u64 = 200;

/// How long somebody who has come may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait before somebody is looked for again who isn't there yet.
const PAUSE: Duration = Duration::from_millis(50);

/// A machine that says nothing for this long is asked whether it is still there, and then every so often.
const SILENCE: Duration = Duration::from_secs(5);

/// So many questions in a row go unanswered before it is taken for gone.
const QUESTIONS: u32 = 3;

/// Finds all other processes.
pub(super) fn gather(
    hosts: &[Host],
    process: usize,
    terms: &Terms,
    secret: Option<&Secret>,
    wait: Duration,
) -> Result<Team<TcpStream>, Refusal> {
    let us = &Us { process, terms, secret };
    let until = Instant::now() + wait;
    let me = &hosts[process];
    let listener =
        TcpListener::bind(me.address).map_err(|error| no_listener(me, process, &error))?;
    let mut peers: Vec<Option<Peer<TcpStream>>> = hosts.iter().map(|_| None).collect();
    for (index, host) in hosts.iter().enumerate().take(process) {
        let mut stream = go_to(index, host, until, wait)?;
        let met = us.greet(&mut stream, until.max(Instant::now() + PATIENCE));
        match met {
            Ok((who, theirs)) if who == index => agree(index, host, terms, &theirs)?,
            Ok((who, _)) => {
                return Err(Refusal::new(format!(
                    "process {who} answers at {}, where the file of hosts has process {index}; give all the same file",
                    host.name
                )));
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(Refusal::new(format!(
                    "what answers at {} is not process {index}: {error}; give all the same --secret",
                    host.name
                )));
            }
            Err(error) => {
                return Err(Refusal::new(format!(
                    "what answers at {} is no `pipewright verify` of this version: {error}; it should be process {index}",
                    host.name
                )));
            }
        }
        peers[index] = Some(peer(host, stream)?);
    }
    while let Some(missing) = (process + 1..hosts.len()).find(|index| peers[*index].is_none()) {
        let mut stream = come(&listener, until).map_err(|error| {
            let host = &hosts[missing];
            let waited = wait.as_secs();
            Refusal::new(format!(
                "process {missing} ({}) did not come within {waited} s: {error}; start it with --process {missing}, or wait longer with --wait",
                host.name
            ))
        })?;
        // Whoever is no process of this search goes again.
        let (who, theirs) = match us.greet(&mut stream, Instant::now() + PATIENCE) {
            Ok(met) => met,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                print_error(&format!("sent somebody away: {error}"));
                continue;
            }
            Err(_) => continue,
        };
        let Some(host) = hosts.get(who).filter(|_| who > process) else {
            return Err(Refusal::new(format!(
                "process {who} came to {}, which should wait for it; give all the same file of hosts, and each a --process of its own",
                me.name
            )));
        };
        agree(who, host, terms, &theirs)?;
        if peers[who].is_some() {
            return Err(Refusal::new(format!(
                "process {who} came twice; give each a --process of its own"
            )));
        }
        peers[who] = Some(peer(host, stream)?);
    }
    Ok(Team { threads: terms.threads, process, peers })
}

fn no_listener(host: &Host, process: usize, error: &io::Error) -> Refusal {
    let (name, line) = (&host.name, host.line);
    let remedy = match error.kind() {
        ErrorKind::AddrInUse => "something else listens there; take another port in all files",
        ErrorKind::AddrNotAvailable => "it is no address of this machine; is --process right?",
        ErrorKind::PermissionDenied => "ports below 1024 are for root; take a higher one",
        _ => "take another address",
    };
    Refusal::new(format!(
        "process {process} can't listen at {name} (line {line}): {error}; {remedy}"
    ))
}

/// A stream to a process that listens, or will.
fn go_to(index: usize, host: &Host, until: Instant, wait: Duration) -> Result<TcpStream, Refusal> {
    let mut told = false;
    loop {
        let left = until.saturating_duration_since(Instant::now()).max(PAUSE);
        let error = match TcpStream::connect_timeout(&host.address, left) {
            Ok(stream) if !is_connected_to_itself(&stream) => return Ok(stream),
            Ok(_) => ErrorKind::ConnectionRefused.into(),
            Err(error) => error,
        };
        if Instant::now() >= until {
            let waited = wait.as_secs();
            return Err(Refusal::new(format!(
                "process {index} ({}) can't be reached within {waited} s: {error}; start it with --process {index}, or wait longer with --wait",
                host.name
            )));
        }
        if !told {
            print_error(&format!("waits for process {index} ({})", host.name));
            told = true;
        }
        // Nobody tells when it is there.
        thread::park_timeout(PAUSE);
    }
}

/// Where nobody listens yet at a port of this machine, a socket may be given just this port, and then it reaches itself.
fn is_connected_to_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(here), Ok(there)) if here == there)
}

/// The next to come.
fn come(listener: &TcpListener, until: Instant) -> io::Result<TcpStream> {
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut ready = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, left)? == 0 {
            return Err(io::Error::new(ErrorKind::TimedOut, "nobody came"));
        }
        match listener.accept() {
            Ok((stream, _)) => return Ok(stream),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// This process, as it tells others.
struct Us<'a> {
    process: usize,
    terms: &'a Terms,
    secret: Option<&'a Secret>,
}

impl Us<'_> {
    /// Tells who this is, and hears who that is. An error of the kind `PermissionDenied` says that the other one does not
    /// know the secret.
    fn greet(&self, stream: &mut TcpStream, until: Instant) -> io::Result<(usize, Terms)> {
        stream.set_nodelay(true)?;
        let ours = self.greeting()?;
        stream.write_all(ours.as_bytes())?;
        let theirs = line_of(stream, until)?;
        let said = || io::Error::new(ErrorKind::InvalidData, "it does not say so");
        let met = heard(&theirs).ok_or_else(said)?;
        // The same from both would show nothing.
        let proof = self.secret.map_or_else(|| OPEN.to_owned(), |key| key.proof(&ours, &theirs));
        stream.write_all(format!("{proof}\n").as_bytes())?;
        let shown = line_of(stream, until)?;
        let knows = match self.secret {
            None => shown.trim_end() == OPEN,
            Some(key) => ours != theirs && key.shows(&shown, &theirs, &ours),
        };
        let stranger =
            || io::Error::new(ErrorKind::PermissionDenied, "it has another secret, or none");
        knows.then_some(met).ok_or_else(stranger)
    }

    /// What this process says first. It never says the same twice.
    fn greeting(&self) -> io::Result<String> {
        let Terms { processes, threads, what } = self.terms;
        let mut once = [0; 16];
        getrandom::fill(&mut once).map_err(io::Error::other)?;
        let once = u128::from_le_bytes(once);
        Ok(format!("{GREETING} {} {processes} {threads} {what:x} {once:x}\n", self.process))
    }
}

/// What stands for the proof where there is no secret.
const OPEN: &str = "open";

/// The next line of the other one.
fn line_of(stream: &TcpStream, until: Instant) -> io::Result<String> {
    let left = until.saturating_duration_since(Instant::now()).max(PAUSE);
    stream.set_read_timeout(Some(left))?;
    let mut line = String::new();
    // One byte at a time: what follows is not for this.
    BufReader::with_capacity(1, stream.take(GREETING_MAX)).read_line(&mut line)?;
    stream.set_read_timeout(None)?;
    Ok(line)
}

fn heard(line: &str) -> Option<(usize, Terms)> {
    let words: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
    let [GREETING, process, processes, threads, what, _] = words[..] else { return None };
    let terms = Terms {
        processes: processes.parse().ok()?,
        threads: threads.parse().ok()?,
        what: u64::from_str_radix(what, 16).ok()?,
    };
    Some((process.parse().ok()?, terms))
}

/// Whether another process means the same search.
fn agree(index: usize, host: &Host, ours: &Terms, theirs: &Terms) -> Result<(), Refusal> {
    let who = format!("process {index} ({})", host.name);
    if theirs.processes != ours.processes {
        return Err(Refusal::new(format!(
            "{who} counts {} processes, this one {}; give all the same file of hosts",
            theirs.processes, ours.processes
        )));
    }
    if theirs.threads != ours.threads {
        return Err(Refusal::new(format!(
            "{who} has --workers {}, this one {}; give all the same",
            theirs.threads, ours.threads
        )));
    }
    if theirs.what != ours.what {
        return Err(Refusal::new(format!(
            "{who} searches other systems, or by other rules; start the same program with the same systems everywhere"
        )));
    }
    Ok(())
}

fn peer(host: &Host, stream: TcpStream) -> Result<Peer<TcpStream>, Refusal> {
    let watch = || -> rustix::io::Result<()> {
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_keepidle(&stream, SILENCE)?;
        sockopt::set_tcp_keepintvl(&stream, SILENCE)?;
        sockopt::set_tcp_keepcnt(&stream, QUESTIONS)?;
        sockopt::set_tcp_user_timeout(&stream, SILENCE.as_millis() as u32 * (QUESTIONS + 1))
    };
    watch().map_err(|error| Refusal::new(format!("failed to watch {}: {error}", host.name)))?;
    Ok(Peer { name: host.name.clone(), stream })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_heard_as_it_was_said() {
        let terms = Terms { processes: 2, threads: 3, what: 0xfeed };
        assert_eq!(heard(&format!("{GREETING} 1 2 3 feed c0de\n")), Some((1, terms)));
        for other in ["", "\n", "GET / HTTP/1.1\n", "pipewright-verify/0 1 2 3 feed c0de\n"] {
            assert_eq!(heard(other), None, "{other:?}");
        }
    }
}
