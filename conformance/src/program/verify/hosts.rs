//! Which processes search together: a file with the address of each, a line a process.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use super::super::Refusal;
use super::super::input::text_of;

/// A process, as the file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// As it is written.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Its line in the file, from 1.
    pub(super) line: usize,
}

/// Reads a file of hosts.
pub(super) fn read(path: &Path) -> Result<Vec<Host>, Refusal> {
    let (name, text) = text_of(path, "a file of hosts", "a line a process is enough")?;
    parse(&text, &name)
}

/// The first process that others than those of this machine may reach.
pub(super) fn beyond_loopback(hosts: &[Host]) -> Option<&Host> {
    hosts.iter().find(|host| !host.address.ip().is_loopback())
}

fn parse(text: &str, file: &str) -> Result<Vec<Host>, Refusal> {
    let mut hosts: Vec<Host> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (number, name) = (index + 1, line.split('#').next().unwrap_or_default().trim());
        if name.is_empty() {
            continue;
        }
        let refuse = |what: String| Refusal::new(format!("{file}:{number}: {what}"));
        let port = name.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return Err(refuse(format!(
                "{name:?} is no address with a port; write host:port, such as 127.0.0.1:4001"
            )));
        }
        let address = match name.to_socket_addrs().map(|mut all| all.next()) {
            Ok(Some(address)) => address,
            Ok(None) => return Err(refuse(format!("nothing is known by the name {name}"))),
            Err(error) => {
                return Err(refuse(format!("the name {name} leads nowhere: {error}")));
            }
        };
        if let Some(other) = hosts.iter().find(|other| other.address == address) {
            return Err(refuse(format!(
                "{name} is the process of line {} already; give each a port of its own",
                other.line
            )));
        }
        hosts.push(Host { name: name.to_owned(), address, line: number });
    }
    if hosts.len() < 2 {
        return Err(Refusal::new(format!(
            "{file} names {} of the processes that search together; at least two are needed, a line host:port each",
            if hosts.is_empty() { "none" } else { "one" }
        )));
    }
    Ok(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text, "hosts").expect_err("it is refused").text().to_owned()
    }

    #[test]
    fn a_file_of_hosts_has_a_line_a_process() {
        let hosts = parse("# two\n127.0.0.1:4001\n\n  [::1]:4002  # here\n", "hosts");
        let Ok(hosts) = hosts else { panic!("it is read") };
        let told: Vec<_> = hosts.iter().map(|host| (host.name.as_str(), host.line)).collect();
        assert_eq!(told, [("127.0.0.1:4001", 2), ("[::1]:4002", 4)]);
    }

    #[test]
    fn what_is_no_host_is_told_with_its_line_and_what_to_write() {
        let port = "is no address with a port; write host:port, such as 127.0.0.1:4001";
        for line in ["here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "::1"] {
            let told = refusal(&format!("127.0.0.1:4001\n{line}\n"));
            let expected = match line {
                // Its last group reads as a port.
                "::1" => "hosts:2: the name ::1 leads nowhere".to_owned(),
                _ => format!("hosts:2: {line:?} {port}"),
            };
            assert!(told.starts_with(&expected), "{told}");
        }
        let twice = refusal("127.0.0.1:4001\n127.0.0.1:4001\n");
        assert!(twice.starts_with("hosts:2: 127.0.0.1:4001 is the process of line 1"), "{twice}");
        assert!(refusal("# none\n").starts_with("hosts names none of the processes"));
        assert!(refusal("127.0.0.1:4001\n").starts_with("hosts names one of the processes"));
    }
}
