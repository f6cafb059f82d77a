//! A media server of its own on loopback, for other programs to meet in:
//!
//! ```sh
//! cargo run -p sfu --example serve > servers.json
//! cd testing/peers/livekit-js && KONSIL_SERVERS=../../../servers.json node --test meet.test.mjs
//! ```
//!
//! It prints one line, a list of servers in which it is called `livekit`, and runs until it is ended. The first argument
//! is a port for the signalling, else any.

use sfu::token::SigningKey;
use sfu::{Options, Sfu};
use std::error::Error;
use std::io::Write as _;
use std::net::Ipv4Addr;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".to_owned());
    tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr).init();
    let port = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let secret: String = rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
    let key = SigningKey::new("devkey", Zeroizing::new(secret.clone().into_bytes()))?;
    let sfu = Sfu::start(Options { key, media_port: 0 }).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = format!("ws://{}", listener.local_addr()?);
    let servers = serde_json::json!({ "livekit": { "address": address, "key": "devkey", "secret": secret } });
    let mut out = std::io::stdout();
    writeln!(out, "{servers}")?;
    out.flush()?;
    axum::serve(listener, sfu.router()).await?;
    Ok(())
}
