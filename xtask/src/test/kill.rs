//! `cargo xtask kill`: a program that is killed at any moment, more often than each test run does it.

use crate::shell::{Shell, run};
use anyhow::Result;
use clap::Args;

/// Kill chat at random moments while it sends, receives and uploads, and see that what it took was sent once and that
/// nothing that came to it is lost.
///
/// The same fact as in `cargo xtask test desk`, which kills 20 times.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// How often.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
    /// From which number the moments come: the same number gives the same moments.
    #[arg(long, value_name = "N", default_value_t = 8)]
    seed: u64,
}

impl Kill {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let mut cargo = shell.cargo();
        // All packages are chosen as for the tests, so that nothing is built twice.
        cargo.args([
            "test",
            "--workspace",
            "--exclude",
            "xtask",
            "--test",
            "it",
            "--",
            "chat::killed",
            "--show-output",
        ]);
        cargo.env("KONSIL_KILLS", self.times.to_string()).env("KONSIL_KILL_SEED", self.seed.to_string());
        run(&mut cargo)
    }
}
