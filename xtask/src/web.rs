//! The page: npm packages, the viewer as wasm, the bundle.

use crate::shell::{Shell, run};
use anyhow::{Context, Result};
use clap::Args;
use std::{fs, path::Path, time::SystemTime};

/// Builds `ui/dist`.
#[derive(Debug, Args, Default)]
pub(crate) struct Web {
    /// Make the wasm small (slow; for releases).
    #[arg(long)]
    pub(crate) optimize: bool,
    /// Build even if nothing changed.
    #[arg(long)]
    pub(crate) force: bool,
}

impl Web {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let ui = shell.root.join("ui");
        packages(shell, &ui)?;
        self.wasm(shell, &ui)?;
        let dist = ui.join("dist/index.html");
        if self.force
            || stale(&dist, &[ui.join("src"), ui.join("messages"), ui.join("index.html"), ui.join("package.json")])?
        {
            run(shell.npm().args(["run", "build"]))?;
        }
        Ok(())
    }

    fn wasm(&self, shell: &Shell, ui: &Path) -> Result<()> {
        run(shell.cargo().args([
            "build",
            "--package",
            "viewer-web",
            "--target",
            "wasm32-unknown-unknown",
            "--profile",
            "wasm",
        ]))?;
        let built = shell.target().join("wasm32-unknown-unknown/wasm/viewer_web.wasm");
        let folder = ui.join("src/wasm");
        let stamp = folder.join("viewer_web_bg.wasm");
        if !self.force && !self.optimize && !stale(&stamp, std::slice::from_ref(&built))? {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        wasm_bindgen_cli_support::Bindgen::new()
            .input_path(&built)
            .web(true)?
            .typescript(true)
            .omit_default_module_path(false)
            .generate(&folder)?;
        if self.optimize {
            // binaryen from npm: Debian's 108 writes a module whose externref table traps at start.
            let optimized = folder.join("optimized.wasm");
            run(shell.command(ui.join("node_modules/.bin/wasm-opt")).arg("-Oz").arg(&stamp).arg("-o").arg(&optimized))?;
            fs::rename(&optimized, &stamp)?;
        }
        Ok(())
    }
}

/// `npm ci` when the lockfile is newer than what is installed.
pub(crate) fn packages(shell: &Shell, folder: &Path) -> Result<()> {
    if stale(&folder.join("node_modules/.package-lock.json"), &[folder.join("package-lock.json")])? {
        run(shell.npm().current_dir(folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    }
    Ok(())
}

/// True when `product` is missing or older than any file under `sources`.
fn stale(product: &Path, sources: &[std::path::PathBuf]) -> Result<bool> {
    let Ok(made) = fs::metadata(product).and_then(|m| m.modified()) else { return Ok(true) };
    for source in sources {
        if newest(source)? > made {
            return Ok(true);
        }
    }
    Ok(false)
}

fn newest(path: &Path) -> Result<SystemTime> {
    let meta = fs::metadata(path).with_context(|| format!("look at {}", path.display()))?;
    let mut latest = meta.modified()?;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // Paraglide writes its output below `src` during the build itself.
            if entry.file_name() != "paraglide" {
                latest = latest.max(newest(&entry.path())?);
            }
        }
    }
    Ok(latest)
}
