//! TypeScript types from `contract`: written by `codegen`, compared by `codegen --check`.

use crate::shell::Shell;
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs, path::Path};
use ts_rs::{Config, TS};

pub(crate) fn run(shell: &Shell, check: bool) -> Result<()> {
    let committed = shell.root.join("ui/src/generated");
    let fresh = shell.cache.join("generated");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    export(&fresh)?;
    let (old, new) = (read(&committed)?, read(&fresh)?);
    if old == new {
        println!("ui/src/generated is fresh: {} files", new.len());
        return Ok(());
    }
    if check {
        let stale: Vec<_> = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).collect();
        bail!("ui/src/generated is stale ({stale:?}): run `cargo xtask codegen`");
    }
    if committed.exists() {
        fs::remove_dir_all(&committed)?;
    }
    fs::create_dir_all(&committed)?;
    for (name, text) in &new {
        fs::write(committed.join(name), text)?;
    }
    println!("wrote {} files to ui/src/generated", new.len());
    Ok(())
}

/// Every type is reachable from these; `index.ts` lists them all.
fn export(folder: &Path) -> Result<()> {
    let config = Config::new().with_out_dir(folder).with_large_int("string");
    contract::Request::export_all(&config)?;
    contract::Reply::export_all(&config)?;
    contract::Event::export_all(&config)?;
    contract::Failure::export_all(&config)?;
    // What crosses at the door of a file and not by a request.
    contract::FileSaid::export_all(&config)?;
    contract::PictureAsked::export_all(&config)?;
    contract::FileHeard::export_all(&config)?;
    let names: Vec<String> =
        read(folder)?.into_keys().filter_map(|name| name.strip_suffix(".ts").map(str::to_owned)).collect();
    let mut index = "// Generated from crates/contract by `cargo xtask codegen`. Do not edit.\n".to_owned();
    for name in names {
        index += &format!("export type {{ {name} }} from './{name}';\n");
    }
    fs::write(folder.join("index.ts"), index)?;
    Ok(())
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(&path)?);
    }
    Ok(files)
}
