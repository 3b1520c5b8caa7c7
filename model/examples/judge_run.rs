//! Judges a run that somebody recorded: by both profiles, with the rules that allow otherwise.
//!
//! It reads the file that it is given, or else a run in which a reader is told of the end too early.

use pipewright_model::oracle::{Allowed, judge};
use pipewright_model::platform::{LINUX, POSIX};
use pipewright_model::rules::RULES;
use pipewright_model::run::Run;

const RECORDED: &str = "\
channel pipe
reader: read 5 -> 0
writer: write 2 -> 2
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1) {
        Some(file) => std::fs::read_to_string(file)?,
        None => RECORDED.to_owned(),
    };
    print!("{}", told(&text.parse()?));
    Ok(())
}

fn told(run: &Run) -> String {
    let mut told = String::new();
    for platform in [&LINUX, &POSIX] {
        let judgement = judge(run, platform);
        told += &format!("{}: {:?}\n", platform.name, judgement.verdict);
        for allowed in judgement.deviations.iter().flat_map(|deviation| &deviation.allowed) {
            let rule = RULES[usize::from(allowed.rule())];
            told += &match allowed {
                Allowed::Returns(_, reply, _) => format!("  allowed: {reply}: {}\n", rule.says),
                Allowed::Sleeps(..) => format!("  allowed: to sleep: {}\n", rule.says),
            };
        }
    }
    told
}

#[test]
fn the_end_told_too_early_deviates() {
    let run: Run = RECORDED.parse().expect("a run");
    assert!(!judge(&run, &LINUX).deviations.is_empty());
    assert!(told(&run).contains("to sleep"), "{}", told(&run));
}
