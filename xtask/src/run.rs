//! `cargo xtask run`: Konsil in its window over the evaluation platform, or, where nobody can see a
//! window, the walk through the main job.

mod names;

use crate::{
    setup,
    shell::{Running, Shell, found, run},
    web::Web,
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Installs what is missing, builds, starts the evaluation platform and opens Konsil.
///
/// Without a display, or with `--walk`, it makes a virtual one, walks the main job by itself and leaves
/// a picture and the time of each step. The walk writes and signs a decision: over `--platform` it asks
/// for an invented patient by `--patient`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Show the DICOM files of this folder in place of the painted images.
    #[arg(long, value_name = "DIR", conflicts_with = "platform")]
    data: Option<PathBuf>,
    /// Use this platform; the evaluation platform is then not started.
    #[arg(long, value_name = "URL")]
    platform: Option<String>,
    /// As whom to sign in.
    #[arg(long, value_enum, default_value_t = Role::Moderator)]
    role: Role,
    /// Whose case is walked over `--platform`: the FHIR id of an invented patient with a CT, on today's agenda of a
    /// board that `--role` sits on. A decision is written and signed about them.
    #[arg(long, value_name = "ID", requires = "platform")]
    patient: Option<String>,
    /// Who signs in on a walk over `--platform`, if not the demonstration's person of that role; `KONSIL_WALK_PASSWORD`
    /// holds the password.
    #[arg(long, value_name = "NAME", requires = "platform")]
    user: Option<String>,
    /// Language of the window and of the demonstration's records; German if not given.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Colors of the window: for a bright office, which is usual, or for a reading room.
    #[arg(long, value_enum)]
    theme: Option<Theme>,
    /// Build as for a release: slower to build, faster to use.
    #[arg(long)]
    release: bool,
    /// Walk the main job by itself even if there is a display.
    #[arg(long)]
    walk: bool,
    /// With `--walk`: photograph every screen in both themes and both languages instead, into `walk/screens`.
    #[arg(long, requires = "walk", conflicts_with_all = ["platform", "lang", "theme", "role"])]
    screens: bool,
}

/// A role of the demonstration.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Leads the board and signs its decisions.
    Moderator,
    /// Keeps the agenda and the minutes.
    Coordinator,
    /// Reads cases and images, discusses.
    Physician,
    /// Screens for trials.
    Study,
    /// Deploys; sees no patient data.
    It,
}

impl Role {
    /// The person who has it, as `assets/demo/network.json` invents them.
    fn user(self) -> &'static str {
        match self {
            Self::Moderator => "dr-falkenried",
            Self::Coordinator => "taubengruen",
            Self::Physician => "dr-sonnkaya",
            Self::Study => "ebbelund",
            Self::It => "it-buchfink",
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Lang {
    De,
    En,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Theme {
    Office,
    ReadingRoom,
}

/// The word of an option's value.
fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl Run {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let walk = self.walk || !display();
        if walk && self.platform.is_some() && self.patient.is_none() {
            bail!(
                "a walk writes and signs a decision: name an invented patient of that platform by --patient, or run this where there is a display"
            );
        }
        setup::machine(shell)?;
        Web { optimize: self.release, force: false }.run(shell)?;
        build(shell, self.release)?;
        if self.screens {
            return walk_screens(shell, self.release, self.data.as_deref());
        }
        let lang = self.lang.unwrap_or(Lang::De);
        // A decision can be signed once: the walk needs records that nobody has touched.
        let folder = shell.cache.join(if walk { "walk-sandbox" } else { "sandbox" });
        let sandbox = match &self.platform {
            Some(_) => None,
            None => Some(Sandbox::start(shell, self.release, &folder, walk, self.data.as_deref(), lang)?),
        };
        let platform = self
            .platform
            .as_deref()
            .or(sandbox.as_ref().map(|s| s.platform.as_str()))
            .context("one of both is there")?;
        if walk {
            let (theme, release) = (self.theme.unwrap_or(Theme::Office), self.release);
            let (patient, user) = (self.patient.as_deref(), self.user.as_deref());
            return Walk { patient, user, ..Walk::new(Script::Main, platform, self.role, lang, theme, release) }
                .run(shell);
        }
        let profile = shell.cache.join(format!("profile-{}", word(&self.role)));
        println!("Konsil opens with the profile {}.", profile.display());
        if sandbox.is_some() {
            println!(
                "Sign in as {} with the password konsil. The platform runs at {platform} until the window closes.",
                self.role.user()
            );
        }
        let mut konsil = shell.bound(shell.built(self.release, "konsil"));
        konsil.arg("--profile").arg(&profile).args(["--address", platform]);
        // What is not asked for stays as it was left.
        if let Some(lang) = &self.lang {
            konsil.args(["--language", &word(lang)]);
        }
        if let Some(theme) = &self.theme {
            konsil.args(["--theme", &word(theme)]);
        }
        run(&mut konsil)
    }
}

fn build(shell: &Shell, release: bool) -> Result<()> {
    let mut cargo = shell.cargo();
    cargo.args(["build", "--package", "konsil-desktop", "--package", "sandbox"]);
    if release {
        cargo.arg("--release");
    }
    run(&mut cargo)
}

/// True where a window can be seen.
fn display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// The evaluation platform on a free port, stopped when this value goes.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) platform: String,
    _running: Running,
}

impl Sandbox {
    /// Starts it and waits until it answers; `fresh` forgets what was written there earlier but keeps its images.
    pub(crate) fn start(
        shell: &Shell,
        release: bool,
        folder: &Path,
        fresh: bool,
        data: Option<&Path>,
        lang: Lang,
    ) -> Result<Self> {
        Self::begin(shell, release, folder, fresh, data, lang, &[])
    }

    /// The release build, fresh, in German, and with nobody who writes in chat: what is measured is not disturbed.
    pub(crate) fn measured(shell: &Shell, folder: &Path, data: &Path) -> Result<Self> {
        Self::begin(shell, true, folder, true, Some(data), Lang::De, &["--quiet"])
    }

    /// The same with the painted images, of which nothing is measured.
    pub(crate) fn quiet(shell: &Shell, folder: &Path) -> Result<Self> {
        Self::begin(shell, true, folder, true, None, Lang::De, &["--quiet"])
    }

    fn begin(
        shell: &Shell,
        release: bool,
        folder: &Path,
        fresh: bool,
        data: Option<&Path>,
        lang: Lang,
        more: &[&str],
    ) -> Result<Self> {
        let records = folder.join("fhir.jsonl");
        if fresh && records.exists() {
            fs::remove_file(&records).with_context(|| format!("remove {}", records.display()))?;
        }
        let mut command = shell.bound(shell.built(release, "sandbox"));
        command.args(["--port", "0", "--lang", &word(&lang)]).arg("--folder").arg(folder);
        command.args(more).stdout(Stdio::piped());
        if let Some(data) = data {
            command.arg("--data").arg(std::path::absolute(data)?);
        }
        let mut running = Running(command.spawn().context("start the evaluation platform")?);
        let out = running.0.stdout.take().context("its output is ours")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let ready: serde_json::Value = serde_json::from_str(&line).context("the evaluation platform did not start")?;
        let platform = ready["platform"].as_str().context("the ready line names the platform")?.to_owned();
        Ok(Self { platform, _running: running })
    }
}

/// What is walked: one program of `testing/walk`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    /// The main job as somebody with a mouse does it.
    Main,
    /// The main job by the keyboard alone.
    Keyboard,
    /// One series by both ways of bulk bytes.
    Bulk,
    /// A picture of every screen.
    Screens,
    /// What must survive the death of the page's process.
    Faults,
}

impl Script {
    /// Its file in `testing/walk`.
    fn file(self) -> &'static str {
        match self {
            Self::Main => "walk.mjs",
            Self::Keyboard => "keyboard.mjs",
            Self::Bulk => "bulk.mjs",
            Self::Screens => "screens.mjs",
            Self::Faults => "faults.mjs",
        }
    }
}

/// A walk in the real window on a display of its own.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) script: Script,
    pub(crate) platform: &'a str,
    pub(crate) role: Role,
    pub(crate) lang: Lang,
    pub(crate) theme: Theme,
    pub(crate) release: bool,
    /// Of another platform than the demonstration's.
    pub(crate) patient: Option<&'a str>,
    pub(crate) user: Option<&'a str>,
}

impl<'a> Walk<'a> {
    /// Over the demonstration.
    pub(crate) fn new(script: Script, platform: &'a str, role: Role, lang: Lang, theme: Theme, release: bool) -> Self {
        Self { script, platform, role, lang, theme, release, patient: None, user: None }
    }

    /// Where pictures, `walk.json` and `walk.md` go: the main job's lie on top, the others' below it.
    fn folder(&self, shell: &Shell) -> PathBuf {
        let walk = shell.cache.join("walk");
        match self.script {
            Script::Main => walk,
            Script::Keyboard => walk.join("keyboard"),
            Script::Bulk => walk.join("bulk"),
            Script::Screens => walk.join("screens").join(word(&self.lang)),
            Script::Faults => walk.join("faults"),
        }
    }

    /// Why this machine can't walk.
    pub(crate) fn obstacle() -> Option<String> {
        if !cfg!(target_os = "linux") {
            return Some("the window can only be driven on Linux".to_owned());
        }
        let programs = ["xvfb-run", "dbus-run-session", "gnome-keyring-daemon", "WebKitWebDriver", "node"];
        let missing: Vec<_> = programs.into_iter().filter(|program| found(program).is_none()).collect();
        (!missing.is_empty()).then(|| format!("not installed: {}", missing.join(", ")))
    }

    /// Walks; fails if a step did.
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let display = Display::new().context("the walk can't start")?;
        let out = self.folder(shell);
        clear(&out)?;
        let (profile, keys) = (shell.cache.join("walk-profile"), shell.cache.join("walk-keys"));
        for folder in [&profile, &keys] {
            if folder.exists() {
                fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
            }
        }
        let mut command = display.command(shell, &keys);
        command
            .arg("node")
            .arg(shell.root.join("testing/walk").join(self.script.file()))
            .arg("--program")
            .arg(shell.built(self.release, "konsil"))
            .arg("--profile")
            .arg(&profile)
            .args(["--platform", self.platform, "--lang", &word(&self.lang), "--theme", &word(&self.theme)])
            .arg("--out")
            .arg(&out)
            .env("KONSIL_WALK_USER", self.user.unwrap_or(self.role.user()));
        if let Some(patient) = self.patient {
            command.args(["--patient", patient]);
        }
        if self.script == Script::Main {
            command.args(["--role", &word(&self.role)]);
        }
        let result = run(&mut command);
        println!("Pictures and times of the walk: {}", out.display());
        result.context("the walk failed; walk.md says at which step")?;
        names_nobody(shell, &profile)
    }
}

/// Nothing that the program or its web view has written in clear names a patient.
fn names_nobody(shell: &Shell, profile: &Path) -> Result<()> {
    let names = names::Names::of_the_demonstration(&shell.root)?;
    let lines = names::absent_from(profile, &names)?;
    println!("No patient is named in the {lines} lines of its log.");
    Ok(())
}

/// A display that nobody sees, with a keyring and a browser of its own, on which a script drives the real window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Display(());

impl Display {
    /// Fails where a window can't be driven.
    pub(crate) fn new() -> Result<Self> {
        match Walk::obstacle() {
            Some(why) => bail!("{why}"),
            None => Ok(Self(())),
        }
    }

    /// What is appended to this command runs there; `keys` is the folder of its keyring.
    pub(crate) fn command(self, shell: &Shell, keys: &Path) -> Command {
        let walk = shell.root.join("testing/walk");
        let mut command = shell.bound("xvfb-run");
        command
            .args(["--auto-servernum", "--server-args=-screen 0 1920x1080x24"])
            .arg(walk.join("keyring.sh"))
            .env("KONSIL_KEYRING_DIR", keys)
            .env("BROWSER", walk.join("browser.mjs"))
            // The accessibility bus has nobody to talk to on a display without a desktop.
            .env("NO_AT_BRIDGE", "1")
            .env_remove("WAYLAND_DISPLAY");
        command
    }
}

/// Removes the files that an earlier walk left in its folder; folders below it are other walks'.
fn clear(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// A walk over the painted demonstration with the programs as they are built.
pub(crate) fn walk_painted(shell: &Shell, script: Script) -> Result<()> {
    let sandbox = Sandbox::start(shell, false, &shell.cache.join("walk-sandbox"), true, None, Lang::De)?;
    Walk::new(script, &sandbox.platform, Role::Moderator, Lang::De, Theme::Office, false).run(shell)
}

/// A picture of every screen in both languages; the walk itself goes through both themes.
fn walk_screens(shell: &Shell, release: bool, data: Option<&Path>) -> Result<()> {
    for lang in [Lang::De, Lang::En] {
        let sandbox = Sandbox::start(shell, release, &shell.cache.join("walk-sandbox"), true, data, lang)?;
        Walk::new(Script::Screens, &sandbox.platform, Role::Moderator, lang, Theme::Office, release).run(shell)?;
    }
    Ok(())
}

/// The same screens in Chromium over `desk-http`, held against axe; pictures in the cache folder's `walk/browser`.
pub(crate) fn browser_screens(shell: &Shell) -> Result<()> {
    let sandbox = Sandbox::start(shell, false, &shell.cache.join("walk-sandbox"), true, None, Lang::De)?;
    let (profile, keys) = (shell.cache.join("walk-profile"), shell.cache.join("walk-keys"));
    for folder in [&profile, &keys] {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
        }
    }
    let out = shell.cache.join("walk/browser");
    clear(&out)?;
    let mut command = shell.bound(shell.root.join("testing/walk/keyring.sh"));
    command
        .arg("node")
        .arg(shell.root.join("ui/e2e/desk.mjs"))
        .arg("--desk")
        .arg(shell.built(false, "desk-http"))
        .arg("--pages")
        .arg(shell.root.join("ui/dist"))
        .arg("--profile")
        .arg(&profile)
        .args(["--platform", &sandbox.platform])
        .arg("--browser")
        .arg(shell.root.join("testing/walk/browser.mjs"))
        .env("KONSIL_KEYRING_DIR", &keys)
        .env("KONSIL_SHOTS", &out);
    run(&mut command)?;
    names_nobody(shell, &profile)
}
