//! A headless Chromium without a network, spoken to over its debugging pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The browser of this machine, if there is one.
pub(crate) fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name)));
    places.find(|place| place.is_file())
}

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    asked: u64,
    /// What stands before all that is run in the page.
    prelude: &'static str,
    _home: TempDir,
}

impl Browser {
    /// Opens a page. Whatever is not on this machine can't be reached.
    pub(crate) fn open(program: &Path, address: &str, prelude: &'static str) -> Browser {
        let home = tempfile::tempdir().expect("a directory");
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .args(["--no-first-run", "--disable-extensions", "--window-size=1500,900"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", home.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let to = child.stdin.take().expect("a pipe");
        let from = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut browser =
            Browser { child, to, from, session: None, asked: 0, prelude, _home: home };
        let page = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", &attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        browser.ask("Page.enable", &json!({}));
        browser.go(address);
        browser
    }

    /// Goes to another page.
    pub(crate) fn go(&mut self, address: &str) {
        self.send("Page.navigate", &json!({ "url": address }));
        self.hear(|told| told["method"] == json!("Page.loadEventFired"));
    }

    /// Shows the page on a screen of this size.
    pub(crate) fn screen(&mut self, width: u32, height: u32) {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", &screen);
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.send(method, params);
        let asked = json!(self.asked);
        let answer = self.hear(|told| told["id"] == asked);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn send(&mut self, method: &str, params: &Value) {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("it listens");
    }

    /// The next of what it says that is waited for.
    fn hear(&mut self, awaited: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut told = Vec::new();
            self.from.read_until(0, &mut told).expect("it speaks");
            let told = told.strip_suffix(&[0]).expect("all of what it says");
            let told: Value = serde_json::from_slice(told).expect("JSON");
            if awaited(&told) {
                return told;
            }
        }
    }

    /// What the body of an asynchronous function gives in the page.
    pub(crate) fn run(&mut self, body: &str) -> Value {
        let prelude = self.prelude;
        let expression = format!("(async () => {{ {prelude} {body} }})()");
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let result = self.ask("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{body}\n{result}");
        result["result"]["value"].clone()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that is told to close takes its processes with it; what it says to that is no matter.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.from.read_to_end(&mut Vec::new());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
