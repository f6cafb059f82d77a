//! `cargo xtask bench`: what Konsil promises about speed and memory, measured in the release build.

mod chat;
mod rounds;

pub(crate) use rounds::Soak;

use crate::{
    run::{Display, Sandbox},
    setup,
    shell::{Shell, found, run},
    web::{Web, packages},
};
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Measure what Konsil promises about speed and memory, and say which promises hold.
///
/// Builds the release, starts the evaluation platform with real images, drives the real window on a display of its
/// own, prints one table and writes it to `bench/slice.json` in the cache folder as a list of `{name, value, unit,
/// goal, holds}`; a figure without a goal is information. The promises stand in `docs/performance.md`.
///
/// `bench chat` measures chat without a window, and writes `bench/chat.json`. Its store of 500 conversations is made by
/// sending 100,000 messages, once, and kept in the cache folder. `bench rounds` measures rounds without a window beside
/// LiveKit's own server and client, and writes `bench/rounds.json`.
///
/// Close other programs first: the machine's whole speed is measured. The first build takes an hour on two cores,
/// the measuring about ten.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure.
    #[arg(value_enum, default_value_t = What::Slice)]
    what: What,
    /// Measure these parts only; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Folder of real DICOM files; `KONSIL_TEST_DATA` or `../shared/data` if not given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How often to open the CT; the middle of all times counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// Build nothing: measure the release as it was built last.
    #[arg(long)]
    built: bool,
    /// Chat and rounds: less of everything, to see that it measures. Promises that speak of an amount have no verdict then.
    #[arg(long)]
    quick: bool,
    /// Fail also when a promise is missed, and not only when something could not be measured.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// From the click on a series to its last image, and what it takes of the machine.
    Slice,
    /// Chat, beside matrix-js-sdk and `curl`.
    Chat,
    /// Rounds, beside LiveKit's server and livekit-client.
    Rounds,
}

impl What {
    /// Its list of figures.
    fn file(self) -> &'static str {
        match self {
            Self::Slice => "slice.json",
            Self::Chat => "chat.json",
            Self::Rounds => "rounds.json",
        }
    }
}

/// A part that can be measured on its own, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Part {
    /// Start, first image, whole volume, a step of scrolling and of the window, memory.
    Window,
    /// Bytes from Rust into the web view: the socket against the program's own scheme.
    Bulk,
    /// Each codec against dcmtk's and others' tools, two decode workers against one.
    Decode,
    /// Cornerstone3D in Chromium, the same CT.
    Cornerstone,
    /// Chat: from the send call to the decrypted line of the receiver.
    Latency,
    /// Chat: 10,000 messages after an absence.
    Absence,
    /// Chat: a cold start with 500 conversations and 100,000 messages.
    Store,
    /// Chat: a file of 2 GiB, there and back.
    Files,
    /// Chat: what it takes to wait.
    Idle,
    /// Rounds: from the wish to enter to the first picture and the first sound.
    Join,
    /// Rounds: what a media server takes for each packet.
    Server,
}

impl Part {
    fn of(self) -> What {
        match self {
            Self::Window | Self::Bulk | Self::Decode | Self::Cornerstone => What::Slice,
            Self::Latency | Self::Absence | Self::Store | Self::Files | Self::Idle => What::Chat,
            Self::Join | Self::Server => What::Rounds,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Absence => "absence",
            Self::Store => "store",
            Self::Files => "files",
            Self::Idle => "idle",
            Self::Join => "join",
            Self::Server => "server",
            Self::Window => "window",
            Self::Bulk => "bulk",
            Self::Decode => "decode",
            Self::Cornerstone => "cornerstone",
        }
    }
}

/// One row of `bench/slice.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Figure {
    name: String,
    value: f64,
    unit: String,
    goal: Option<String>,
    holds: Option<bool>,
}

impl Bench {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let folder = shell.cache.join("bench");
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        ensure!(!self.parts().is_empty(), "no such part here: see --help");
        let mut figures: Vec<Figure> = busy().into_iter().collect();
        let (measured, failed) = match self.what {
            What::Slice => self.slice(shell, &folder)?,
            What::Chat => chat::measure(self, shell, &folder)?,
            What::Rounds => rounds::measure(self, shell, &folder)?,
        };
        figures.extend(measured);
        println!("\n{}", table(&figures));
        let list = folder.join(self.what.file());
        fs::write(&list, format!("{}\n", serde_json::to_string_pretty(&figures)?))
            .with_context(|| format!("write {}", list.display()))?;
        println!("{}", list.display());
        ensure!(failed.is_empty(), "not measured: {}", failed.join("; "));
        let missed = figures.iter().filter(|figure| figure.holds == Some(false)).count();
        ensure!(!self.strict || missed == 0, "{missed} promises are missed");
        Ok(())
    }

    fn slice(&self, shell: &Shell, folder: &Path) -> Result<(Vec<Figure>, Vec<String>)> {
        let data = self.data(shell)?;
        let display = Display::new()?;
        if !self.built {
            setup::machine(shell)?;
            Web { optimize: true, force: false }.run(shell)?;
            build(shell, folder, &self.parts())?;
        }
        let sandbox = Sandbox::measured(shell, &folder.join("sandbox"), &data)?;
        let (platform, runs) = (sandbox.platform.as_str(), self.runs);
        let bench = Measuring { shell, display, folder, data: &data, platform, runs };
        let (mut figures, mut failed) = (Vec::new(), Vec::new());
        for part in self.parts() {
            println!("\nMeasuring: {}", part.name());
            match bench.part(part) {
                Ok(Some(measured)) => figures.extend(measured),
                Ok(None) => {}
                Err(why) => {
                    // What was measured before it failed counts.
                    figures.extend(written(folder, part).unwrap_or_default());
                    failed.push(format!("{}: {why:#}", part.name()));
                }
            }
        }
        Ok((figures, failed))
    }

    fn parts(&self) -> BTreeSet<Part> {
        let ours = Part::value_variants().iter().copied().filter(|part| part.of() == self.what);
        ours.filter(|part| self.only.is_empty() || self.only.contains(part)).collect()
    }

    /// The painted images are not what the promises speak of.
    fn data(&self, shell: &Shell) -> Result<PathBuf> {
        let named = self.data.clone().or_else(|| env::var_os("KONSIL_TEST_DATA").map(PathBuf::from));
        let folder = named.unwrap_or_else(|| shell.root.join("../shared/data"));
        if !folder.is_dir() {
            bail!("no folder {}: name one with a CT of 135 images by --data or KONSIL_TEST_DATA", folder.display());
        }
        Ok(folder)
    }
}

/// The program as it ships and, beside it, one that keeps the frames which it has sent: so that its pipes can be
/// measured without what comes before them. Both are built with the same packages, so that they share all others; of the
/// executables, each of which takes a quarter of an hour, only those that the parts need.
fn build(shell: &Shell, folder: &Path, parts: &BTreeSet<Part>) -> Result<()> {
    let cargo = || {
        let mut cargo = shell.cargo();
        cargo.args(["build", "--release", "--package", "konsil-desktop", "--package", "sandbox", "--package", "bench"]);
        cargo.args(["--bin", "konsil"]);
        cargo
    };
    if parts.contains(&Part::Bulk) {
        run(cargo().args(["--features", "konsil-desktop/bench"]))?;
        let (program, kept) = (shell.built(true, "konsil"), folder.join("konsil-bulk"));
        if kept.exists() {
            fs::remove_file(&kept).with_context(|| format!("remove {}", kept.display()))?;
        }
        fs::copy(&program, &kept).with_context(|| format!("copy {}", program.display()))?;
    }
    let mut cargo = cargo();
    cargo.args(["--bin", "sandbox"]);
    if parts.contains(&Part::Decode) {
        cargo.args(["--bin", "konsil-bench"]);
    }
    run(&mut cargo)
}

/// What else the machine does, since figures of a busy one are none to hold a promise against.
fn busy() -> Option<Figure> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let value = text.split_whitespace().next()?.parse().ok()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let name = format!("load of the machine's {cores} cores before");
    Some(Figure { name, value, unit: "tasks".to_owned(), goal: None, holds: None })
}

struct Measuring<'a> {
    shell: &'a Shell,
    display: Display,
    folder: &'a Path,
    data: &'a Path,
    platform: &'a str,
    runs: u32,
}

impl Measuring<'_> {
    /// The figures of a part; `None` where the machine lacks what it is compared with, which is said aloud.
    fn part(&self, part: Part) -> Result<Option<Vec<Figure>>> {
        let out = fresh(self.folder, part)?;
        let mut command = match part {
            Part::Window => self.window("slice.mjs", &self.shell.built(true, "konsil"))?,
            Part::Bulk => self.window("bulk.mjs", &self.folder.join("konsil-bulk"))?,
            Part::Decode => self.decode(),
            Part::Cornerstone => match chromium() {
                Some(chromium) => self.cornerstone(&chromium)?,
                None => {
                    println!("SKIPPED cornerstone: Chromium is not installed");
                    return Ok(None);
                }
            },
            Part::Latency | Part::Absence | Part::Store | Part::Files | Part::Idle => {
                bail!("{} is measured by `bench chat`", part.name())
            }
            Part::Join | Part::Server => bail!("{} is measured by `bench rounds`", part.name()),
        };
        command.args(["--runs", &self.runs.to_string()]).arg("--out").arg(&out);
        run(&mut command)?;
        written(self.folder, part).map(Some)
    }

    /// A script that drives the window.
    fn window(&self, script: &str, program: &Path) -> Result<Command> {
        ensure!(program.is_file(), "{} was not built", program.display());
        let keys = self.folder.join("keys");
        if keys.exists() {
            fs::remove_dir_all(&keys).with_context(|| format!("remove {}", keys.display()))?;
        }
        let mut command = self.display.command(self.shell, &keys);
        command
            .arg("node")
            .arg(self.shell.root.join("testing/bench").join(script))
            .arg("--program")
            .arg(program)
            .arg("--profile")
            .arg(self.folder.join("profile"))
            .args(["--platform", self.platform]);
        Ok(command)
    }

    fn decode(&self) -> Command {
        let mut command = self.shell.bound(self.shell.built(true, "konsil-bench"));
        command
            .arg("decode")
            .arg("--data")
            .arg(self.data)
            .arg("--folder")
            .arg(self.folder.join("frames"))
            .arg("--program")
            .arg(self.shell.built(true, "konsil"));
        command
    }

    fn cornerstone(&self, chromium: &Path) -> Result<Command> {
        let (bench, ui) = (self.shell.root.join("testing/bench"), self.shell.root.join("ui"));
        let (page, built) = (bench.join("cornerstone"), self.folder.join("cornerstone"));
        packages(self.shell, &page)?;
        run(self
            .shell
            .command("node")
            .arg(ui.join("node_modules/vite/bin/vite.js"))
            .current_dir(&page)
            .args(["build", "--logLevel", "error", "--emptyOutDir", "--outDir"])
            .arg(&built))?;
        let mut command = self.shell.bound("node");
        command
            .arg(bench.join("cornerstone.mjs"))
            .arg("--data")
            .arg(self.data)
            .arg("--built")
            .arg(built)
            .arg("--ui")
            .arg(ui)
            .arg("--chromium")
            .arg(chromium)
            .arg("--ours")
            .arg(out(self.folder, Part::Window));
        Ok(command)
    }
}

/// Where the figures of a part are written.
fn out(folder: &Path, part: Part) -> PathBuf {
    folder.join(format!("{}.json", part.name()))
}

/// The same without those of an earlier run.
fn fresh(folder: &Path, part: Part) -> Result<PathBuf> {
    let out = out(folder, part);
    if out.exists() {
        fs::remove_file(&out).with_context(|| format!("remove {}", out.display()))?;
    }
    Ok(out)
}

fn written(folder: &Path, part: Part) -> Result<Vec<Figure>> {
    let out = out(folder, part);
    let text = fs::read_to_string(&out).with_context(|| format!("read {}", out.display()))?;
    serde_json::from_str(&text).with_context(|| format!("read {}", out.display()))
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "google-chrome"].into_iter().find_map(found)
}

/// The figures as a person reads them.
fn table(figures: &[Figure]) -> String {
    let width = figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0).max("figure".len());
    let mut text = format!("{:width$}  {:>9}  {:<8} {:<9} holds\n", "figure", "value", "unit", "goal");
    for Figure { name, value, unit, goal, holds } in figures {
        let holds = match holds {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "",
        };
        let goal = goal.as_deref().unwrap_or_default();
        text += format!("{name:width$}  {value:>9}  {unit:<8} {goal:<9} {holds}").trim_end();
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Figure, table};

    #[test]
    fn a_missed_promise_stands_out_and_information_has_no_verdict() {
        let figure = |name: &str, goal: Option<&str>, holds| Figure {
            name: name.to_owned(),
            value: 61.5,
            unit: "ms".to_owned(),
            goal: goal.map(str::to_owned),
            holds,
        };
        let figures = [
            figure("first image", Some("<= 70"), Some(true)),
            figure("whole volume", Some("<= 60"), Some(false)),
            figure("floor", None, None),
        ];
        let text = table(&figures);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("<= 70     yes"), "a promise that holds: {text}");
        assert!(lines[2].ends_with("<= 60     NO"), "a promise that does not: {text}");
        assert!(lines[3].ends_with("61.5  ms"), "information: {text}");
    }

    #[test]
    fn a_row_is_written_as_the_scripts_write_it() {
        let row = r#"{"name":"a","value":1.5,"unit":"x","goal":null,"holds":null}"#;
        let figure: Figure = serde_json::from_str(row).expect("the row of a script");
        assert_eq!(serde_json::to_string(&figure).expect("a row"), row, "the same in both directions");
    }
}
