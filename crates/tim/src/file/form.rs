//! What an event says about its file, and what of it is believed.
//!
//! A file in parts is an `m.room.message` of type `m.text` with a readable body, and `de.konsil.file` beside it. Each
//! part is an ordinary encrypted file of Matrix; one key for all of them, and an IV for each.

use super::FileError;
use crate::conversation::Picture;
use crate::name::{clean_file, clean_media_type};
use attachment::{Key, Seal, root};
use ruma::events::room::message::MessageType;
use ruma::events::room::{
    EncryptedFile, EncryptedFileHash, EncryptedFileHashAlgorithm, EncryptedFileHashes, EncryptedFileInfo, MediaSource,
    ThumbnailInfo, V2EncryptedFileInfo,
};
use ruma::serde::Base64;
use ruma::serde::base64::{Standard, UrlSafe};
use ruma::{OwnedMxcUri, UInt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Names the block of a file in parts.
pub(crate) const MARK: &str = "de.konsil.file";
/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;
/// More parts make an event too long: 200 bytes for each, of the 40 kB that an event may have before encryption. They
/// are listed in an encrypted file of their own.
pub(super) const MOST_INLINE: usize = 128;
/// More parts than these are no file.
pub(super) const MOST_PARTS: u64 = 8192;
/// A part takes no more than this in a list, in bytes.
pub(super) const LISTED: u64 = 256;
/// So long may a list be.
pub(super) const LONGEST_LIST: u64 = MOST_PARTS * LISTED;
/// What has no media type of its own.
pub(super) const BYTES: &str = "application/octet-stream";

/// What is known of a file before it is fetched.
#[derive(Clone)]
pub(crate) struct Described {
    /// Cleaned.
    pub(crate) name: String,
    /// Cleaned.
    pub(crate) mimetype: Option<String>,
    /// As the sender says.
    pub(crate) size: Option<u64>,
    pub(super) key: Key,
    pub(super) parts: Parts,
}

/// Where the parts of a file are listed.
#[derive(Clone)]
pub(super) enum Parts {
    /// In the event.
    Here(Vec<Part>),
    /// In an encrypted file of their own.
    Listed {
        /// Of that file.
        key: Key,
        /// That file.
        list: Box<Part>,
        /// What the parts have to be together.
        whole: Whole,
    },
}

/// What the parts of a file have to be together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    size: u64,
    root: [u8; 32],
}

/// An encrypted upload.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) url: OwnedMxcUri,
    pub(super) seal: Seal,
    /// How long it is, where that is known.
    pub(super) size: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    v: u64,
    name: String,
    mimetype: String,
    size: u64,
    key: KeyForm,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartForm>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts_file: Option<EncryptedFile>,
    root: Base64<Standard, [u8; 32]>,
}

/// JSON Web Key, as Matrix writes it in `EncryptedFile`.
#[derive(Serialize, Deserialize)]
struct KeyForm {
    kty: String,
    alg: String,
    ext: bool,
    k: Base64<UrlSafe, [u8; 32]>,
    key_ops: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PartForm {
    pub(super) url: OwnedMxcUri,
    iv: Base64<Standard, [u8; 16]>,
    sha256: Base64<Standard, [u8; 32]>,
    pub(super) size: u64,
}

impl PartForm {
    pub(super) fn of(part: &Part) -> Self {
        Self {
            url: part.url.clone(),
            iv: Base64::new(part.seal.iv),
            sha256: Base64::new(part.seal.sha256),
            size: part.size.unwrap_or_default(),
        }
    }
}

impl From<PartForm> for Part {
    fn from(part: PartForm) -> Self {
        let seal = Seal { iv: *part.iv.as_inner(), sha256: *part.sha256.as_inner() };
        Self { seal, size: Some(part.size), url: part.url }
    }
}

/// The one upload of an ordinary file.
pub(super) fn encrypted_file(key: &Key, part: &Part) -> EncryptedFile {
    let info = V2EncryptedFileInfo::encode(*key.reveal(), part.seal.iv);
    EncryptedFile::new(part.url.clone(), info.into(), EncryptedFileHashes::with_sha256(part.seal.sha256))
}

/// The list of the parts, where it goes as a file.
pub(super) fn parts_list(parts: &[Part]) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&part_forms(parts))
}

/// The event of a file in parts; `list` names where they are listed if not here.
pub(super) fn parts_event(
    body: &str,
    name: &str,
    mimetype: &str,
    key: &Key,
    parts: &[Part],
    list: Option<EncryptedFile>,
) -> Value {
    let form = Form {
        v: VERSION,
        name: name.to_owned(),
        mimetype: mimetype.to_owned(),
        size: parts.iter().filter_map(|part| part.size).sum(),
        key: KeyForm {
            kty: "oct".to_owned(),
            alg: "A256CTR".to_owned(),
            ext: true,
            k: Base64::new(*key.reveal()),
            key_ops: vec!["encrypt".to_owned(), "decrypt".to_owned()],
        },
        parts: list.is_none().then(|| part_forms(parts)),
        parts_file: list,
        root: Base64::new(root(parts.iter().map(|part| &part.seal.sha256))),
    };
    json!({ "msgtype": "m.text", "body": body, "m.mentions": {}, MARK: form })
}

fn part_forms(parts: &[Part]) -> Vec<PartForm> {
    parts.iter().map(PartForm::of).collect()
}

/// The file of an ordinary message; none where it has none.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here has no file")]
pub(crate) fn described_by(message: &MessageType) -> Option<Result<Described, FileError>> {
    let (name, source, mimetype, size) = match message {
        MessageType::File(file) => {
            let info = file.info.as_deref();
            (file.filename(), &file.source, info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size))
        }
        MessageType::Image(file) => {
            let info = file.info.as_deref();
            (file.filename(), &file.source, info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size))
        }
        MessageType::Video(file) => {
            let info = file.info.as_deref();
            (file.filename(), &file.source, info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size))
        }
        MessageType::Audio(file) => {
            let info = file.info.as_deref();
            (file.filename(), &file.source, info.and_then(|i| i.mimetype.as_deref()), info.and_then(|i| i.size))
        }
        _ => return None,
    };
    let size = size.map(u64::from);
    let opened = opened(source, size);
    Some(opened.map(|(key, part)| Described {
        name: clean_file(name),
        mimetype: mimetype.and_then(clean_media_type),
        size,
        key,
        parts: Parts::Here(vec![part]),
    }))
}

/// A small picture is no larger, in bytes.
pub(super) const LARGEST_THUMBNAIL: u64 = 4 * 1024 * 1024;
/// No side of a picture is longer, in pixels.
const LONGEST_SIDE: u64 = 65_535;

/// What an event says about the picture that it is; none where it says nothing that can be.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; nothing else is a picture")]
pub(crate) fn picture_of(message: &MessageType) -> Option<Picture> {
    let (width, height) = match message {
        MessageType::Image(image) => image.info.as_deref().map(|info| (info.width, info.height))?,
        MessageType::Video(video) => video.info.as_deref().map(|info| (info.width, info.height))?,
        _ => return None,
    };
    let thumbnail = thumbnail_by(message).is_some_and(|found| found.is_ok());
    picture((width, height), thumbnail)
}

/// None where its sides are such as no picture has.
pub(super) fn picture((width, height): (Option<UInt>, Option<UInt>), thumbnail: bool) -> Option<Picture> {
    let side = |side: Option<UInt>| {
        let side = side.map(u64::from).filter(|side| (1..=LONGEST_SIDE).contains(side))?;
        u32::try_from(side).ok()
    };
    Some(Picture { width: side(width)?, height: side(height)?, thumbnail })
}

/// The small picture of a message; none where it has none.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; nothing else is a picture")]
pub(crate) fn thumbnail_by(message: &MessageType) -> Option<Result<Described, FileError>> {
    let (source, info) = match message {
        MessageType::Image(image) => {
            let info = image.info.as_deref()?;
            (info.thumbnail_source.as_ref()?, info.thumbnail_info.as_deref())
        }
        MessageType::Video(video) => {
            let info = video.info.as_deref()?;
            (info.thumbnail_source.as_ref()?, info.thumbnail_info.as_deref())
        }
        _ => return None,
    };
    // One that lies open at the homeserver is not shown either.
    Some(small(info, |size| opened(source, size)))
}

/// A small picture as it is described; `open` gives its key by its size.
pub(super) fn small(
    info: Option<&ThumbnailInfo>,
    open: impl FnOnce(Option<u64>) -> Result<(Key, Part), FileError>,
) -> Result<Described, FileError> {
    let size = info.and_then(|info| info.size).map(u64::from);
    if size.is_some_and(|size| size > LARGEST_THUMBNAIL) {
        return Err(FileError::Form);
    }
    let (key, part) = open(size)?;
    Ok(Described {
        name: "thumbnail".to_owned(),
        mimetype: info.and_then(|info| clean_media_type(info.mimetype.as_deref()?)),
        size,
        key,
        parts: Parts::Here(vec![part]),
    })
}

fn opened(source: &MediaSource, size: Option<u64>) -> Result<(Key, Part), FileError> {
    let MediaSource::Encrypted(file) = source else { return Err(FileError::Form) };
    unlocked(file, size)
}

pub(super) fn unlocked(file: &EncryptedFile, size: Option<u64>) -> Result<(Key, Part), FileError> {
    let EncryptedFileInfo::V2(info) = &file.info else { return Err(FileError::Form) };
    let Some(EncryptedFileHash::Sha256(hash)) = file.hashes.get(&EncryptedFileHashAlgorithm::Sha256) else {
        return Err(FileError::Form);
    };
    let seal = Seal { iv: *info.iv.as_inner(), sha256: *hash.as_inner() };
    Ok((Key::new(*info.k.as_inner()), Part { url: file.url.clone(), seal, size }))
}

/// The file in parts of an event's JSON; none where the event has none.
pub(crate) fn in_parts(event: &str) -> Option<Result<Described, FileError>> {
    // Most events are text, and text is looked through each time that a line is drawn.
    if !event.contains(MARK) {
        return None;
    }
    let event: Value = serde_json::from_str(event).ok()?;
    let block = event["content"].get(MARK)?.clone();
    if block["v"] != VERSION {
        return Some(Err(FileError::Form));
    }
    let form = serde_json::from_value::<Form>(block).map_err(|_error| FileError::Form);
    Some(form.and_then(believed))
}

fn believed(form: Form) -> Result<Described, FileError> {
    if form.key.kty != "oct" || form.key.alg != "A256CTR" || form.size == 0 {
        return Err(FileError::Form);
    }
    let whole = Whole { size: form.size, root: *form.root.as_inner() };
    let parts = match (form.parts, form.parts_file) {
        (Some(parts), None) if parts.len() <= MOST_INLINE => Parts::Here(whole.of(parts)?),
        (None, Some(file)) => {
            let (key, list) = unlocked(&file, None)?;
            Parts::Listed { key, list: Box::new(list), whole }
        }
        (Some(_), _) | (None, None) => return Err(FileError::Form),
    };
    Ok(Described {
        name: clean_file(&form.name),
        mimetype: clean_media_type(&form.mimetype),
        size: Some(form.size),
        key: Key::new(*form.key.k.as_inner()),
        parts,
    })
}

impl Whole {
    /// The parts of a list that came as a file.
    pub(super) fn listed(&self, list: &[u8]) -> Result<Vec<Part>, FileError> {
        self.of(serde_json::from_slice(list).map_err(|_error| FileError::Form)?)
    }

    fn of(&self, parts: Vec<PartForm>) -> Result<Vec<Part>, FileError> {
        let counted = (1..=MOST_PARTS).contains(&(parts.len() as u64));
        let size = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.size));
        let sized = size == Some(self.size) && parts.iter().all(|part| part.size > 0);
        let hashes = root(parts.iter().map(|part| part.sha256.as_inner())) == self.root;
        if !(counted && sized && hashes) {
            return Err(FileError::Form);
        }
        Ok(parts.into_iter().map(Part::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{FileError, Key, MARK, Part, Parts, Seal, encrypted_file, in_parts, parts_event, parts_list};
    use serde_json::{Value, json};

    fn part(number: u8, size: u64) -> Part {
        Part {
            url: format!("mxc://tim.example/{number}").into(),
            seal: Seal { iv: [number; 16], sha256: [number; 32] },
            size: Some(size),
        }
    }

    fn parts() -> [Part; 2] {
        [part(1, 1_048_576), part(2, 7)]
    }

    fn event() -> Value {
        let content = parts_event("Datei CT.zip", "CT.zip", "application/zip", &Key::new([9; 32]), &parts(), None);
        json!({ "type": "m.room.message", "content": content })
    }

    #[test]
    fn a_file_in_parts_reads_back_as_it_was_written() {
        let event = event();
        assert_eq!(event["content"]["msgtype"], "m.text", "other programs show its text");
        let key = &event["content"][MARK]["key"];
        // 32 bytes of 9 in base64url, by Python's base64 module.
        let jwk = json!({
            "kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"],
            "k": "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk",
        });
        assert_eq!(*key, jwk, "the key has the form that Matrix' encrypted files have");
        let file = in_parts(&event.to_string()).expect("it has one").expect("it is well formed");
        assert_eq!((file.name.as_str(), file.size), ("CT.zip", Some(1_048_583)), "name and size");
        let Parts::Here(parts) = file.parts else { panic!("they are in the event") };
        assert_eq!(parts.len(), 2, "both parts");
        assert_eq!(file.key.reveal(), &[9; 32], "the key");
    }

    #[test]
    fn parts_that_are_listed_in_a_file_have_to_add_up_as_well() {
        let list = encrypted_file(&Key::new([7; 32]), &part(3, 400));
        let content =
            parts_event("Datei CT.zip", "CT.zip", "application/zip", &Key::new([9; 32]), &parts(), Some(list));
        let mut event = json!({ "type": "m.room.message", "content": content });
        let block = &event["content"][MARK];
        assert!(block["parts"].is_null() && block["parts_file"]["v"] == "v2", "an encrypted file in place of them");
        let file = in_parts(&event.to_string()).expect("it has one").expect("it is well formed");
        let Parts::Listed { key, list, whole } = file.parts else { panic!("they are in a file") };
        assert_eq!((key.reveal(), list.url.as_str()), (&[7; 32], "mxc://tim.example/3"), "of its own");
        let there = parts_list(&parts()).expect("JSON");
        assert_eq!(whole.listed(&there).expect("they add up").len(), 2, "both parts");
        let missing = parts_list(&parts()[..1]).expect("JSON");
        let turned = parts_list(&[part(2, 7), part(1, 1_048_576)]).expect("JSON");
        for (what, list) in [("a part is missing", missing), ("another order", turned), ("no list", b"{}".to_vec())] {
            assert!(matches!(whole.listed(&list), Err(FileError::Form)), "{what}");
        }
        event["content"][MARK]["parts"] = json!([]);
        let both = in_parts(&event.to_string()).expect("it has one");
        assert!(matches!(both, Err(FileError::Form)), "both ways are none");
    }

    #[test]
    fn what_does_not_add_up_is_no_file() {
        type Change = (&'static str, fn(&mut Value));
        let changes: [Change; 8] = [
            ("a newer version", |block| block["v"] = json!(2)),
            ("another size", |block| block["size"] = json!(5)),
            ("parts in another order", |block| block["parts"].as_array_mut().expect("parts").reverse()),
            ("a part that is missing", |block| {
                block["parts"].as_array_mut().expect("parts").pop();
            }),
            ("no parts", |block| block["parts"] = json!([])),
            ("another cipher", |block| block["key"]["alg"] = json!("A128CTR")),
            ("a short key", |block| block["key"]["k"] = json!("CQkJ")),
            ("sizes that run over", |block| block["parts"][0]["size"] = json!(u64::MAX)),
        ];
        for (what, change) in changes {
            let mut event = event();
            change(&mut event["content"][MARK]);
            let read = in_parts(&event.to_string()).expect("it has one");
            assert!(matches!(read, Err(FileError::Form)), "{what}");
        }
    }

    #[test]
    fn hostile_names_and_types_are_cleaned() {
        let mut event = event();
        event["content"][MARK]["name"] = json!("../..\\etc/\u{202E}gpj.exe");
        event["content"][MARK]["mimetype"] = json!("text/html\r\nX-Evil: 1");
        let file = in_parts(&event.to_string()).expect("it has one").expect("it is well formed");
        assert_eq!(file.name, "gpj.exe", "no path, no turned direction");
        assert_eq!(file.mimetype, None, "no media type");
    }
}
