//! `sandbox`: starts the evaluation platform and says on one line where it is.

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use jiff::civil::{Date, Time};
use sandbox::{ChatOptions, Language, Options, Rounds, Sandbox, Sfu};
use std::io::Write as _;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

/// The evaluation platform: OpenID Connect, FHIR, DICOMweb and chat with an invented tumor board.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keeps resources, images and the signing key in this folder.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Serves the DICOM files of this folder in place of the generated images.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many seconds an access token is valid.
    #[arg(long, default_value_t = 300)]
    access_token_seconds: u32,
    /// How many seconds an access token of the homeserver is valid that can be refreshed.
    #[arg(long, default_value_t = 600)]
    chat_token_seconds: u32,
    /// The largest file that the homeserver takes, in MiB.
    #[arg(long, default_value_t = 50)]
    upload_limit_mib: u64,
    /// The day that the demonstration takes for today (YYYY-MM-DD).
    #[arg(long)]
    today: Option<Date>,
    /// When the board begins (HH:MM); soon after the start by default.
    #[arg(long)]
    board_start: Option<Time>,
    /// Nobody writes or answers in chat.
    #[arg(long)]
    quiet: bool,
    /// The WebSocket of the LiveKit server that rounds are held on (ws://HOST:PORT); without it the platform's own holds
    /// them.
    #[arg(long, requires_all = ["sfu_key", "sfu_secret"])]
    sfu: Option<String>,
    /// The name of the secret that the LiveKit server shares.
    #[arg(long, requires = "sfu")]
    sfu_key: Option<String>,
    /// The secret that the LiveKit server shares.
    #[arg(long, requires = "sfu")]
    sfu_secret: Option<String>,
    /// The language of titles, summaries, questions and people's specialties in the record.
    #[arg(long, value_enum, default_value_t = Lang::De)]
    lang: Lang,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Lang {
    De,
    En,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,matrix_sdk=off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let sfu = arguments.sfu.zip(arguments.sfu_key).zip(arguments.sfu_secret);
    let rounds =
        sfu.map_or(Rounds::Here, |((url, key), secret)| Rounds::On(Sfu { url, key, secret: Zeroizing::new(secret) }));
    let options = Options {
        port: arguments.port,
        folder: arguments.folder,
        data: arguments.data,
        today: arguments.today,
        board_start: arguments.board_start,
        language: match arguments.lang {
            Lang::De => Language::German,
            Lang::En => Language::English,
        },
        access_token_seconds: arguments.access_token_seconds,
        chat: ChatOptions {
            access_token_seconds: arguments.chat_token_seconds,
            upload_limit: arguments.upload_limit_mib.saturating_mul(1024 * 1024),
            rounds,
        },
        colleagues: !arguments.quiet,
        ..Options::default()
    };
    let running = Sandbox::start(options).await.context("the platform can not start")?;
    let ready = serde_json::json!({ "ready": true, "platform": running.url, "people": running.people() });
    let mut out = std::io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush()).context("nobody reads the ready line")?;
    running.run_until(asked_to_stop()).await;
    Ok(())
}

/// Ctrl-C, or the signal by which a parent ends its child.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    tokio::signal::ctrl_c().await.ok();
}
