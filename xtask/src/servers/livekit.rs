//! LiveKit's media server, built from the Go module proxy: one by itself, or two nodes that share their rooms by Redis.

use super::{Access, Probe, Server, Starting, answers, coturn, free_port, home, secret};
use crate::shell::{Shell, found, output, run};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const VERSION: &str = "1.13.3";
/// The name of the key that signs tokens.
const KEY: &str = "konsil";
/// A node ends at once where Redis does not answer, so it is waited for, this long.
const REDIS: Duration = Duration::from_secs(10);

/// With the port of coturn clients are sent there, with that of Redis it is a node among others.
pub(super) fn start(shell: &Shell, server: Server, coturn: Option<u16>, redis: Option<u16>) -> Result<Starting> {
    let program = program(shell)?;
    if let Some(redis) = redis {
        until_redis_answers(redis)?;
    }
    let folder = home(shell).join(server.name());
    fs::create_dir_all(&folder)?;
    // Nodes know one another's tokens.
    let secret = secret(&home(shell).join("livekit"))?;
    let (port, udp, tcp) = (free_port()?, free_port()?, free_port()?);
    let settings = fs::read_to_string(shell.root.join("testing/servers/livekit/livekit.yaml"))?
        .replace("PORT", &port.to_string())
        .replace("UDP", &udp.to_string())
        .replace("TCP", &tcp.to_string())
        .replace("STUN", &coturn.unwrap_or(3478).to_string())
        .replace("KEY", KEY)
        .replace("SECRET", &secret);
    let relays = match coturn {
        Some(coturn) => relays(coturn, &coturn::shared_secret(shell)?),
        None => String::new(),
    };
    let shared = redis.map(|port| format!("redis: {{address: \"127.0.0.1:{port}\"}}\n")).unwrap_or_default();
    let file = folder.join("livekit.yaml");
    fs::write(&file, format!("{settings}{relays}{shared}"))?;
    let mut command = shell.command(program);
    command.arg("--config").arg(&file).current_dir(&folder);
    let mut access = Access::from([
        ("key".to_owned(), json!(KEY)),
        ("secret".to_owned(), json!(secret)),
        ("udp_port".to_owned(), json!(udp)),
        ("tcp_port".to_owned(), json!(tcp)),
    ]);
    if let Some(coturn) = coturn {
        access.insert("turn_port".to_owned(), json!(coturn));
    }
    Ok(Starting { access, ..Starting::new(server, port, folder.join("log"), command)? })
}

/// Continues the settings' last section.
fn relays(port: u16, secret: &str) -> String {
    let relay = |protocol: &str| {
        format!("    - {{host: 127.0.0.1, port: {port}, protocol: {protocol}, secret: \"{secret}\"}}\n")
    };
    format!("  turn_servers:\n{}{}", relay("udp"), relay("tcp"))
}

/// Built where it is not there yet.
pub(super) fn program(shell: &Shell) -> Result<PathBuf> {
    let folder = home(shell).join("livekit").join(VERSION);
    let program = folder.join("livekit-server");
    if is_ours(shell, &program) {
        return Ok(program);
    }
    let go = found("go").or_else(|| Some(PathBuf::from("/usr/local/go/bin/go")).filter(|go| go.is_file()));
    let go =
        go.context("LiveKit's server is built with Go 1.21 or newer, which fetches the Go it needs: see go.dev/dl")?;
    eprintln!("Building LiveKit's server {VERSION}, once; this takes minutes");
    // What Go fetches and compiles is of no use afterwards. A build that was cut short goes on with it.
    let building = folder.join("building");
    fs::create_dir_all(&building)?;
    run(shell
        .command(go)
        .arg("install")
        .arg(format!("github.com/livekit/livekit-server/cmd/server@v{VERSION}"))
        .env("GOBIN", &building)
        .env("GOMODCACHE", building.join("modules"))
        .env("GOCACHE", building.join("objects"))
        // Else its folders could not be removed.
        .env("GOFLAGS", "-modcacherw -trimpath"))?;
    let built = building.join("server");
    if !is_ours(shell, &built) {
        bail!("{} does not call itself {VERSION}", built.display());
    }
    fs::rename(&built, &program)?;
    fs::remove_dir_all(&building)?;
    Ok(program)
}

fn is_ours(shell: &Shell, program: &Path) -> bool {
    let says = |text: String| text.split_whitespace().any(|word| word == VERSION);
    program.is_file() && output(shell.command(program).arg("--version")).is_ok_and(says)
}

/// Keeps nothing on disk.
pub(super) fn redis(shell: &Shell) -> Result<Starting> {
    let program = found("redis-server").context(
        "two nodes of LiveKit share their rooms by Redis, and redis-server is not installed; `livekit` is one that needs none",
    )?;
    let folder = home(shell).join("redis");
    fs::create_dir_all(&folder)?;
    let port = free_port()?;
    let mut command = shell.command(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(&folder);
    Starting::new(Server::Redis, port, folder.join("log"), command)
}

fn until_redis_answers(port: u16) -> Result<()> {
    let since = Instant::now();
    while !answers(port, Probe::Redis) {
        if since.elapsed() > REDIS {
            bail!("Redis did not answer in {} s", REDIS.as_secs());
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
