//! Studies in a conversation: recognized, sent, and read at the other end with every stored value as it was; what is
//! damaged or foreign in one is left out, and nothing of it lies readable on a disk.

use super::doors::{done, door, give, gives, hears, page, takes, word};
use super::files::{MIB, Meddler, Meddling, SMALL_PARTS, Shelf, bytes, file};
use super::{Device, Home, Pair, pair, sees};
use crate::bulk::{Way, frames};
use crate::servers::skipped;
use crate::{MODERATOR, archive, at_work_on, client::plain, part10};
use contract::{
    CaseAccess, ChatStateView, ConversationMembership, FailureCode, FileDoorView, FileSaid, IdentityGrade, LineView,
    MessageBodyView, PictureView, ReceivedStateView, ReceivedStudyView, RecognizedStudyView, Reply, Request,
    SeriesView, StudyLabelView,
};
use sandbox::Options;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use testkit::{DeskKit, Platform, find_in_files};
use tim::{Body, FileError, NewFile, NewStudy, Splitting, StudyLabel};

on_each_homeserver! {
    a_study_says_what_it_is_and_is_read_without_a_part_that_came_damaged,
}

const SIDE: u16 = 64;
const PATIENT: &str = "pat-auenwald";

/// Stored values of an image, other ones for each number.
fn pixels(number: u16) -> Vec<u8> {
    (0..SIDE * SIDE).flat_map(|at| (at.wrapping_mul(number) % 4096).to_le_bytes()).collect()
}

/// An image of "Nobody, Nils".
fn image(number: u16) -> Vec<u8> {
    part10::image(number, [SIDE, SIDE], &pixels(number))
}

/// The same with other words in the place of some, as long as those.
fn changed(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "lengths stay as they are");
    let at = memchr::memmem::find(file, from).expect("it is there");
    [&file[..at], to, &file[at + from.len()..]].concat()
}

/// An archive of stored files, by PKWARE's APPNOTE.TXT 4.3.
fn archive(files: &[Vec<u8>]) -> Vec<u8> {
    let (mut whole, mut list) = (Vec::new(), Vec::new());
    for file in files {
        let at = u32::try_from(whole.len()).expect("small").to_le_bytes();
        let size = u32::try_from(file.len()).expect("small").to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32fast::hash(file).to_le_bytes());
        common.extend([size, size].concat());
        common.extend([1, 0, 0, 0]);
        whole.extend([b"PK\x03\x04".as_slice(), &common, b"x", file].concat());
        list.extend([b"PK\x01\x02\x14\x00".as_slice(), &common, &[0; 10], &at, b"x"].concat());
    }
    let (at, length) = (u32::try_from(whole.len()).expect("small"), u32::try_from(list.len()).expect("small"));
    let count = u16::try_from(files.len()).expect("small").to_le_bytes();
    whole.extend(list);
    whole.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count].concat());
    whole.extend([length.to_le_bytes(), at.to_le_bytes()].concat());
    whole.extend([0, 0]);
    whole
}

/// Two desks in conversation.
struct Talk {
    platform: Platform,
    mine: DeskKit,
    theirs: DeskKit,
    folders: [TempDir; 2],
    room: String,
}

async fn talk(case: Option<&str>) -> Talk {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (my_folder, mine) = at_work_on(&platform, MODERATOR).await;
    let (their_folder, theirs) = at_work_on(&platform, "dr-sonnkaya").await;
    for desk in [&mine, &theirs] {
        desk.eventually("chat", |seen| (seen.chat.as_ref()?.state == ChatStateView::Ready).then_some(())).await;
    }
    let begin = Request::BeginConversation {
        people: vec![Home::at(&platform).await.id("dr-sonnkaya")],
        name: case.map(|_| "Bilder".to_owned()),
        case: case.map(str::to_owned),
    };
    let Ok(Reply::Begun(begun)) = mine.call(begin).await else { panic!("it may be begun") };
    let room = begun.conversation;
    let stands = async |desk: &DeskKit, wanted: fn(&ConversationMembership) -> bool| {
        desk.eventually("the conversation", |seen| {
            let rows = &seen.chat.as_ref()?.conversations;
            rows.iter().any(|row| row.id == room && wanted(&row.membership)).then_some(())
        })
        .await;
    };
    stands(&theirs, |membership| matches!(membership, ConversationMembership::Invited { .. })).await;
    done(&theirs, Request::JoinConversation { conversation: room.clone() }).await;
    stands(&theirs, |membership| *membership == ConversationMembership::Joined).await;
    for desk in [&mine, &theirs] {
        let opened = desk.call(Request::OpenConversation { conversation: room.clone() }).await;
        assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");
    }
    mine.eventually("the other in it", |seen| (seen.conversation.as_ref()?.member_count == 2).then_some(())).await;
    Talk { platform, mine, theirs, folders: [my_folder, their_folder], room }
}

impl Talk {
    /// The study of a message, once it can be read or cannot.
    async fn opened(&self, desk: &DeskKit) -> (StudyLabelView, ReceivedStudyView) {
        let (message, label) = desk.eventually("a study", |seen| study_line(seen.conversation.as_ref()?)).await;
        let open = Request::OpenReceivedStudy { conversation: self.room.clone(), message: message.clone() };
        let answer = desk.call(open).await;
        assert!(matches!(answer, Ok(Reply::ReceivedStudy(_))), "it is opened: {answer:?}");
        let view = desk
            .eventually("what is in it", |seen| {
                let view = seen.received.as_ref().filter(|view| view.message == message)?;
                let ended = !view.images.loading && !matches!(view.state, ReceivedStateView::Fetching { .. });
                ended.then(|| view.clone())
            })
            .await;
        (label, view)
    }

    /// A series of the open study with its stored values, by instance number.
    async fn values(desk: &DeskKit, view: &ReceivedStudyView, series: &str) -> (SeriesView, BTreeMap<i32, Vec<u8>>) {
        let open = Request::OpenReceivedSeries { message: view.message.clone(), series: series.to_owned() };
        let Ok(Reply::Series(series)) = desk.call(open).await else { panic!("it opens") };
        let last = u32::try_from(series.frames.len()).expect("some") - 1;
        let came = frames(desk, Way::Socket, &series, 0, last).await;
        let value = |(index, came): (u32, Result<Vec<u8>, String>)| {
            let number = series.frames[index as usize].number.expect("each has a number");
            (number, came.expect("its values come"))
        };
        let values = came.into_iter().map(value).collect();
        (series, values)
    }

    /// In the quarters of a study's small picture there is an image or none.
    async fn shows_images(&self, message: &str, expected: &[bool; 4]) {
        let asks = Request::OpenThumbnail { conversation: self.room.clone(), message: message.to_owned() };
        let (small, end) = takes(page(&door(self.theirs.call(asks).await)).await, 1_000_000).await;
        assert_eq!(end, FileSaid::Done { size: small.len() as u64 }, "all of it came");
        let mut decoder = jpeg_decoder::Decoder::new(small.as_slice());
        let pixels = decoder.decode().expect("a JPEG");
        let width = usize::from(decoder.info().expect("it was read").width);
        // Each image is smaller than its place and stands in the middle of it.
        let brightest = |left: usize, top: usize| {
            let rows = (top..top + 40).map(|y| &pixels[(y * width + left) * 3..(y * width + left + 40) * 3]);
            rows.flatten().copied().max().expect("some")
        };
        let found = [(60, 60), (220, 60), (60, 220), (220, 220)].map(|(left, top)| brightest(left, top) > 100);
        assert_eq!(found, *expected, "row by row");
        let edge = [(0, 0), (140, 0), (0, 140), (140, 140)].map(|(left, top)| brightest(left, top));
        assert!(edge.iter().all(|&value| value < 12), "nothing beside them: {edge:?}");
    }

    fn nowhere_in_clear(&self, words: &[&str]) {
        let needles: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        for folder in &self.folders {
            let found = find_in_files(&folder.path().join("profile"), &needles).expect("the profile can be read");
            assert_eq!(found, None, "nothing of it lies readable on the disk");
        }
    }
}

/// What stands beside a study: its small picture, and what was written about it.
fn beside(view: &contract::ConversationView) -> Option<(Option<PictureView>, Vec<contract::BlockView>)> {
    view.lines.iter().find_map(|line| {
        let LineView::Message(message) = line else { return None };
        let MessageBodyView::File { study: Some(_), picture, caption, .. } = &message.body else { return None };
        Some((*picture, caption.clone()))
    })
}

fn study_line(view: &contract::ConversationView) -> Option<(String, StudyLabelView)> {
    view.lines.iter().find_map(|line| match line {
        LineView::Message(message) => match &message.body {
            MessageBodyView::File { study: Some(study), .. } if message.event.is_some() => {
                Some((message.id.clone(), study.clone()))
            }
            MessageBodyView::File { .. }
            | MessageBodyView::Text { .. }
            | MessageBodyView::Emote { .. }
            | MessageBodyView::Form { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    })
}

/// What is found in files that lie behind each other in `whole`.
async fn looked_at(door: &FileDoorView, whole: &[u8]) -> (Vec<RecognizedStudyView>, u32) {
    let mut socket = page(door).await;
    loop {
        match word(&hears(&mut socket).await) {
            FileSaid::Read { offset, length } => give(&mut socket, whole, offset, length).await,
            FileSaid::Studies { studies, left_out } => return (studies, left_out),
            FileSaid::File { .. }
            | FileSaid::Moved { .. }
            | FileSaid::Saved { .. }
            | FileSaid::Done { .. }
            | FileSaid::Failed { .. } => panic!("they are looked at"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn images_among_files_are_one_study_at_the_other_end_with_every_value_as_it_was_stored() {
    let talk = talk(None).await;
    // As a medium holds them: in no order, with something else among them.
    let files = [image(3), image(1), b"Arztbrief Nobody".to_vec(), image(2)];
    let whole = files.concat();
    let sizes = files.iter().map(|file| file.len() as u64).collect();
    let look = Request::LookAtFiles { conversation: talk.room.clone(), sizes };
    let (studies, left_out) = looked_at(&door(talk.mine.call(look).await), &whole).await;
    let [study] = studies.as_slice() else { panic!("one study, not {}", studies.len()) };
    let label = StudyLabelView { modality: vec!["CT".to_owned()], images: 3, series: 1 };
    assert_eq!((&study.label, left_out), (&label, 1), "three slices, and a letter that is none");
    assert_eq!(study.files, [1, 3, 0], "in the order of their numbers");
    assert!(!study.name.contains("Nobody"), "its name names nobody: {}", study.name);

    let own: Vec<u8> = study.files.iter().flat_map(|&place| files[place as usize].clone()).collect();
    let begin = Request::BeginStudy { conversation: talk.room.clone(), study: study.id.clone() };
    let last = gives(page(&door(talk.mine.call(begin).await)).await, &own, u64::MAX).await;
    assert_eq!(last, Some(FileSaid::Done { size: study.size }), "all of it went");

    let (said, view) = talk.opened(&talk.theirs).await;
    assert_eq!(said, label, "the message says what it is");
    let (picture, caption) = talk.theirs.eventually("its line", |seen| beside(seen.conversation.as_ref()?)).await;
    assert_eq!(caption, [], "the words for other programs are none of its sender's");
    assert_eq!(picture, Some(PictureView { width: 320, height: 320, thumbnail: true }), "with a picture of its images");
    talk.shows_images(&view.message, &[true, true, true, false]).await;
    assert_eq!(view.state, ReceivedStateView::Ready, "it can be read");
    let person = view.patient.clone().expect("the images name somebody");
    assert_eq!(
        (person.family.as_deref(), person.given.as_deref(), person.number.as_deref()),
        (Some("Nobody"), Some("Nils"), Some("N1")),
        "whom the images name"
    );
    assert_eq!((view.comparison.as_ref(), view.left_out, view.damaged), (None, 0, 0), "no case, nothing missing");
    let [entry] = view.images.studies[0].series.as_slice() else { panic!("one series") };
    assert!(entry.thumbnail.is_some(), "with a picture in the strip");
    let (series, values) = Talk::values(&talk.theirs, &view, &entry.series).await;
    assert_eq!((series.modality.as_str(), series.columns, series.rows), ("CT", 64, 64), "as it was made");
    let expected: BTreeMap<i32, Vec<u8>> = (1..=3).map(|number| (i32::from(number), pixels(number))).collect();
    assert!(values == expected, "every stored value");
    let foreign = Request::OpenSeries {
        patient: view.images.patient.clone(),
        study: series.study.clone(),
        series: series.series.clone(),
    };
    assert!(talk.theirs.call(foreign).await.is_err(), "they are no images of a case");

    // While it is open: its ciphertext lies on the disk.
    talk.nowhere_in_clear(&["Nobody^Nils", "Without spacing"]);
    done(&talk.theirs, Request::CloseReceivedStudy).await;
    let reopened = Request::OpenReceivedSeries {
        message: view.message.clone(),
        series: view.images.studies[0].series[0].series.clone(),
    };
    let gone = talk.theirs.call(reopened).await;
    assert_eq!(crate::code(&gone), Some(FailureCode::NotFound), "nothing of it is here any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_of_the_open_case_goes_from_the_archive_and_is_held_against_the_case() {
    let talk = talk(Some(PATIENT)).await;
    let opened = talk.mine.call(Request::OpenCase { patient: PATIENT.to_owned() }).await;
    assert!(matches!(opened, Ok(Reply::Case(_))), "the case opens");
    let opened = talk.mine.call(Request::OpenImages { patient: PATIENT.to_owned() }).await;
    assert!(matches!(opened, Ok(Reply::Images(_))), "its images");
    let study = talk
        .mine
        .eventually("its studies", |seen| {
            let view = seen.images.as_ref().filter(|view| !view.loading)?;
            let shown = view.studies.iter().filter(|study| study.identity == IdentityGrade::Same);
            let images = |study: &&contract::StudyView| study.series.iter().map(|series| series.instances).sum::<u32>();
            shown.filter(|study| images(study) > 0).min_by_key(images).cloned()
        })
        .await;
    let other = talk.mine.call(Request::SendStudy {
        conversation: talk.room.clone(),
        patient: PATIENT.to_owned(),
        study: "1.2.3".to_owned(),
    });
    assert!(other.await.is_err(), "a study that is not of the case does not go");
    let send =
        Request::SendStudy { conversation: talk.room.clone(), patient: PATIENT.to_owned(), study: study.study.clone() };
    done(&talk.mine, send).await;

    talk.theirs
        .eventually("the case of the conversation", |seen| {
            let cases = &seen.conversation.as_ref()?.cases;
            cases.iter().any(|case| matches!(case.access, CaseAccess::Open { .. })).then_some(())
        })
        .await;
    let (_, view) = talk.opened(&talk.theirs).await;
    let (picture, _) = talk.theirs.eventually("its line", |seen| beside(seen.conversation.as_ref()?)).await;
    assert!(picture.is_some_and(|picture| picture.thumbnail), "with a picture of its images");
    assert_eq!(view.state, ReceivedStateView::Ready, "it can be read");
    assert_eq!(view.comparison, Some(IdentityGrade::Same), "the person of the case");
    assert_eq!(view.images.studies[0].study, study.study, "the study that was meant");

    // Byte for byte what the archive has, by another way than ours.
    let asks = Request::OpenAttachment { conversation: talk.room.clone(), message: view.message.clone() };
    let (zip, _) = takes(page(&door(talk.theirs.call(asks).await)).await, 1_000_000).await;
    let token = talk.platform.records(MODERATOR).await.expect("a token").token().to_owned();
    let base = format!("{}/dicom-web/studies/{}", talk.platform.url, study.study);
    let asked = plain().get(format!("{base}/instances")).bearer_auth(&token);
    let listed: serde_json::Value = asked.send().await.expect("it answers").json().await.expect("JSON");
    let listed = listed.as_array().expect("a list").clone();
    assert!(!listed.is_empty(), "the archive has images");
    for item in listed {
        let uid = |tag: &str| item[tag]["Value"][0].as_str().expect("an identifier").to_owned();
        let address = format!("{base}/series/{}/instances/{}", uid("0020000E"), uid("00080018"));
        let asked = plain()
            .get(address)
            .bearer_auth(&token)
            .header("accept", r#"multipart/related; type="application/dicom"; transfer-syntax=*"#);
        let answer = asked.send().await.expect("it answers").bytes().await.expect("whole");
        // Alone or within a multipart answer: the file begins with its preamble of zeros.
        let mark = memchr::memmem::find(&answer, b"DICM").expect("a file");
        let body = &answer[mark - 128..];
        let end = memchr::memmem::rfind(body, b"\r\n--").unwrap_or(body.len());
        assert!(memchr::memmem::find(&zip, &body[..end]).is_some(), "the file as the archive has it");
    }
    talk.nowhere_in_clear(&["Auenwald^Gernot"]);
}

/// A study as another program may send it.
async fn sends(from: &Device, room: &str, zip: Vec<u8>, parts: Splitting) {
    let theirs = from.opens(room).await;
    let label = StudyLabel { modality: vec!["CT".to_owned()], images: 2, series: 1 };
    let study = NewStudy { label, uid: "1.2.3".to_owned(), index: b"[]".to_vec(), body: "Untersuchung".to_owned() };
    let new: NewFile = file("CT-2-Bilder.zip", "application/zip", zip.len() as u64);
    let mut outgoing = theirs.attach_study(new, study, parts).await.expect("it is taken");
    outgoing.send(&mut Shelf::of(&zip)).await.expect("it goes");
}

/// A desk that opens what another program has sent.
async fn received(zip: Vec<u8>) -> ReceivedStudyView {
    let talk = talk(None).await;
    let other = Home::at(&talk.platform).await.device("dr-sonnkaya").await;
    other.sees("the conversation", |rows| rows.iter().any(|row| row.id == talk.room).then_some(())).await;
    sends(&other, &talk.room, zip, Splitting::default()).await;
    talk.opened(&talk.mine).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_image_of_the_study_is_left_out_and_the_others_are_read() {
    let foreign = changed(&image(7), b"1.2.3\0", b"1.2.4\0");
    let view = received(archive(&[image(1), b"Arztbrief".to_vec(), foreign, image(2)])).await;
    assert_eq!((&view.state, view.left_out, view.damaged), (&ReceivedStateView::Ready, 2, 0), "two are left out");
    let counts: Vec<u32> = view.images.studies[0].series.iter().map(|series| series.instances).collect();
    assert_eq!(counts, [2], "the two images of the study");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_study_that_names_two_persons_and_one_that_is_no_archive_are_refused() {
    let other = changed(&image(2), b"Nobody^Nils ", b"Nobody^Nora ");
    for (what, zip, expected) in [
        ("two persons", archive(&[image(1), other]), FailureCode::OtherPatient),
        ("no archive", vec![7; 5000], FailureCode::FileAltered),
        ("no image", archive(&[b"Arztbrief".to_vec()]), FailureCode::NotDisplayable),
    ] {
        let view = received(zip).await;
        let ReceivedStateView::Failed { failure } = view.state else { panic!("{what}: it is not shown") };
        assert_eq!(failure.code, expected, "{what}");
        assert!(view.images.studies.is_empty(), "{what}: nothing of it is shown");
    }
}

async fn a_study_says_what_it_is_and_is_read_without_a_part_that_came_damaged(home: &Home) {
    let meddler = Meddler::start().await;
    let Pair { one, other, room, .. } = pair(home, "dr-weidenlohe", "dr-heidekorn").await;
    let other = other.by_way_of(&meddler.address()).await;
    let theirs = other.opens(&room).await;
    let sent = bytes(3 * MIB + 5);
    sends(&one, &room, sent.clone(), SMALL_PARTS).await;
    let is = |message: &tim::Message| matches!(&message.body, Body::File { study: Some(_), .. });
    let message = sees(&theirs, "the study", is).await;
    let Body::File { study: Some(label), name, .. } = &message.body else { panic!("it is a study") };
    assert_eq!(
        (name.as_str(), label.modality.join(" "), label.images, label.series),
        ("CT-2-Bilder.zip", "CT".to_owned(), 2, 1),
        "as it was sent"
    );
    meddler.will([Meddling::None, Meddling::OneBit]);
    let kept = theirs.file(&message.id).expect("it has one").keep().await.expect("three of four parts come");
    assert_eq!(kept.size(), 3 * MIB + 5, "as long as it is");
    let mib = usize::try_from(MIB).expect("small");
    assert!(kept.read(0, mib).expect("the first part") == sent[..mib], "whole");
    let across = kept.read(3 * MIB - 7, 12).expect("from one part into the next");
    assert!(across == sent[3 * mib - 7..3 * mib + 5], "any range, to the end");
    for (at, length) in [(MIB, 1), (MIB - 1, 2), (2 * MIB - 1, 2)] {
        let refused = kept.read(at, length);
        assert!(matches!(refused, Err(FileError::Altered)), "nothing of the damaged part at {at}: {refused:?}");
    }
    assert!(kept.read(3 * MIB, 6).is_err(), "nothing behind its end");
}

/// The Python with pydicom and its codecs; nothing, and said so, where it is missing.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("KONSIL_REFERENCE_PYTHON").map(PathBuf::from).filter(|python| python.is_file());
    if python.is_none() {
        skipped("no reference: set KONSIL_REFERENCE_PYTHON to a Python with the packages of testing/reference");
    }
    python
}

/// SHA-256 of the stored values of files with one frame each, in their order, by `testing/reference/stored_values.py`.
fn reference(python: &Path, files: &[&Path]) -> Vec<String> {
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../reference/stored_values.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the reference's Python starts");
    let mut input = child.stdin.take().expect("it is piped");
    for file in files {
        writeln!(input, "{}", file.display()).expect("it listens");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the reference reads them");
    let said = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let frames: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(frames.len(), files.len(), "one frame of each: {said}");
    let forms = |frame: &Value| (frame["samples"].clone(), frame["bits"].clone());
    assert!(frames.iter().all(|frame| forms(frame) == (1.into(), 16.into())), "gray of two bytes: {said}");
    frames.iter().map(|frame| frame["sha256"].as_str().expect("a hash").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_series_is_opened_at_the_other_end_with_the_values_that_another_program_reads_from_its_files() {
    let (Some(mut stored), Some(python)) = (archive::whole_ct(), python()) else { return };
    stored.sort_by_key(|one| one.instance.instance_number);
    let ends = [&stored[0], &stored[stored.len() / 2], &stored[stored.len() - 1]];
    let expected = reference(&python, &ends.map(|one| one.path.as_path()));

    let talk = talk(None).await;
    let sizes = stored.iter().map(|one| one.bytes.len() as u64).collect();
    let look = Request::LookAtFiles { conversation: talk.room.clone(), sizes };
    let whole: Vec<u8> = stored.iter().flat_map(|one| one.bytes.clone()).collect();
    let (studies, left_out) = looked_at(&door(talk.mine.call(look).await), &whole).await;
    let [study] = studies.as_slice() else { panic!("one study, not {}", studies.len()) };
    let count = u32::try_from(stored.len()).expect("some");
    let label = StudyLabelView { modality: vec!["CT".to_owned()], images: count, series: 1 };
    assert_eq!((&study.label, left_out), (&label, 0), "all of it");
    let own: Vec<u8> = study.files.iter().flat_map(|&place| stored[place as usize].bytes.clone()).collect();
    drop(whole);
    let begin = Request::BeginStudy { conversation: talk.room.clone(), study: study.id.clone() };
    let last = gives(page(&door(talk.mine.call(begin).await)).await, &own, u64::MAX).await;
    assert_eq!(last, Some(FileSaid::Done { size: study.size }), "all of it went");

    let (said, view) = talk.opened(&talk.theirs).await;
    assert_eq!((&said, &view.state), (&label, &ReceivedStateView::Ready), "it is said, and it can be read");
    assert_eq!((view.left_out, view.damaged), (0, 0), "nothing is missing");
    let [entry] = view.images.studies[0].series.as_slice() else { panic!("one series") };
    assert_eq!((entry.instances, entry.modality.as_str()), (count, "CT"), "every image of the series");
    let (series, values) = Talk::values(&talk.theirs, &view, &entry.series).await;
    assert_eq!((series.modality.as_str(), values.len()), ("CT", stored.len()), "every image comes");
    for (one, expected) in ends.iter().zip(expected) {
        let number = one.instance.instance_number.expect("each has a number");
        let came = Sha256::digest(&values[&number]).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(came, expected, "image {number}, value by value");
    }
}
