//! Looks through what the real window has written in clear while it was walked, its log and what its web view has left:
//! no line names a patient of the demonstration. Whoever reads the finding is told where, and not who.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// What names the patients of the demonstration.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Family names, numbers and birth dates, which count wherever they stand.
    anywhere: BTreeSet<String>,
    /// Given names, which count as whole words: their few letters stand in other words too.
    words: BTreeSet<String>,
}

impl Names {
    /// As `assets/demo` invents them.
    pub(crate) fn of_the_demonstration(root: &Path) -> Result<Self> {
        let folder = root.join("assets/demo");
        let mut files = vec![folder.join("othercases.json")];
        let patients = folder.join("patients");
        for entry in fs::read_dir(&patients).with_context(|| format!("read {}", patients.display()))? {
            files.push(entry?.path());
        }
        let mut recipes = Vec::new();
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
            let recipe: Value = serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
            match recipe["cases"].as_array() {
                Some(cases) => recipes.extend(cases.iter().cloned()),
                None => recipes.push(recipe),
            }
        }
        Ok(Self::of(&recipes, this_year()))
    }

    fn of(recipes: &[Value], year: i64) -> Self {
        let mut names = Self::default();
        for recipe in recipes {
            let text = |value: &Value| value.as_str().map(str::to_lowercase);
            let numbers = recipe["pids"].as_object().into_iter().flat_map(|pids| pids.values());
            let alone = [&recipe["name"]["family"], &recipe["kvnr"]].into_iter().chain(numbers).filter_map(text);
            names.anywhere.extend(alone);
            let given = text(&recipe["name"]["given"]).unwrap_or_default();
            // Shorter ones are words of German.
            names.words.extend(given.split(' ').filter(|name| name.chars().count() >= 4).map(str::to_owned));
            let number = |key: &str| recipe["birth"][key].as_i64();
            if let (Some(age), Some(month), Some(day)) = (number("age"), number("month"), number("day")) {
                // The year depends on whether this year's birthday has been, and on where it is midnight already.
                for born in year - age - 1..=year - age + 1 {
                    names.anywhere.extend([
                        format!("{born}-{month:02}-{day:02}"),
                        format!("{born}{month:02}{day:02}"),
                        format!("{day:02}.{month:02}.{born}"),
                    ]);
                }
            }
        }
        names
    }

    /// Whether a line names somebody. An id of the record may be written; those of the demonstration are made of names
    /// behind a hyphen.
    fn stand_in(&self, line: &str) -> bool {
        let line = line.to_lowercase();
        let stands = |name: &String| {
            let spelled = name.chars().all(char::is_alphabetic);
            line.match_indices(name.as_str()).any(|(at, _)| !(spelled && line[..at].ends_with('-')))
        };
        self.anywhere.iter().any(stands)
            || line.split(|c: char| !c.is_alphanumeric()).any(|word| self.words.contains(word))
    }
}

/// Near enough: a day at the turn of the year is one of the neighbors that are looked for as well.
fn this_year() -> i64 {
    const AVERAGE: u64 = 31_556_952;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    1970 + i64::try_from(now / AVERAGE).unwrap_or(0)
}

/// Looks through a profile, or through each profile of a folder of them; gives how many lines their logs have. Fails with
/// the places of lines that name somebody, and where there is no log to look through.
pub(crate) fn absent_from(folder: &Path, names: &Names) -> Result<usize> {
    let is_profile = |folder: &Path| folder.join("log").is_dir();
    let mut profiles = vec![folder.to_path_buf()];
    if !is_profile(folder) {
        let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        profiles = entries.flatten().map(|entry| entry.path()).filter(|below| is_profile(below)).collect();
    }
    if profiles.is_empty() {
        bail!("there is no log below {}", folder.display());
    }
    profiles.iter().map(|profile| absent_from_one(profile, names)).sum()
}

/// The log of a profile, and what its web view has left.
fn absent_from_one(profile: &Path, names: &Names) -> Result<usize> {
    let log = profile.join("log");
    let (lines, mut places) = looked_through(&log, names)?;
    let page = profile.join("page");
    if page.exists() {
        places.extend(looked_through(&page, names)?.1);
    }
    if !places.is_empty() {
        bail!("a patient is named in clear: {}", places.join(", "));
    }
    if lines == 0 {
        bail!("there is no line in {}", log.display());
    }
    Ok(lines)
}

/// How many lines there are in the files of a folder, and where somebody is named.
fn looked_through(folder: &Path, names: &Names) -> Result<(usize, Vec<String>)> {
    let (mut lines, mut places) = (0, Vec::new());
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            let below = looked_through(&path, names)?;
            lines += below.0;
            places.extend(below.1);
        } else if path.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            for (n, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                lines += 1;
                if names.stand_in(line) {
                    places.push(format!("{}:{}", path.display(), n + 1));
                }
            }
        }
    }
    Ok((lines, places))
}

#[cfg(test)]
mod tests {
    use super::{Names, absent_from};
    use serde_json::json;
    use std::{env, fs, path::Path, process};

    fn names() -> Names {
        let recipe = json!({
            "name": { "given": "Gernot Uwe", "family": "Auenwald" }, "kvnr": "X110127457",
            "pids": { "org-tannhalde": "TH-204417" }, "birth": { "age": 69, "month": 3, "day": 14 },
        });
        Names::of(&[recipe], 2026)
    }

    #[test]
    fn whoever_is_named_in_a_line_is_found() {
        let names = names();
        for line in [
            r#"{"fields":{"family":"Auenwald"}}"#,
            "AUENWALD^GERNOT",
            "of gernot",
            "kvnr=X110127457",
            "th-204417",
            "born 1957-03-14",
            "(0010,0030) 19570314",
            "geb. 14.03.1957",
        ] {
            assert!(names.stand_in(line), "{line}");
        }
        for line in ["read Patient/pat-auenwald", "Uwe is too short to tell", "gernotalia", "2026-03-14", "14.03.2026"]
        {
            assert!(!names.stand_in(line), "{line}");
        }
    }

    #[test]
    fn the_demonstration_has_patients_to_look_for() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let names = Names::of_the_demonstration(&root).expect("the recipes can be read");
        for line in ["Moosgrund", "TH-204502", "Ährenfeld", "ayşe"] {
            assert!(names.stand_in(line), "{line}");
        }
    }

    #[test]
    fn the_finding_tells_the_place_and_not_the_name() {
        let profile = env::temp_dir().join(format!("konsil-names-{}", process::id()));
        let (log, page) = (profile.join("log/konsil.log"), profile.join("page/storage/kept"));
        let after = |file: &Path, text: &str| {
            fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("there is room for a folder");
            fs::write(file, text).expect("there is room for a file");
            absent_from(&profile, &names()).map_err(|why| format!("{why:#}"))
        };
        let quiet = after(&log, "{\"level\":\"INFO\"}\n");
        let logged = after(&log, "{\"level\":\"INFO\"}\nAuenwald\n");
        let empty = after(&log, "");
        after(&log, "{\"level\":\"INFO\"}\n").expect("as before");
        let kept = after(&page, "\0\u{1}Auenwald");
        fs::remove_dir_all(&profile).expect("it was made here");
        assert_eq!(quiet, Ok(1), "one line that names nobody");
        for (told, place) in [(logged, "konsil.log:2"), (kept, "kept:1")] {
            let told = told.expect_err("somebody is named");
            assert!(told.contains(place) && !told.to_lowercase().contains("auenwald"), "{told}");
        }
        assert!(empty.is_err(), "a log without lines proves nothing");
        assert!(absent_from(&profile, &names()).is_err(), "nor does one that is not there");
    }

    #[test]
    fn each_profile_of_a_folder_is_looked_through() {
        let folder = env::temp_dir().join(format!("konsil-profiles-{}", process::id()));
        let write = |profile: &str, text: &str| {
            let log = folder.join(profile).join("log");
            fs::create_dir_all(&log).expect("there is room for a folder");
            fs::write(log.join("konsil.log"), text).expect("there is room for a file");
            absent_from(&folder, &names()).map_err(|why| format!("{why:#}"))
        };
        let one = write("socket", "{}\n{}\n");
        let both = write("scheme", "{}\n");
        let named = write("scheme", "{}\nAuenwald\n");
        let empty = write("scheme", "");
        fs::remove_dir_all(&folder).expect("it was made here");
        assert_eq!((one, both), (Ok(2), Ok(3)), "the lines of all");
        assert!(named.is_err_and(|told| told.contains("scheme/log/konsil.log:2")), "whichever names somebody is told");
        assert!(empty.is_err(), "and none may be without lines");
    }
}
