//! Chat: how fast, beside matrix-js-sdk and `curl` in the same run, and what it takes of the machine. Each account, the
//! other program and the platform are processes of their own.

mod absence;
mod files;
mod idle;
mod latency;
mod store;

use crate::figures::Figures;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use testkit::{AccountKit, AccountPlace, Act, Answer, Spent};

/// What is measured, and where.
#[derive(Debug, Args)]
pub(crate) struct Chat {
    /// The part.
    #[arg(value_enum)]
    part: Part,
    /// Address of the evaluation platform.
    #[arg(long, value_name = "URL")]
    platform: String,
    /// Folder of other programs; without it nothing is compared with one.
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Where stores are kept from run to run.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
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
    /// From the send call to the decrypted line of the receiver.
    Latency,
    /// Many messages after an absence.
    Absence,
    /// A cold start with a large store.
    Store,
    /// A large file, there and back.
    Files,
    /// What it takes to wait.
    Idle,
}

/// What every part has.
struct Bench<'a> {
    platform: &'a str,
    peers: Option<&'a Path>,
    folder: &'a Path,
    quick: bool,
    /// Accounts of this run.
    fresh: tempfile::TempDir,
}

impl Chat {
    pub(crate) fn run(&self) -> Result<()> {
        let mut figures = Figures::default();
        let bench = Bench {
            platform: &self.platform,
            peers: self.peers.as_deref(),
            folder: &self.folder,
            quick: self.quick,
            fresh: tempfile::tempdir()?,
        };
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let measured = runtime.block_on(async {
            match self.part {
                Part::Latency => latency::measure(&bench, &mut figures).await,
                Part::Absence => absence::measure(&bench, &mut figures).await,
                Part::Store => store::measure(&bench, &mut figures).await,
                Part::Files => files::measure(&bench, &mut figures).await,
                Part::Idle => idle::measure(&bench, &mut figures).await,
            }
        });
        figures.write(&self.out).with_context(|| format!("write {}", self.out.display()))?;
        measured
    }
}

impl Bench<'_> {
    /// An amount: the one that promises speak of, or less of it.
    fn amount(&self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }

    fn server_name(&self) -> &str {
        self.platform.trim_start_matches("http://")
    }

    fn place(&self, folder: PathBuf, user: &str) -> Result<AccountPlace> {
        let program = std::env::current_exe()?;
        Ok(AccountPlace { program, folder, homeserver: self.server_name().to_owned(), user: user.to_owned() })
    }

    async fn account(&self, user: &str) -> Result<AccountKit> {
        AccountKit::open(&self.place(self.fresh.path().join(user), user)?).await
    }
}

async fn room(account: &AccountKit, act: Act) -> Result<String> {
    let answer = account.does(act).await?;
    let Answer::Room(room) = answer else { return unexpected(&answer) };
    Ok(room)
}

async fn took(account: &AccountKit, act: Act) -> Result<f64> {
    let answer = account.does(act).await?;
    let Answer::Took(seconds) = answer else { return unexpected(&answer) };
    Ok(seconds)
}

async fn spent(account: &AccountKit) -> Result<Spent> {
    let answer = account.does(Act::Spent).await?;
    let Answer::Spent(spent) = answer else { return unexpected(&answer) };
    Ok(spent)
}

fn unexpected<T>(answer: &Answer) -> Result<T> {
    bail!("not what was asked for: {answer:?}")
}

/// The middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
