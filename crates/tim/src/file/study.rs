//! What an event says about a study: a label for people and the place of an index, beside the file itself. Whoever opens
//! the study reads its images and believes none of this.

use ruma::events::room::EncryptedFile;
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
}

/// The block of a study whose index was uploaded.
pub(super) fn block(study: &NewStudy, index: EncryptedFile) -> Result<Value, serde_json::Error> {
    let StudyLabel { modality, images, series } = study.label.clone();
    serde_json::to_value(Form { v: VERSION, modality, images, series, study_uid: study.uid.clone(), index })
}

/// The label of an event that has a study; none where it has none, or a form that is not known: it is a file then.
pub(crate) fn label(event: &str) -> Option<StudyLabel> {
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
    sound.then_some(StudyLabel { modality: form.modality, images: form.images, series: form.series })
}

#[cfg(test)]
mod tests {
    use super::{MARK, StudyLabel, label};
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
}
