//! Room on the disk. What was built of other states of the workspace stays in the target folder until somebody removes
//! it, and a full disk fails tests that have nothing to do with it.

use crate::shell::{Shell, run};
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;

/// Below this, in GiB, what was built of the workspace goes; what others wrote takes longest and stays.
const TIGHT: u64 = 30;
/// Below this a run would not come to its end.
const LEAST: u64 = 12;

/// Makes room for a run where it is tight.
pub(super) fn make(shell: &Shell) -> Result<()> {
    let Some(before) = free(&shell.cache) else { return Ok(()) };
    if before >= TIGHT {
        return Ok(());
    }
    println!("── room: {before} GiB are free, what was built of the workspace before is removed");
    let mut cargo = shell.cargo();
    cargo.arg("clean");
    for package in members(shell)? {
        cargo.args(["--package", &package]);
    }
    run(&mut cargo)?;
    match free(&shell.cache) {
        Some(left) if left < LEAST => {
            bail!("only {left} GiB are free beside {}; a run needs {LEAST}", shell.cache.display())
        }
        Some(_) | None => Ok(()),
    }
}

/// All packages of the workspace but this one, which is running.
fn members(shell: &Shell) -> Result<Vec<String>> {
    let mut cargo = shell.cargo();
    let told = cargo.args(["metadata", "--no-deps", "--format-version", "1"]).output().context("cargo metadata")?;
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).context("what cargo metadata says")?;
    let packages = told["packages"].as_array().into_iter().flatten();
    let names = packages.filter_map(|package| package["name"].as_str()).filter(|name| *name != "xtask");
    Ok(names.map(str::to_owned).collect())
}

/// GiB that are free where this folder is; none where that cannot be learned.
fn free(folder: &Path) -> Option<u64> {
    let told = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    available(&String::from_utf8_lossy(&told.stdout))
}

/// The fourth column of the second line (POSIX.1-2017, `df -P`), in KiB there.
fn available(told: &str) -> Option<u64> {
    let kib: u64 = told.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kib / 1024 / 1024)
}

#[cfg(test)]
mod tests {
    use super::available;

    #[test]
    fn what_is_free_is_read_from_the_fourth_column() {
        let told = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n\
                    /dev/vda         263947440 94371840   1258291      99% /\n";
        assert_eq!(available(told), Some(1), "1,258,291 KiB are 1.2 GiB");
        assert_eq!(available("df: /nowhere: No such file or directory\n"), None, "nothing is known");
    }
}
