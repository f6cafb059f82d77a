//! Rules for every file and for every member of the workspace.

use super::Finding;
use super::scan::lines;
use std::collections::BTreeMap;

const NOUNS: [&str; 8] = ["manager", "helper", "helpers", "util", "utils", "service", "processor", "common"];

/// Terms of art that contain such a noun: a FHIR resource, and the store of secrets on a Linux desktop.
const TERMS: [&str; 2] = ["HealthcareService", "SecretService"];

/// The word in a name that says nothing, if there is one.
pub(crate) fn banned_noun(name: &str) -> Option<&'static str> {
    let name = TERMS.iter().fold(name.to_owned(), |name, term| name.replace(term, ""));
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (n, c) in chars.iter().enumerate() {
        let behind_small = n > 0 && chars[n - 1].is_lowercase();
        let before_small = chars.get(n + 1).is_some_and(|next| next.is_lowercase());
        // `HTTPServer` is two words, and so is `httpServer`.
        if !c.is_alphanumeric() || (c.is_uppercase() && (behind_small || before_small)) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    NOUNS.into_iter().find(|noun| words.iter().any(|word| word == noun))
}

/// Rules for a file's name.
pub(crate) fn path(path: &str) -> Vec<Finding> {
    path.split('/')
        .filter_map(banned_noun)
        .map(|noun| Finding::new(path, format!("`{noun}` in a name says nothing about what lives there")))
        .collect()
}

/// Rules for every text file.
pub(crate) fn text(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (n, line) in lines(text) {
        for mark in [concat!("TO", "DO"), concat!("FIX", "ME")] {
            if super::scan::has_word(line, mark) && !with_issue(line, mark) {
                found.push(Finding::at(path, n, format!("{mark} without its issue: `{mark}(#7)`, or do it now")));
            }
        }
        if let Some(place) = machine_path(line) {
            found.push(Finding::at(path, n, format!("`{place}` exists only on one machine")));
        }
        if let Some(host) = foreign_registry(path, line) {
            found.push(Finding::at(path, n, format!("packages come from the public registries, not from `{host}`")));
        }
    }
    found
}

fn with_issue(line: &str, mark: &str) -> bool {
    line.match_indices(mark).all(|(at, _)| {
        let rest = &line[at + mark.len()..];
        rest.strip_prefix("(#")
            .and_then(|r| r.split_once(')'))
            .is_some_and(|(n, _)| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    })
}

/// An absolute path into somebody's home or workplace.
fn machine_path(line: &str) -> Option<&'static str> {
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/fa", "rm/")].into_iter().find(
        |place| {
            line.match_indices(place).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                before.is_none_or(|c| !(c.is_alphanumeric() || "._-~}/)$".contains(c)))
            })
        },
    )
}

/// The host of a package in a lockfile or a package tool's settings, if it is not the public one.
fn foreign_registry(path: &str, line: &str) -> Option<String> {
    const PUBLIC: [&str; 4] =
        ["registry.npmjs.org", "github.com/rust-lang/crates.io-index", "pypi.org", "files.pythonhosted.org"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let locked = match name {
        "Cargo.lock" => line.starts_with("source = "),
        "package-lock.json" => line.contains("\"resolved\":"),
        ".npmrc" | "pip.conf" => line.contains("://"),
        "config.toml" if path.starts_with(".cargo/") => line.contains("://"),
        "requirements.txt" => line.contains("://"),
        _ => false,
    };
    if !locked {
        return None;
    }
    let address = line.split_once("://")?.1;
    (!PUBLIC.iter().any(|host| address.starts_with(host)))
        .then(|| address.split(['/', '"']).next().unwrap_or_default().to_owned())
}

/// Rules for the workspace's members, by their folders.
pub(crate) fn members(folders: &[String], files: &BTreeMap<String, Option<String>>) -> Vec<Finding> {
    let mut found = Vec::new();
    let text = |path: &str| files.get(path).and_then(Option::as_deref).unwrap_or_default();
    for folder in folders {
        let readme = format!("{folder}/README.md");
        if !invariants(text(&readme)) {
            found.push(Finding::new(readme, "a crate's README has a section *Invariants*"));
        }
        let manifest = format!("{folder}/Cargo.toml");
        if !inherits_lints(text(&manifest)) {
            found.push(Finding::new(manifest, "`[lints] workspace = true` is missing"));
        }
    }
    found
}

fn invariants(readme: &str) -> bool {
    readme.lines().any(|line| line.starts_with('#') && line.contains("Invariants"))
}

fn inherits_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let plain: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        plain == "lints.workspace=true" || (section == "[lints]" && plain == "workspace=true")
    })
}

#[cfg(test)]
mod tests {
    use super::{banned_noun, inherits_lints, invariants, path, text};

    #[test]
    fn nouns_are_found_as_whole_words_of_a_name() {
        for bad in ["SessionManager", "http_utils", "DICOMProcessor", "common", "test-helpers.ts", "FhirService"] {
            assert!(banned_noun(bad).is_some(), "{bad}");
        }
        for good in ["Utility", "commonly", "HealthcareService", "SecretService", "manage", "Uncommon"] {
            assert_eq!(banned_noun(good), None, "{good}");
        }
        assert_eq!(path("crates/app/tests/common/mod.rs").len(), 1, "folders count");
    }

    #[test]
    fn work_left_over_names_its_issue() {
        let mark = concat!("TO", "DO");
        assert_eq!(text("a.rs", &format!("// {mark}: later")).len(), 1, "without an issue");
        assert_eq!(text("a.rs", &format!("// {mark}(#12): later")), [], "with an issue");
    }

    #[test]
    fn no_path_of_one_machine() {
        let folder = concat!("/wo", "rk/");
        assert_eq!(text("a.md", &format!("see {folder}x")).len(), 1, "absolute");
        assert_eq!(text("a.md", &format!("see ../cache{folder}x")), [], "inside another path");
    }

    #[test]
    fn packages_come_from_the_public_registries() {
        let good = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
        assert_eq!(text("Cargo.lock", good), [], "the index");
        assert_eq!(text("Cargo.lock", "source = \"registry+https://mirror.example/index\"").len(), 1, "a mirror");
        assert_eq!(text("ui/package-lock.json", "\"resolved\": \"https://npm.example/x.tgz\",").len(), 1, "a mirror");
        assert_eq!(text("README.md", "https://mirror.example/"), [], "only lockfiles and settings");
    }

    #[test]
    fn members_inherit_the_lints_and_tell_their_invariants() {
        assert!(inherits_lints("[package]\nname = \"x\"\n[lints]\nworkspace = true\n"), "as a table");
        assert!(!inherits_lints("[dependencies]\nserde.workspace = true\n[lints.rust]\n"), "not at all");
        assert!(invariants("# x\n\n## Invariants\n"), "a section");
        assert!(!invariants("# x\nInvariants follow"), "a sentence");
    }
}
