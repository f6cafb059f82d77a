//! A round at two desks, asked for as the page asks: into it from a conversation, seeing each other by the door of
//! pictures, and out again.

use super::{Place, Server};
use crate::bulk::{Socket, knock};
use crate::chat::Home;
use crate::{MODERATOR, at_work_on};
use contract::{
    ChatView, ConversationMembership, FailureCode, OwnMediaView, PictureAsked, Reply, Request, RoundEnd, RoundKey,
    RoundPersonView, RoundPhase, RoundPictureView, RoundStep, RoundView,
};
use futures_util::{SinkExt as _, StreamExt as _};
use sandbox::{ChatOptions, Options, Rounds, Sfu};
use tempfile::TempDir;
use testkit::{DeskKit, PATIENCE, Platform};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use zeroize::Zeroizing;

const COLLEAGUE: &str = "dr-sonnkaya";

/// Two desks with a conversation.
pub(super) struct Two {
    _platform: Platform,
    _folders: (TempDir, TempDir),
    pub(super) one: DeskKit,
    pub(super) other: DeskKit,
    pub(super) room: String,
}

/// None, loudly, where the server that is to hold the rounds is missing.
pub(super) fn held_on(server: Server) -> Option<Rounds> {
    Some(match server {
        Server::Own => Rounds::Here,
        Server::LiveKit => {
            let Place { address: url, key, secret, .. } = Place::livekit()?;
            Rounds::On(Sfu { url, key, secret: Zeroizing::new(secret) })
        }
    })
}

async fn two(rounds: Rounds) -> Two {
    two_about(rounds, None).await
}

/// With a conversation about this patient's case.
pub(super) async fn two_about(rounds: Rounds, patient: Option<&str>) -> Two {
    let chat = ChatOptions { rounds, ..ChatOptions::default() };
    let platform = Platform::start(Options { chat, ..Options::default() }).await.expect("a platform starts");
    two_at(platform, patient).await
}

async fn two_at(platform: Platform, patient: Option<&str>) -> Two {
    let home = Home::at(&platform).await;
    let (folder, one) = at_work_on(&platform, MODERATOR).await;
    let (second, other) = at_work_on(&platform, COLLEAGUE).await;
    for desk in [&one, &other] {
        desk.eventually("chat, and what the device is", |seen| {
            let chat = seen.chat.as_ref()?;
            // It is known after the device was signed, and whose is not signed is handed no key.
            let signed = chat.recovery != contract::RecoveryView::Unknown;
            (signed && chat.state == contract::ChatStateView::Ready).then_some(())
        })
        .await;
    }
    let name = patient.map(|_| "Fall 1".to_owned());
    let begin = Request::BeginConversation { people: vec![home.id(COLLEAGUE)], name, case: patient.map(str::to_owned) };
    let room = match one.call(begin).await {
        Ok(Reply::Begun(begun)) => begun.conversation,
        answer => panic!("a conversation: {answer:?}"),
    };
    let there = |view: &ChatView, invited: bool| {
        let fits = |membership: &ConversationMembership| match membership {
            ConversationMembership::Invited { .. } => invited,
            ConversationMembership::Joined => !invited,
            ConversationMembership::Left => false,
        };
        view.conversations.iter().any(|row| row.id == room && fits(&row.membership)).then_some(())
    };
    other.eventually("the invitation", |seen| seen.chat.as_ref().and_then(|view| there(view, true))).await;
    done(&other, Request::JoinConversation { conversation: room.clone() }).await;
    other.eventually("the conversation", |seen| seen.chat.as_ref().and_then(|view| there(view, false))).await;
    Two { _platform: platform, _folders: (folder, second), one, other, room }
}

pub(super) async fn done(desk: &DeskKit, request: Request) {
    let answer = desk.call(request).await;
    assert!(matches!(answer, Ok(Reply::Done)), "it is done: {answer:?}");
}

pub(super) async fn asks(desk: &DeskKit, step: RoundStep) {
    done(desk, Request::Round { round: step }).await;
}

pub(super) async fn sees<T>(desk: &DeskKit, what: &str, find: impl Fn(&RoundView) -> Option<T>) -> T {
    desk.eventually(what, |seen| find(seen.rounds.as_ref()?.round.as_ref()?)).await
}

pub(super) async fn comes_in(desk: &DeskKit, room: &str, camera: bool) {
    asks(desk, RoundStep::Enter { conversation: room.to_owned(), camera }).await;
    sees(desk, "that the round is entered", |round| (round.phase == RoundPhase::In).then_some(())).await;
}

/// The only other person.
pub(super) fn partner(round: &RoundView) -> Option<&RoundPersonView> {
    let mut others = round.people.iter().filter(|person| !person.here);
    others.next().filter(|_| others.next().is_none())
}

pub(super) async fn pictures(desk: &DeskKit) -> Socket {
    let answer = desk.call(Request::Round { round: RoundStep::OpenPictures }).await;
    let Ok(Reply::PictureDoor(door)) = answer else { panic!("a door: {answer:?}") };
    knock(&door.socket, Some(DeskKit::ORIGIN), None).await.expect("its own page is let in")
}

pub(super) async fn says(socket: &mut Socket, asked: &PictureAsked) {
    let text = serde_json::to_string(asked).expect("a word");
    socket.send(Message::Text(text.into())).await.expect("the door is open");
}

/// The next picture: kind, flags, number of the track, columns, rows and bytes.
pub(super) async fn picture(socket: &mut Socket) -> (u8, u8, u32, u16, u16, Vec<u8>) {
    let message = timeout(PATIENCE, async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Binary(bytes))) => return bytes,
                Some(Ok(_)) => {}
                other => panic!("the door stays open: {other:?}"),
            }
        }
    });
    let bytes = message.await.expect("it comes in time");
    says(socket, &PictureAsked::Credit { pictures: 1 }).await;
    let (header, rest) = bytes.split_at(32);
    assert_eq!(header[0], 1, "the only version");
    let number = u32::from_le_bytes(header[4..8].try_into().expect("four bytes"));
    let side = |at: usize| u16::from_le_bytes(header[at..at + 2].try_into().expect("two bytes"));
    (header[1], header[2], number, side(16), side(18), rest.to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_desks_meet_in_the_round_of_their_conversation_and_see_each_other() {
    meet(Server::Own).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_desks_meet_on_livekit_and_see_each_other() {
    meet(Server::LiveKit).await;
}

async fn meet(server: Server) {
    let Some(rounds) = held_on(server) else { return };
    let Two { one, other, room, .. } = &two(rounds).await;
    one.eventually("that rounds are held", |seen| seen.rounds.as_ref().filter(|view| view.offered).map(drop)).await;
    comes_in(one, room, false).await;
    let running = other
        .eventually("that a round goes on", |seen| {
            let running = seen.rounds.as_ref()?.running.first()?;
            Some((running.conversation.clone(), running.people.len()))
        })
        .await;
    assert_eq!(running, (room.clone(), 1), "in their conversation, with one person");

    comes_in(other, room, true).await;
    let seen = sees(one, "the other's picture", |round| {
        let partner = partner(round)?;
        (partner.key == RoundKey::Encrypted).then_some(partner.camera?)
    });
    let RoundPictureView { track, held, width, height } = seen.await;
    assert_eq!((held, width, height), (false, 640, 360), "as it is sent");
    let own = sees(other, "its own picture", |round| round.people.iter().find(|person| person.here)?.camera).await;

    // What is asked for small comes small as soon as the media server has heard of it, and from a whole one on.
    for (desk, track, expected) in [(one, track, (320, 180)), (other, own.track, (320, 180))] {
        let mut socket = pictures(desk).await;
        says(&mut socket, &PictureAsked::View { track, width: 320, height: 180, visible: true }).await;
        let mut decoder = codec::vp8::Decoder::new();
        let (mut before, mut small) = (None, 0);
        while small < 5 {
            let (kind, flags, of, width, height, bytes) = picture(&mut socket).await;
            assert_eq!((kind, of), (1, track), "encoded, of that track");
            assert!(before == Some((width, height)) || flags & 1 == 1, "the first of a size depends on no other");
            assert!(small == 0 || (width, height) == expected, "once small it stays small");
            small += u32::from((width, height) == expected);
            before = Some((width, height));
            let drawn = decoder.decode(&bytes).expect("it is VP8").expect("it is shown");
            assert_eq!((drawn.width(), drawn.height()), (width, height), "as the header says");
        }
    }

    // A page without a decoder gets pixels of its tile's size.
    let mut socket = pictures(one).await;
    says(&mut socket, &PictureAsked::View { track, width: 160, height: 90, visible: true }).await;
    says(&mut socket, &PictureAsked::Cannot { track }).await;
    let (width, height, bytes) = loop {
        let (kind, _, of, width, height, bytes) = picture(&mut socket).await;
        assert_eq!(of, track, "of that track");
        if kind == 2 {
            break (width, height, bytes);
        }
    };
    assert_eq!((width, height, bytes.len()), (160, 90, 160 * 90 * 3 / 2), "I420");

    asks(other, RoundStep::SetMicrophone { on: true }).await;
    let microphone = OwnMediaView::On { device: Some(testkit::MICROPHONE.to_owned()) };
    sees(other, "its microphone", |round| (round.microphone == microphone).then_some(())).await;
    sees(one, "that the other speaks", |round| partner(round).filter(|it| it.speaking && !it.muted).map(drop)).await;
    asks(other, RoundStep::SetMicrophone { on: false }).await;
    sees(one, "that the other is silent", |round| partner(round).filter(|it| !it.speaking && it.muted).map(drop)).await;

    asks(other, RoundStep::SetHand { up: true }).await;
    sees(one, "the hand", |round| (partner(round)?.hand == Some(1)).then_some(())).await;
    asks(one, RoundStep::SetHand { up: true }).await;
    let hands = sees(other, "both hands", |round| {
        let hands: Vec<_> = round.people.iter().filter_map(|person| person.hand).collect();
        (hands.len() == 2).then_some(hands)
    });
    assert_eq!(hands.await, [1, 2], "who asked first is first, also where this person stands in front");
    asks(other, RoundStep::SetCamera { on: false }).await;
    sees(one, "that nothing is shown any more", |round| partner(round)?.camera.is_none().then_some(())).await;

    asks(other, RoundStep::Leave).await;
    sees(one, "that the other has left", |round| (round.people.len() == 1).then_some(())).await;
    other.eventually("that it sees no round", |seen| seen.rounds.as_ref()?.round.is_none().then_some(())).await;
    asks(one, RoundStep::Leave).await;
    other.eventually("that nobody is there", |seen| seen.rounds.as_ref()?.running.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_that_cannot_be_entered_says_why_and_leaves_nobody_in_it() {
    let Some(Rounds::On(sfu)) = held_on(Server::LiveKit) else { return };
    let secret = Zeroizing::new("a secret that the media server does not share".to_owned());
    let Two { one, other, room, .. } = &two(Rounds::On(Sfu { secret, ..sfu })).await;
    asks(one, RoundStep::Enter { conversation: room.clone(), camera: true }).await;
    let why = sees(one, "that it ended", |round| match &round.phase {
        RoundPhase::Ended { why } => Some(why.clone()),
        RoundPhase::Entering { .. } | RoundPhase::In | RoundPhase::Reconnecting { .. } => None,
    });
    let RoundEnd::Failed { failure } = why.await else { panic!("it failed") };
    assert_eq!(failure.code, FailureCode::RoundRefused, "the media server does not know the ticket");
    other.eventually("that nobody is there", |seen| seen.rounds.as_ref()?.running.is_empty().then_some(())).await;
    asks(one, RoundStep::Leave).await;
    one.eventually("that it is forgotten", |seen| seen.rounds.as_ref()?.round.is_none().then_some(())).await;
    let answer = one.call(Request::Round { round: RoundStep::SetCamera { on: true } }).await;
    assert_eq!(answer.expect_err("there is none").code, FailureCode::NotFound, "nothing is done in no round");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_media_server_no_round_is_offered_and_none_is_entered() {
    let Two { one, room, .. } = &two(Rounds::Nowhere).await;
    let offered = one.eventually("rounds", |seen| Some(seen.rounds.as_ref()?.offered)).await;
    assert!(!offered, "none is named");
    asks(one, RoundStep::Enter { conversation: room.clone(), camera: false }).await;
    let failure = sees(one, "that it ended", |round| match &round.phase {
        RoundPhase::Ended { why: RoundEnd::Failed { failure } } => Some(failure.clone()),
        RoundPhase::Ended { .. } | RoundPhase::Entering { .. } | RoundPhase::In | RoundPhase::Reconnecting { .. } => {
            None
        }
    });
    assert_eq!(failure.await.code, FailureCode::NoRounds, "and it is said");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_lock_nobody_is_heard_or_seen_and_the_round_goes_on() {
    let Two { one, other, room, .. } = &two(Rounds::Here).await;
    comes_in(one, room, false).await;
    comes_in(other, room, true).await;
    asks(other, RoundStep::SetMicrophone { on: true }).await;
    let sends = |it: &&RoundPersonView| it.camera.is_some() && it.speaking;
    sees(one, "that the other is heard and seen", |round| partner(round).filter(sends).map(drop)).await;
    let mut socket = pictures(other).await;
    done(other, Request::Lock).await;
    let gone = |it: &&RoundPersonView| it.camera.is_none() && it.muted;
    sees(one, "that the other is neither", |round| partner(round).filter(gone).map(drop)).await;
    let ended = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} }).await;
    assert!(ended.is_ok(), "a locked desk gives no pictures away");
    let refused = other.call(Request::Round { round: RoundStep::SetMicrophone { on: true } }).await;
    assert_eq!(refused.expect_err("it is locked").code, FailureCode::Locked, "nor is anybody heard by it");
    let people = one.seen().rounds.and_then(|view| view.round).expect("it goes on").people.len();
    assert_eq!(people, 2, "and the other is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_a_round_at_the_demonstration_is_joined_by_a_colleague_and_sees_them() {
    let platform = Platform::start(Options { colleagues: true, ..Options::default() }).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    let room = desk
        .eventually("the conversation of a case", |seen| {
            let rows = &seen.chat.as_ref()?.conversations;
            let case = rows.iter().find(|row| row.kind == contract::ConversationKind::Case)?;
            Some(case.id.clone())
        })
        .await;
    comes_in(&desk, &room, true).await;
    let seen = sees(&desk, "a colleague's picture", |round| {
        let mut others = round.people.iter().filter(|person| !person.here && person.key == RoundKey::Encrypted);
        others.find_map(|person| person.camera)
    });
    let RoundPictureView { track, .. } = seen.await;
    let mut socket = pictures(&desk).await;
    says(&mut socket, &PictureAsked::View { track, width: 320, height: 180, visible: true }).await;
    let (kind, flags, of, ..) = picture(&mut socket).await;
    assert_eq!((kind, flags & 1, of), (1, 1, track), "a whole picture of theirs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_or_leaves_on_the_way_in_is_not_seen_in_the_round_any_more() {
    let Two { one, other, room, .. } = &two(Rounds::Here).await;
    asks(other, RoundStep::Enter { conversation: room.clone(), camera: false }).await;
    asks(other, RoundStep::Leave).await;
    comes_in(one, room, false).await;
    comes_in(other, room, false).await;
    sees(one, "the other", |round| partner(round).map(drop)).await;
    done(other, Request::SignOut).await;
    sees(one, "that the other is gone", |round| (round.people.len() == 1).then_some(())).await;
}
