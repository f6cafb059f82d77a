//! Rounds: how soon somebody sees and hears the others, and what a media server takes of the machine, beside LiveKit's own
//! client and server in the same run; and a round that goes on for as long as is wanted.

mod held;
mod join;
mod people;
mod server;
mod soak;

pub(crate) use server::MediaServer;
pub(crate) use soak::Soak;

use crate::figures::Figures;
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is measured, and where.
#[derive(Debug, Args)]
pub(crate) struct Rounds {
    /// The part.
    #[arg(value_enum)]
    part: Part,
    /// The list of servers that `cargo xtask servers up` writes, with LiveKit's in it; without it nothing is compared.
    #[arg(long, value_name = "FILE")]
    servers: Option<PathBuf>,
    /// Folder of other programs; without it nothing is compared with one.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Where the figures go.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Less of everything: to see that it measures. Promises that speak of an amount have no verdict then.
    #[arg(long)]
    quick: bool,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// From the wish to enter to the first picture and the first sound.
    Join,
    /// What a media server takes for each packet.
    Server,
}

impl Rounds {
    pub(crate) fn run(&self) -> Result<()> {
        let mut figures = Figures::default();
        let measured = runtime()?.block_on(async {
            match self.part {
                Part::Join => join::measure(self, &mut figures).await,
                Part::Server => server::measure(self, &mut figures).await,
            }
        });
        figures.write(&self.out).with_context(|| format!("write {}", self.out.display()))?;
        measured
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
