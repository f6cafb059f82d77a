//! Decimals in the digits that were sent. FHIR R4, data type `decimal`: the precision of a value is
//! significant, so 2.50 is shown and written back as 2.50.
//!
//! `serde_json` keeps a number as binary and forgets its last zeros. Its feature `arbitrary_precision`
//! would keep them, and with it every number that is no whole one fails in internally tagged and untagged
//! enums, ours and those of DICOM JSON. So a number that would not be written as it was read gets its digits
//! beside it, in FHIR's own place for what belongs to a primitive (R4 JSON, `_value`), and is written back
//! from there. The extension never leaves the program.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, json};

const AS_SENT: &str = "https://konsil.example/fhir/StructureDefinition/decimal-as-sent";

/// The number `name` of an element in the digits that were sent; `None` when there is no number.
#[must_use]
pub fn decimal_text(element: &Value, name: &str) -> Option<String> {
    let Value::Number(number) = element.get(name)? else { return None };
    Some(element.as_object().and_then(|members| sent(members, name, number)).unwrap_or_else(|| number.to_string()))
}

/// Reads JSON of FHIR.
pub(crate) fn read(text: &[u8]) -> Result<Value, serde_json::Error> {
    let numbers = numbers(text);
    if numbers.iter().all(|number| kept(number)) {
        return serde_json::from_slice(text);
    }
    let numbers = RefCell::new(numbers.into_iter());
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let (value, _alone) = Tree(&numbers).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Writes JSON of FHIR.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(value, &mut out);
    out
}

/// True when `serde_json` would write the number as it stands here.
fn kept(number: &str) -> bool {
    serde_json::from_str::<Number>(number).is_ok_and(|read| read.to_string() == number)
}

/// The numbers of a JSON text in their order (RFC 8259 §6). What is no JSON is found by who reads it.
fn numbers(text: &[u8]) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while text.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if text[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let rest = &text[at..];
                let length = rest
                    .iter()
                    .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
                    .unwrap_or(rest.len());
                found.extend(std::str::from_utf8(&rest[..length]));
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

/// A value, and its digits if it is a number that would lose them. `serde_json` meets numbers in the order of the
/// text, so the next one of the list is always the one that is met.
#[derive(Clone, Copy)]
struct Tree<'a, 't>(&'a RefCell<std::vec::IntoIter<&'t str>>);

type Read = (Value, Option<String>);

impl Tree<'_, '_> {
    fn number(self, number: impl Into<Value>) -> Read {
        let digits = self.0.borrow_mut().next().filter(|digits| !kept(digits)).map(str::to_owned);
        (number.into(), digits)
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_, '_> {
    type Value = Read;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_, '_> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Read, E> {
        Ok((Value::Null, None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Read, E> {
        Ok((value.into(), None))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Read, E> {
        Ok(self.number(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Read, E> {
        Ok(self.number(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Read, E> {
        Ok(self.number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Read, E> {
        Ok((value.into(), None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Read, A::Error> {
        let mut all = Vec::new();
        // No element of R4 is a list of decimals, so digits have no place here.
        while let Some((value, _digits)) = elements.next_element_seed(self)? {
            all.push(value);
        }
        Ok((all.into(), None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Read, A::Error> {
        let (mut all, mut digits) = (Map::new(), BTreeMap::new());
        while let Some(name) = members.next_key::<String>()? {
            let (value, sent) = members.next_value_seed(self)?;
            if let Some(sent) = sent {
                digits.insert(name.clone(), sent);
            }
            all.insert(name, value);
        }
        for (name, sent) in digits {
            let beside = all.entry(format!("_{name}")).or_insert_with(|| json!({}));
            let mark = json!({"url": AS_SENT, "valueString": sent});
            let Some(beside) = beside.as_object_mut() else { continue };
            if let Value::Array(extensions) = beside.entry("extension").or_insert_with(|| json!([])) {
                extensions.push(mark);
            }
        }
        Ok((all.into(), None))
    }
}

/// The digits beside a number, unless the number was changed since they were read.
fn sent(members: &Map<String, Value>, name: &str, number: &Number) -> Option<String> {
    let extensions = members.get(&format!("_{name}"))?.get("extension")?.as_array()?;
    let digits = extensions.iter().find(|one| one["url"] == AS_SENT)?["valueString"].as_str()?;
    let same = serde_json::from_str::<Number>(digits).is_ok_and(|read| read.as_f64() == number.as_f64());
    same.then(|| digits.to_owned())
}

fn put(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
        Value::Array(elements) => {
            out.push(b'[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                put(element, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            let mut first = true;
            for (name, value) in members {
                let bare = if name.starts_with('_') { without_digits(value) } else { None };
                if bare.as_ref().is_some_and(|bare| bare.is_empty()) {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                out.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                out.push(b':');
                match (bare, value) {
                    (Some(bare), _) => put(&bare.into(), out),
                    (None, Value::Number(number)) => {
                        let digits = sent(members, name, number).unwrap_or_else(|| number.to_string());
                        out.extend_from_slice(digits.as_bytes());
                    }
                    (None, value) => put(value, out),
                }
            }
            out.push(b'}');
        }
    }
}

/// What stands beside a primitive without its digits; `None` when there are none.
fn without_digits(beside: &Value) -> Option<Map<String, Value>> {
    let extensions = beside.get("extension")?.as_array()?;
    let others: Vec<Value> = extensions.iter().filter(|one| one["url"] != AS_SENT).cloned().collect();
    if others.len() == extensions.len() {
        return None;
    }
    let mut bare = beside.as_object()?.clone();
    if others.is_empty() {
        bare.remove("extension");
    } else {
        bare.insert("extension".to_owned(), others.into());
    }
    Some(bare)
}

#[cfg(test)]
mod tests {
    use super::{decimal_text, read, write};
    use serde_json::{Value, json};

    fn text(number: &str) -> String {
        format!(r#"{{"note":"-1.0 \" 2.0","n":1,"valueQuantity":{{"value":{number},"unit":"g/dL"}}}}"#)
    }

    fn quantity(number: &str) -> Value {
        read(text(number).as_bytes()).expect("it is JSON")
    }

    #[test]
    fn a_value_is_shown_and_written_back_in_the_digits_that_were_sent() {
        for number in
            ["2.50", "12.80", "140.0", "0.010", "1.0e2", "1E-7", "-0.50", "12.8", "13", "0", "18446744073709551616"]
        {
            let read = quantity(number);
            assert_eq!(decimal_text(&read["valueQuantity"], "value").as_deref(), Some(number), "shown");
            let written = String::from_utf8(write(&read)).expect("JSON is text");
            let member = format!("\"value\":{number}");
            let rest = written.split_once(&member).map(|(_, rest)| rest.chars().next());
            assert!(matches!(rest, Some(Some(',' | '}'))), "written back: {written}");
            let [sent, written] = [text(number), written].map(|text| serde_json::from_str::<Value>(&text).ok());
            assert_eq!(written, sent, "and nothing beside it");
        }
    }

    #[test]
    fn a_number_stays_a_number_for_everybody_else() {
        assert_eq!(quantity("2.50")["valueQuantity"]["value"].as_f64(), Some(2.5), "it can be drawn and compared");
    }

    #[test]
    fn what_a_server_said_about_a_number_stays_beside_it() {
        let text = br#"{"value":2.50,"_value":{"id":"v","extension":[{"url":"urn:a","valueCode":"x"}]}}"#;
        let resource = read(text).expect("it is JSON");
        assert_eq!(decimal_text(&resource, "value").as_deref(), Some("2.50"), "the digits are known");
        let written: Value = serde_json::from_slice(&write(&resource)).expect("it is JSON");
        let expected = json!({"value": 2.5, "_value": {"id": "v", "extension": [{"url": "urn:a", "valueCode": "x"}]}});
        assert_eq!(written, expected, "and the server gets back what it said");
    }

    #[test]
    fn digits_of_a_former_number_are_not_written_for_another_one() {
        let mut read = quantity("2.50");
        read["valueQuantity"]["value"] = json!(3.5);
        assert_eq!(decimal_text(&read["valueQuantity"], "value").as_deref(), Some("3.5"), "shown");
        assert!(String::from_utf8_lossy(&write(&read)).contains(r#""value":3.5"#), "written");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [&b"{\"a\":2.50"[..], b"{\"a\":1.50}x", b"\"open", b"2.5.0", b"{\"a\":1.0e}"] {
            assert!(read(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }
}
