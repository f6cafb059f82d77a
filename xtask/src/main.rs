//! `cargo xtask`: everything a developer, a tester or CI runs. Each subcommand is one module; this
//! file holds only the list, and its help is the contributor's guide.

mod codegen;
mod shell;
mod web;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and checks Konsil.")]
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
}

fn main() -> Result<()> {
    let shell = shell::Shell::new()?;
    match Args::parse().command {
        Command::Codegen { check } => codegen::run(&shell, check),
        Command::Web(web) => web.run(&shell),
    }
}
