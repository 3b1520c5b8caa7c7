//! The Explorer in a browser, as its users meet it: headless Chromium, without a network, spoken to over its
//! debugging pipe. It is skipped where there is no Chromium, but never in CI.
//!
//! With `UPDATE=1` the screenshot in the documents is taken anew.

#[path = "common/browser.rs"]
#[expect(dead_code, reason = "the book uses the rest")]
mod browser;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use browser::{Browser, chromium};
use libtest_mimic::{Arguments, Failed, Trial};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pipewright");

/// The reader holds a write end itself, so it never sees the end.
const LEAK: &str = "\
# The reader has forgotten to close the write end that it inherited: it waits for the end for ever.
channel pipe
actor writer holds w
actor reader holds r w
writer: write 2  -> 2
writer: close    -> ok
reader: read r 5 -> 2 = writer[0..2]
reader: read r 5
quiet reader
";

/// A test, given the browser's program.
type Test = fn(&Path);

fn main() {
    let arguments = Arguments::from_args();
    let chromium = chromium();
    let missing = chromium.is_none();
    if missing {
        assert!(std::env::var_os("CI").is_none(), "in CI there must be a Chromium");
        eprintln!("skipped: neither chromium nor google-chrome is installed");
    }
    let tests: [(&str, Test); 4] = [
        ("a_path_is_clicked_and_drawn_without_a_network", a_path_is_clicked_and_drawn),
        ("what_waits_for_ever_is_linked_to_and_drawn", what_waits_for_ever_is_drawn),
        ("a_system_is_drawn_under_its_name", a_system_is_drawn_under_its_name),
        ("the_screenshot_is_there", the_screenshot_is_there),
    ];
    let trial = |(name, test): (&'static str, Test)| {
        let browser = chromium.clone().unwrap_or_default();
        let run = move || {
            test(&browser);
            Ok::<(), Failed>(())
        };
        Trial::test(name, run).with_ignored_flag(missing)
    };
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit();
}

/// The program serving the Explorer; ends with it.
struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    address: String,
}

impl Served {
    fn new(what: &str, dir: &Path) -> Served {
        let mut child = Command::new(PROGRAM)
            .args(["explore", what, "--port", "0"])
            .current_dir(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut first = String::new();
        lines.read_line(&mut first).expect("a line");
        let address = first.split_whitespace().find(|word| word.starts_with("http://"));
        let address = address.unwrap_or_else(|| panic!("no address in {first}")).to_owned();
        Served { child, lines, address }
    }

    /// The address of the first place that it tells of in a line that begins so.
    fn place(&mut self, property: &str) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("a line") > 0 {
            if line.trim_start().starts_with(property) {
                return line.split_whitespace().last().expect("an address").to_owned();
            }
            line.clear();
        }
        panic!("nothing is told of {property}");
    }

    /// Ctrl-C ends it, and nothing is left on its port.
    fn stop(mut self) {
        let pid = Pid::from_raw(self.child.id().try_into().expect("a process"));
        kill(pid, Signal::SIGINT).expect("it is there");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(130));
        let port = self.address.trim_end_matches('/').rsplit(':').next().expect("a port");
        TcpListener::bind(("127.0.0.1", port.parse().expect("a number")))
            .expect("the port is free");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What tests say in the page: `until` something is so, `click` on the link with a text, the `texts` of a class
/// in the drawing, and the pairs of its texts that `overlap`.
const PRELUDE: &str = "
    const until = async (what) => {
        for (let i = 0; i < 1200; i++) {
            const is = what();
            if (is) return is;
            await new Promise((go) => setTimeout(go, 25));
        }
        throw new Error('never: ' + what);
    };
    const click = async (text) => {
        const link = await until(() => [...document.querySelectorAll('a.font-code')]
            .findLast((a) => a.textContent.trim() === text && a.getAttribute('href')));
        link.click();
        await until(() => document.querySelector('a.is-selected-state')?.textContent === text);
    };
    const texts = (of) =>
        [...document.querySelectorAll('svg.pw ' + of)].map((text) => text.textContent);
    const overlap = () => {
        const all = [...document.querySelectorAll('svg.pw text')];
        const boxes = all.map((text) => text.getBBox());
        const met = [];
        all.forEach((a, i) => all.slice(0, i).forEach((b, j) => {
            const [p, q] = [boxes[i], boxes[j]];
            if (p.x < q.x + q.width && q.x < p.x + p.width && p.y < q.y + q.height && q.y < p.y + p.height)
                met.push(a.textContent + ' / ' + b.textContent);
        }));
        return met;
    };
";

fn leak() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("leak.case"), LEAK).expect("written");
    // The Explorer would take its page from here, if it were let.
    fs::create_dir(dir.path().join("ui")).expect("a directory");
    fs::write(dir.path().join("ui/index.htm"), "not this page").expect("written");
    dir
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("text")).collect()
}

fn a_path_is_clicked_and_drawn(chromium: &Path) {
    let dir = leak();
    let served = Served::new("leak.case", dir.path());
    let mut browser = Browser::open(chromium, &served.address, PRELUDE);
    let model = browser
        .run("return await until(() => document.body?.textContent.match(/Pipewright<\\w+>/)?.[0])");
    assert_eq!(model, "Pipewright<Scenario>");
    let clicked = browser.run(
        "await click('Init 0'); await click('writer: write 2');
         const waiting = texts('.pw-word');
         await click('writer is answered 2 (stream.write.fits)'); await click('writer: -> 2');
         return [waiting, texts('.pw-word'), texts('.pw-name'), texts('.pw-chip'), texts('.pw-rule'), overlap()]",
    );
    assert_eq!(strings(&clicked[0]), ["write 2"]);
    assert_eq!(strings(&clicked[1]), ["write 2 \u{2192} 2"]);
    assert_eq!(strings(&clicked[2]), ["writer", "reader", "pipe"]);
    assert_eq!(strings(&clicked[3]), ["empty", "writer[0..2]"]);
    assert_eq!(strings(&clicked[4]), ["stream.write.fits"]);
    assert_eq!(strings(&clicked[5]), [""; 0]);
    let foreign = browser.run(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)
             .filter((name) => !name.startsWith(location.origin))",
    );
    assert_eq!(strings(&foreign), [""; 0], "the page asks others");
    drop(browser);
    served.stop();
}

fn what_waits_for_ever_is_drawn(chromium: &Path) {
    let dir = leak();
    let mut served = Served::new("leak.case", dir.path());
    let place = served.place("never deadlock: no");
    assert!(place.contains("/#/steps/0/"), "{place}");
    let mut browser = Browser::open(chromium, &place, PRELUDE);
    let drawn = browser.run(
        "await until(() => texts('.pw-word').includes('sleeps'));
         return [texts('.pw-word'), texts('.pw-chip'), overlap(),
                 document.querySelectorAll('svg.pw .pw-quiet').length,
                 document.querySelectorAll('svg.pw .pw-cross').length,
                 getComputedStyle(document.querySelector('svg.pw .pw-word')).fill]",
    );
    let words = strings(&drawn[0]);
    for word in ["write 2 \u{2192} 2", "close \u{2192} ok", "read r 5", "sleeps"] {
        assert!(words.contains(&word), "{word} is not in {words:?}");
    }
    assert_eq!(strings(&drawn[1]).last(), Some(&"empty"));
    assert_eq!(strings(&drawn[2]), [""; 0]);
    assert_eq!(drawn[3], 1, "a line for quiet");
    // One where the writer closes, one in the legend.
    assert_eq!(drawn[4], 2);
    assert_eq!(drawn[5], "rgb(231, 236, 239)", "light letters on the dark page");
    drop(browser);
    served.stop();
}

fn a_system_is_drawn_under_its_name(chromium: &Path) {
    let dir = leak();
    let mut served = Served::new("leaked-write-end", dir.path());
    let place = served.place("never deadlock: no");
    let mut browser = Browser::open(chromium, &place, PRELUDE);
    let drawn = browser.run(
        "await until(() => texts('.pw-word').includes('sleeps'));
         return [texts('.pw-title'), texts('.pw-name'), overlap()]",
    );
    assert_eq!(strings(&drawn[0]), ["leaked-write-end (channel pipe)"]);
    assert_eq!(strings(&drawn[1]).last(), Some(&"pipe"));
    assert_eq!(strings(&drawn[2]), [""; 0]);
    drop(browser);
    served.stop();
}

fn the_screenshot_is_there(chromium: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let picture = root.join("docs/pictures/explorer.png");
    if std::env::var_os("UPDATE").is_some() {
        let mut served = Served::new("leaked-write-end", root);
        let place = served.place("never deadlock: no");
        let home = tempfile::tempdir().expect("a directory");
        let taken = Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--virtual-time-budget=5000", "--window-size=1400,720"])
            .arg(format!("--user-data-dir={}", home.path().display()))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(&place)
            .output()
            .expect("it runs");
        assert!(taken.status.success(), "{taken:?}");
        served.stop();
    }
    let taken = fs::read(&picture).expect("a picture; UPDATE=1 takes it");
    assert!(taken.starts_with(b"\x89PNG") && taken.len() < 300_000, "{} bytes", taken.len());
}
