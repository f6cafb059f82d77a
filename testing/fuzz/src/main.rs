//! One program for all targets under libFuzzer, which `cargo xtask fuzz` builds and starts. It is told what to do by the
//! environment, since the command line is libFuzzer's: `KONSIL_FUZZ` is a target's name or `list`, and `KONSIL_FUZZ_SEEDS`
//! the folder that the target's seeds are written to.

#![no_main]

use fuzz::{TARGETS, Target};
use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs, process};

static CHOSEN: OnceLock<Target> = OnceLock::new();

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the command that starts it")]
fn begin() {
    let name = env::var("KONSIL_FUZZ").unwrap_or_default();
    if name == "list" {
        TARGETS.iter().for_each(|target| println!("{}\t{}", target.name, target.about));
        process::exit(0);
    }
    let Some(target) = Target::named(&name) else {
        eprintln!("no target has the name `{name}`");
        process::exit(2);
    };
    if let Some(folder) = env::var_os("KONSIL_FUZZ_SEEDS") {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            fs::write(Path::new(&folder).join(format!("seed-{number}")), seed).expect("the folder can be written to");
        }
    }
    CHOSEN.get_or_init(|| target);
}

libfuzzer_sys::fuzz_target!(init: begin(), |input: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        target.check(input);
    }
});
