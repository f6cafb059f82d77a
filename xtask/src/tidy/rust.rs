//! Rules for Rust files: what a file begins with, what pure crates may touch, what tests may not do.

use super::{
    Finding,
    house::banned_noun,
    scan::{Kind, code, has_word, lines, without_tests},
};

/// Crates and modules whose time, files, network, threads and chance are arguments.
const PURE: [&str; 6] = [
    "crates/model/src/",
    "crates/contract/src/",
    "crates/imaging/src/",
    "crates/app/src/record.rs",
    "crates/app/src/record/",
    "crates/app/src/decision/",
];

/// What they would reach for them by. The types of clocks as well, since whoever has one can ask it by another name.
const IMPURE: [&str; 13] = [
    "tokio",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "new_v4",
    "now_v7",
    "OsRng",
    "rand",
];

/// What plays the other side of the client's protocols, and the part of it that is a person at a desk.
const SANDBOX: &str = "crates/sandbox/src/";
const COLLEAGUES: &str = "crates/sandbox/src/colleagues/";

/// All rules for one file.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    // A library may show its README as its own first words.
    if !["//!", "#![doc = include_str!("].iter().any(|start| text.starts_with(start)) {
        found.push(Finding::at(path, 1, "begins without `//!` saying what lives here"));
    }
    let code = code(text, Kind::Rust);
    let (ships, tests) = without_tests(&code);
    if PURE.iter().any(|pure| path.starts_with(pure)) && !tests_only(path) {
        found.extend(impure(path, &ships));
    }
    if path.starts_with(SANDBOX) && !path.starts_with(COLLEAGUES) {
        found.extend(other_side(path, &code));
    }
    let in_tests = if tests_only(path) { &code } else { &tests };
    found.extend(waiting(path, &code, in_tests));
    found.extend(type_names(path, &code));
    found
}

/// True for a file that is compiled only for tests.
fn tests_only(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.starts_with("testing/")
}

/// Runtime, clock, files, sockets, threads and chance where nothing of it belongs.
fn impure(path: &str, code: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (n, line) in lines(code) {
        for word in IMPURE {
            if has_word(line, word) {
                found.push(Finding::at(path, n, format!("`{word}` where all is an argument: make it one")));
            }
        }
    }
    for (at, group) in code.match_indices("std::{") {
        let line = code[..at].matches('\n').count() + 1;
        let body = &code[at + group.len()..];
        let mut depth = 0_usize;
        let mut name = String::new();
        for c in body.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => name.clear(),
                c if depth == 0 && !c.is_whitespace() => name.push(c),
                _ => continue,
            }
            if depth == 0 && ["fs", "net", "thread", "process"].contains(&name.as_str()) {
                let next = body_after(body, &name);
                if next.is_none_or(|c| !(c.is_alphanumeric() || c == '_')) {
                    found.push(Finding::at(path, line, format!("`std::{name}` where all is an argument: make it one")));
                }
            }
        }
    }
    found
}

/// The application in a file of its other side.
fn other_side(path: &str, code: &str) -> Vec<Finding> {
    let knows = |line: &str, name: &str| {
        line.match_indices(name).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            line[at + name.len()..].starts_with("::") && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    };
    lines(code)
        .filter(|(_, line)| ["app", "contract"].iter().any(|name| knows(line, name)))
        .map(|(n, _)| {
            Finding::at(path, n, "the platform knows nothing of the application: only its colleagues sit at desks")
        })
        .collect()
}

/// The character behind the first place where `name` stands as a word.
fn body_after(body: &str, name: &str) -> Option<char> {
    body.match_indices(name)
        .find(|(at, _)| body[..*at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':')))
        .and_then(|(at, _)| body[at + name.len()..].chars().next())
}

/// Tests that are switched off, and tests that wait for time to pass.
fn waiting(path: &str, code: &str, tests: &str) -> Vec<Finding> {
    let ignored = lines(code).filter(|(_, line)| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        line.contains("#[ignore]") || line.contains("#[ignore=")
    });
    let slept =
        lines(tests).filter(|(_, line)| ["sleep(", "sleep_ms(", "sleep_until("].iter().any(|call| line.contains(call)));
    ignored
        .map(|(n, _)| Finding::at(path, n, "a test is switched off: let it say SKIPPED and why, or remove it"))
        .chain(slept.map(|(n, _)| Finding::at(path, n, "a test sleeps: move the clock or wait for what should happen")))
        .collect()
}

/// Nouns that say nothing, in the names of types and modules.
fn type_names(path: &str, code: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (n, line) in lines(code) {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if !["struct", "enum", "trait", "type", "union", "mod"].contains(&word) {
                continue;
            }
            if let Some((name, noun)) = words.next().and_then(|name| Some((name, banned_noun(name)?))) {
                found.push(Finding::at(path, n, format!("`{name}`: `{noun}` says nothing about what it does")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::check;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(path, text).into_iter().map(|f| f.what).collect()
    }

    #[test]
    fn a_file_says_first_what_lives_there() {
        assert_eq!(findings("crates/app/src/x.rs", "//! Says it.\nfn a() {}"), [""; 0], "good");
        assert_eq!(findings("crates/app/src/x.rs", "// Not it.\n//! Too late.").len(), 1, "bad");
    }

    #[test]
    fn what_is_pure_has_no_clock_files_network_threads_or_chance() {
        let good = "//! x\n// std::fs is not used\nuse std::{fmt, collections::{BTreeMap, btree_map}};\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(findings("crates/imaging/src/x.rs", good), [""; 0], "good");
        for bad in [
            "use std::fs;",
            "use std::{fmt, fs};",
            "use std::{\n    net::TcpStream,\n    fmt,\n};",
            "let t = Instant::now();",
            "let t = std::time::SystemTime::now();",
            "use tokio::sync::mpsc;",
            "std::thread::spawn(f);",
            "use std::time::Instant as Clock;",
            "let t = jiff::Timestamp::now();",
            "let t = jiff::Zoned::now();",
            "let id = Uuid::new_v4();",
            "let key = SigningKey::random(&mut OsRng);",
        ] {
            let text = format!("//! x\n{bad}\n");
            for pure in ["crates/imaging/src/x.rs", "crates/app/src/record/case.rs", "crates/app/src/decision/seal.rs"]
            {
                assert_eq!(findings(pure, &text).len(), 1, "{pure}: {bad}");
            }
            for open in ["crates/app/src/x.rs", "crates/app/src/decisions/signing.rs", "crates/app/src/records.rs"] {
                assert_eq!(findings(open, &text), [""; 0], "allowed elsewhere: {open}: {bad}");
            }
        }
        let given =
            "//! x\nfn at(now: jiff::Timestamp) -> String { format!(\"{now} {}\", Uuid::new_v5(&space, name)) }";
        assert_eq!(findings("crates/app/src/decision/payload.rs", given), [""; 0], "as arguments");
    }

    #[test]
    fn only_the_colleagues_of_the_sandbox_know_the_application() {
        for bad in ["use app::Desk;", "fn a(desk: &app::Desk) {}", "use contract::Request;"] {
            let text = format!("//! x\n{bad}\n");
            assert_eq!(findings("crates/sandbox/src/oidc/mod.rs", &text).len(), 1, "{bad}");
            assert_eq!(findings("crates/sandbox/src/colleagues/mod.rs", &text), [""; 0], "at a desk: {bad}");
        }
        let good = "//! x\n// app::Desk is a word here\nlet app: Router = map::of();\n";
        assert_eq!(findings("crates/sandbox/src/start.rs", good), [""; 0], "other names");
    }

    #[test]
    fn the_tests_of_a_pure_crate_may_read_files() {
        assert_eq!(findings("crates/imaging/tests/places.rs", "//! x\nuse std::fs;"), [""; 0], "a test target");
    }

    #[test]
    fn tests_neither_sleep_nor_are_switched_off() {
        let text = "//! x\nfn pause() { sleep(d) }\n#[cfg(test)]\nmod tests {\n#[test]\n#[ignore = \"\"]\nfn a() { sleep(d) }\n}";
        assert_eq!(findings("crates/app/src/x.rs", text).len(), 2, "what ships may sleep");
        assert_eq!(
            findings("crates/app/tests/x.rs", "//! x\nfn a() { tokio::time::sleep(d).await }").len(),
            1,
            "a test target"
        );
        assert_eq!(
            findings("crates/app/tests/x.rs", "//! x\n// #[ignore] and sleep() are words here\n"),
            [""; 0],
            "a comment"
        );
    }

    #[test]
    fn names_of_types_say_what_they_do() {
        assert_eq!(findings("a.rs", "//! x\nstruct SessionManager;").len(), 1, "a manager");
        assert_eq!(findings("a.rs", "//! x\nmod utils;").len(), 1, "a drawer for everything");
        assert_eq!(
            findings("a.rs", "//! x\nenum HealthcareService {}\nstruct Utility;\nlet service = 1;"),
            [""; 0],
            "terms of others"
        );
    }
}
