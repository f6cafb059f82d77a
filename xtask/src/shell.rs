//! Running other programs from the checkout's root, with the caches outside the checkout.

use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// Where things are, and how commands are started.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// `KONSIL_CACHE`, else `konsil` in the user's cache folder: build output, tools, walks, figures.
    pub(crate) cache: PathBuf,
}

impl Shell {
    pub(crate) fn new() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the checkout")?.to_path_buf();
        let cache = match env::var_os("KONSIL_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => match env::var_os("XDG_CACHE_HOME") {
                Some(folder) => PathBuf::from(folder).join("konsil"),
                None => PathBuf::from(env::var_os("HOME").or_else(|| env::var_os("LOCALAPPDATA")).context("no home folder: set KONSIL_CACHE")?)
                    .join(".cache/konsil"),
            },
        };
        std::fs::create_dir_all(&cache).with_context(|| format!("create {}", cache.display()))?;
        Ok(Self { root, cache })
    }

    /// Cargo's output folder: `CARGO_TARGET_DIR` if set, else in the cache.
    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.cache.join("target"), PathBuf::from)
    }

    /// A command that starts in the checkout's root.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", self.target()).env("KONSIL_CACHE", &self.cache);
        command
    }

    /// Cargo itself, with the same output folder as this program's.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }
}

/// Runs a command to its end.
///
/// # Errors
/// Names the command when it can't be started or ends with another status than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// What a command prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
