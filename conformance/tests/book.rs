//! The book as it is read: rendered, and opened in a browser on a wide and on a narrow screen.
//!
//! It is skipped where there is no mdbook or no Chromium, but never in CI.

#[path = "common/browser.rs"]
mod browser;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use browser::{Browser, chromium};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let (mdbook, chromium) = (mdbook(), chromium());
    let missing = mdbook.is_none() || chromium.is_none();
    if missing {
        assert!(std::env::var_os("CI").is_none(), "in CI there must be mdbook and a Chromium");
        eprintln!("skipped: mdbook or chromium is not installed");
    }
    let (mdbook, chromium) = (mdbook.unwrap_or_default(), chromium.unwrap_or_default());
    let run = move || {
        no_page_is_wider_than_its_screen(&mdbook, &chromium);
        Ok::<(), Failed>(())
    };
    let trial = Trial::test("no_page_is_wider_than_its_screen", run).with_ignored_flag(missing);
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

fn mdbook() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("mdbook")).find(|place| place.is_file())
}

/// A screen on which nothing needs to be scrolled sideways, not even in its own box.
const WIDE: u32 = 1400;

/// What is asked of a page: how far it can be scrolled sideways, which pictures did not load, how many headings
/// there are, and which tables and blocks of text are cut off at the width of their box.
const ASKED: &str = "
    const page = document.scrollingElement;
    const broken = [...document.images].filter((image) => !image.naturalWidth).map((image) => image.src);
    const boxes = [...document.querySelectorAll('.table-wrapper, main pre code')];
    const cut = boxes.filter((box) => box.scrollWidth > box.clientWidth + 1);
    return [
        page.scrollWidth - page.clientWidth,
        broken,
        document.querySelectorAll('main h1').length,
        cut.map((box) => box.textContent.trim().slice(0, 60)),
    ];
";

fn no_page_is_wider_than_its_screen(mdbook: &Path, chromium: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let place = tempfile::tempdir().expect("a directory");
    let mut build = Command::new(mdbook);
    build.args(["build", "docs", "--dest-dir"]).arg(place.path()).current_dir(root);
    let built = build.output().expect("it runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let docs = fs::read_dir(root.join("docs")).expect("docs").flatten();
    let names = docs.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let pages: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
    let mut browser = Browser::open(chromium, "about:blank", "");
    let mut looked_at = 0;
    for page in pages.iter().filter(|page| *page != "SUMMARY") {
        // mdBook takes a README for the index of its directory.
        let file = if page == "README" { "index" } else { page };
        let place = place.path().join(format!("{file}.html"));
        assert!(place.exists(), "{page} is not rendered");
        for (width, height) in [(WIDE, 900), (420, 800)] {
            browser.screen(width, height);
            browser.go(&format!("file://{}", place.display()));
            let seen: Value = browser.run(ASKED);
            assert_eq!(seen[0], 0, "{page} is too wide for {width}");
            assert_eq!(seen[1], serde_json::json!([]), "{page}: pictures are missing");
            assert!(seen[2].as_u64() >= Some(1), "{page} has no heading");
            if width >= WIDE {
                assert_eq!(seen[3], serde_json::json!([]), "{page}: cut off on a wide screen");
            }
        }
        looked_at += 1;
    }
    assert!(looked_at > 25, "only {looked_at} pages");
}
