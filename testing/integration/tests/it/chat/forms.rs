//! Structured messages: from one device to another, and what becomes of those that another program writes.

use super::desks::sees_chat;
use super::{Device, Home, Pair, found, pair, says, sees};
use crate::client::plain;
use crate::{MODERATOR, at_work_on, code};
use contract::{
    CaseAccess, ChatStateView, DecisionCheck, FailureCode, FormAnswer, FormStep, FormView, LineView, MessageBodyView,
    MessageView, Reply, Request,
};
use matrix_sdk::config::SyncSettings;
use matrix_sdk::ruma::RoomId;
use matrix_sdk::ruma::serde::Base64;
use matrix_sdk::{Client, Room};
use sandbox::Options;
use serde_json::{Value, json};
use testkit::{DeskKit, PATIENCE, Platform, find_in_files};
use tim::{
    Answer, Body, CaseLink, Conversation, ConversationError, Form, FormKind, LastKind, Message, Moment,
    NewConversation, Structured,
};
use tokio::time::timeout;

on_each_homeserver! {
    an_appointment_arrives_with_all_it_says_and_answers_come_to_it,
    each_form_arrives_whole_and_nothing_of_it_is_readable_on_the_way,
    an_edit_that_drops_the_form_leaves_its_text,
    what_another_program_writes_is_a_card_only_if_it_is_wholly_understood,
    a_stand_alone_event_is_shown_by_its_text,
}

const SAID: &str = "Terminvorschlag: 25.11.2026, 15:00 bis 15:40.";

fn case() -> CaseLink {
    CaseLink {
        base: "https://fhir.eschenland.example/fhir".to_owned(),
        reference: "ServiceRequest/sr-0417".to_owned(),
        number: None,
    }
}

fn appointment() -> Form {
    let moment = |text| Moment::parse(text).expect("a moment");
    Form::Appointment { start: moment("2026-11-25T15:00:00+01:00"), end: moment("2026-11-25T15:40:00+01:00") }
}

fn form(message: &Message) -> Option<&Structured> {
    if let Body::Form(form) = &message.body { Some(form) } else { None }
}

fn is(wanted: &Form) -> impl FnMut(&Message) -> bool + '_ {
    move |message| form(message).is_some_and(|said| said.form == *wanted)
}

/// The card's answers, by whom and what, in order.
fn answers(message: &Message) -> Vec<(String, Answer)> {
    let given = form(message).map(|said| said.answers.as_slice()).unwrap_or_default();
    given.iter().map(|one| (one.by.id.clone(), one.answer)).collect()
}

async fn an_appointment_arrives_with_all_it_says_and_answers_come_to_it(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-kranichbach").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send_form(&appointment(), Some(&case()), SAID).await.expect("it is taken");
    let came = sees(&theirs, "the appointment", is(&appointment())).await;
    let said = form(&came).expect("a card");
    assert_eq!((said.text.as_str(), said.answers.len()), (SAID, 0), "what other programs show, and no answer");
    assert!(said.case.as_ref().is_some_and(|named| named.is_same_case(&case())), "the case that it is about");
    assert_eq!(came.sender.id, home.id(&first), "by whom");
    assert!(!came.may_edit && !came.in_clear, "nobody changes it, and it came encrypted");

    let own = sees(&mine, "the own card", |m| m.event.is_some() && is(&appointment())(m)).await;
    theirs.answer_form(&came.id, Answer::Tentative, "Vielleicht.").await.expect("it is taken");
    let whose = other.account.user();
    let answered = sees(&mine, "the answer", |m| m.id == own.id && !answers(m).is_empty()).await;
    assert_eq!(answers(&answered), [(whose.clone(), Answer::Tentative)], "at its card");
    let line = Form::Answer { to: FormKind::Appointment, answer: Answer::Tentative };
    let line = sees(&mine, "the answer's own line", is(&line)).await;
    let replied = line.reply_to.as_ref().expect("it is a reply");
    assert_eq!((Some(&replied.event), replied.text.as_deref()), (own.event.as_ref(), Some(SAID)), "to the card");

    theirs.answer_form(&came.id, Answer::Accepted, "Zugesagt.").await.expect("it is taken");
    let decided = [(whose, Answer::Accepted)];
    sees(&mine, "the newest answer alone", |m| m.id == own.id && answers(m) == decided).await;
    sees(&theirs, "the same at the other's", |m| m.id == came.id && answers(m) == decided).await;

    mine.send("kein Termin", None).await.expect("it is taken");
    let text = sees(&theirs, "a text", says("kein Termin")).await;
    let refused = theirs.answer_form(&text.id, Answer::Accepted, "Zugesagt.").await;
    assert!(matches!(refused, Err(ConversationError::NotFound)), "a text asks nothing: {refused:?}");
}

async fn each_form_arrives_whole_and_nothing_of_it_is_readable_on_the_way(home: &Home) {
    let Pair { one, other, room, first } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let forms = [
        (Form::Invitation, "Einladung in Fall K-2026-0417."),
        (Form::Question { text: "Bestrahlung\noder Operation?".to_owned() }, "Frage ans Board: Bestrahlung"),
        (Form::Recommendation { decision: "CarePlan/dec-1".to_owned(), sha256: "0f".repeat(32) }, "Empfehlung."),
    ];
    for (form, text) in &forms {
        mine.send_form(form, Some(&case()), text).await.expect("it is taken");
        let came = sees(&theirs, text, is(form)).await;
        let said = self::form(&came).expect("a card");
        assert!(said.case.as_ref().is_some_and(|named| named.is_same_case(&case())), "{text}: its case");
        assert_eq!(&said.text, text, "its text");
    }
    // A program that does not know the forms shows the body, as the list does.
    let last = LastKind::Text("Empfehlung.".to_owned());
    let listed = |rows: &[tim::Row]| {
        rows.iter().any(|row| row.id == room && row.last.as_ref().is_some_and(|l| l.kind == last)).then_some(())
    };
    other.sees("the text in the list", listed).await;

    let raw = home.ask(&first, &format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=30")).await.to_string();
    for word in ["Bestrahlung", "K-2026-0417", "sr-0417", "de.gematik.text", "de.konsil", "CarePlan"] {
        assert!(!raw.contains(word), "the homeserver does not read {word:?}");
    }
    let nothing = mine.send_form(&Form::Invitation, None, "Einladung.").await;
    assert!(matches!(nothing, Err(ConversationError::TooLong)), "an invitation to no case: {nothing:?}");
}

async fn an_edit_that_drops_the_form_leaves_its_text(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-rosenpfad").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    mine.send_form(&appointment(), None, SAID).await.expect("it is taken");
    let came = sees(&theirs, "the appointment", is(&appointment())).await;
    theirs.answer_form(&came.id, Answer::Accepted, "Zugesagt.").await.expect("it is taken");
    let own = sees(&mine, "the answer", |m| !answers(m).is_empty()).await;
    mine.edit(&own.id, "Wir telefonieren morgen.").await.expect("another program can do that");
    let changed = sees(&theirs, "the text", says("Wir telefonieren morgen.")).await;
    assert!(changed.edited && changed.id == came.id, "in the place of the card");
    sees(&mine, "the same at the own device", says("Wir telefonieren morgen.")).await;
}

/// Another program, with what it writes as it likes.
struct Other {
    room: Room,
    following: tokio::task::AbortHandle,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Other {
    /// Signed in as `user`, and in the conversation to which it was asked. What it asks of a proxy is its own business.
    async fn of(home: &Home, user: &str, room: &str) -> Self {
        let client = Client::builder().homeserver_url(&home.direct).http_client(plain());
        let client = client.respect_login_well_known(false).build().await.expect("it reaches the homeserver");
        client.matrix_auth().login_username(user, sandbox::PASSWORD).await.expect("it may sign in");
        let id = RoomId::parse(room).expect("a room's id");
        let room = client.join_room_by_id(&id).await.expect("whoever was asked may come");
        client.sync_once(SyncSettings::default()).await.expect("the homeserver answers");
        let following = tokio::spawn(async move {
            let _ended = client.sync(SyncSettings::default()).await;
        })
        .abort_handle();
        Self { room, following }
    }

    async fn sends(&self, kind: &str, content: Value) {
        self.room.send_raw(kind, content).await.expect("the homeserver takes it");
    }
}

/// Ours and another program in a conversation.
async fn with_other(home: &Home, second: &str) -> (Device, Conversation, Other) {
    let (first, second) = (home.person("dr-falkenried").await, home.person(second).await);
    let ours = home.device(&first).await;
    let room = ours.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    let other = Other::of(home, &second, &room).await;
    let mine = ours.opens(&room).await;
    ours.eventually("that the other has come", async || (mine.members().await.len() == 2).then_some(())).await;
    (ours, mine, other)
}

/// A proposed appointment as the agreed form has it, written by hand, with something else in it.
fn written(text: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut content = json!({
        "msgtype": "m.text", "body": text, "m.mentions": {},
        "de.gematik.text": [{ "mimetype": "text/plain", "body": text }],
        "de.gematik.fhir.structure_definition": {
            "url": "http://hl7.org/fhir/StructureDefinition/Appointment", "version": "4.0.1", "type": "Appointment",
            "fhir_version": "4.0.1", "content": [],
        },
        "de.gematik.fhir.resource": {
            "resourceType": "Appointment", "status": "proposed", "start": "2026-11-25T15:00:00+01:00",
            "end": "2026-11-25T15:40:00+01:00", "participant": [{ "status": "needs-action" }],
        },
        "de.konsil.message": { "v": 1, "kind": "appointment" },
    });
    change(&mut content);
    content
}

async fn what_another_program_writes_is_a_card_only_if_it_is_wholly_understood(home: &Home) {
    let (_ours, mine, other) = with_other(home, "dr-heidekorn").await;
    other.sends("m.room.message", written("gut", |_| ())).await;
    let good = sees(&mine, "a card by another hand", is(&appointment())).await;
    assert_eq!(form(&good).map(|said| said.text.as_str()), Some("gut"), "with its text");

    type Change = fn(&mut Value);
    let odd: [(&str, Change); 8] = [
        ("kein Ende", |c| drop(c["de.gematik.fhir.resource"].as_object_mut().expect("an object").remove("end"))),
        ("kein Block", |c| c["de.konsil.message"] = json!([[[[]]]])),
        ("keine Zeit", |c| c["de.gematik.fhir.resource"]["start"] = json!("\u{202E}morgen")),
        ("fremder Fall", |c| c["de.konsil.message"]["case"] = json!({ "base": "file:///etc", "ref": "../passwd" })),
        ("andere Art", |c| c["de.konsil.message"]["kind"] = json!({ "$ne": null })),
        ("falsche Fassung", |c| c["de.konsil.message"]["v"] = json!(-1)),
        ("zu groß", |c| c["de.gematik.fhir.resource"]["comment"] = json!("x".repeat(25_000))),
        ("tief", |c| {
            c["de.gematik.fhir.resource"]["extension"] = (0..60).fold(json!([]), |inner, _| json!([inner]));
            c["de.gematik.fhir.resource"]["status"] = json!("booked");
        }),
    ];
    for (text, change) in odd {
        other.sends("m.room.message", written(text, change)).await;
        sees(&mine, text, says(text)).await;
    }
    other.sends("m.room.message", written("später", |c| c["de.konsil.message"]["v"] = json!(2))).await;
    let newer = sees(&mine, "what a newer program wrote", is(&Form::Newer)).await;
    assert_eq!(form(&newer).map(|said| said.text.as_str()), Some("später"), "and its text");

    // An answer to a card of another kind, and one to nothing, change nothing.
    let event = good.event.clone().expect("the homeserver has it");
    for (text, to, kind) in [("fremd", event.as_str(), "invitation"), ("nichts", "$nothing", "appointment")] {
        let content = json!({
            "msgtype": "m.text", "body": text, "m.mentions": {},
            "m.relates_to": { "m.in_reply_to": { "event_id": to } },
            "de.konsil.message": { "v": 1, "kind": kind, "answer": "accepted" },
        });
        other.sends("m.room.message", content).await;
        sees(&mine, text, |m| form(m).is_some_and(|said| said.text == text)).await;
    }
    let good = sees(&mine, "the card", is(&appointment())).await;
    assert!(answers(&good).is_empty(), "nobody has answered it");
    mine.send("und weiter", None).await.expect("the conversation goes on");
    sees(&mine, "the next line", says("und weiter")).await;
}

async fn a_stand_alone_event_is_shown_by_its_text(home: &Home) {
    let (_ours, mine, other) = with_other(home, "ebbelund").await;
    let recipe = json!({
        "de.gematik.fhir.structure_definition": { "url": "https://gematik.de/fhir/x", "content": [] },
        "de.gematik.fhir.resource": { "resourceType": "MedicationRequest" },
        "de.gematik.text": [{ "mimetype": "text/plain", "body": "Rezept: 6 Zyklen CAPOX" }],
    });
    other.sends("de.gematik.fhir", recipe).await;
    let came = sees(&mine, "its text", says("Rezept: 6 Zyklen CAPOX")).await;
    assert!(!came.sender.own && !came.may_edit, "by the other, and not to be changed");
    other.sends("de.gematik.fhir", json!({ "de.gematik.text": 7 })).await;
    sees(&mine, "one without a text", |m| matches!(m.body, Body::Unsupported { fallback: None })).await;
}

/// The newest structured message that fits.
async fn sees_form(desk: &DeskKit, what: &str, fits: impl Fn(&FormView) -> bool) -> MessageView {
    let wanted = |line: &LineView| match line {
        LineView::Message(message) => match &message.body {
            MessageBodyView::Form { form, .. } if message.event.is_some() && fits(form) => Some((**message).clone()),
            MessageBodyView::Form { .. }
            | MessageBodyView::Text { .. }
            | MessageBodyView::Emote { .. }
            | MessageBodyView::File { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    };
    desk.eventually(what, |seen| seen.conversation.as_ref()?.lines.iter().rev().find_map(wanted)).await
}

fn checked(form: &FormView) -> Option<DecisionCheck> {
    if let FormView::Recommendation { check } = form { Some(*check) } else { None }
}

/// A group about a case, with `other` in it, open at `desk`.
async fn about_case(desk: &DeskKit, home: &Home, other: &Device, patient: &str) -> (String, Conversation) {
    let (people, name) = (vec![home.id("dr-sonnkaya")], Some("Fall 5 intern".to_owned()));
    let begun = desk.call(Request::BeginConversation { people, name, case: Some(patient.to_owned()) }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    let named = |view: &contract::ChatView| {
        let row = view.conversations.iter().find(|row| row.id == conversation)?;
        matches!(row.cases.as_slice(), [one] if matches!(one.access, CaseAccess::Open { .. })).then_some(())
    };
    sees_chat(desk, "its case", named).await;
    other.comes_to(&conversation).await;
    let theirs = other.opens(&conversation).await;
    let opened = desk.call(Request::OpenConversation { conversation: conversation.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");
    // Whoever has come gets the link again, and while it takes the former one's place the conversation names no case.
    other
        .eventually("the link that is sent again", async || {
            let newest = other.account.pinned(&conversation).first()?.clone();
            other.account.read_case(&conversation, &newest).await
        })
        .await;
    (conversation, theirs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recommendation_is_held_against_the_readers_own_record() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    let (conversation, theirs) = about_case(&desk, &home, &other, "pat-mohnblatt").await;
    let step = async |step: FormStep| desk.call(Request::Form { conversation: conversation.clone(), step }).await;
    let listed = timeout(PATIENCE, async {
        loop {
            let listed = step(FormStep::ListDecisions).await;
            if code(&listed) != Some(FailureCode::InvalidInput) {
                return listed;
            }
        }
    });
    let listed = listed.await.expect("it names its case in time");
    let Ok(Reply::Shareable(listed)) = listed else { panic!("decisions: {:?}", code(&listed)) };
    let [decision] = listed.decisions.as_slice() else { panic!("one is signed, not {}", listed.decisions.len()) };
    let shared = step(FormStep::ShareDecision { decision: decision.id.clone() }).await;
    assert!(matches!(shared, Ok(Reply::Done)), "it is taken: {:?}", code(&shared));
    let own = sees_form(&desk, "what the own record says", |form| checked(form) == Some(DecisionCheck::Matches)).await;
    let MessageBodyView::Form { case: Some(case), text, .. } = &own.body else { panic!("it names its case") };
    assert!(
        matches!(&case.access, CaseAccess::Open { patient, .. } if patient == "pat-mohnblatt"),
        "by the own record"
    );
    assert!(!text.contains("Mohnblatt") && text.starts_with("Empfehlung: "), "nobody is named: {text}");

    // The hash is that of the payload that the record's Provenance names.
    let came = sees(&theirs, "the recommendation", |m| {
        form(m).is_some_and(|said| matches!(said.form, Form::Recommendation { .. }))
    })
    .await;
    let said = form(&came).expect("a card");
    let Form::Recommendation { sha256, decision: named } = &said.form else { panic!("a recommendation") };
    assert_eq!(named, &format!("CarePlan/{}", decision.id), "the decision");
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let proofs = records.search(&format!("Provenance?target={named}&_count=20")).await.expect("a search");
    assert!(proofs.iter().any(|proof| proof.to_string().contains(sha256.as_str())), "the signed payload's");

    // Whoever says something else is told apart.
    let link = said.case.clone().expect("its case");
    let forged = Form::Recommendation { decision: named.clone(), sha256: "00".repeat(32) };
    theirs.send_form(&forged, Some(&link), "Empfehlung.").await.expect("it is taken");
    sees_form(&desk, "another hash", |form| checked(form) == Some(DecisionCheck::Differs)).await;
    let nothing = Form::Recommendation { decision: "CarePlan/nobody".to_owned(), sha256: sha256.clone() };
    theirs.send_form(&nothing, Some(&link), "Empfehlung.").await.expect("it is taken");
    sees_form(&desk, "a decision that is not there", |form| checked(form) == Some(DecisionCheck::Uncheckable)).await;
    let elsewhere = CaseLink { base: "https://fhir.elsewhere.example/fhir".to_owned(), ..link };
    theirs.send_form(&Form::Invitation, Some(&elsewhere), "Einladung.").await.expect("it is taken");
    let invited = desk
        .eventually("a case of another platform", |seen| {
            seen.conversation.as_ref()?.lines.iter().find_map(|line| match line {
                LineView::Message(message) => match &message.body {
                    MessageBodyView::Form { form: FormView::Invitation, case: Some(case), .. } => {
                        (case.access != CaseAccess::Unknown).then(|| case.access.clone())
                    }
                    MessageBodyView::Form { .. }
                    | MessageBodyView::Text { .. }
                    | MessageBodyView::Emote { .. }
                    | MessageBodyView::File { .. }
                    | MessageBodyView::Redacted { .. }
                    | MessageBodyView::Undecryptable { .. }
                    | MessageBodyView::Repeated
                    | MessageBodyView::Unsupported { .. } => None,
                },
                LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
            })
        })
        .await;
    assert_eq!(invited, CaseAccess::Elsewhere, "it is not looked for here");

    // A question and an appointment, and the answer to one.
    let asked = step(FormStep::AskBoard { question: " Noch eine Biopsie? ".to_owned() }).await;
    assert!(matches!(asked, Ok(Reply::Done)), "it is taken: {:?}", code(&asked));
    let question = Form::Question { text: "Noch eine Biopsie?".to_owned() };
    sees(&theirs, "the question", is(&question)).await;
    let (start, end) = ("2026-11-25T15:00:00+01:00".to_owned(), "2026-11-25T15:40:00+01:00".to_owned());
    let proposed = step(FormStep::ProposeAppointment { start: start.clone(), end: end.clone() }).await;
    assert!(matches!(proposed, Ok(Reply::Done)), "it is taken: {:?}", code(&proposed));
    let came = sees(&theirs, "the appointment", is(&appointment())).await;
    assert_eq!(form(&came).map(|said| said.text.as_str()), Some(SAID), "for other programs");
    theirs.answer_form(&came.id, Answer::Declined, "Abgesagt.").await.expect("it is taken");
    sees_form(&desk, "the answer at the card", |form| {
        matches!(form, FormView::Appointment { answers, .. }
            if matches!(answers.as_slice(), [one] if one.answer == FormAnswer::Declined && !one.by.own))
    })
    .await;
    theirs.send_form(&appointment(), None, SAID).await.expect("it is taken");
    let theirs_here = desk
        .eventually("the other's appointment", |seen| {
            let lines = &seen.conversation.as_ref()?.lines;
            lines.iter().find_map(|line| match line {
                LineView::Message(message) if !message.sender.own => match &message.body {
                    MessageBodyView::Form { form: FormView::Appointment { .. }, .. } => Some(message.id.clone()),
                    MessageBodyView::Form { .. }
                    | MessageBodyView::Text { .. }
                    | MessageBodyView::Emote { .. }
                    | MessageBodyView::File { .. }
                    | MessageBodyView::Redacted { .. }
                    | MessageBodyView::Undecryptable { .. }
                    | MessageBodyView::Repeated
                    | MessageBodyView::Unsupported { .. } => None,
                },
                LineView::Message(_) | LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
            })
        })
        .await;
    let answer = step(FormStep::Answer { message: theirs_here, answer: FormAnswer::Accepted }).await;
    assert!(matches!(answer, Ok(Reply::Done)), "it is taken: {:?}", code(&answer));
    sees(&theirs, "the desk's answer", |m| answers(m).iter().any(|(_, answer)| *answer == Answer::Accepted)).await;

    for (what, wrong) in [
        ("no words", FormStep::AskBoard { question: " \n".to_owned() }),
        ("no offset", FormStep::ProposeAppointment { start: "2026-11-25T15:00:00".to_owned(), end: end.clone() }),
        ("back in time", FormStep::ProposeAppointment { start: end, end: start }),
    ] {
        let refused = step(wrong).await;
        assert_eq!(code(&refused), Some(FailureCode::InvalidInput), "{what}");
    }
    let nobody = step(FormStep::ShareDecision { decision: "nobody".to_owned() }).await;
    assert_eq!(code(&nobody), Some(FailureCode::NotFound), "a decision that is not there");

    desk.kill().await.expect("it ends");
    let needles = ["Biopsie".to_owned(), "Mohnblatt".to_owned()];
    let found = find_in_files(&folder.path().join("profile"), &needles).expect("the profile can be read");
    assert_eq!(found, None, "nothing of it lies readable on the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_about_a_case_needs_a_conversation_of_one() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let people = vec![home.id("dr-sonnkaya")];
    let begun = desk.call(Request::BeginConversation { people, name: None, case: None }).await;
    let Ok(Reply::Begun(begun)) = begun else { panic!("a conversation: {:?}", code(&begun)) };
    let conversation = begun.conversation;
    let opened = desk.call(Request::OpenConversation { conversation: conversation.clone() }).await;
    assert!(matches!(opened, Ok(Reply::Conversation(_))), "it opens");
    for step in [
        FormStep::InviteToCase,
        FormStep::AskBoard { question: "Bestrahlung?".to_owned() },
        FormStep::ListDecisions,
        FormStep::ShareDecision { decision: "dec-1".to_owned() },
    ] {
        let refused = desk.call(Request::Form { conversation: conversation.clone(), step }).await;
        assert_eq!(code(&refused), Some(FailureCode::InvalidInput), "there is no case");
    }
    let (start, end) = ("2026-11-25T15:00:00+01:00".to_owned(), "2026-11-25T15:40:00+01:00".to_owned());
    let proposed = FormStep::ProposeAppointment { start, end };
    let proposed = desk.call(Request::Form { conversation, step: proposed }).await;
    assert!(matches!(proposed, Ok(Reply::Done)), "an appointment needs none: {:?}", code(&proposed));
    sees_form(&desk, "the appointment", |form| matches!(form, FormView::Appointment { .. })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_the_case_goes_with_its_content_and_names_nobody_outside_it() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let home = Home::of(found(platform.url.trim_start_matches("http://")).await, false);
    let other = home.device("dr-sonnkaya").await;
    let (conversation, theirs) = about_case(&desk, &home, &other, "pat-auenwald").await;
    let opened = desk.call(Request::OpenCase { patient: "pat-auenwald".to_owned() }).await;
    assert!(matches!(opened, Ok(Reply::Case(_))), "the case: {:?}", code(&opened));
    let documents = |seen: &testkit::Seen| match &seen.case.as_ref()?.documents {
        contract::Part::Ready { value, .. } => Some(value.clone()),
        contract::Part::Loading
        | contract::Part::Empty
        | contract::Part::Denied
        | contract::Part::Absent
        | contract::Part::Failed { .. } => None,
    };
    let listed = desk.eventually("the documents of the case", documents).await;
    let pdf = listed.iter().find(|one| one.content_type == "application/pdf").expect("one is a PDF");
    let read = Request::ReadDocument { patient: "pat-auenwald".to_owned(), document: pdf.id.clone() };
    let Ok(Reply::Document(read)) = desk.call(read).await else { panic!("it can be read") };
    let contract::DocumentContent::Pdf { data } = read.content else { panic!("it is a PDF") };

    let share = |document: &str| Request::Form {
        conversation: conversation.clone(),
        step: FormStep::ShareDocument { document: document.to_owned() },
    };
    let shared = timeout(PATIENCE, async {
        loop {
            let shared = desk.call(share(&pdf.id)).await;
            if code(&shared) != Some(FailureCode::InvalidInput) {
                return shared;
            }
        }
    });
    let shared = shared.await.expect("it names its case in time");
    assert!(matches!(shared, Ok(Reply::Done)), "it is taken: {:?}", code(&shared));
    let came = sees(&theirs, "the document", |m| {
        form(m).is_some_and(|said| matches!(said.form, Form::Document { file: Some(_), .. }))
    })
    .await;
    let Some(Structured { form: Form::Document { title, file: Some(file) }, case: Some(_), text, .. }) = form(&came)
    else {
        panic!("a document of a case")
    };
    assert_eq!(title.as_deref(), Some(pdf.title.as_str()), "as the record calls it");
    assert_eq!(file.mimetype.as_deref(), Some("application/pdf"), "as its content is");
    for outside in [text, &file.name] {
        assert!(!outside.contains("Auenwald") && !outside.contains("Gernot"), "nobody is named: {outside}");
    }
    let mut whole = super::files::Basket::default();
    theirs.file(&came.id).expect("it has one").fetch(&mut whole).await.expect("it comes");
    let sent: Base64 = Base64::parse(data).expect("base64");
    assert!(whole.0 == sent.as_bytes(), "the bytes of the record");

    let none = desk.call(share("doc-none")).await;
    assert_eq!(code(&none), Some(FailureCode::NotFound), "what the record does not have");
}
