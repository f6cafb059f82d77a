//! `cargo xtask fuzz`: inputs that are changed by what they reach, until one of them makes a fact untrue.

use crate::shell::{Shell, output, run};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What cargo-fuzz gives the compiler: count which branches an input takes and what it is compared with
/// (LLVM's SanitizerCoverage). All of it is known to a stable compiler.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// An input that takes longer, in seconds, is a finding.
const LONGEST: u32 = 20;
/// The program takes no more memory, in MiB.
const MOST_MEMORY: u32 = 2048;
/// No input is longer, in bytes.
const LONGEST_INPUT: u32 = 65_536;

/// Try changed inputs on what reads bytes of others in a video round: frames, packets, signalling, descriptions.
///
/// LLVM's libFuzzer changes inputs and keeps those that reach something new. What must hold for each target is in
/// `testing/fuzz`; the same targets run with a few thousand inputs in every `cargo xtask test rounds`.
///
/// What was found to be of use is kept in the cache folder's `fuzz/corpus` and goes on from there the next time. An
/// input that makes a fact untrue, takes more than 20 s or too much memory ends the run; its path is printed with the
/// command that runs it again.
///
/// It needs a C++ compiler. The first build takes some ten minutes, on a busy machine half an hour.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// One target, or several; all of them, one after the other, if none is named.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long to try each target.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Say which targets there are.
    #[arg(long)]
    list: bool,
    /// Run this one input again, for the target that is named.
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    input: Option<PathBuf>,
}

/// How a target did.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    executions: u64,
    each_second: u64,
    branches: u64,
}

impl Fuzz {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let folder = shell.cache.join("fuzz");
        let program = build(shell, &folder)?;
        let known = targets(shell, &program)?;
        if self.list {
            known.iter().for_each(|(name, about)| println!("{name:12} {about}"));
            return Ok(());
        }
        for name in &self.targets {
            ensure!(known.iter().any(|(one, _)| one == name), "no target has the name {name}: see --list");
        }
        if let Some(input) = &self.input {
            let [name] = self.targets.as_slice() else { bail!("name the target that the input is for") };
            return again(shell, &program, name, input);
        }
        let chosen = known.iter().map(|(name, _)| name);
        let chosen = chosen.filter(|name| self.targets.is_empty() || self.targets.contains(name));
        let mut failed = Vec::new();
        for name in chosen {
            match self.one(shell, &folder, &program, name) {
                Ok(Tally { executions, each_second, branches }) => {
                    println!("{name:12} {executions:>11} inputs, {each_second:>7} a second, {branches:>6} branches");
                }
                Err(why) => {
                    println!("FAILED {name}: {why:#}");
                    failed.push(name.as_str());
                }
            }
        }
        ensure!(failed.is_empty(), "not all facts hold: {}", failed.join(", "));
        Ok(())
    }

    fn one(&self, shell: &Shell, folder: &Path, program: &Path, name: &str) -> Result<Tally> {
        let (corpus, found) = (folder.join("corpus").join(name), folder.join("found").join(name));
        for made in [&corpus, &found] {
            fs::create_dir_all(made).with_context(|| format!("create {}", made.display()))?;
        }
        let before = inputs(&found)?;
        let log = folder.join(format!("{name}.log"));
        let written = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let mut command = shell.bound(program);
        command
            .env("KONSIL_FUZZ", name)
            .env("KONSIL_FUZZ_SEEDS", &corpus)
            .arg(format!("-max_total_time={}", self.seconds))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg(format!("-timeout={LONGEST}"))
            .arg(format!("-rss_limit_mb={MOST_MEMORY}"))
            .arg(format!("-max_len={LONGEST_INPUT}"))
            .args(["-print_final_stats=1", "-reload=0"])
            .arg(&corpus)
            .stderr(written.try_clone()?)
            .stdout(written);
        let ended = command.status().with_context(|| format!("start {}", program.display()))?;
        let text = fs::read(&log).with_context(|| format!("read {}", log.display()))?;
        let text = String::from_utf8_lossy(&text);
        if let Some(input) = inputs(&found)?.difference(&before).next() {
            let said = text.lines().skip_while(|line| !line.contains("panicked at")).take(2).collect::<Vec<_>>();
            bail!(
                "{}\n  found    {}\n  whole    {}\n  again    cargo xtask fuzz {name} --input {}",
                said.join("\n  "),
                input.display(),
                log.display(),
                input.display()
            );
        }
        ensure!(ended.success(), "it ended with {ended}: see {}", log.display());
        tally(&text).with_context(|| format!("nothing was counted: see {}", log.display()))
    }
}

/// The program with all targets, apart from all else that is built: its flags are other ones.
fn build(shell: &Shell, folder: &Path) -> Result<PathBuf> {
    let version = output(shell.command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc says for which machine")?;
    let target = folder.join("target");
    println!("Building the targets in {}", target.display());
    let mut cargo = shell.cargo();
    cargo
        .args(["build", "--quiet", "--package", "fuzz", "--features", "libfuzzer", "--profile", "fuzz"])
        // With a target named, the flags are not for what runs while building.
        .args(["--target", host])
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", FLAGS);
    run(&mut cargo)?;
    Ok(target.join(host).join("fuzz").join(format!("konsil-fuzz{}", std::env::consts::EXE_SUFFIX)))
}

/// Their names, each with what reads.
fn targets(shell: &Shell, program: &Path) -> Result<Vec<(String, String)>> {
    let list = output(shell.command(program).env("KONSIL_FUZZ", "list"))?;
    Ok(list.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect())
}

fn again(shell: &Shell, program: &Path, name: &str, input: &Path) -> Result<()> {
    let input = fs::canonicalize(input).with_context(|| format!("find {}", input.display()))?;
    let mut command = shell.bound(program);
    command.env("KONSIL_FUZZ", name).env("RUST_BACKTRACE", "1").arg(format!("-timeout={LONGEST}")).arg(&input);
    run(&mut command)?;
    println!("{name} holds for {}", input.display());
    Ok(())
}

fn inputs(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    Ok(listed.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

/// What libFuzzer says at its end.
fn tally(log: &str) -> Option<Tally> {
    let stat = |name: &str| log.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    let branches = log.lines().rev().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "cov:");
        words.nth(1)?.parse().ok()
    });
    Some(Tally {
        executions: stat("stat::number_of_executed_units:")?,
        each_second: stat("stat::average_exec_per_sec:")?,
        branches: branches?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Tally, tally};

    #[test]
    fn the_last_line_of_libfuzzer_counts() {
        let log = "INFO: Seed: 1\n#2\tINITED cov: 8 ft: 8 corp: 1/1b exec/s: 0 rss: 27Mb\n\
            #57\tDONE   cov: 10 ft: 12 corp: 3/15b lim: 4096 exec/s: 28 rss: 27Mb\n\
            stat::number_of_executed_units: 57\nstat::average_exec_per_sec:     28\n";
        assert_eq!(tally(log), Some(Tally { executions: 57, each_second: 28, branches: 10 }), "as it was printed");
        assert_eq!(tally("INFO: Seed: 1\n"), None, "a run that did not come to its end");
    }
}
