//! [`PlatformProcess`]: the evaluation platform in a process of its own, which can be killed and started again
//! at the same address.

use crate::PATIENCE;
use anyhow::Context as _;
use sandbox::{Options, Sandbox};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A running platform. Dropping it kills it.
#[derive(Debug)]
pub struct PlatformProcess {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    program: PathBuf,
    folder: PathBuf,
    child: Child,
}

/// A port that is free again for whoever gives it back for a while: no system gives these out by itself, and they lie below
/// those of relays.
///
/// # Panics
/// Where none is free.
#[must_use]
pub fn lasting_port() -> u16 {
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut drawn = std::iter::repeat_with(|| rand::random_range(20_000..30_000));
    drawn.by_ref().take(1000).find(free).expect("one of them is free")
}

impl PlatformProcess {
    /// Starts one that keeps its records in `folder`; `program` is the executable that calls [`crate::main`].
    ///
    /// # Errors
    /// When it does not start in time.
    pub async fn start(program: &str, folder: &Path) -> anyhow::Result<Self> {
        Self::at(program.into(), folder.to_owned(), lasting_port()).await
    }

    /// Ends it at once and without warning, in the middle of whatever it sends.
    ///
    /// # Errors
    /// When the system does not let go of it.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the process ends")
    }

    /// Starts it again at the same address with what it had kept.
    ///
    /// # Errors
    /// When it does not start in time.
    pub async fn again(self) -> anyhow::Result<Self> {
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok()).context("a port")?;
        Self::at(self.program.clone(), self.folder.clone(), port).await
    }

    async fn at(program: PathBuf, folder: PathBuf, port: u16) -> anyhow::Result<Self> {
        let mut child = Command::new(&program)
            .args(["platform", &port.to_string()])
            .arg(&folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = child.stdout.take().context("its output is ours")?;
        let line = timeout(PATIENCE, BufReader::new(out).lines().next_line()).await??;
        let url = line.context("the platform says where it is")?;
        Ok(Self { url, program, folder, child })
    }
}

/// `platform PORT FOLDER`.
pub(crate) fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(2);
    let port = arguments.next().context("a port")?.parse()?;
    let folder = Some(PathBuf::from(arguments.next().context("a folder")?));
    tokio::runtime::Runtime::new()?.block_on(async {
        // Sessions are in memory only and end with the process: a token that lives on is what is tested.
        let options = Options { port, folder, access_token_seconds: 3600, ..Options::default() };
        let running = Sandbox::start(options).await?;
        writeln!(std::io::stdout(), "{}", running.url)?;
        running.run_until(std::future::pending()).await;
        Ok(())
    })
}
