//! `cargo xtask test`: everything that can run on this machine, and a table of what did not and why.

mod harness;
mod kill;
mod room;
mod table;

pub(crate) use kill::Kill;

use crate::{
    dist,
    run::{self, Script},
    servers::{self, Checked, FhirCheck, Server},
    setup,
    shell::{Shell, found, run as run_command},
    tidy,
    web::Web,
};
use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};
use table::{Counts, Table};

/// Run the tests: all that this machine can run, or only the areas that are named.
///
/// It installs what is missing, ends with a table of what ran and what was skipped and why, and with one
/// line of sums. The whole output of each part lies in the cache folder's `test/`.
///
/// `KONSIL_TEST_DATA` names a folder of real DICOM files, `../shared/data` if not set.
#[derive(Debug, Args, Default)]
pub(crate) struct Test {
    /// What to test; everything if nothing is named.
    #[arg(value_enum, value_name = "AREA")]
    areas: Vec<Area>,
}

/// A part of the program that is tested by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Area {
    /// Shared vocabulary.
    Model,
    /// What crosses to the page.
    Contract,
    /// DICOM meaning and pixels, compared with independent readers.
    Imaging,
    /// Drawing on the GPU.
    Viewer,
    /// Sign-in, records and images of a platform.
    Platform,
    /// Chat with a homeserver.
    Chat,
    /// Codecs, signalling and frame encryption of video rounds, and programs of others in one.
    Rounds,
    /// Secrets and the encrypted store.
    Vault,
    /// The application without a window.
    App,
    /// The evaluation platform.
    Sandbox,
    /// The shells around the application, and what spans several crates.
    Desk,
    /// The page: types, lint, components, stories in a browser.
    Ui,
    /// Format, lints, rules of the house, generated types, licenses.
    Tidy,
    /// The client's suites against Keycloak, HAPI FHIR, Orthanc and Synapse, and offline validation of the FHIR we write.
    Servers,
    /// The main job in the real window, and what is left when its page dies.
    Walk,
    /// The package for Debian, of the debug build: made, installed below an empty folder, run, removed.
    Installer,
}

impl Area {
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Model => &["model"],
            Self::Contract => &["contract"],
            Self::Imaging => &["imaging"],
            Self::Viewer => &["viewer", "viewer-web"],
            Self::Platform => &["platform"],
            Self::Chat => &["attachment", "tim"],
            Self::Rounds => &["codec", "rounds-proto", "rounds", "sfu", "fuzz", "integration"],
            Self::Vault => &["vault"],
            Self::App => &["app"],
            Self::Sandbox => &["sandbox"],
            Self::Desk => &["desk-http", "konsil-desktop", "testkit", "integration", "sandbox"],
            Self::Walk => &["konsil-desktop", "sandbox"],
            Self::Installer => &["konsil-desktop"],
            Self::Servers => &["app", "integration", "desk-http", "sandbox"],
            Self::Ui | Self::Tidy => &[],
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The area whose row shows a test program.
    fn of(test: &harness::TestProgram) -> Option<Self> {
        let shown = |area: &Self| !matches!(area, Self::Servers | Self::Walk | Self::Installer);
        let mut areas = Self::value_variants().iter().copied().filter(shown);
        areas.find(|area| area.packages().contains(&test.package.as_str()))
    }
}

/// Facts that need real servers, by words of their names.
const ON_SERVERS: [&str; 6] = [
    "on_keycloak_hapi_and_orthanc",
    "on_synapse",
    "behind_the_proxy",
    "peculiarities::",
    "single_sign_on::",
    "federation::",
];

/// Facts that need a media server.
const IN_ROUNDS: &str = "rounds::";

/// The rows that a test program gets, each with the arguments that choose its part. The client's suites hold on the
/// sandbox and on real servers alike, so they are split where both areas are wanted.
fn rows(test: &harness::TestProgram, areas: &BTreeSet<Area>) -> Vec<(Area, Vec<&'static str>)> {
    if test.package != "integration" || test.target != "it" {
        let area = Area::of(test).filter(|area| areas.contains(area));
        return area.map(|area| (area, Vec::new())).into_iter().collect();
    }
    let (desk, servers) = (areas.contains(&Area::Desk), areas.contains(&Area::Servers));
    let without = |words: &[&'static str]| words.iter().flat_map(|word| ["--skip", word]).collect::<Vec<_>>();
    let mut rows = Vec::new();
    if desk {
        let elsewhere = if servers { [&ON_SERVERS[..], &[IN_ROUNDS]].concat() } else { vec![IN_ROUNDS] };
        rows.push((Area::Desk, without(&elsewhere)));
    }
    if servers {
        rows.push((Area::Servers, if desk { ON_SERVERS.to_vec() } else { without(&[IN_ROUNDS]) }));
    }
    if areas.contains(&Area::Rounds) {
        rows.push((Area::Rounds, vec![IN_ROUNDS]));
    }
    rows
}

impl Test {
    pub(crate) fn run(&self, shell: &Shell) -> Result<()> {
        let all = self.areas.is_empty();
        let areas: BTreeSet<Area> =
            if all { Area::value_variants().iter().copied().collect() } else { self.areas.iter().copied().collect() };
        setup::machine(shell)?;
        room::make(shell)?;
        let logs = shell.cache.join("test");
        fs::create_dir_all(&logs)?;
        let mut suite = Suite { shell, logs, table: Table::default(), client: None };

        // The window embeds the page when it is compiled, so the page comes before any look at the whole workspace.
        let page =
            areas.iter().any(|area| matches!(area, Area::Desk | Area::Ui | Area::Tidy | Area::Walk | Area::Installer));
        if page {
            suite.step("page", "build", |shell| Web::default().run(shell));
        }
        if areas.contains(&Area::Tidy) {
            suite.tidy();
        }
        if areas.contains(&Area::Ui) {
            suite.ui();
        }
        let packages: BTreeSet<&str> = areas.iter().flat_map(|area| area.packages()).copied().collect();
        if !packages.is_empty() {
            suite.rust(&areas, &packages, all)?;
        }
        if areas.contains(&Area::Tidy) {
            suite.xtask()?;
            suite.lints();
        }
        if areas.contains(&Area::Desk) {
            suite.browser();
        }
        if areas.contains(&Area::Servers) {
            suite.fhir();
        }
        if areas.contains(&Area::Walk) {
            suite.walk();
        }
        if areas.contains(&Area::Installer) {
            suite.installer();
        }
        suite.close()
    }
}

/// Real servers, stopped with this value unless somebody had started them before.
struct RealServers<'a> {
    shell: &'a Shell,
    list: PathBuf,
    ours: bool,
}

impl<'a> RealServers<'a> {
    fn start(shell: &'a Shell, all: &[Server]) -> Result<Self> {
        let list = shell.cache.join("servers/servers.json");
        let before =
            fs::read_to_string(&list).ok().and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        let ours = before.is_none_or(|servers| servers.as_object().is_none_or(serde_json::Map::is_empty));
        // Made first, so that those that did start are stopped when another does not.
        let mut servers = Self { shell, list, ours };
        servers.list = servers::up(shell, all)?;
        Ok(servers)
    }
}

impl Drop for RealServers<'_> {
    fn drop(&mut self) {
        if self.ours
            && let Err(why) = servers::down(self.shell)
        {
            eprintln!("{why:#}");
        }
    }
}

/// The parts of one test run, and what they gave.
struct Suite<'a> {
    shell: &'a Shell,
    logs: PathBuf,
    table: Table,
    /// The application's own tests, once they are built.
    client: Option<harness::TestProgram>,
}

impl<'a> Suite<'a> {
    /// Something that holds or does not, counted as one.
    fn step(&mut self, area: &str, what: &str, work: impl FnOnce(&Shell) -> Result<()>) -> bool {
        println!("── {area}: {what}");
        let began = Instant::now();
        let result = work(self.shell);
        let holds = result.is_ok();
        let mut counts = Counts::one(holds);
        if let Err(why) = result {
            println!("FAILED {area}: {what}: {why:#}");
            counts.reasons.push(what.to_owned());
        }
        self.table.add(area, what, counts, began.elapsed());
        holds
    }

    fn skip(&mut self, area: &str, what: &str, why: String) {
        println!("── {area}: {what} SKIPPED: {why}");
        self.table.add(area, what, Counts::skipped(why), std::time::Duration::ZERO);
    }

    fn tidy(&mut self) {
        self.step("tidy", "format", |shell| {
            run_command(shell.cargo().args(["fmt", "--all", "--", "--check", "--files-with-diff"]))
        });
        self.step("tidy", "rules of the house", tidy::run);
        if found("cargo-deny").is_some() {
            self.step("tidy", "advisories", |shell| {
                run_command(shell.cargo().args(["deny", "--all-features", "check"]))
            });
        } else {
            self.skip(
                "tidy",
                "advisories",
                "cargo-deny is not installed; the licenses were checked all the same".to_owned(),
            );
        }
    }

    /// After the tests are compiled, because clippy shares their build scripts and macros.
    fn lints(&mut self) {
        let clippy = |shell: &Shell, more: &[&str]| {
            let mut cargo = shell.cargo();
            cargo.args(["clippy", "--quiet", "--workspace"]).args(more).args(["--", "-D", "warnings"]);
            run_command(&mut cargo)
        };
        self.step("tidy", "clippy", |shell| clippy(shell, &["--all-targets"]));
        // The same packages are chosen, so that only those with the feature are checked again.
        self.step("tidy", "clippy of what is measured", |shell| clippy(shell, &["--features", "konsil-desktop/bench"]));
    }

    fn ui(&mut self) {
        println!("── ui: components");
        let began = Instant::now();
        let report = self.logs.join("vitest.json");
        let _none = fs::remove_file(&report);
        let status = self
            .shell
            .npm()
            .args(["test", "--", "--reporter=default", "--reporter=json"])
            .arg(format!("--outputFile.json={}", report.display()))
            .status();
        let counts = fs::read_to_string(&report).ok().and_then(|text| harness::vitest(&text));
        let counts = match (counts, status) {
            (Some(counts), Ok(status)) if status.success() || counts.failed > 0 => counts,
            (_, _) => Counts { reasons: vec!["vitest did not come to its end".to_owned()], ..Counts::one(false) },
        };
        self.table.add("ui", "components", counts, began.elapsed());
        self.step("ui", "lint", |shell| run_command(shell.npm().args(["run", "lint"])));
        if found("chromium").is_some() {
            // One theme and language here; `npm run e2e` draws all four and takes some ten minutes.
            let quick = |shell: &Shell| run_command(shell.npm().args(["run", "e2e"]).env("KONSIL_QUICK", "1"));
            self.step("ui", "stories in a browser", quick);
        } else {
            self.skip("ui", "stories in a browser", "chromium is not installed".to_owned());
        }
    }

    fn rust(&mut self, areas: &BTreeSet<Area>, packages: &BTreeSet<&str>, all: bool) -> Result<()> {
        println!("── compiling the tests");
        let began = Instant::now();
        let mut cargo = self.shell.cargo();
        cargo.args(["build", "--keep-going", "--lib", "--bins", "--tests"]);
        // Another choice of packages is another choice of their features, and with that a second build of everything.
        let large = ["konsil-desktop", "integration", "sandbox"].iter().any(|package| packages.contains(package));
        if all || large {
            // This program is running and can't be replaced everywhere.
            cargo.args(["--workspace", "--exclude", "xtask"]);
        } else {
            packages.iter().for_each(|package| {
                cargo.args(["--package", package]);
            });
        }
        let built = harness::build(&mut cargo)?;
        self.table.add("rust", "compile", Counts::one(built.ok), began.elapsed());
        for package in &built.broken {
            println!("FAILED {package} does not compile");
        }
        let python = areas.contains(&Area::Imaging).then(|| setup::reference_python(self.shell));
        if let Some(Err(why)) = &python {
            println!("SKIPPED the comparison of pixels with independent readers: {why:#}");
        }
        let python = python.and_then(Result::ok);
        let peers = built.tests.iter().any(|test| test.package == "integration").then(|| setup::peers(self.shell));
        if let Some(Err(why)) = &peers {
            println!("SKIPPED what another program says of chat: {why:#}");
        }
        let peers = peers.and_then(Result::ok);
        let written =
            areas.contains(&Area::Servers).then(|| servers::emptied_written_folder(self.shell)).transpose()?;
        let mut tests = built.tests;
        tests.sort_by_key(|test| (Area::of(test), test.package.clone(), test.target.clone()));
        self.client = tests.iter().find(|test| test.package == "app" && test.target == "app").cloned();
        for test in tests {
            for (area, chosen) in rows(&test, areas) {
                let mut command = self.command_of(&test);
                command.args(chosen);
                if let Some(python) = &python {
                    command.env("KONSIL_REFERENCE_PYTHON", python);
                }
                if let Some(written) = &written {
                    command.env("KONSIL_FHIR_OUT", written);
                }
                if let Some(peers) = &peers {
                    command.env("KONSIL_PEERS", peers);
                }
                let suites = test.target == "it";
                let servers = if area == Area::Servers {
                    self.servers("servers", &Server::OF_SUITES)
                } else if area == Area::Rounds && suites {
                    self.servers("rounds", &Server::of_rounds())
                } else {
                    None
                };
                if let Some(servers) = &servers {
                    command.env("KONSIL_SERVERS", &servers.list);
                }
                self.harness(&area.name(), &test, &mut command);
                if area == Area::Rounds && suites {
                    self.meeting(servers.as_ref().map(|servers| servers.list.as_path()));
                }
            }
        }
        Ok(())
    }

    /// A test program as cargo starts it: fixtures are found from the package's folder.
    fn command_of(&self, test: &harness::TestProgram) -> std::process::Command {
        let keyring = test.package == "vault" && run::Walk::obstacle().is_none();
        let mut command = if keyring {
            let mut command = self.shell.bound(self.shell.root.join("testing/walk/keyring.sh"));
            command.arg(&test.program).env("KONSIL_TEST_SECRET_SERVICE", "1");
            command
        } else {
            self.shell.bound(&test.program)
        };
        command.current_dir(&test.folder).env("CARGO_MANIFEST_DIR", &test.folder).arg("--show-output");
        if let Some(data) = self.data() {
            command.env("KONSIL_TEST_DATA", data);
        }
        command
    }

    /// The real servers, unless they can't be had here; the suites then say that they were skipped.
    fn servers(&mut self, area: &str, all: &[Server]) -> Option<RealServers<'a>> {
        println!("── {area}: start");
        let began = Instant::now();
        match RealServers::start(self.shell, all) {
            Ok(servers) => {
                self.table.add(area, "start", Counts::one(true), began.elapsed());
                Some(servers)
            }
            Err(why) => {
                self.skip(area, "start", format!("{why:#}"));
                None
            }
        }
    }

    fn fhir(&mut self) {
        println!("── servers: FHIR validation");
        let began = Instant::now();
        let Some(client) = self.client.as_ref().map(|test| self.command_of(test)) else {
            return self.skip("servers", "FHIR validation", "the client's tests were not built".to_owned());
        };
        let counts = match FhirCheck::after_suites(self.shell, client) {
            Ok(Checked::Valid(files)) => Counts { passed: files, ..Counts::default() },
            Ok(Checked::NoProfiles) => Counts::skipped(
                "no profiles: neither KONSIL_FHIR_PROFILES nor ../shared/fhir/packages names a folder".to_owned(),
            ),
            Err(why) => Counts { reasons: vec![format!("{why:#}")], ..Counts::one(false) },
        };
        self.table.add("servers", "FHIR validation", counts, began.elapsed());
    }

    /// The folder of real DICOM files, if there is one.
    fn data(&self) -> Option<PathBuf> {
        let named = std::env::var_os("KONSIL_TEST_DATA").map(PathBuf::from);
        named.or_else(|| Some(self.shell.root.parent()?.join("shared/data"))).filter(|folder| folder.is_dir())
    }

    fn harness(&mut self, area: &str, test: &harness::TestProgram, command: &mut std::process::Command) {
        self.counted(area, &test.name(), command, harness::libtest);
    }

    /// A program of several tests, counted by what it says.
    fn counted(
        &mut self,
        area: &str,
        what: &str,
        command: &mut std::process::Command,
        count: impl FnOnce(&str) -> Counts,
    ) {
        println!("── {area}: {what}");
        let began = Instant::now();
        let (text, ended_well) = harness::merged(command).unwrap_or_else(|why| (format!("{why:#}"), false));
        let log = self.logs.join(format!("{area}-{}.log", what.replace([' ', '/'], "-")));
        let mut counts = count(&text);
        if !ended_well && counts.failed == 0 {
            counts.failed = 1;
            counts.reasons.push(format!("{what} ended before its sums"));
        }
        if counts.failed > 0 {
            println!("{}", harness::failures(&text));
        }
        match fs::write(&log, &text) {
            Ok(()) if counts.failed > 0 => println!("FAILED {area}: {what}; everything it said: {}", log.display()),
            Ok(()) => {}
            Err(why) => println!("What {what} said could not be kept in {}: {why}", log.display()),
        }
        // A program without tests has nothing to say in the table.
        if counts != Counts::default() {
            self.table.add(area, what, counts, began.elapsed());
        }
    }

    /// This program's own tests: `tidy` proves nothing if its rules are wrong.
    fn xtask(&mut self) -> Result<()> {
        let mut cargo = self.shell.cargo();
        let built = harness::build(cargo.args(["build", "--package", "xtask", "--tests"]))?;
        if !built.ok {
            self.table.add("tidy", "its own tests", Counts::one(false), std::time::Duration::ZERO);
        }
        for test in built.tests {
            let mut command = self.shell.bound(&test.program);
            command.current_dir(&test.folder).arg("--show-output");
            self.harness("tidy", &test, &mut command);
        }
        Ok(())
    }

    fn walk(&mut self) {
        for (what, script) in [
            ("main job in the window", Script::Main),
            ("main job by keyboard", Script::Keyboard),
            ("both ways of bulk bytes", Script::Bulk),
            ("the window's page dies", Script::Faults),
        ] {
            match run::Walk::obstacle() {
                Some(why) => self.skip("walk", what, why),
                None => {
                    self.step("walk", what, |shell| run::walk_painted(shell, script));
                }
            }
        }
    }

    /// Two programs of others in a round on LiveKit's server: what ours is measured by is to be trusted.
    fn meeting(&mut self, list: Option<&Path>) {
        let what = "two browsers meet";
        let Some(list) = list else {
            return self.skip("rounds", what, "LiveKit could not be started".to_owned());
        };
        if found("chromium").is_none() {
            return self.skip("rounds", what, "chromium is not installed".to_owned());
        }
        match setup::peers(self.shell) {
            Ok(peers) => {
                let mut node = self.shell.bound("node");
                node.args(["--test", "--test-reporter=tap", "meet.test.mjs"]);
                node.current_dir(peers.join("livekit-js")).env("KONSIL_SERVERS", list);
                self.counted("rounds", what, &mut node, harness::tap);
            }
            Err(why) => self.skip("rounds", what, format!("{why:#}")),
        }
    }

    /// The page over the real desk in a plain browser.
    fn browser(&mut self) {
        let what = "screens in a browser";
        match run::Walk::obstacle() {
            _ if found("chromium").is_none() => self.skip("desk", what, "chromium is not installed".to_owned()),
            Some(why) => self.skip("desk", what, why),
            None => {
                self.step("desk", what, run::browser_screens);
            }
        }
    }

    fn installer(&mut self) {
        if let Some(why) = dist::obstacle() {
            return self.skip("installer", "deb", why);
        }
        self.step("installer", "deb", |shell| {
            dist::try_deb(shell, &dist::deb(shell, &shell.built(false, "konsil"), "gzip")?)
        });
    }

    fn close(self) -> Result<()> {
        let failed = self.table.print();
        if failed > 0 {
            bail!("{failed} failed");
        }
        Ok(())
    }
}
