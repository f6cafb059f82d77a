//! Running other programs from the checkout's root, with the caches outside the checkout.

use anyhow::{Context, Result, bail};
use std::{
    env,
    ffi::OsStr,
    path::PathBuf,
    process::{Child, Command},
};

/// The folder of this program's source. Checkouts that share their build output share the built program as well:
/// cargo says from which of them it was started.
fn source() -> PathBuf {
    let started = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let ours = started.filter(|folder| folder.file_name() == Some(OsStr::new("xtask")));
    ours.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")))
}

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
        let root = source().parent().context("xtask lies in the checkout")?.to_path_buf();
        let cache = match env::var_os("KONSIL_CACHE") {
            Some(folder) => PathBuf::from(folder),
            None => match env::var_os("XDG_CACHE_HOME") {
                Some(folder) => PathBuf::from(folder).join("konsil"),
                None => PathBuf::from(
                    env::var_os("HOME")
                        .or_else(|| env::var_os("LOCALAPPDATA"))
                        .context("no home folder: set KONSIL_CACHE")?,
                )
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

    /// A program that cargo built, by its file name without `.exe`.
    pub(crate) fn built(&self, release: bool, name: &str) -> PathBuf {
        let folder = self.target().join(if release { "release" } else { "debug" });
        folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// A command that starts in the checkout's root.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.target())
            .env("KONSIL_CACHE", &self.cache)
            .env("npm_config_cache", self.cache.join("npm"));
        command
    }

    /// A command that is stopped when this program dies, however it dies, where the system offers that.
    pub(crate) fn bound(&self, program: impl AsRef<OsStr>) -> Command {
        if cfg!(target_os = "linux") && found("setpriv").is_some() {
            let mut command = self.command("setpriv");
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            return command;
        }
        self.command(program)
    }

    /// npm, which is a batch file on Windows.
    pub(crate) fn npm(&self) -> Command {
        let mut command = self.command(if cfg!(windows) { "npm.cmd" } else { "npm" });
        command.current_dir(self.root.join("ui"));
        command
    }

    /// Cargo itself, with the same output folder as this program's.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // `cargo run` describes this package to us in the environment. Build scripts that watch those variables
        // would run again, and all that depends on them, each time somebody changes between cargo and xtask.
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                cargo.env_remove(name);
            }
        }
        cargo
    }
}

/// Where a program lies on the `PATH`.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&name)).find(|path| path.is_file())
}

/// A child process that does not outlive this value.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when the child has already ended.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs a command to its end.
///
/// # Errors
/// Names the command when it can't be started or ends with another status than 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// What a command prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("start {}", line(command)))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", line(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it; its environment is the same for all and tells nothing.
pub(crate) fn line(command: &Command) -> String {
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}
