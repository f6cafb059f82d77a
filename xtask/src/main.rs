//! `cargo xtask`: everything a developer, a tester or CI runs. Each subcommand is one module; this
//! file holds only the list, and its help is the contributor's guide.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to the terminal")]

mod bench;
mod codegen;
mod dist;
mod fuzz;
mod run;
mod servers;
mod setup;
mod shell;
mod test;
mod tidy;
mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Builds, runs and checks Konsil.")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the TypeScript types of `crates/contract` into `ui/src/generated`.
    Codegen {
        /// Only say whether they are fresh; exit 1 if not.
        #[arg(long)]
        check: bool,
    },
    /// Build the page: npm packages, the viewer's wasm, the bundle in `ui/dist`.
    Web(web::Web),
    Run(run::Run),
    Test(test::Test),
    Kill(test::Kill),
    Fuzz(fuzz::Fuzz),
    Servers(servers::Servers),
    FhirCheck(servers::FhirCheck),
    /// Run everything that a change must pass before it is merged: `test` with all its areas.
    Ci,
    /// Check the rules of the house: layers, pure crates, names, texts, colors, languages, licenses.
    Tidy,
    Bench(bench::Bench),
    Soak(bench::Soak),
    Dist(dist::Dist),
}

fn main() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> Result<()> {
    let args = Args::parse();
    let shell = shell::Shell::new()?;
    match args.command {
        Command::Codegen { check } => codegen::run(&shell, check),
        Command::Web(web) => web.run(&shell),
        Command::Run(run) => run.run(&shell),
        Command::Test(test) => test.run(&shell),
        Command::Kill(kill) => kill.run(&shell),
        Command::Fuzz(fuzz) => fuzz.run(&shell),
        Command::Servers(servers) => servers.run(&shell),
        Command::FhirCheck(check) => check.run(&shell),
        Command::Ci => test::Test::default().run(&shell),
        Command::Tidy => tidy::run(&shell),
        Command::Bench(bench) => bench.run(&shell),
        Command::Soak(soak) => soak.run(&shell),
        Command::Dist(dist) => dist.run(&shell),
    }
}
