//! The DICOM JSON model (PS3.18 F.2) as fields.

use super::ReadError;
use super::extract::is_wanted;
use super::fields::{Field, Fields};
use base64::Engine as _;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Sequences nested deeper are not read.
const MOST_DEPTH: usize = 64;

/// Values that lie elsewhere, by the address that the metadata gives (PS3.18 F.2.6).
pub(super) type Bulk = BTreeMap<String, Vec<u8>>;

/// A data set of the JSON model. An attribute that is not as the model says is taken as missing.
pub(super) fn fields(value: &Value, bulk: &Bulk) -> Result<Fields, ReadError> {
    let object = value.as_object().ok_or(ReadError::Json)?;
    Ok(data_set(object, bulk, 0))
}

/// A look-up table that the metadata leaves out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableAddress {
    /// As the metadata gives it.
    pub address: String,
    /// Whether values or colors would be others without it. A VOI table is one of several ways to look at the
    /// same values.
    pub needed: bool,
}

/// Where the look-up tables lie that archives leave out of the metadata since they are binary.
pub(super) fn table_addresses(value: &Value) -> Vec<TableAddress> {
    let mut found = Vec::new();
    if let Some(object) = value.as_object() {
        collect(object, 0, true, &mut found);
    }
    found
}

fn collect(object: &Map<String, Value>, depth: usize, needed: bool, found: &mut Vec<TableAddress>) {
    if depth > MOST_DEPTH {
        return;
    }
    for (key, attribute) in object {
        let Some(tag) = tag(key).filter(|&tag| is_wanted(tag)) else { continue };
        if is_table(tag) {
            let address = attribute.get("BulkDataURI").and_then(Value::as_str).map(str::to_owned);
            found.extend(address.map(|address| TableAddress { address, needed }));
        }
        if attribute.get("vr").and_then(Value::as_str) == Some("SQ")
            && let Some(items) = attribute.get("Value").and_then(Value::as_array)
        {
            let needed = needed && tag != tags::VOILUT_SEQUENCE;
            items.iter().filter_map(Value::as_object).for_each(|item| collect(item, depth + 1, needed, found));
        }
    }
}

fn is_table(tag: Tag) -> bool {
    matches!(
        tag,
        tags::LUT_DATA
            | tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA
            | tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA
    )
}

fn data_set(object: &Map<String, Value>, bulk: &Bulk, depth: usize) -> Fields {
    let mut fields = Fields::default();
    // serde_json refuses input nested deeper than 128 by itself; this bounds values built in memory.
    if depth > MOST_DEPTH {
        return fields;
    }
    for (key, attribute) in object {
        let Some(tag) = tag(key).filter(|&tag| is_wanted(tag)) else { continue };
        if let Some(field) = attribute.as_object().and_then(|attribute| field(attribute, bulk, depth)) {
            fields.put(tag, field);
        }
    }
    fields
}

fn tag(key: &str) -> Option<Tag> {
    if key.len() != 8 {
        return None;
    }
    let number = u32::from_str_radix(key, 16).ok()?;
    Some(Tag(u16::try_from(number >> 16).ok()?, u16::try_from(number & 0xFFFF).ok()?))
}

fn field(attribute: &Map<String, Value>, bulk: &Bulk, depth: usize) -> Option<Field> {
    if let Some(bytes) = attribute.get("BulkDataURI").and_then(|address| bulk.get(address.as_str()?)) {
        return Some(Field::Bytes(bytes.clone()));
    }
    if let Some(binary) = attribute.get("InlineBinary") {
        let bytes = base64::engine::general_purpose::STANDARD.decode(binary.as_str()?).ok()?;
        return Some(Field::Bytes(bytes));
    }
    let values = attribute.get("Value")?.as_array()?;
    Some(match attribute.get("vr").and_then(Value::as_str)? {
        "SQ" => Field::Items(
            values
                .iter()
                .map(|item| item.as_object().map_or_else(Fields::default, |o| data_set(o, bulk, depth + 1)))
                .collect(),
        ),
        "PN" => Field::Text(values.iter().map(|name| text(name.get("Alphabetic").unwrap_or(name))).collect()),
        "US" | "SS" | "UL" | "SL" | "FL" | "FD" | "OW" | "OF" | "OD" | "OL" => {
            let numbers: Option<Vec<f64>> = values.iter().map(number).collect();
            Field::Numbers(numbers?)
        }
        _ => Field::Text(values.iter().map(text).collect()),
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| super::fields::decimal(value.as_str()?))
}
