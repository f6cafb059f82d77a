//! Attribute values of either source in one form: text, numbers, bytes, items.

use super::walk::Encoding;
use crate::read::extract::is_wanted;
use dicom_core::value::{PrimitiveValue, Value};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::text::SpecificCharacterSet;
use dicom_object::{InMemDicomObject, mem::InMemElement};
use dicom_transfer_syntax_registry::entries;
use std::collections::BTreeMap;
use std::ops::Range;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Field {
    Text(Vec<String>),
    Numbers(Vec<f64>),
    Bytes(Vec<u8>),
    Items(Vec<Fields>),
}

/// A data set with the attributes that this crate reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Fields(BTreeMap<Tag, Field>);

impl Fields {
    pub(super) fn put(&mut self, tag: Tag, field: Field) {
        self.0.insert(tag, field);
    }

    /// Parses the elements at `ranges`. One that cannot be parsed is left out: a broken description
    /// must not hide an image.
    pub(super) fn from_elements(bytes: &[u8], ranges: &[Range<usize>], encoding: Encoding) -> Self {
        let syntax = match (encoding.explicit, encoding.big_endian) {
            (_, true) => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
            (true, false) => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
            (false, false) => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        };
        let parse =
            |part: &[u8], set: SpecificCharacterSet| InMemDicomObject::read_dataset_with_ts_cs(part, &syntax, set).ok();
        let joined: Vec<u8> = ranges.iter().flat_map(|r| bytes.get(r.clone()).unwrap_or_default()).copied().collect();
        if let Some(object) = parse(&joined, SpecificCharacterSet::default()) {
            return Self::from_object(&object);
        }
        let mut fields = Self::default();
        let mut set = SpecificCharacterSet::default();
        for range in ranges {
            let Some(object) = parse(bytes.get(range.clone()).unwrap_or_default(), set.clone()) else { continue };
            let part = Self::from_object(&object);
            if let Some(known) =
                part.text(tags::SPECIFIC_CHARACTER_SET).and_then(|c| SpecificCharacterSet::from_code(&c))
            {
                set = known;
            }
            fields.0.extend(part.0);
        }
        fields
    }

    /// Adds elements that a converter wrote as UN: their value is encoded as in implicit VR little
    /// endian, and the dictionary knows what they are (PS3.5 6.2.2 Note 2).
    pub(super) fn add_unknown(&mut self, bytes: &[u8], elements: &[(Tag, Range<usize>)]) {
        let mut implicit = Vec::new();
        for (tag, range) in elements {
            let Ok(length) = u32::try_from(range.len()) else { continue };
            implicit.extend(tag.group().to_le_bytes());
            implicit.extend(tag.element().to_le_bytes());
            implicit.extend(length.to_le_bytes());
            implicit.extend(bytes.get(range.clone()).unwrap_or_default());
        }
        let set = self.text(tags::SPECIFIC_CHARACTER_SET).and_then(|code| SpecificCharacterSet::from_code(&code));
        let syntax = entries::IMPLICIT_VR_LITTLE_ENDIAN.erased();
        if !implicit.is_empty()
            && let Ok(object) =
                InMemDicomObject::read_dataset_with_ts_cs(&implicit[..], &syntax, set.unwrap_or_default())
        {
            self.0.extend(Self::from_object(&object).0);
        }
    }

    fn from_object(object: &InMemDicomObject) -> Self {
        let mut fields = Self::default();
        for element in object {
            let tag = element.header().tag;
            if is_wanted(tag)
                && let Some(field) = field_of(element)
            {
                fields.put(tag, field);
            }
        }
        fields
    }

    /// The first value as text without padding; `None` if missing or empty.
    pub(super) fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|text| !text.is_empty())
    }

    /// All values as text without padding.
    pub(super) fn texts(&self, tag: Tag) -> Vec<String> {
        match self.0.get(&tag) {
            Some(Field::Text(values)) => values.iter().map(|v| v.trim_matches([' ', '\0']).to_owned()).collect(),
            Some(Field::Numbers(values)) => values.iter().map(f64::to_string).collect(),
            Some(Field::Bytes(bytes)) => vec![String::from_utf8_lossy(bytes).trim_matches([' ', '\0']).to_owned()],
            Some(Field::Items(_)) | None => Vec::new(),
        }
    }

    /// All values as numbers; decimal strings are read leniently, one that is no number is left out
    /// together with all that follow, so that a position never moves to another axis.
    pub(super) fn numbers(&self, tag: Tag) -> Vec<f64> {
        match self.0.get(&tag) {
            Some(Field::Text(values)) => values.iter().map_while(|v| decimal(v)).collect(),
            Some(Field::Numbers(values)) => values.clone(),
            Some(Field::Bytes(_) | Field::Items(_)) | None => Vec::new(),
        }
    }

    pub(super) fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag).first().copied()
    }

    /// Exactly `N` finite numbers.
    pub(super) fn vector<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        let numbers = self.numbers(tag);
        let vector: [f64; N] = numbers.get(..N)?.try_into().ok()?;
        vector.iter().all(|v| v.is_finite()).then_some(vector)
    }

    pub(super) fn integer(&self, tag: Tag) -> Option<i64> {
        let number = self.number(tag)?;
        #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within 53 bits")]
        (number.fract() == 0.0 && number.abs() < 9.0e15).then_some(number as i64)
    }

    pub(super) fn u16(&self, tag: Tag) -> Option<u16> {
        self.integer(tag).and_then(|v| u16::try_from(v).ok())
    }

    /// Words of 16 bits, whatever the value representation says about their sign.
    pub(super) fn words(&self, tag: Tag) -> Vec<u16> {
        match self.0.get(&tag) {
            Some(Field::Numbers(values)) => values.iter().map(|&v| word(v)).collect(),
            Some(Field::Bytes(bytes)) => bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect(),
            Some(Field::Text(values)) => values.iter().map_while(|v| decimal(v)).map(word).collect(),
            Some(Field::Items(_)) | None => Vec::new(),
        }
    }

    pub(super) fn items(&self, tag: Tag) -> &[Self] {
        match self.0.get(&tag) {
            Some(Field::Items(items)) => items,
            Some(Field::Text(_) | Field::Numbers(_) | Field::Bytes(_)) | None => &[],
        }
    }
}

fn field_of(element: &InMemElement) -> Option<Field> {
    Some(match element.value() {
        Value::Sequence(sequence) => Field::Items(sequence.items().iter().map(Fields::from_object).collect()),
        Value::Primitive(primitive) => match primitive {
            PrimitiveValue::Empty => return None,
            PrimitiveValue::U8(bytes) => Field::Bytes(bytes.to_vec()),
            PrimitiveValue::U16(_)
            | PrimitiveValue::I16(_)
            | PrimitiveValue::U32(_)
            | PrimitiveValue::I32(_)
            | PrimitiveValue::U64(_)
            | PrimitiveValue::I64(_)
            | PrimitiveValue::F32(_)
            | PrimitiveValue::F64(_) => Field::Numbers(primitive.to_multi_float64().ok()?),
            PrimitiveValue::Strs(_)
            | PrimitiveValue::Str(_)
            | PrimitiveValue::Tags(_)
            | PrimitiveValue::Date(_)
            | PrimitiveValue::DateTime(_)
            | PrimitiveValue::Time(_) => {
                if element.vr() == VR::PN || primitive.multiplicity() > 1 {
                    Field::Text(primitive.to_multi_str().to_vec())
                } else {
                    Field::Text(primitive.to_str().split('\\').map(str::to_owned).collect())
                }
            }
        },
        Value::PixelSequence(_) => return None,
    })
}

/// A decimal string: padding, a comma for the point and a plus sign are forgiven (PS3.5 6.2).
pub(super) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_matches([' ', '\0', '\t']).replace(',', ".");
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

fn word(value: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two's complement of 16 bits is meant")]
    {
        value as i64 as u16
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimal_strings_are_read_leniently() {
        for (text, expected) in [
            ("1.0 ", Some(1.0)),
            ("-1.5E+2\0", Some(-150.0)),
            (" +3", Some(3.0)),
            ("0,5", Some(0.5)),
            ("", None),
            ("nan", None),
            ("1.0.0", None),
        ] {
            assert_eq!(decimal(text), expected, "{text:?}");
        }
    }
}
