//! `desk-http`: the application in a plain browser, for work on the page and for end-to-end tests.

use anyhow::{Context, Result};
use app::{Appearance, Desk, DeskOptions, Pages, Policy};
use clap::Parser;
use std::{io::Write, path::PathBuf, sync::Arc};

/// Serves Konsil's page and desk on loopback. Never shipped.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of the profile.
    #[arg(long)]
    profile: PathBuf,
    /// The built page.
    #[arg(long, default_value = "ui/dist")]
    pages: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File with certificate authorities to trust beside the computer's own.
    #[arg(long)]
    ca: Vec<PathBuf>,
    /// Address of the platform; the person is then not asked for it.
    #[arg(long)]
    address: Option<String>,
    /// Keep the recovery key of chat on this computer.
    #[arg(long)]
    keep_recovery_key: bool,
}

fn main() -> Result<()> {
    if std::env::args_os().nth(1).as_deref() == Some(app::worker::ARGUMENT.as_ref()) {
        return app::worker::main().context("decode worker");
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> Result<()> {
    app::log::start(&arguments.profile)?;
    let roots =
        tokio::task::spawn_blocking(app::system_roots).await?.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let options = DeskOptions {
        profile: arguments.profile,
        roots: Arc::from(roots),
        egress: app::egress_options(&arguments.ca).map_err(|failure| anyhow::anyhow!("{}", failure.detail))?,
        worker: app::WorkerProgram::of(std::env::current_exe()?),
        pages: Pages::Browser,
        policy: Policy {
            address: arguments.address,
            keeps_recovery_key: arguments.keep_recovery_key,
            ..Policy::default()
        },
        appearance: Appearance::default(),
        origins: Vec::new(),
        scheme: None,
        sound: app::system_sound(),
        capture: app::system_capture(),
        look_every: app::LOOK_EVERY,
    };
    let desk = Desk::open(options).await?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    let served = desk_http::serve(desk, arguments.pages, listener)?;
    writeln!(std::io::stdout(), "{}", serde_json::json!({ "ready": true, "start": served.start }))?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
