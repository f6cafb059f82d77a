//! Where the real objects and the reference lie, and how a test says loudly that they are missing.
#![expect(clippy::disallowed_methods, reason = "tests read files and settings; the crate does not")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of real objects: `KONSIL_TEST_DATA`, else `../shared/data` beside the project.
pub(crate) fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("KONSIL_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skipped("no test data: set KONSIL_TEST_DATA");
    None
}

/// The Python with pydicom and its codecs: `KONSIL_REFERENCE_PYTHON`.
pub(crate) fn python() -> Option<PathBuf> {
    let python = std::env::var_os("KONSIL_REFERENCE_PYTHON").map(PathBuf::from).filter(|p| p.is_file());
    if python.is_none() {
        skipped("no reference: set KONSIL_REFERENCE_PYTHON to a Python with the packages of testing/reference");
    }
    python
}

/// Whether each tile of a slide is compared, and not only some: `KONSIL_TEST_EVERY_TILE=1`.
pub(crate) fn every_tile() -> bool {
    std::env::var_os("KONSIL_TEST_EVERY_TILE").is_some_and(|word| word == "1")
}

/// Says on the test's own standard error that it did not run.
pub(crate) fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or("test").to_owned();
    // Past the capture of the test harness, which hides a passing test's output.
    let _closed = writeln!(std::io::stderr().lock(), "SKIPPED {test}: {why}");
}

/// All files below a folder, sorted, that could be DICOM.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).expect("the folder was just seen");
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "dcm") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The bytes of a file of the test data.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Runs a script of `testing/reference` with `lines` as its input and gives its JSON lines.
pub(crate) fn ask(python: &Path, script: &str, arguments: &[&Path], lines: &str) -> Vec<serde_json::Value> {
    let mut child = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/reference").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reference's Python starts");
    let mut stdin = child.stdin.take().expect("standard input was asked for");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines.as_bytes()));
        child.wait_with_output().expect("the reference ends")
    });
    assert!(output.status.success(), "{script} failed");
    String::from_utf8(output.stdout)
        .expect("JSON is UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

/// The files of pydicom's own tests: damaged ones, rare transfer syntaxes, rare encodings.
pub(crate) fn odd_files(python: &Path) -> Vec<PathBuf> {
    let output = Command::new(python)
        .args([
            "-c",
            "import os, pydicom; print(os.path.join(os.path.dirname(pydicom.__file__), 'data', 'test_files'))",
        ])
        .output()
        .expect("the reference's Python starts");
    files(Path::new(String::from_utf8_lossy(&output.stdout).trim()))
}
