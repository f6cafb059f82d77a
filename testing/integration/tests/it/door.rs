//! The door without a window, as IT and other programs call it.

use crate::{MODERATOR, part10::Part10};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Output},
};
use testkit::Platform;

fn konsil(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_konsil-test")).args(arguments).output().expect("the program can be started")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("one JSON value: {error}: {output:?}"))
}

/// Compares a signed decision with what lies on the platform, as somebody would who trusts no program of ours.
pub(crate) async fn verifies(platform: &Platform, patient: &str, canonical: &str) {
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a path of text").to_owned()
    };
    let plans = records.search(&format!("CarePlan?subject=Patient/{patient}&_count=50")).await.expect("plans");
    let mut pairs = Vec::new();
    for plan in &plans {
        let target = format!("CarePlan/{}", plan["id"].as_str().expect("an id"));
        let signatures = records.search(&format!("Provenance?target={target}")).await.expect("signatures");
        pairs.extend(signatures.into_iter().map(|signature| (plan, signature)));
    }
    let [(plan, provenance)] = pairs.as_slice() else { panic!("one signature, found {}", pairs.len()) };
    let signature = &provenance["signature"][0];
    let jws = decoded(signature["data"].as_str().expect("a JWS"));
    let key = signature["extension"][0]["valueString"].as_str().expect("the key beside it");
    let record = records.read(&format!("Patient/{patient}")).await.expect("the patient");
    let (payload, jws, key) = (write("payload", canonical), write("jws", &jws), write("key", key));
    let (plan_file, patient_file) = (write("plan", &plan.to_string()), write("patient", &record.to_string()));
    let verify = |payload: &str, plan: &str| {
        konsil(&["verify", payload, "--signature", &jws, "--key", &key, "--plan", plan, "--patient", &patient_file])
    };
    let output = verify(&payload, &plan_file);
    assert_eq!((output.status.code(), &json(&output)["finding"]), (Some(0), &"matches".into()), "{output:?}");
    let changed = write("changed", &plan.to_string().replace("6 Zyklen", "7 Zyklen"));
    let output = verify(&payload, &changed);
    assert_eq!((output.status.code(), &json(&output)["finding"]), (Some(1), &"differs".into()), "{output:?}");
    assert_eq!(json(&output)["fields"], serde_json::json!(["activities"]), "the field is named");
    let broken = write("broken", &canonical.replace("6 Zyklen", "7 Zyklen"));
    let output = verify(&broken, &plan_file);
    assert_eq!((output.status.code(), &json(&output)["finding"]), (Some(2), &"broken".into()), "{output:?}");
    let output = konsil(&["verify", &payload, "--signature", &jws, "--key", &jws]);
    assert_eq!(output.status.code(), Some(3), "a JWS is no key");
}

/// Base64 (RFC 4648 §4), by hand: the program's own decoder is what is being checked.
fn decoded(text: &str) -> String {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bytes: Vec<u8> = digits
        .chunks(4)
        .flat_map(|four| {
            let all = four.iter().fold(0, |all, digit| all << 6 | digit) << (6 * (4 - four.len()));
            all.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect();
    String::from_utf8(bytes).expect("a JWS is text")
}

#[test]
fn the_self_test_holds() {
    let output = konsil(&["selftest", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let lines: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    let names: Vec<_> = lines.iter().map(|line| line["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["decode-worker", "vault", "signature"], "what is tried");
    assert!(lines.iter().all(|line| line["ok"] == true), "and holds: {lines:?}");
}

/// An object of explicit little endian with a preamble (PS3.10 7.1), its pixels big, signed and in 16 bits.
fn file(pixels: &[u8], frames: &str) -> Vec<u8> {
    let mut file = Part10::new();
    file.put(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1\0");
    file.put(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0");
    file.put(0x0008, 0x0018, b"UI", b"1.2.3.4\0");
    file.put(0x0008, 0x0060, b"CS", b"CT");
    file.put(0x0010, 0x0010, b"PN", b"Nobody^Nils ");
    file.put(0x0010, 0x0020, b"LO", b"N1");
    file.put(0x0020, 0x000D, b"UI", b"1.2.3\0");
    file.put(0x0020, 0x000E, b"UI", b"1.2.3.9\0");
    file.put(0x0028, 0x0002, b"US", &[1, 0]);
    file.put(0x0028, 0x0004, b"CS", b"MONOCHROME2 ");
    file.put(0x0028, 0x0008, b"IS", frames.as_bytes());
    file.put(0x0028, 0x0010, b"US", &[1, 0]);
    file.put(0x0028, 0x0011, b"US", &[2, 0]);
    file.put(0x0028, 0x0100, b"US", &[16, 0]);
    file.put(0x0028, 0x0101, b"US", &[12, 0]);
    file.put(0x0028, 0x0102, b"US", &[11, 0]);
    file.put(0x0028, 0x0103, b"US", &[1, 0]);
    file.put(0x7FE0, 0x0010, b"OW", pixels);
    file.into_bytes()
}

/// An example of `docs/door.md`, by the name before its block.
fn example(name: &str) -> Value {
    let text = include_str!("../../../../docs/door.md");
    let (_, behind) = text.split_once(&format!("<!-- example: {name} -->\n```json\n")).expect("the example is there");
    let (block, _) = behind.split_once("\n```").expect("the block ends");
    serde_json::from_str(block).unwrap_or_else(|error| panic!("{name} is JSON: {error}"))
}

/// What an answer has that an example has not, or the other way round. Values are the example's own; what is null or
/// empty in one of both has no shape.
fn unlike(at: &str, example: &Value, answer: &Value) -> Vec<String> {
    match (example, answer) {
        (Value::Null, _) | (_, Value::Null) => Vec::new(),
        (Value::Object(example), Value::Object(answer)) => {
            let names: BTreeSet<&String> = example.keys().chain(answer.keys()).collect();
            let of = |name: &String| match (example.get(name), answer.get(name)) {
                (Some(example), Some(answer)) => unlike(&format!("{at}.{name}"), example, answer),
                _ => vec![format!("{at}.{name} is in one of both")],
            };
            names.into_iter().flat_map(of).collect()
        }
        (Value::Array(example), Value::Array(answer)) => match (example.first(), answer.first()) {
            (Some(example), Some(answer)) => unlike(&format!("{at}[]"), example, answer),
            _ => Vec::new(),
        },
        _ if std::mem::discriminant(example) == std::mem::discriminant(answer) => Vec::new(),
        _ => vec![format!("{at}: {example} and {answer}")],
    }
}

#[test]
fn the_examples_of_the_documentation_are_answers_of_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = |name: &str| path(folder.path(), name);
    let write = |file: &str, bytes: &[u8]| std::fs::write(folder.path().join(file), bytes).expect("a file");
    let whole = file(&[1, 0, 2, 0, 3, 0, 4, 0], "2 ");
    write("1.dcm", &whole);
    write("2.dcm", &whole[..whole.len() - 3]);
    let vector: Value =
        serde_json::from_str(include_str!("../../../../crates/app/tests/fixtures/signature-vector.json"))
            .expect("the vector is JSON");
    let word = |name: &str| vector[name].as_str().expect("text");
    write("payload", word("canonical_utf8").as_bytes());
    write("broken", word("canonical_utf8").replace("60 bis", "61 bis").as_bytes());
    write("jws", word("jws_detached").as_bytes());
    write("key", vector["public_jwk"].to_string().as_bytes());
    let decode = |frame: &str| konsil(&["decode", &name("2.dcm"), "--frame", frame, "-o", &name("out.raw")]);
    let verify =
        |payload: &str| konsil(&["verify", &name(payload), "--signature", &name("jws"), "--key", &name("key")]);
    let folder_name = folder.path().to_str().expect("text");
    for (example_name, output, code) in [
        ("inspect", konsil(&["inspect", folder_name, "--json"]), 1),
        ("decode", decode("1"), 0),
        ("decode-refused", decode("2"), 1),
        ("verify", verify("payload"), 0),
        ("verify-broken", verify("broken"), 2),
    ] {
        assert_eq!(output.status.code(), Some(code), "{example_name}: {output:?}");
        assert_eq!(unlike(example_name, &example(example_name), &json(&output)), [""; 0], "the same fields");
    }
    let output = konsil(&["selftest", "--json"]);
    let first = output.stdout.split(|byte| *byte == b'\n').next().expect("a line");
    let first: Value = serde_json::from_slice(first).expect("JSON");
    assert_eq!((&first, output.status.code()), (&example("selftest"), Some(0)), "its first line");
    let refused = example("verify-broken");
    assert_eq!(json(&verify("broken")), refused, "nothing in this one is its own");
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a path of text").to_owned()
}

#[test]
fn stored_values_are_given_exactly() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (object, values) = (path(folder.path(), "a.dcm"), path(folder.path(), "out.raw"));
    // Two frames of two pixels; the four upper bits are overlay of an old device and no part of the value.
    std::fs::write(&object, file(&[1, 0, 2, 0, 0xFF, 0x5F, 0x00, 0x18], "2 ")).expect("a file");
    let output = konsil(&["decode", &object, "--frame", "2", "-o", &values]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // 0xFFF and 0x800 in 12 bits of two's complement are -1 and -2048.
    let expected: Vec<u8> = [-1_i16, -2048].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(std::fs::read(&values).expect("values"), expected, "masked and sign-extended (PS3.5 8.1.1)");
    let answer = json(&output);
    for (name, value) in [("rows", 1), ("columns", 2), ("bits", 16), ("samples", 1)] {
        assert_eq!(answer[name], value, "{name}");
    }
    assert_eq!((&answer["signed"], &answer["photometric"]), (&true.into(), &"MONOCHROME2".into()), "what they mean");
    for frame in ["0", "3"] {
        let output = konsil(&["decode", &object, "--frame", frame, "-o", &values]);
        assert_eq!(output.status.code(), Some(3), "frames count from 1 to 2: {frame}");
    }
}

#[test]
fn damage_is_told_by_file_and_the_rest_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let whole = file(&[1, 0, 2, 0, 3, 0, 4, 0], "2 ");
    std::fs::write(folder.path().join("whole.dcm"), &whole).expect("a file");
    std::fs::write(folder.path().join("cut.dcm"), &whole[..whole.len() - 3]).expect("a file");
    std::fs::write(folder.path().join("note.txt"), "no image").expect("a file");
    let output = konsil(&["inspect", folder.path().to_str().expect("text"), "--json"]);
    assert_eq!(output.status.code(), Some(1), "damage was found: {output:?}");
    let answer = json(&output);
    assert_eq!((&answer["files"], &answer["objects"]), (&3.into(), &2.into()), "what is there");
    let damage: Vec<(String, Value, Value)> = answer["damage"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            (entry["file"].as_str().expect("a file").to_owned(), entry["frame"].clone(), entry["kind"].clone())
        })
        .collect();
    let name = |name: &str| path(folder.path(), name);
    let expected =
        [(name("cut.dcm"), 2.into(), "truncated".into()), (name("note.txt"), Value::Null, "not-dicom".into())];
    assert_eq!(damage, expected, "which, where and why");
    let output = konsil(&["decode", &name("cut.dcm"), "--frame", "2", "-o", &name("out")]);
    assert_eq!(output.status.code(), Some(1), "its second frame is not there");
    let output = konsil(&["decode", &name("cut.dcm"), "--frame", "1", "-o", &name("out")]);
    assert_eq!(output.status.code(), Some(0), "its first is");
    let output = konsil(&["inspect", &name("whole.dcm")]);
    assert_eq!(output.status.code(), Some(0), "nothing is wrong with the other");
}
