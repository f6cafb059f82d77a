//! `cargo xtask bench rounds` and `cargo xtask soak`: rounds without a window, beside LiveKit's server and client.

use super::{Bench, Figure, fresh, written};
use crate::{
    servers::{self, Server},
    setup,
    shell::{Shell, run},
};
use anyhow::Result;
use clap::Args;
use std::path::Path;

/// Keep a round of many people going, and see whether memory, threads and sockets stay what they are.
///
/// Two people are seen at 180 rows and heard, a third shows a screen of 1080 rows, the rest look and listen, and every ten
/// seconds one of them leaves and another comes. The media server is the evaluation platform's own, in a process of its own.
/// It says what was measured each five seconds, and fails where something grew. The release is built first.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// How long.
    #[arg(long, value_name = "MINUTES", default_value_t = 5)]
    minutes: u32,
    /// How many people, from 4 to 100.
    #[arg(long, value_name = "N", default_value_t = 25)]
    people: u8,
}

impl Soak {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        build(shell)?;
        let (minutes, people) = (self.minutes.to_string(), self.people.to_string());
        let mut command = shell.bound(shell.built(true, "konsil-bench"));
        run(command.args(["soak", "--minutes", &minutes, "--people", &people]))
    }
}

fn build(shell: &Shell) -> Result<()> {
    let mut cargo = shell.cargo();
    // The same packages as for the window, so that they share all others.
    cargo.args(["build", "--release", "--package", "konsil-desktop", "--package", "sandbox", "--package", "bench"]);
    run(cargo.args(["--bin", "konsil-bench"]))
}

/// The figures, and what could not be measured.
pub(super) fn measure(bench: &Bench, shell: &Shell, folder: &Path) -> Result<(Vec<Figure>, Vec<String>)> {
    if !bench.built {
        build(shell)?;
    }
    let peers = setup::peers(shell);
    if let Err(why) = &peers {
        println!("SKIPPED livekit-client: {why:#}");
    }
    let list = servers::up(shell, &[Server::Livekit]);
    if let Err(why) = &list {
        println!("SKIPPED LiveKit's server: {why:#}");
    }
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for part in bench.parts() {
        println!("\nMeasuring: {}", part.name());
        let mut command = shell.bound(shell.built(true, "konsil-bench"));
        command.args(["rounds", part.name()]).arg("--out").arg(fresh(folder, part)?);
        if let Ok(peers) = &peers {
            command.arg("--peers").arg(peers);
        }
        if let Ok(list) = &list {
            command.arg("--servers").arg(list);
        }
        if bench.quick {
            command.arg("--quick");
        }
        if let Err(why) = run(&mut command) {
            failed.push(format!("{}: {why:#}", part.name()));
        }
        // What was measured before it failed counts.
        figures.extend(written(folder, part).unwrap_or_default());
    }
    Ok((figures, failed))
}
