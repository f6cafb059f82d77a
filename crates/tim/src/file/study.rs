//! What an event says about a study: a label and a small picture for people, and the place of an index, beside the file
//! itself. Whoever opens the study reads its images and believes none of this.

use super::FileError;
use super::form::{self, Described, Part, encrypted_file, unlocked};
use super::outgoing::Thumbnail;
use crate::conversation::Picture;
use attachment::Key;
use ruma::events::room::{EncryptedFile, ThumbnailInfo};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names the block.
pub(super) const MARK: &str = "de.konsil.study";
/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;
const MOST_MODALITIES: usize = 8;
const MOST_IMAGES: u32 = 1_000_000;

/// What a person reads about a study before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyLabel {
    /// Modalities as DICOM writes them: `CT`, `PT`, …
    pub modality: Vec<String>,
    /// Images.
    pub images: u32,
    /// Series.
    pub series: u32,
}

/// A study to send, beside its file.
#[derive(Clone)]
pub struct NewStudy {
    /// What is said about it.
    pub label: StudyLabel,
    /// Study Instance UID.
    pub uid: String,
    /// JSON: which image lies where in the file.
    pub index: Vec<u8>,
    /// What programs that do not know studies show.
    pub body: String,
}

impl std::fmt::Debug for NewStudy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewStudy([not shown])")
    }
}

#[derive(Serialize, Deserialize)]
struct Form {
    v: u64,
    modality: Vec<String>,
    images: u32,
    series: u32,
    study_uid: String,
    index: EncryptedFile,
    /// By the names of the client-server API (v1.11 §11.3.1, `FileInfo`), inside the block: a file in parts has no `info`.
    /// Not read with the rest: a picture that cannot be is no reason to open no study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbnail_file: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbnail_info: Option<Value>,
}

/// What an event says about a study.
pub(crate) struct DescribedStudy {
    pub(crate) label: StudyLabel,
    /// The size of its small picture, where it has one.
    pub(crate) picture: Option<Picture>,
}

/// The block of a study whose index, and whose small picture, were uploaded.
pub(super) fn block(
    study: &NewStudy,
    index: EncryptedFile,
    small: Option<(&Thumbnail, &Key, &Part)>,
) -> Result<Value, serde_json::Error> {
    let StudyLabel { modality, images, series } = study.label.clone();
    let (mut thumbnail_file, mut thumbnail_info) = (None, None);
    if let Some((thumbnail, key, part)) = small {
        thumbnail_file = Some(serde_json::to_value(encrypted_file(key, part))?);
        thumbnail_info = Some(serde_json::to_value(thumbnail.info(part))?);
    }
    let study_uid = study.uid.clone();
    serde_json::to_value(Form {
        v: VERSION,
        modality,
        images,
        series,
        study_uid,
        index,
        thumbnail_file,
        thumbnail_info,
    })
}

/// What an event says about its study; none where it has none, or a form that is not known: it is a file then.
pub(crate) fn read(event: &str) -> Option<DescribedStudy> {
    let form = form(event)?;
    let picture = thumbnail_of(&form).and_then(|(info, file)| form::picture((info.width, info.height), file.is_ok()));
    Some(DescribedStudy {
        label: StudyLabel { modality: form.modality, images: form.images, series: form.series },
        picture,
    })
}

/// The small picture of the study of an event; none where it has none.
pub(super) fn thumbnail(event: &str) -> Option<Result<Described, FileError>> {
    thumbnail_of(&form(event)?).map(|(_, file)| file)
}

fn thumbnail_of(form: &Form) -> Option<(ThumbnailInfo, Result<Described, FileError>)> {
    let info: ThumbnailInfo = serde_json::from_value(form.thumbnail_info.clone()?).ok()?;
    let file: EncryptedFile = serde_json::from_value(form.thumbnail_file.clone()?).ok()?;
    let described = form::small(Some(&info), |size| unlocked(&file, size));
    Some((info, described))
}

fn form(event: &str) -> Option<Form> {
    // Most events are text, and text is looked through each time that a line is drawn.
    if !event.contains(MARK) {
        return None;
    }
    let event: Value = serde_json::from_str(event).ok()?;
    let form: Form = serde_json::from_value(event["content"].get(MARK)?.clone()).ok()?;
    // A code string (PS3.5 6.2): nothing else is drawn.
    let code = |text: &String| {
        (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let sound = form.v == VERSION
        && (1..=MOST_MODALITIES).contains(&form.modality.len())
        && form.modality.iter().all(code)
        && (1..=MOST_IMAGES).contains(&form.images)
        && (1..=form.images).contains(&form.series);
    sound.then_some(form)
}

#[cfg(test)]
mod tests {
    use super::{MARK, Picture, StudyLabel, read, thumbnail};
    use serde_json::{Value, json};

    fn event(change: impl FnOnce(&mut Value)) -> String {
        let mut block = json!({
            "v": 1, "modality": ["CT"], "images": 135, "series": 1, "study_uid": "1.2.3",
            "index": {
                "v": "v2", "url": "mxc://tim.example/1", "iv": "AAAAAAAAAAAAAAAAAAAAAA",
                "hashes": { "sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
                "key": {
                    "kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"],
                    "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                },
            },
        });
        change(&mut block);
        json!({ "content": { "msgtype": "m.file", "body": "", MARK: block } }).to_string()
    }

    #[test]
    fn a_label_is_read_as_the_form_says_and_nothing_odd_is_drawn() {
        let label = |event: &str| read(event).map(|study| study.label);
        let expected = StudyLabel { modality: vec!["CT".to_owned()], images: 135, series: 1 };
        assert_eq!(label(&event(|_| ())), Some(expected), "as it was written");
        type Change = fn(&mut Value);
        let odd: [(&str, Change); 5] = [
            ("a newer form", |block| block["v"] = json!(2)),
            ("words in the place of a code", |block| block["modality"] = json!(["CT von Anna"])),
            ("no image", |block| block["images"] = json!(0)),
            ("more series than images", |block| block["series"] = json!(136)),
            ("no index", |block| drop(block.as_object_mut().expect("an object").remove("index"))),
        ];
        for (what, change) in odd {
            assert_eq!(label(&event(change)), None, "{what}");
        }
    }

    #[test]
    fn a_small_picture_of_a_study_is_shown_where_it_can_be_and_is_no_condition_of_the_rest() {
        let with = |info: Value, file: fn(Value) -> Value| {
            event(|block| {
                block["thumbnail_file"] = file(block["index"].clone());
                block["thumbnail_info"] = info;
            })
        };
        let info = json!({ "w": 256, "h": 128, "size": 9000, "mimetype": "image/jpeg" });
        let picture = |event: &str| read(event).expect("a study").picture;
        assert_eq!(picture(&event(|_| ())), None, "a study of before");
        let sound = with(info.clone(), |file| file);
        assert_eq!(picture(&sound), Some(Picture { width: 256, height: 128, thumbnail: true }), "as it says");
        let file = thumbnail(&sound).expect("it has one").expect("it is well formed");
        assert_eq!((file.mimetype.as_deref(), file.size), (Some("image/jpeg"), Some(9000)), "what is fetched");
        let large = with(json!({ "w": 256, "h": 128, "size": 5_000_000 }), |file| file);
        assert!(thumbnail(&large).expect("it has one").is_err(), "more bytes than are fetched unasked");
        assert_eq!(picture(&large).map(|picture| picture.thumbnail), Some(false), "and it is not offered");
        for (what, event) in [
            ("no side", with(json!({ "w": 0, "h": 128 }), |file| file)),
            ("a side that no picture has", with(json!({ "w": 70_000, "h": 128 }), |file| file)),
            ("no file", with(info.clone(), |_file| json!("mxc://tim.example/1"))),
            ("no words about it", with(json!("256 by 128"), |file| file)),
        ] {
            assert_eq!(picture(&event), None, "{what}");
        }
    }
}
