//! Starting test programs and reading what they print: cargo's JSON, libtest's text, vitest's JSON.

use super::table::Counts;
use crate::shell::line;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Command, Stdio},
};

/// A test program that cargo built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestProgram {
    pub(crate) package: String,
    pub(crate) target: String,
    pub(crate) kind: String,
    /// The package's folder.
    pub(crate) folder: PathBuf,
    pub(crate) program: PathBuf,
}

impl TestProgram {
    /// How a table calls it: the package alone for its unit tests.
    pub(crate) fn name(&self) -> String {
        match self.kind.as_str() {
            "test" => format!("{} tests/{}", self.package, self.target),
            "bin" => format!("{} program", self.package),
            _ => format!("{} units", self.package),
        }
    }
}

/// What a build gave.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) ok: bool,
    pub(crate) tests: Vec<TestProgram>,
    /// Packages with an error of the compiler.
    pub(crate) broken: BTreeSet<String>,
}

impl Built {
    /// Takes one line of `--message-format=json`.
    fn take(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        let manifest = PathBuf::from(message["manifest_path"].as_str().unwrap_or_default());
        let package = package(message["package_id"].as_str().unwrap_or_default());
        match message["reason"].as_str() {
            Some("compiler-message") if message["message"]["level"] == "error" => {
                self.broken.insert(package);
            }
            Some("compiler-artifact") if message["profile"]["test"] == true => {
                let Some(program) = message["executable"].as_str() else { return };
                self.tests.push(TestProgram {
                    package,
                    target: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
                    kind: message["target"]["kind"][0].as_str().unwrap_or_default().to_owned(),
                    folder: manifest.parent().map(PathBuf::from).unwrap_or_default(),
                    program: program.into(),
                });
            }
            Some(_) | None => {}
        }
    }
}

/// The name in a package id: `path+file:///x/crates/model#0.1.0` or `path+file:///x/src-tauri#konsil-desktop@0.1.0`.
fn package(id: &str) -> String {
    let (path, rest) = id.rsplit_once('#').unwrap_or((id, ""));
    match rest.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// Runs a cargo command that builds tests; its diagnostics go to the terminal.
pub(crate) fn build(cargo: &mut Command) -> Result<Built> {
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = cargo.spawn().with_context(|| format!("start {}", line(cargo)))?;
    let mut built = Built::default();
    let out = child.stdout.take().context("its output is ours")?;
    for line in BufReader::new(out).lines() {
        built.take(&line?);
    }
    built.ok = child.wait()?.success();
    Ok(built)
}

/// Both outputs of a command in the order they came, and whether it ended with 0.
pub(crate) fn merged(command: &mut Command) -> Result<(String, bool)> {
    let (mut reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("start {}", line(command)))?;
    // The command holds the writing ends too, and the pipe ends only when all are closed.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let ended_well = child.wait()?.success();
    Ok((String::from_utf8_lossy(&bytes).into_owned(), ended_well))
}

/// Counts libtest's output. A test that says `SKIPPED` proved nothing, so it does not count as passed.
pub(crate) fn libtest(text: &str) -> Counts {
    let mut counts = Counts::default();
    let mut skipped = BTreeSet::new();
    let mut speaks = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("test result: ") {
            counts.passed += number_before(rest, " passed");
            counts.failed += number_before(rest, " failed");
            counts.skipped += number_before(rest, " ignored");
            speaks = None;
        } else if let Some(name) = line.strip_prefix("---- ").and_then(|l| l.strip_suffix(" stdout ----")) {
            speaks = Some(name.to_owned());
        } else if let Some(name) = line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED")) {
            counts.reasons.push(name.to_owned());
        } else if let Some(at) = line.find("SKIPPED") {
            // `SKIPPED test: why` names the test, `SKIPPED: why` stands under its heading or is the only one to say so.
            let rest = &line[at + "SKIPPED".len()..];
            let (name, why) = rest.split_once(": ").unwrap_or((rest, ""));
            let name = match (name.trim(), &speaks) {
                ("", Some(test)) => test.clone(),
                ("", None) => why.trim().to_owned(),
                (name, _) => name.to_owned(),
            };
            if skipped.insert(name) {
                counts.reasons.push(why.trim().to_owned());
            }
        }
    }
    let silent = skipped.len().min(counts.passed);
    counts.passed -= silent;
    counts.skipped += silent;
    counts.reasons.sort();
    counts.reasons.dedup();
    counts
}

fn number_before(text: &str, word: &str) -> usize {
    let Some(at) = text.find(word) else { return 0 };
    text[..at].rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// What failing tests said.
pub(crate) fn failures(text: &str) -> &str {
    text.find("\nfailures:\n").map_or(text, |at| &text[at..])
}

/// Counts the tests of TAP, the Test Anything Protocol, as `node --test` writes it: `ok 1 - name # SKIP why`.
pub(crate) fn tap(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines() {
        let (holds, rest) = match (line.strip_prefix("ok "), line.strip_prefix("not ok ")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => continue,
        };
        let name = rest.split_once(" - ").map_or(rest, |(_, name)| name);
        match name.split_once(" # SKIP") {
            Some((_, why)) => {
                counts.skipped += 1;
                counts.reasons.push(why.trim().to_owned());
            }
            None if holds => counts.passed += 1,
            None => {
                counts.failed += 1;
                counts.reasons.push(name.to_owned());
            }
        }
    }
    counts
}

/// Counts vitest's JSON report.
pub(crate) fn vitest(text: &str) -> Option<Counts> {
    let report: Value = serde_json::from_str(text).ok()?;
    let number = |key: &str| report[key].as_u64().and_then(|n| usize::try_from(n).ok());
    let mut counts = Counts {
        passed: number("numPassedTests")?,
        failed: number("numFailedTests")?,
        skipped: number("numPendingTests")? + number("numTodoTests")?,
        reasons: Vec::new(),
    };
    for file in report["testResults"].as_array().into_iter().flatten() {
        let tests = file["assertionResults"].as_array().map(Vec::as_slice).unwrap_or_default();
        // A file that does not load has no tests that could fail.
        if file["status"] == "failed" && !tests.iter().any(|test| test["status"] == "failed") {
            counts.failed += 1;
            counts.reasons.push(file["name"].as_str().unwrap_or_default().to_owned());
        }
        for test in tests.iter().filter(|test| test["status"] != "passed") {
            counts.reasons.push(test["fullName"].as_str().unwrap_or_default().to_owned());
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::{Built, libtest, package, tap, vitest};

    const LIBTEST: &str = "
running 4 tests
test a_holds ... ok
SKIPPED places::b_needs_data: no test data: set KONSIL_TEST_DATA
SKIPPED places::b_needs_data: no reference
test places::b_needs_data ... ok
test d_fails ... FAILED
test c_needs_data ... ok

successes:

---- c_needs_data stdout ----
SKIPPED: no test data; name its folder in KONSIL_TEST_DATA
SKIPPED: no test data; name its folder in KONSIL_TEST_DATA

failures:
    d_fails

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.05s
";

    #[test]
    fn a_test_that_says_skipped_counts_once_and_not_as_passed() {
        let counts = libtest(LIBTEST);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 2), "{counts:?}");
        assert!(counts.reasons.contains(&"d_fails".to_owned()), "the failure is named: {counts:?}");
        assert!(
            counts.reasons.contains(&"no test data: set KONSIL_TEST_DATA".to_owned()),
            "the reason is told: {counts:?}"
        );
    }

    #[test]
    fn output_without_a_result_counts_nothing() {
        assert_eq!(libtest("thread main panicked").passed, 0, "nothing ended");
    }

    #[test]
    fn a_test_of_node_that_is_skipped_says_why() {
        let counts =
            tap("TAP version 13\n# Subtest: a\nok 1 - a\n  ---\n  ...\nnot ok 2 - b\nok 3 - c # SKIP no d\n1..3\n");
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1), "{counts:?}");
        assert_eq!(counts.reasons, ["b", "no d"], "the failure is named and the reason told");
    }

    #[test]
    fn a_page_test_file_that_does_not_load_is_a_failure() {
        let text = r#"{"numPassedTests":2,"numFailedTests":0,"numPendingTests":1,"numTodoTests":0,
            "testResults":[{"name":"x.test.ts","status":"failed","assertionResults":[]}]}"#;
        let counts = vitest(text).expect("a report");
        assert_eq!((counts.passed, counts.failed, counts.skipped), (2, 1, 1), "{counts:?}");
    }

    #[test]
    fn both_forms_of_a_package_id_give_its_name() {
        assert_eq!(package("path+file:///x/crates/model#0.1.0"), "model", "folder and package share a name");
        assert_eq!(package("path+file:///x/src-tauri#konsil-desktop@0.1.0"), "konsil-desktop", "they differ");
    }

    #[test]
    fn only_test_programs_are_taken_from_a_build() {
        let mut built = Built::default();
        built.take(r#"{"reason":"compiler-artifact","package_id":"path+file:///x/crates/model#0.1.0","manifest_path":"/x/crates/model/Cargo.toml","target":{"kind":["lib"],"name":"model"},"profile":{"test":true},"executable":"/t/model-1"}"#);
        built.take(r#"{"reason":"compiler-artifact","package_id":"path+file:///x/crates/sandbox#0.1.0","manifest_path":"/x/crates/sandbox/Cargo.toml","target":{"kind":["bin"],"name":"sandbox"},"profile":{"test":false},"executable":"/t/sandbox"}"#);
        built.take(r#"{"reason":"compiler-message","package_id":"path+file:///x/crates/app#0.1.0","message":{"level":"error"}}"#);
        assert_eq!(built.tests.len(), 1, "{built:?}");
        assert_eq!(built.tests[0].name(), "model units", "{built:?}");
        assert!(built.broken.contains("app"), "{built:?}");
    }
}
