//! Where tests put what we write, for the validator: `cargo xtask fhir-check` and `cargo xtask test servers` name the
//! folder in `KONSIL_FHIR_OUT` and hold everything in it against the profiles.

use serde::Serialize;
use std::{
    fs,
    io::{Write as _, stderr},
    path::PathBuf,
};

/// A folder that a validator reads afterwards.
pub(crate) struct Given(PathBuf);

/// Nothing, loudly, where nobody validates: a test that wrote for nobody has proved nothing.
pub(crate) fn given() -> Option<Given> {
    let Some(folder) = std::env::var_os("KONSIL_FHIR_OUT").map(PathBuf::from) else {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Past the test harness, which keeps the output of tests that pass to itself.
        let _unheard = writeln!(stderr(), "SKIPPED {test}: nothing is validated: KONSIL_FHIR_OUT names no folder");
        return None;
    };
    fs::create_dir_all(&folder).unwrap_or_else(|why| panic!("{} can be made: {why}", folder.display()));
    Some(Given(folder))
}

impl Given {
    pub(crate) fn take(&self, name: &str, resource: &impl Serialize) {
        let text =
            serde_json::to_string_pretty(resource).unwrap_or_else(|why| panic!("{name} can be written as JSON: {why}"));
        let file = self.0.join(format!("{name}.json"));
        fs::write(&file, text).unwrap_or_else(|why| panic!("{} can be written: {why}", file.display()));
    }
}
