//! coturn, the distribution's package: STUN and TURN on loopback by UDP, TCP and TLS.

use super::{Access, Server, Starting, authority, free_port, home, secret};
use crate::shell::{Shell, found};
use anyhow::Result;
use serde_json::json;
use std::{fs, path::PathBuf};

/// What it shares with whoever hands out credentials for it.
pub(super) fn shared_secret(shell: &Shell) -> Result<String> {
    secret(&folder(shell))
}

pub(super) fn start(shell: &Shell) -> Result<Starting> {
    let folder = folder(shell);
    fs::create_dir_all(&folder)?;
    let (port, tls) = (free_port()?, free_port()?);
    let (secret, authority) = (shared_secret(shell)?, authority(shell)?);
    let settings = fs::read_to_string(shell.root.join("testing/servers/coturn/turnserver.conf"))?
        .replace("PORT", &port.to_string())
        .replace("TLS", &tls.to_string())
        .replace("SECRET", &secret)
        .replace("AUTHORITY", &authority.display().to_string())
        .replace("FOLDER", &folder.display().to_string());
    let file = folder.join("turnserver.conf");
    fs::write(&file, settings)?;
    let mut command = shell.command("turnserver");
    command.arg("-c").arg(&file).current_dir(&folder);
    let access = Access::from([
        ("secret".to_owned(), json!(secret)),
        ("tls_port".to_owned(), json!(tls)),
        ("authority".to_owned(), json!(authority.join("authority.pem"))),
    ]);
    Ok(Starting { access, ..Starting::new(Server::Coturn, port, folder.join("log"), command)? })
}

fn folder(shell: &Shell) -> PathBuf {
    home(shell).join("coturn")
}

/// Whether this machine has it.
pub(super) fn is_installed() -> bool {
    found("turnserver").is_some()
}
