//! A disk that runs full while a decision is written.

use super::{open, save, text_on, until, with_text};
use crate::{MODERATOR, cases::whole_case, code, opened, place};
use contract::{DraftView, FailureCode, Request};
use std::io::Write as _;
use testkit::{DeskKit, DeskPlace, Platform, SmallDisk};

const PATIENT: &str = "pat-birkenlicht";

/// Text of so many characters that the journal can't hide it in room it has already.
fn long(word: &str) -> String {
    format!("{word} {}", "Begründung. ".repeat(20_000))
}

/// Tries until the disk refuses; gives the text that it refused.
async fn until_refused(desk: &DeskKit, draft: &DraftView) -> String {
    for attempt in 0..60 {
        let text = long(&format!("Fassung {attempt}."));
        let request = Request::SaveDraft { patient: PATIENT.to_owned(), draft: with_text(draft, &text) };
        let answer = desk.call(request).await;
        if let Err(failure) = answer {
            assert_eq!(failure.code, FailureCode::DiskFull, "what the page has words for: {}", failure.detail);
            return text;
        }
    }
    panic!("a full disk takes no sixty versions of a long text");
}

#[tokio::test]
async fn a_full_disk_keeps_no_draft_from_the_person_and_saving_goes_on_when_there_is_room() {
    let (folder, place) = place();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 6 * 1024) else {
        let _unheard = writeln!(std::io::stderr(), "SKIPPED a full disk: this process may not mount a file system");
        return;
    };
    let place = DeskPlace { profile: disk.folder.join("profile"), ..place };
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&Platform::shared().url).await.expect("the moderator may sign in");
    let draft = open(&desk, PATIENT).await.draft;
    save(&desk, PATIENT, with_text(&draft, "Vor dem vollen Speicher.")).await;

    disk.fill().expect("the disk takes what it can");
    let text = until_refused(&desk, &draft).await;
    let view = open(&desk, PATIENT).await;
    assert_eq!(view.draft.text, text, "the program holds what the person typed, also for a page that comes back");
    assert_eq!(view.saved_here, None, "and does not call it saved");
    assert_eq!(view.save_failure.map(|failure| failure.code), Some(FailureCode::DiskFull), "it says why");

    // What the device can't keep, the platform gets all the same.
    let there = until(&desk, "the text on the platform", |view| view.saved_there.is_some()).await;
    assert_eq!(there.saved_here, None, "which does not make this device safe");
    assert_eq!(text_on(Platform::shared(), PATIENT).await, Some(text.clone()), "the platform has it");

    // Another case is opened meanwhile: the text does not go with the form that was left.
    let typed_last = format!("{text} Zuletzt getippt.");
    let request = Request::SaveDraft { patient: PATIENT.to_owned(), draft: with_text(&draft, &typed_last) };
    assert_eq!(code(&desk.call(request).await), Some(FailureCode::DiskFull), "still full");
    let _other = whole_case(&desk, "pat-auenwald").await;
    let back = open(&desk, PATIENT).await;
    assert_eq!(back.draft.text, typed_last, "back at the case the last word is there");
    assert_eq!(back.save_failure.map(|failure| failure.code), Some(FailureCode::DiskFull), "and still told");

    // Room is made; nobody presses anything.
    disk.make_room().expect("the filler is ours");
    let saved = until(&desk, "the saved draft", |view| view.saved_here.is_some()).await;
    assert_eq!((saved.draft.text.as_str(), saved.save_failure), (typed_last.as_str(), None), "saved as it is");
    desk.kill().await.expect("the process ends");
    let desk = opened(&place, MODERATOR).await;
    assert_eq!(open(&desk, PATIENT).await.draft.text, typed_last, "durable: it survives the end of the process");
}
