//! `cargo xtask tidy`: the rules of the house that no compiler checks. Each rule is a pure function over
//! text, tested with a good and a bad example; this file only finds the text.

mod house;
mod layers;
mod page;
mod rust;
mod scan;

use crate::shell::{Shell, output};
use anyhow::{Context, Result, bail};
use std::{collections::BTreeMap, fs};

/// A broken rule: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The path from the checkout's root; with a line where there is one.
    pub(crate) place: String,
    pub(crate) what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), what)
    }
}

/// Checks the checkout.
///
/// # Errors
/// Says how many rules are broken, after naming each on standard error.
pub(crate) fn run(shell: &Shell) -> Result<()> {
    let metadata = output(shell.cargo().args(["metadata", "--format-version", "1", "--all-features", "--locked"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo's metadata is JSON")?;
    let files = files(shell)?;
    let mut findings = layers::check(&metadata);
    findings.extend(layers::licenses(&metadata));
    findings.extend(house::members(&layers::folders(&metadata, &shell.root), &files));
    for (path, text) in &files {
        findings.extend(house::path(path));
        let Some(text) = text else { continue };
        findings.extend(house::text(path, text));
        let generated = path.starts_with("ui/src/generated/");
        match path.rsplit('.').next() {
            Some("rs") => findings.extend(rust::check(path, text)),
            Some("ts" | "tsx") if path.starts_with("ui/") && !generated => findings.extend(page::script(path, text)),
            Some("css") if path.starts_with("ui/") => findings.extend(page::style(path, text)),
            Some(_) | None => {}
        }
    }
    let language =
        |name: &str| files.get(&format!("ui/messages/{name}.json")).and_then(Option::as_deref).unwrap_or("{}");
    findings.extend(page::languages(language("de"), language("en"))?);
    findings.sort();
    findings.dedup();
    for finding in &findings {
        eprintln!("{}: {}", finding.place, finding.what);
    }
    if !findings.is_empty() {
        bail!("{} findings", findings.len());
    }
    crate::codegen::run(shell, true)?;
    println!("tidy: {} files hold the rules of the house", files.len());
    Ok(())
}

/// What git knows or would add, by path from the root; without text where it is none.
fn files(shell: &Shell) -> Result<BTreeMap<String, Option<String>>> {
    // CI often checks out as another user than the one that runs.
    let listed = output(shell.command("git").args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut files = BTreeMap::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        // A file that is removed but not yet committed as such is still listed.
        if let Ok(bytes) = fs::read(shell.root.join(path)) {
            files.insert(path.to_owned(), String::from_utf8(bytes).ok());
        }
    }
    Ok(files)
}
