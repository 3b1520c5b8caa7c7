//! Programs that people run, under strace: no channel of theirs deviates, and nearly all are judged to their end.

use std::process::Command;

use crate::place::{Ended, Place};

/// A program: what it takes besides strace, and what a shell runs.
struct Program {
    takes: &'static [&'static str],
    script: &'static str,
}

const PROGRAMS: [Program; 30] = [
    Program { takes: &[], script: "seq 2000 | sort -n | tail -1" },
    Program { takes: &[], script: "(sleep 0 & echo hi) | cat; echo ho | (cat; cat)" },
    Program { takes: &[], script: "yes | head -3; seq 100000 | head -1" },
    Program { takes: &[], script: "x=$(seq 3; echo 4 | cat); echo \"$x\" | wc -l" },
    Program { takes: &["bash"], script: "bash -c 'cat <(echo a) <(seq 3) | tee >(wc -l >&2)'" },
    Program {
        takes: &["bash"],
        script: "bash -c 'coproc cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; eval \"exec ${COPROC[1]}>&-\"; wait'",
    },
    Program {
        takes: &["bash"],
        script: "bash -c 'mapfile -t a < <(seq 5); while read -r x; do :; done < <(echo b)'",
    },
    Program {
        takes: &["bash", "mkfifo"],
        script: "mkfifo q; bash -c '(echo a; echo b) > q & while read l; do :; done < q; exec 5<>q; echo x >&5; read y <&5'",
    },
    Program { takes: &["mkfifo"], script: "mkdir d; cd d; mkfifo q; cat q & seq 9 > q; wait" },
    Program { takes: &["xargs"], script: "seq 12 | xargs -P4 -n1 echo | sort" },
    Program { takes: &["tar", "gzip"], script: "seq 9 > f; tar cf - f | gzip | tar tzf -" },
    Program { takes: &["find"], script: "find . -name f -print0 | xargs -0 -r ls -l" },
    Program {
        takes: &["make"],
        script: "printf 'all: a b c d\\n%%:\\n\\t@echo $@ | cat\\n' > Makefile; make -j3",
    },
    Program {
        takes: &["make"],
        script: "printf 'all: x y\\n%%:\\n\\t@+$(MAKE) -s -f n $@1\\n' > m; printf '%%:\\n\\t@echo $@\\n' > n; make -j2 -f m",
    },
    Program {
        takes: &["git"],
        script: "git init -q g && cd g && seq 99 > f && git add f && \
                 git -c user.name=a -c user.email=b commit -qm c && cd .. && git clone -q g h && git -C h log --oneline | cat",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import subprocess as s; print(len(s.run([\"seq\", \"20000\"], capture_output=True).stdout))
p = s.Popen(\"cat\", stdin=s.PIPE, stdout=s.PIPE); print(len(p.communicate(b\"q\" * 70000)[0]))'",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import asyncio as a
async def main():
    p = await a.create_subprocess_exec(\"cat\", stdin=a.subprocess.PIPE, stdout=a.subprocess.PIPE)
    print(len((await p.communicate(b\"x\" * 100000))[0]))
a.run(main())'",
    },
    Program {
        takes: &["python3"],
        script: "printf 'import multiprocessing as m\\ndef f(x): return x * x\\nif __name__ == \"__main__\":\\n \
                 p = m.Pool(2); print(sum(p.map(f, range(9)))); p.close(); p.join()\\n' > p.py; python3 p.py",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import socket, os
a, b = socket.socketpair()
if os.fork() == 0:
    a.close(); b.sendall(b.recv(100) * 900); b.shutdown(socket.SHUT_WR); os._exit(0)
b.close(); a.send(b\"hello\")
while a.recv(1000): pass
os.wait()
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
a.send(b\"x\" * 10); b.recvmsg(5); a.sendmsg([b\"a\", b\"bc\"]); b.recv(10)
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); a.send(b\"x\"); a.close(); b.recv(5); b.recv(5)'",
    },
    Program {
        takes: &["node"],
        script: "node -e 'const c = require(\"child_process\").spawn(\"cat\"); c.stdout.resume(); c.stdin.end(\"x\".repeat(99999))'",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import http.server as h, threading, urllib.request as u
s = h.ThreadingHTTPServer((\"127.0.0.1\", 0), h.SimpleHTTPRequestHandler)
t = threading.Thread(target=s.serve_forever); t.start()
for _ in range(3): u.urlopen(\"http://127.0.0.1:%d/\" % s.server_port).read()
s.shutdown(); t.join(); s.server_close()'",
    },
    Program {
        takes: &["python3", "curl"],
        script: "python3 -c 'import http.server as h, threading, subprocess as p
s = h.HTTPServer((\"127.0.0.1\", 0), h.SimpleHTTPRequestHandler)
t = threading.Thread(target=s.serve_forever); t.start()
p.run([\"curl\", \"-s\", \"http://127.0.0.1:%d/\" % s.server_port], stdout=p.DEVNULL)
s.shutdown(); t.join(); s.server_close()'",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import socket, os
s = socket.socket(socket.AF_UNIX); s.bind(\"s\"); s.listen()
if os.fork() == 0:
    c = socket.socket(socket.AF_UNIX); c.connect(\"s\"); c.sendall(b\"x\" * 300000); c.shutdown(socket.SHUT_WR)
    while c.recv(1000): pass
    os._exit(0)
c, _ = s.accept()
while c.recv(65536): pass
c.sendall(b\"y\" * 200000); c.close(); os.wait()'",
    },
    Program {
        takes: &["python3"],
        script: "python3 -c 'import asyncio as a
async def serve(r, w): w.write(await r.read()); w.close()
async def main():
    s = await a.start_server(serve, \"127.0.0.1\", 0); h = s.sockets[0].getsockname()
    async def ask():
        r, w = await a.open_connection(*h); w.write(b\"x\" * 100000); w.write_eof(); print(len(await r.read())); w.close()
    await a.gather(ask(), ask(), ask()); s.close()
a.run(main())'",
    },
    Program {
        takes: &["python3"],
        script: "printf 'import multiprocessing as m\\ndef f(d): d[1] = 2\\nif __name__ == \"__main__\":\\n \
                 with m.Manager() as g:\\n  d = g.dict(); p = m.Process(target=f, args=(d,)); p.start(); p.join(); print(d)\\n' > p.py; python3 p.py",
    },
    Program {
        takes: &["flock"],
        script: "for n in 1 2 3 4; do flock l sh -c 'echo a >> f' & done; flock -s l cat l; wait; exec 9>l; flock 9; flock -u 9",
    },
    Program {
        takes: &["cargo"],
        script: "cargo new -q --vcs none a && cd a && cargo check -q --offline",
    },
    Program {
        takes: &["tmux"],
        script: "tmux -S ./s -f /dev/null new-session -d 'echo hi | cat; tmux -S ./s wait-for -S done'; tmux -S ./s wait-for done; tmux -S ./s kill-server; true",
    },
    Program { takes: &["socat"], script: "echo hi | socat - EXEC:cat" },
    Program { takes: &["perl"], script: "perl -e 'open(P, \"-|\", \"seq 9\"); print <P>; close P; print `echo a`'" },
];

fn is_here(command: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|path| path.join(command).exists())
}

/// How many channels were judged to their end, of how many.
fn share(ended: &Ended) -> (usize, usize) {
    let told = ended.err.lines().find_map(|line| line.strip_prefix("judged in full: "));
    let numbers: Vec<usize> =
        told.unwrap_or("0 of 0 channels").split(' ').filter_map(|word| word.parse().ok()).collect();
    (numbers[0], numbers[1])
}

#[test]
fn programs_that_people_run_raise_no_false_alarm() {
    if !is_here("strace") {
        assert!(std::env::var_os("CI").is_none(), "CI has strace");
        return eprintln!("skipped: there is no strace here");
    }
    let (mut judged, mut channels) = (0, 0);
    for program in &PROGRAMS {
        if let Some(missing) = program.takes.iter().find(|command| !is_here(command)) {
            eprintln!("skipped: there is no {missing} here: {}", program.script);
            continue;
        }
        let place = Place::new();
        let ended = place.run(&["trace", "--", "sh", "-c", program.script]);
        assert!(matches!(ended.status, Some(0 | 3)), "{}\n{ended:?}", program.script);
        let (full, all) = share(&ended);
        assert!(all > 0, "{}\n{ended:?}", program.script);
        judged += full;
        channels += all;
    }
    eprintln!("judged in full: {judged} of {channels} channels");
    assert!(judged * 10 >= channels * 9, "{judged} of {channels} channels");
}

#[test]
fn the_runs_of_a_log_are_saved_and_judged_alike() {
    let place = Place::new();
    let log = "10 pipe2([3, 4], O_CLOEXEC) = 0\n10 socketpair(AF_UNIX, SOCK_STREAM, 0, [5, 6]) = 0\n\
               10 write(4, \"x\", 1) = 1\n10 read(3, \"x\", 10) = 1\n10 sendto(5, \"ab\", 2, MSG_NOSIGNAL, NULL, 0) = 2\n";
    place.file("a.strace", log);
    let ended = place.run(&["judge", "a.strace", "--save", "runs"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for run in ["runs/001-pipe.case", "runs/002-unix-stream.case"] {
        let again = place.run(&["judge", run]);
        assert_eq!(again.status, Some(0), "{again:?}");
    }
    let refused = place.run(&["judge", "runs/001-pipe.case", "--save", "more"]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.err.contains("leave it out"), "{refused:?}");
}

/// Whether strace works here is known only from a trace.
#[test]
fn a_command_that_is_not_there_is_said() {
    if Command::new("strace").arg("-V").output().is_err() {
        return eprintln!("skipped: there is no strace here");
    }
    let ended = Place::new().run(&["trace", "--", "no-such-command-anywhere"]);
    assert_eq!(ended.status, Some(2), "{ended:?}");
}
