//! What a pile of files is: the studies in it, each with what a person reads about it and with the order and the sums
//! that its archive needs. Nobody's name is kept.

use super::zip::{Layout, MOST_MEMBERS, Member};
use crate::chat::pictures::LARGEST;
use imaging::{Instance, PatientIdentity};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tim::{NewStudy, StudyLabel};

/// So much of a file is looked at; what an image says stands before its pixels.
pub(super) const HEAD: usize = 8 * 1024 * 1024;
/// A whole-slide image is one picture in thousands of frames.
const SLIDE: &str = "SM";
/// Images that the small picture of a study shows.
const MOST_SHOWN: usize = 4;

/// An image among the files, as far as it goes into a message.
#[derive(Debug, Clone)]
struct Image {
    /// Its place among the files.
    file: u32,
    member: Member,
    sop: String,
    series: String,
    number: Option<i32>,
    /// It is a part of a scan, which shows nothing by itself.
    slide: bool,
    /// Pictures in it; none in a report or a segmentation.
    pictures: u32,
}

/// The files of one study.
#[derive(Default)]
struct Pile {
    images: Vec<Image>,
    known: BTreeSet<String>,
    modality: BTreeMap<String, u32>,
    body_part: Option<String>,
    patient: Option<PatientIdentity>,
    mixed: bool,
}

/// Files as they are looked at, one after the other.
#[derive(Default)]
pub(super) struct Piles {
    studies: BTreeMap<String, Pile>,
    /// Files that are no DICOM objects.
    left_out: u32,
    count: u32,
    in_their_order: bool,
}

/// A study that can be sent.
#[derive(Debug, Clone)]
pub(super) struct Recognized {
    pub(super) uid: String,
    pub(super) label: StudyLabel,
    pub(super) body_part: Option<String>,
    /// Places of its files among those that were looked at, in the order of the archive.
    pub(super) files: Vec<u32>,
    pub(super) members: Vec<Member>,
    /// Its images name more than one person: it is not sent.
    pub(super) mixed: bool,
    /// Places among the members of the images that its small picture shows.
    shown: Vec<usize>,
    entries: Vec<Entry>,
}

/// A line of the index.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    sop: String,
    series: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<i32>,
    at: u64,
    len: u64,
}

impl Piles {
    /// Files whose order cannot be changed any more.
    pub(super) fn in_their_order() -> Self {
        Self { in_their_order: true, ..Self::default() }
    }

    /// The next file: its first bytes, its length and its sum.
    pub(super) fn add(&mut self, head: &[u8], member: Member) {
        let file = self.count;
        self.count += 1;
        match Instance::from_part10(head) {
            Ok(instance) => self.put(file, &instance, member),
            // Among others the directory of a medium, which says nothing that the images do not say themselves.
            Err(_unreadable) => self.left_out += 1,
        }
    }

    fn put(&mut self, file: u32, instance: &Instance, member: Member) {
        let pile = self.studies.entry(instance.study.as_str().to_owned()).or_default();
        let sop = instance.sop_instance.as_str();
        // The same image twice, as media hold it under two names.
        if !pile.known.insert(sop.to_owned()) {
            return;
        }
        let pictures = match instance.displayable() {
            Ok(_) if instance.modality == SLIDE => 1,
            Ok(_) => instance.number_of_frames,
            Err(_none) => 0,
        };
        let code = instance.modality.trim();
        if pictures > 0 && (1..=16).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            *pile.modality.entry(code.to_ascii_uppercase()).or_default() += pictures;
        }
        pile.body_part = pile.body_part.take().or_else(|| instance.body_part.clone());
        // What has no picture of its own may say less about the person.
        if pictures > 0 {
            pile.mixed |= pile.patient.as_ref().is_some_and(|known| !is_one_person(known, &instance.patient));
            pile.patient.get_or_insert_with(|| instance.patient.clone());
        }
        pile.images.push(Image {
            file,
            member,
            sop: sop.to_owned(),
            series: instance.series.as_str().to_owned(),
            number: instance.instance_number,
            slide: instance.modality == SLIDE,
            pictures,
        });
    }

    /// The studies that have a picture, and how many files are left out.
    pub(super) fn studies(self) -> (Vec<Recognized>, u32) {
        let (mut found, mut left_out) = (Vec::new(), self.left_out);
        for (uid, pile) in self.studies {
            let count = u32::try_from(pile.images.len()).unwrap_or(u32::MAX);
            match pile.recognized(uid, self.in_their_order) {
                Some(study) => found.push(study),
                None => left_out += count,
            }
        }
        (found, left_out)
    }
}

impl Pile {
    fn recognized(mut self, uid: String, in_their_order: bool) -> Option<Recognized> {
        if self.modality.is_empty() || self.images.len() > MOST_MEMBERS {
            return None;
        }
        // As they are read: series by series, in the order of their numbers.
        if !in_their_order {
            self.images.sort_by(|a, b| {
                let place = |image: &'_ Image| (image.number.is_none(), image.number, image.file);
                a.series.cmp(&b.series).then_with(|| place(a).cmp(&place(b)))
            });
        }
        // What most pictures are comes first.
        let mut modality: Vec<(String, u32)> = self.modality.into_iter().collect();
        modality.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let images = modality.iter().map(|(_, count)| *count).fold(0, u32::saturating_add);
        let pictured = self.images.iter().filter(|image| image.pictures > 0);
        let series = pictured.map(|image| image.series.as_str()).collect::<BTreeSet<_>>().len();
        let entry = |image: &Image| Entry {
            sop: image.sop.clone(),
            series: image.series.clone(),
            n: image.number,
            at: 0,
            len: image.member.size,
        };
        Some(Recognized {
            uid,
            label: StudyLabel {
                modality: modality.into_iter().map(|(code, _)| code).take(8).collect(),
                images,
                series: u32::try_from(series).unwrap_or(u32::MAX),
            },
            body_part: self.body_part,
            files: self.images.iter().map(|image| image.file).collect(),
            members: self.images.iter().map(|image| image.member).collect(),
            mixed: self.mixed,
            shown: shown(&self.images),
            entries: self.images.iter().map(entry).collect(),
        })
    }
}

/// The images that say most of what a study is: of as many series as there are, from within each; of more than are
/// shown, those with most images, which leaves out those that only plan the others.
fn shown(images: &[Image]) -> Vec<usize> {
    let mut series: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, image) in images.iter().enumerate() {
        if image.pictures == 0 || image.slide || image.member.size > LARGEST {
            continue;
        }
        match series.iter_mut().find(|(uid, _)| *uid == image.series) {
            Some((_, places)) => places.push(place),
            None => series.push((&image.series, vec![place])),
        }
    }
    let mut largest: Vec<usize> = (0..series.len()).collect();
    largest.sort_by_key(|&at| std::cmp::Reverse(series[at].1.len()));
    largest.truncate(MOST_SHOWN);
    // One of each, and what is left to those that have most for each that is shown.
    let mut shares = vec![0_usize; series.len()];
    for _ in 0..MOST_SHOWN {
        let room = |&&at: &&usize| shares[at] < series[at].1.len();
        let next = largest.iter().filter(room).max_by_key(|&&at| {
            let share = shares[at];
            (share == 0, series[at].1.len() / (share + 1))
        });
        let Some(&at) = next else { break };
        shares[at] += 1;
    }
    let of = |(places, share): (&Vec<usize>, usize)| {
        (0..share).map(|turn| places[(2 * turn + 1) * places.len() / (2 * share)]).collect::<Vec<_>>()
    };
    series.iter().map(|(_, places)| places).zip(shares).flat_map(of).collect()
}

/// Whether two images of a study name the same person.
pub(super) fn is_one_person(one: &PatientIdentity, other: &PatientIdentity) -> bool {
    one.id == other.id && one.name == other.name && one.birth_date == other.birth_date
}

impl Recognized {
    /// Whether each of the files is in the archive, in the order in which they were looked at.
    pub(super) fn is_in_order(&self) -> bool {
        self.files.iter().zip(0..).all(|(&file, place)| file == place)
    }

    /// The archive, before its bytes are there.
    pub(super) fn layout(&self) -> Layout {
        Layout::of(self.members.clone())
    }

    /// Where in the archive the images lie that its small picture shows.
    pub(super) fn shown(&self, layout: &Layout) -> Vec<Range<u64>> {
        let places: Vec<Range<u64>> = layout.places().collect();
        self.shown.iter().filter_map(|&place| places.get(place).cloned()).collect()
    }

    /// The name of its file: what it is, and nobody's name.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}-Bilder.zip", self.label.modality.join("-"), self.label.images)
    }

    /// What goes beside the file.
    pub(super) fn message(&self, layout: &Layout) -> NewStudy {
        let placed = self.entries.iter().zip(layout.places());
        let index: Vec<Entry> = placed.map(|(entry, place)| Entry { at: place.start, ..entry.clone() }).collect();
        NewStudy {
            label: self.label.clone(),
            uid: self.uid.clone(),
            index: serde_json::to_vec(&index).expect("numbers and identifiers"),
            body: self.body(layout.size()),
        }
    }

    /// What programs that do not know studies show. It is a message and not a word of the page, so it is written here,
    /// in the language of the house.
    pub(super) fn body(&self, size: u64) -> String {
        let images = if self.label.images == 1 { "1 Bild".to_owned() } else { format!("{} Bilder", self.label.images) };
        let megabytes = size.div_ceil(1_000_000);
        format!("Untersuchung: {}, {images}, {megabytes} MB", self.label.modality.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Member, Piles, Recognized};

    /// A data set without a preamble, as older writers left it out, in explicit VR little endian (PS3.5 7.1.2).
    fn image(instance: &str, series: &str, number: &str, name: &str, more: &[(u16, u16, &[u8; 2], &[u8])]) -> Vec<u8> {
        let rows = 2_u16.to_le_bytes();
        let mut elements: Vec<(u16, u16, &[u8; 2], Vec<u8>)> = vec![
            (0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.2".to_vec()),
            (0x0008, 0x0018, b"UI", instance.into()),
            (0x0008, 0x0060, b"CS", b"CT".to_vec()),
            (0x0010, 0x0010, b"PN", name.into()),
            (0x0018, 0x0015, b"CS", b"CHEST".to_vec()),
            (0x0020, 0x000D, b"UI", b"1.2.3".to_vec()),
            (0x0020, 0x000E, b"UI", series.into()),
            (0x0020, 0x0013, b"IS", number.into()),
            (0x0028, 0x0002, b"US", vec![1, 0]),
            (0x0028, 0x0004, b"CS", b"MONOCHROME2".to_vec()),
            (0x0028, 0x0010, b"US", rows.to_vec()),
            (0x0028, 0x0011, b"US", rows.to_vec()),
            (0x0028, 0x0100, b"US", vec![16, 0]),
            (0x0028, 0x0101, b"US", vec![16, 0]),
            (0x0028, 0x0102, b"US", vec![15, 0]),
            (0x0028, 0x0103, b"US", vec![0, 0]),
        ];
        for (group, element, vr, value) in more {
            elements.retain(|known| (known.0, known.1) != (*group, *element));
            elements.push((*group, *element, vr, value.to_vec()));
        }
        elements.sort_by_key(|element| (element.0, element.1));
        let mut bytes = [[0; 128].as_slice(), b"DICM"].concat();
        for (group, element, vr, mut value) in elements {
            if value.len() % 2 == 1 {
                value.push(if vr == b"UI" { 0 } else { b' ' });
            }
            bytes.extend([group.to_le_bytes(), element.to_le_bytes(), *vr].concat());
            bytes.extend(u16::try_from(value.len()).expect("short").to_le_bytes());
            bytes.extend(value);
        }
        // Pixel Data: OW has a length of 32 bits behind two bytes of zero.
        bytes.extend(b"\xE0\x7F\x10\x00OW\0\0\x08\0\0\0\x01\0\x02\0\x03\0\x04\0");
        bytes
    }

    fn piled(files: &[Vec<u8>]) -> (Vec<Recognized>, u32) {
        let mut piles = Piles::default();
        for file in files {
            piles.add(file, Member { size: file.len() as u64, crc: 0 });
        }
        piles.studies()
    }

    fn plain(instance: &str, series: &str, number: &str) -> Vec<u8> {
        image(instance, series, number, "Nobody^Nils", &[])
    }

    #[test]
    fn files_are_a_study_in_the_order_in_which_it_is_read() {
        let files = [
            plain("1.2.3.4.10", "1.2.3.4", "10"),
            b"a letter".to_vec(),
            plain("1.2.3.3.1", "1.2.3.3", "1"),
            plain("1.2.3.4.9", "1.2.3.4", "9"),
            plain("1.2.3.4.9", "1.2.3.4", "9"),
        ];
        let (studies, left_out) = piled(&files);
        let [study] = studies.as_slice() else { panic!("one study, not {}", studies.len()) };
        assert_eq!((study.files.as_slice(), left_out), ([2, 3, 0].as_slice(), 1), "by series and number, each once");
        assert_eq!((study.label.modality.join(" "), study.label.images, study.label.series), ("CT".into(), 3, 2), "CT");
        assert_eq!(study.body_part.as_deref(), Some("CHEST"), "the region");
        assert_eq!(study.file_name(), "CT-3-Bilder.zip", "what it is, and nobody's name");
        assert_eq!(study.body(71_200_000), "Untersuchung: CT, 3 Bilder, 72 MB", "as the form says");
        assert!(!study.is_in_order(), "they were turned round");
        let index: serde_json::Value =
            serde_json::from_slice(&study.message(&study.layout()).index).expect("the index is JSON");
        let (first, size) = (&index[0], files[2].len() as u64);
        assert_eq!(
            (&first["sop"], &first["n"], &first["len"]),
            (&"1.2.3.3.1".into(), &1.into(), &size.into()),
            "first"
        );
        // PKWARE APPNOTE.TXT 4.3.7: 30 bytes and the name before the bytes of each.
        assert_eq!((&first["at"], &index[1]["at"]), (&41.into(), &(2 * 41 + size).into()), "where they lie");
    }

    #[test]
    fn the_small_picture_shows_each_series_and_most_of_the_longest() {
        // By the number of images of each series; the expected places are counted by hand.
        let shown = |series: &[u16]| {
            let files: Vec<Vec<u8>> = series
                .iter()
                .zip(1..)
                .flat_map(|(&count, one): (_, u16)| {
                    let uid = format!("1.2.3.{one}");
                    (1..=count).map(move |number| plain(&format!("{uid}.{number}"), &uid, &number.to_string()))
                })
                .collect();
            let (studies, _) = piled(&files);
            let study = &studies[0];
            let layout = study.layout();
            let places: Vec<_> = layout.places().collect();
            let at = |shown| places.iter().position(|place| *place == shown).expect("an image of it");
            study.shown(&layout).into_iter().map(at).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[1]), [0], "all that there is");
        assert_eq!(shown(&[8]), [1, 3, 5, 7], "from within a series");
        assert_eq!(shown(&[1, 9]), [0, 2, 5, 8], "one alone, and three of the other");
        assert_eq!(shown(&[2, 2]), [0, 1, 2, 3], "both");
        assert_eq!(shown(&[3, 1, 5, 5, 4]), [1, 6, 11, 16], "not that of one image, where there are enough");
    }

    #[test]
    fn images_of_two_persons_are_marked_and_what_has_no_picture_is_no_study() {
        let files = [plain("1.2.3.4.1", "1.2.3.4", "1"), image("1.2.3.4.2", "1.2.3.4", "2", "Nobody^Nora", &[])];
        let (studies, _) = piled(&files);
        assert!(studies[0].mixed, "another name");
        let report = image("1.2.3.9", "1.2.3.8", "1", "", &[(8, 0x16, b"UI", b"1.2.840.10008.5.1.4.1.1.88.22")]);
        let (studies, left_out) = piled(std::slice::from_ref(&report));
        assert_eq!((studies.len(), left_out), (0, 1), "a report alone");
        let (studies, left_out) = piled(&[plain("1.2.3.4.1", "1.2.3.4", "1"), report]);
        let [study] = studies.as_slice() else { panic!("one study") };
        assert_eq!(
            (study.label.images, study.members.len(), study.mixed, left_out),
            (1, 2, false, 0),
            "with a picture"
        );
    }
}
