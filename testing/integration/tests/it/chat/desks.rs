//! Chat as the page sees it: a desk that signs in once, for the platform and for the homeserver.

use super::signals::sees_typing;
use super::{Home, found, says, sees};
use crate::{MODERATOR, at_work_on, code, opened, place};
use contract::{
    CaseAccess, ChatStateView, ConversationKind, ConversationMembership, EncryptionView, FailureCode, LineView,
    MessageBodyView, Reply, Request, SendingView, SettingsView,
};
use sandbox::Options;
use std::io::Write as _;
use testkit::{DeskKit, DeskPlace, PATIENCE, Platform, SmallDisk, find_in_files};
use tim::Signals;

/// Waits until the list is what is wanted; whatever holds is answered.
pub(super) async fn sees_chat<T>(desk: &DeskKit, what: &str, wanted: impl Fn(&contract::ChatView) -> Option<T>) -> T {
    desk.eventually(what, |seen| seen.chat.as_ref().and_then(&wanted)).await
}

/// The user id of a colleague.
async fn somebody(desk: &DeskKit) -> String {
    let found = desk.call(Request::FindPeople { words: "Sonnkaya".to_owned() }).await;
    let Ok(Reply::People(found)) = found else { panic!("people: {:?}", code(&found)) };
    found.people.first().expect("the recipe has her").id.clone()
}

/// Waits until a line of the open conversation has this text.
pub(super) async fn sees_line(desk: &DeskKit, text: &str) -> contract::MessageView {
    let fits = |line: &LineView| match line {
        LineView::Message(message) => match &message.body {
            MessageBodyView::Text { blocks, .. } => format!("{blocks:?}").contains(text).then(|| (**message).clone()),
            MessageBodyView::Emote { .. }
            | MessageBodyView::File { .. }
            | MessageBodyView::Form { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    };
    desk.eventually(text, |seen| seen.conversation.as_ref()?.lines.iter().find_map(fits)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_sign_in_opens_chat_and_a_colleague_answers() {
    let platform = Platform::start(Options { colleagues: true, ..Options::default() }).await.expect("it starts");
    let (folder, desk) = at_work_on(&platform, MODERATOR).await;
    let case = sees_chat(&desk, "the conversation about the first case", |view| {
        let row = view.conversations.iter().find(|row| row.name == "Fall 1")?;
        // The last line of the recipe.
        let last = row.last.as_ref()?.text.as_deref()?;
        last.starts_with("Für die Studie fehlt mir").then(|| row.id.clone())
    })
    .await;
    let asked = sees_chat(&desk, "the invitation", |view| {
        view.conversations
            .iter()
            .find(|row| matches!(row.membership, ConversationMembership::Invited { .. }))
            .map(|row| row.id.clone())
    })
    .await;
    let done = desk.call(Request::JoinConversation { conversation: asked.clone() }).await;
    assert!(matches!(done, Ok(Reply::Done)), "whoever was asked may come: {done:?}");

    let opened = desk.call(Request::OpenConversation { conversation: case.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");
    sees_line(&desk, "Kernfrage ist die Radiochemotherapie").await;
    let text = "Wie hoch war der SUV im PET?".to_owned();
    let sent = desk.call(Request::SendMessage { conversation: case, text, named: Vec::new(), reply_to: None }).await;
    assert!(matches!(sent, Ok(Reply::Done)), "it is taken: {sent:?}");
    let answer = sees_line(&desk, "Primärtumor SUVmax 16,2").await;
    assert!(!answer.sender.own && !answer.in_clear, "by the colleague, encrypted");
    let own = sees_line(&desk, "Wie hoch war der SUV").await;
    assert_eq!(own.sending, SendingView::Sent, "the homeserver has the question");
    desk.eventually("that each device of whoever answered is confirmed by its owner", |seen| {
        let view = seen.conversation.as_ref()?;
        let EncryptionView::Encrypted { unconfirmed, .. } = &view.encryption else { return None };
        unconfirmed.iter().all(|device| device.owner.id != answer.sender.id).then_some(())
    })
    .await;

    desk.kill().await.expect("it ends");
    let needles = ["SUVmax".to_owned(), "Radiochemotherapie".to_owned(), "Auenwald".to_owned()];
    let found = find_in_files(&folder.path().join("profile"), &needles).expect("the profile can be read");
    assert_eq!(found, None, "nothing of it lies readable on the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_program_is_in_chat_without_a_browser() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    let ready = |view: &contract::ChatView| matches!(view.state, ChatStateView::Ready).then_some(());
    sees_chat(&desk, "chat", ready).await;
    desk.kill().await.expect("it ends");
    let desk = opened(&place, MODERATOR).await;
    sees_chat(&desk, "chat after the restart", ready).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_begun_once_with_a_person_and_by_name_with_several() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let colleague = somebody(&desk).await;
    let begin = async |people: &[&str], name: Option<&str>| {
        let people = people.iter().map(|&person| person.to_owned()).collect();
        desk.call(Request::BeginConversation { people, name: name.map(str::to_owned), case: None }).await
    };
    let first = begin(&[&colleague], None).await;
    let Ok(Reply::Begun(first)) = first else { panic!("a conversation: {:?}", code(&first)) };
    let again = begin(&[&colleague], None).await;
    assert!(matches!(&again, Ok(Reply::Begun(view)) if view.conversation == first.conversation), "the same one");
    let group = begin(&[&colleague, "no address"], Some("Lungenteam")).await;
    let Ok(Reply::Begun(group)) = group else { panic!("a group: {:?}", code(&group)) };
    assert_eq!(group.refused, ["no address"], "who could not be asked is named");
    let row = sees_chat(&desk, "the group", |view| {
        view.conversations.iter().find(|row| row.id == group.conversation).cloned()
    })
    .await;
    assert_eq!(row.name, "Lungenteam", "under its name");
    let colleague = colleague.as_str();
    for (people, name) in [(&[][..], Some("Leer")), (&[colleague, "x"], None), (&[colleague], Some(" "))] {
        let refused = begin(people, name).await;
        assert_eq!(code(&refused), Some(FailureCode::InvalidInput), "nobody, or no name: {}", people.len());
    }
}

/// The patient of a conversation's only case, by its name.
fn patient_of(view: &contract::ChatView, name: &str) -> Option<(String, Option<String>)> {
    let row = view.conversations.iter().find(|row| row.name == name)?;
    match row.cases.as_slice() {
        [contract::ConversationCaseView { access: CaseAccess::Open { patient, identity }, .. }] => {
            Some((patient.clone(), identity.family.clone()))
        }
        [] | [_, ..] => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_case_a_conversation_is_about_says_the_readers_own_record() {
    let platform = Platform::start(Options { colleagues: true, ..Options::default() }).await.expect("it starts");
    let (folder, desk) = at_work_on(&platform, MODERATOR).await;
    let first = sees_chat(&desk, "the first case", |view| patient_of(view, "Fall 1")).await;
    assert_eq!(first, ("pat-auenwald".to_owned(), Some("Auenwald".to_owned())), "the agenda's first");
    let third = sees_chat(&desk, "the third case", |view| patient_of(view, "Fall 3")).await;
    assert_eq!(third.0, "pat-steinklee", "the agenda's third");
    let board =
        sees_chat(&desk, "the board", |view| view.conversations.iter().find(|row| row.name == "ITE – heute").cloned())
            .await;
    assert_eq!((board.kind, board.cases.len()), (ConversationKind::Group, 0), "a board has no case of its own");
    desk.kill().await.expect("it ends");
    let needles = ["reg-auenwald".to_owned(), "Auenwald".to_owned()];
    let found = find_in_files(&folder.path().join("profile"), &needles).expect("the profile can be read");
    assert_eq!(found, None, "nothing of it lies readable on the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_about_a_case_is_begun_with_its_link_and_none_without_a_registration() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let colleague = somebody(&desk).await;
    let begin = async |name: &str, patient: &str| {
        let (people, name) = (vec![colleague.clone()], Some(name.to_owned()));
        desk.call(Request::BeginConversation { people, name, case: Some(patient.to_owned()) }).await
    };
    let begun = begin("Lunge, intern", "pat-auenwald").await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let case = sees_chat(&desk, "its case", |view| patient_of(view, "Lunge, intern")).await;
    assert_eq!(case.0, "pat-auenwald", "the one that it was begun for");

    let nobody = begin("Ohne Fall", "pat-nobody").await;
    assert_eq!(code(&nobody), Some(FailureCode::NotFound), "a case that nobody has registered");
    let none = sees_chat(&desk, "the list", |view| Some(view.conversations.iter().any(|row| row.name == "Ohne Fall")));
    assert!(!none.await, "and no conversation was begun for it");

    let other = desk.call(Request::LinkCase { conversation: begun.conversation, patient: "pat-steinklee".to_owned() });
    assert!(matches!(other.await, Ok(Reply::Done)), "whoever leads it may decide");
    let decided = |view: &contract::ChatView| {
        patient_of(view, "Lunge, intern").filter(|(patient, _)| patient == "pat-steinklee").map(|_| ())
    };
    sees_chat(&desk, "the other case in its place", decided).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_chat_store_is_said_so_kept_aside_and_keeps_nobody_from_the_rest() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    let ready = |view: &contract::ChatView| matches!(view.state, ChatStateView::Ready).then_some(());
    sees_chat(&desk, "chat", ready).await;
    desk.kill().await.expect("it ends");
    let chat = folder.path().join("profile/chat");
    let store = chat.join("matrix-sdk-crypto.sqlite3");
    for file in ["matrix-sdk-crypto.sqlite3-wal", "matrix-sdk-crypto.sqlite3-shm"] {
        // There may be none.
        let _gone = std::fs::remove_file(chat.join(file));
    }
    std::fs::write(&store, [0x55; 4096]).expect("it can be written");

    let desk = opened(&place, MODERATOR).await;
    let failure = sees_chat(&desk, "why there is no chat", why_stopped).await;
    assert_eq!(failure.code, FailureCode::ChatStoreDamaged, "it is said");
    let today = desk.call(Request::OpenToday).await;
    assert!(today.is_ok(), "the rest works: {:?}", code(&today));
    assert_eq!(std::fs::read(&store).expect("it is there"), [0x55; 4096], "nothing is written over it");

    let again = desk.call(Request::ConnectChat).await;
    assert!(again.is_ok(), "a new sign-in: {:?}", code(&again));
    sees_chat(&desk, "chat again", ready).await;
    let aside = folder.path().join("profile/chat-aside-1/matrix-sdk-crypto.sqlite3");
    assert!(aside.is_file(), "the damaged store is kept aside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_store_of_a_newer_program_is_left_as_it_is_until_that_comes_back() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (folder, place) = place();
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    let ready = |view: &contract::ChatView| matches!(view.state, ChatStateView::Ready).then_some(());
    sees_chat(&desk, "chat", ready).await;
    desk.kill().await.expect("it ends");
    let chat = folder.path().join("profile/chat");
    let generation = chat.join("generation");
    let own = std::fs::read(&generation).expect("the program has marked it");
    std::fs::write(&generation, "4000000000").expect("it can be written");

    let desk = opened(&place, MODERATOR).await;
    let failure = sees_chat(&desk, "why there is no chat", why_stopped).await;
    assert_eq!(failure.code, FailureCode::StoreNewer, "it is said");
    let today = desk.call(Request::OpenToday).await;
    assert!(today.is_ok(), "the rest works: {:?}", code(&today));
    let again = desk.call(Request::ConnectChat).await;
    assert!(again.is_ok(), "trying again is no new device: {:?}", code(&again));
    desk.look_at_chat().await;
    let failure = sees_chat(&desk, "why there is still no chat", why_stopped).await;
    assert_eq!(failure.code, FailureCode::StoreNewer, "it is the same");
    assert!(!folder.path().join("profile/chat-aside-1").exists(), "nothing is set aside");

    // The newer program is back, or brought the store to this one's form.
    std::fs::write(&generation, own).expect("it can be written");
    for _impatient in 0..3 {
        let again = desk.call(Request::ConnectChat).await;
        assert!(again.is_ok(), "it is tried again: {:?}", code(&again));
    }
    sees_chat(&desk, "chat again, without a sign-in", ready).await;
    assert!(!folder.path().join("profile/chat-aside-1").exists(), "as the same device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_trying_again_with_room_goes_on_as_the_same_device() {
    let below = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(&below.path().join("disk"), 128 * 1024) else {
        let _unheard = writeln!(std::io::stderr(), "SKIPPED a full disk: this process may not mount a file system");
        return;
    };
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let place = DeskPlace::under(env!("CARGO_BIN_EXE_konsil-test"), &disk.folder);
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the person may sign in");
    let ready = |view: &contract::ChatView| (view.state == ChatStateView::Ready).then_some(());
    sees_chat(&desk, "chat", ready).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    let people = vec![home.id("dr-sonnkaya")];
    let begun = desk.call(Request::BeginConversation { people, name: None, case: None }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    other.comes_to(&begun.conversation).await;
    let theirs = other.opens(&begun.conversation).await;

    disk.fill().expect("the disk takes what it can");
    let mut calls = tokio::time::interval(std::time::Duration::from_millis(500));
    let stopped = tokio::time::timeout(PATIENCE, async {
        loop {
            let why = desk.seen().chat.as_ref().and_then(why_stopped);
            if let Some(failure) = why {
                return failure.code;
            }
            theirs.send(&"Ruf ".repeat(6_000), None).await.expect("the other's disk has room");
            calls.tick().await;
        }
    });
    assert_eq!(stopped.await.expect("it is said in time"), FailureCode::DiskFull, "what is the matter");

    theirs.send("Ist noch Platz?", None).await.expect("it is taken");
    disk.make_room().expect("the filler is ours");
    let again = desk.call(Request::ConnectChat).await;
    assert!(again.is_ok(), "it is tried again: {:?}", code(&again));
    sees_chat(&desk, "chat again, without a sign-in", ready).await;
    let last = |view: &contract::ChatView| {
        let row = view.conversations.iter().find(|row| row.id == begun.conversation)?;
        (row.last.as_ref()?.text.as_deref() == Some("Ist noch Platz?")).then_some(())
    };
    sees_chat(&desk, "what was written meanwhile", last).await;
    assert!(!disk.folder.join("profile/chat-aside-1").exists(), "as the same device");
}

fn why_stopped(view: &contract::ChatView) -> Option<contract::Failure> {
    match &view.state {
        ChatStateView::Stopped { failure } => Some(failure.clone()),
        ChatStateView::Absent | ChatStateView::Connecting | ChatStateView::Ready | ChatStateView::Offline { .. } => {
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_is_told_once_the_person_wants_it_and_only_then() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    other.account.set_signals(Signals { typing: true, receipts: false });
    let people = vec![home.id("dr-sonnkaya")];
    let begun = desk.call(Request::BeginConversation { people, name: None, case: None }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    other.comes_to(&conversation).await;
    let theirs = other.opens(&conversation).await;
    let opened = desk.call(Request::OpenConversation { conversation: conversation.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");

    let writes = async || {
        let told = desk.call(Request::SetTyping { conversation: conversation.clone(), typing: true }).await;
        assert!(matches!(told, Ok(Reply::Done)), "the page need not know the setting: {told:?}");
    };
    writes().await;
    let text = "fertig".to_owned();
    let sent = desk
        .call(Request::SendMessage { conversation: conversation.clone(), text, named: Vec::new(), reply_to: None })
        .await;
    assert!(matches!(sent, Ok(Reply::Done)), "it is taken: {sent:?}");
    sees(&theirs, "the message", says("fertig")).await;
    assert!(theirs.typing().await.is_empty(), "nobody is told unless the person wants it (A_25436)");

    let started = desk.call(Request::Start).await;
    let Ok(Reply::Started(start)) = started else { panic!("a start: {:?}", code(&started)) };
    assert!(!start.settings.typing_notices, "off from the first");
    let settings = SettingsView { typing_notices: true, ..start.settings };
    let changed = desk.call(Request::ChangeSettings { settings }).await;
    assert!(matches!(changed, Ok(Reply::Settings(_))), "it is kept: {changed:?}");
    writes().await;
    sees_typing(&theirs, &[home.id(MODERATOR)]).await;
    theirs.set_typing(true).await;
    let id = home.id("dr-sonnkaya");
    desk.eventually("that the other writes", |seen| {
        let view = seen.conversation.as_ref()?;
        view.typing.iter().any(|person| person.id == id).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_far_somebody_has_read_is_told_once_the_person_wants_it_and_only_then() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    other.account.set_signals(Signals { typing: false, receipts: true });
    let (own, id) = (home.id(MODERATOR), home.id("dr-sonnkaya"));
    let begun = desk.call(Request::BeginConversation { people: vec![id.clone()], name: None, case: None }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    other.comes_to(&conversation).await;
    let theirs = other.opens(&conversation).await;
    let opened = desk.call(Request::OpenConversation { conversation: conversation.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");

    theirs.send("gelesen?", None).await.expect("it is taken");
    sees_line(&desk, "gelesen?").await;
    let reads = async || {
        let read = desk.call(Request::MarkRead { conversation: conversation.clone() }).await;
        assert!(matches!(read, Ok(Reply::Done)), "it is taken: {read:?}");
    };
    reads().await;
    let (text, reply_to) = ("ja".to_owned(), None);
    let sent =
        desk.call(Request::SendMessage { conversation: conversation.clone(), text, named: Vec::new(), reply_to }).await;
    assert!(matches!(sent, Ok(Reply::Done)), "it is taken: {sent:?}");
    let answer = sees(&theirs, "the answer", says("ja")).await;
    theirs.mark_read().await.expect("the homeserver takes it");
    let question = sees(&theirs, "the question", says("gelesen?")).await;
    assert!(question.read_by.is_empty(), "nobody is told unless the person wants it (A_25436)");

    let started = desk.call(Request::Start).await;
    let Ok(Reply::Started(start)) = started else { panic!("a start: {:?}", code(&started)) };
    assert!(!start.settings.read_receipts, "off from the first");
    let settings = SettingsView { read_receipts: true, ..start.settings };
    let changed = desk.call(Request::ChangeSettings { settings }).await;
    assert!(matches!(changed, Ok(Reply::Settings(_))), "it is kept: {changed:?}");
    let event = answer.event.expect("the homeserver has it");
    desk.eventually("that the other has read", |seen| {
        let lines = &seen.conversation.as_ref()?.lines;
        let read = lines.iter().any(|line| match line {
            LineView::Message(message) => {
                message.event.as_ref() == Some(&event) && message.read_by.iter().any(|person| person.id == id)
            }
            LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => false,
        });
        read.then_some(())
    })
    .await;
    theirs.send("danke", None).await.expect("it is taken");
    sees_line(&desk, "danke").await;
    reads().await;
    sees(&theirs, "that it is read", |message| says("danke")(message) && message.read_by.contains(&own)).await;
}
