//! `cargo xtask bench chat`: chat without a window. Each part has a fresh platform, so that none pays for another's rooms.

use super::{Bench, Figure, Part, fresh, written};
use crate::{
    run::Sandbox,
    setup,
    shell::{Shell, run},
};
use anyhow::Result;
use std::path::Path;

/// The figures, and what could not be measured.
pub(super) fn measure(bench: &Bench, shell: &Shell, folder: &Path) -> Result<(Vec<Figure>, Vec<String>)> {
    if !bench.built {
        let mut cargo = shell.cargo();
        // The same packages as for the window, so that they share all others.
        cargo.args(["build", "--release", "--package", "konsil-desktop", "--package", "sandbox", "--package", "bench"]);
        run(cargo.args(["--bin", "sandbox", "--bin", "konsil-bench"]))?;
    }
    let peers = setup::peers(shell);
    if let Err(why) = &peers {
        println!("SKIPPED matrix-js-sdk: {why:#}");
    }
    let peers = peers.ok();
    let (mut figures, mut failed) = (Vec::new(), Vec::new());
    for part in bench.parts() {
        println!("\nMeasuring: {}", part.name());
        if let Err(why) = one(bench, shell, folder, peers.as_deref(), part) {
            failed.push(format!("{}: {why:#}", part.name()));
        }
        // What was measured before it failed counts.
        figures.extend(written(folder, part).unwrap_or_default());
    }
    Ok((figures, failed))
}

fn one(bench: &Bench, shell: &Shell, folder: &Path, peers: Option<&Path>, part: Part) -> Result<()> {
    let out = fresh(folder, part)?;
    let sandbox = Sandbox::quiet(shell, &folder.join("chat-sandbox"))?;
    let mut command = shell.bound(shell.built(true, "konsil-bench"));
    command.args(["chat", part.name(), "--platform", &sandbox.platform]).arg("--folder").arg(folder);
    command.arg("--out").arg(out);
    if let Some(peers) = peers {
        command.arg("--peers").arg(peers);
    }
    if bench.quick {
        command.arg("--quick");
    }
    run(&mut command)
}
