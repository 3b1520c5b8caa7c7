//! Judges a run that somebody recorded: by both profiles, with what each deviation means and what was allowed.
//!
//! It reads the file that it is given, or else a run in which a reader is told of the end too early.

use pipewright_model::diagnosis::diagnose;
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
        told += &format!("{}: {judgement}\n", platform.name);
        for deviation in &judgement.deviations {
            told += &format!("  {}\n", diagnose(run, &judgement, deviation));
            for allowed in &deviation.allowed {
                let rule = RULES[usize::from(allowed.rule())];
                told += &match allowed {
                    Allowed::Returns(_, reply, _) => format!("  allowed: {reply}: {}\n", rule.says),
                    Allowed::Sleeps(..) => format!("  allowed: to sleep: {}\n", rule.says),
                };
            }
        }
    }
    told
}

#[test]
fn the_end_told_too_early_deviates() {
    let run: Run = RECORDED.parse().expect("a run");
    assert!(!judge(&run, &LINUX).deviations.is_empty());
    let told = told(&run);
    for words in ["linux: deviates at event 2 (", "end of file told too early: reader", "to sleep"]
    {
        assert!(told.contains(words), "{words} is not in:\n{told}");
    }
}
