//! Somebody else's program in the same conversation: matrix-js-sdk, on which Element Web stands.

use super::files::{Shelf, fetched, file};
use super::verification::{comes_to, shows};
use super::{Device, Home, Pair, pair, says, sees, text};
use crate::program::Program;
use serde_json::{Value, json};
use std::ops::Deref;
use tim::{Body, Named, Naming, NewConversation, RecoveryState, Splitting, Typed, VerificationState, Whom};

on_each_homeserver! {
    another_program_and_ours_confirm_each_other_and_talk,
    another_program_and_ours_name_each_other,
    ours_asks_another_program_and_both_are_confirmed,
    ours_reads_the_past_from_a_backup_that_another_program_made,
    another_program_reads_the_past_from_a_backup_that_ours_made,
}

/// The specification's table, "SAS method: emoji".
const EMOJI: [&str; 64] = [
    "🐶", "🐱", "🦁", "🐎", "🦄", "🐷", "🐘", "🐰", "🐼", "🐓", "🐧", "🐢", "🐟", "🐙", "🦋", "🌷", "🌳", "🌵", "🍄",
    "🌏", "🌙", "☁️", "🔥", "🍌", "🍎", "🍓", "🌽", "🍕", "🎂", "❤️", "😀", "🤖", "🎩", "👓", "🔧", "🎅", "👍", "☂️",
    "⌛", "⏰", "🎁", "💡", "📕", "✏️", "📎", "✂️", "🔒", "🔑", "🔨", "☎️", "🏁", "🚂", "🚲", "✈️", "🚀", "🏆", "⚽",
    "🎸", "🎺", "🔔", "⚓", "🎧", "📁", "📌",
];

/// The other program, signed in.
pub(super) struct Peer {
    program: Program,
    pub(super) user: String,
    pub(super) device: String,
}

impl Deref for Peer {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl Peer {
    /// Signed in as `user`; none, loudly, where it is not installed.
    async fn of(home: &Home, user: &str) -> Option<Self> {
        let Some(program) = Program::start("matrix-js") else {
            // A proxy wants to have seen our own client at least.
            home.device(user).await;
            return None;
        };
        // What it asks of a proxy is its own business.
        let base = home.direct.as_str();
        let act = json!({ "do": "login", "base": base, "user": user, "password": sandbox::PASSWORD });
        let login = program.does(act).await;
        let word = |name: &str| login[name].as_str().expect("it is signed in").to_owned();
        let (user, device) = (word("user"), word("device"));
        Some(Self { program, user, device })
    }

    /// Waits for a line that fits; gives it.
    async fn sees(&self, room: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let lines = json!({ "do": "lines", "room": room });
        self.until(what, lines, |lines| lines.as_array()?.iter().find(|line| fits(line)).cloned()).await
    }
}

fn truly(answer: &Value) -> Option<()> {
    (answer == &json!(true)).then_some(())
}

/// Both show the same, say so, and believe it.
async fn confirm(ours: &Device, peer: &Peer) {
    let symbols = shows(ours).await;
    let theirs =
        peer.until("what it shows", json!({ "do": "shown" }), |shown| (!shown.is_null()).then(|| shown.clone()));
    let theirs = theirs.await;
    let pictures = symbols.emoji.expect("both know the table").map(|place| EMOJI[usize::from(place)]);
    assert_eq!(theirs["emoji"], json!(pictures), "the same seven pictures");
    assert_eq!(theirs["numbers"], json!(symbols.numbers), "the same three numbers");
    ours.account.compare_verification(true).await.expect("it can be said");
    peer.does(json!({ "do": "same" })).await;
    comes_to(ours, &VerificationState::Done).await;
    peer.until("its end", json!({ "do": "compared" }), |end| (end == "done").then_some(())).await;
}

/// Ours, the other program, and their conversation, which ours has begun.
pub(super) async fn together(home: &Home) -> Option<(Device, Peer, String)> {
    let (first, second) = (home.person("dr-falkenried").await, home.person("dr-heidekorn").await);
    let peer = Peer::of(home, &second).await?;
    peer.until("its keys", json!({ "do": "crossSign" }), truly).await;
    let ours = home.device(&first).await;
    let room = ours.account.begin(NewConversation::Direct(&home.id(&second))).await.expect("it may be begun");
    peer.until("the invitation", json!({ "do": "join", "room": room }), |joined| joined.as_str().map(|_| ())).await;
    Some((ours, peer, room))
}

async fn another_program_and_ours_confirm_each_other_and_talk(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Some((ours, peer, room)) = together(home).await else { return };
    let mine = ours.opens(&room).await;
    ours.eventually("that the other one has come", async || (mine.members().await.len() == 2).then_some(())).await;

    peer.until("its question", json!({ "do": "compareWith", "user": ours.account.user(), "room": room }), |_| Some(()))
        .await;
    comes_to(&ours, &VerificationState::Asked).await;
    ours.account.accept_verification().await.expect("it is asked");
    peer.until("that it begins", json!({ "do": "begin" }), truly).await;
    confirm(&ours, &peer).await;
    ours.eventually("that it is confirmed", async || (mine.confirmed() == [peer.user.clone()]).then_some(())).await;
    peer.until("that it believes so", json!({ "do": "trusts", "user": ours.account.user() }), truly).await;

    // To and fro.
    mine.send("Wie hoch war der SUV?", None).await.expect("it is taken");
    let asked = peer.sees(&room, "the question", |line| line["text"] == "Wie hoch war der SUV?").await;
    assert_eq!((&asked["encrypted"], &asked["readable"]), (&json!(true), &json!(true)), "encrypted, and read");
    peer.does(json!({ "do": "reply", "room": room, "event": asked["event"], "text": "16,2" })).await;
    let answer = sees(&mine, "the answer", says("16,2")).await;
    assert!(!answer.in_clear && !answer.sender.own, "encrypted, and by the other");
    let replied = answer.reply_to.as_ref().expect("it is an answer");
    assert_eq!(json!(replied.event), asked["event"], "to the question");

    let event = answer.event.clone().expect("the homeserver has it");
    peer.does(json!({ "do": "edit", "room": room, "event": event, "text": "16,3" })).await;
    sees(&mine, "the change", |m| text(m) == Some("16,3") && m.edited).await;
    let own = sees(&mine, "the question", says("Wie hoch war der SUV?")).await;
    mine.edit(&own.id, "Wie hoch war der SUVmax?").await.expect("it may be changed");
    let changed = |line: &Value| line["text"] == "Wie hoch war der SUVmax?" && line["edited"] == true;
    peer.sees(&room, "the change", changed).await;

    peer.does(json!({ "do": "react", "room": room, "event": asked["event"], "key": "👍" })).await;
    sees(&mine, "the reaction", |m| m.reactions.iter().any(|one| one.key == "👍" && !one.own)).await;
    mine.toggle_reaction(&answer.id, "✅").await.expect("it may be reacted to");
    peer.sees(&room, "the reaction", |line| line["event"] == json!(event) && line["reactions"] == json!(["✅"])).await;
    mine.send("Danke", Some(&event)).await.expect("it is taken");
    peer.sees(&room, "an answer to it", |line| line["text"] == "Danke" && line["answers"] == json!(event)).await;

    // Files.
    peer.does(json!({ "do": "file", "room": room, "name": "Befund.txt", "text": "Kein Hinweis auf Metastasen." }))
        .await;
    let came = sees(&mine, "the file", |m| matches!(&m.body, Body::File { name, .. } if name == "Befund.txt")).await;
    let came = fetched(&mine, &came.id).await.expect("it can be fetched");
    assert_eq!(came, "Kein Hinweis auf Metastasen.".as_bytes(), "as it was sent");
    let plan = "Bestrahlung ab Montag".as_bytes();
    let mut outgoing = mine
        .attach(file("Plan.txt", "text/plain", plan.len() as u64), Splitting::default())
        .await
        .expect("it is taken");
    outgoing.send(&mut Shelf::of(plan)).await.expect("it goes");
    let line = peer.sees(&room, "our file", |line| line["kind"] == "m.file" && line["text"] == "Plan.txt").await;
    let opened = peer.does(json!({ "do": "open", "room": room, "event": line["event"] })).await;
    assert_eq!(opened, "Bestrahlung ab Montag", "as we sent it");
    let lines = peer.does(json!({ "do": "lines", "room": room })).await;
    let unread = lines.as_array().expect("lines").iter().filter(|line| line["readable"] != true).count();
    assert_eq!(unread, 0, "it read everything");
}

async fn another_program_and_ours_name_each_other(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Some((ours, peer, room)) = together(home).await else { return };
    let mine = ours.opens(&room).await;
    ours.eventually("that the other one has come", async || (mine.members().await.len() == 2).then_some(())).await;
    let members = mine.members().await;
    let theirs = members.iter().find(|person| !person.own).expect("the other one");
    let name = format!("@{}", theirs.name);
    let named = |before: &str| {
        let at = before.len()..before.len() + name.len();
        let whom = Whom::Person(peer.user.clone());
        Typed { text: format!("{before}{name}?"), named: vec![Named { at, whom }] }
    };
    mine.send(named("Kommt "), None).await.expect("it is taken");
    let body = format!("Kommt {}?", theirs.name);
    let line = peer.sees(&room, "the message", |line| line["text"] == json!(body)).await;
    assert_eq!(line["mentions"], json!({ "user_ids": [peer.user] }), "it names the other one");
    assert_eq!(line["highlighted"], true, "who is told so");
    let link = format!("Kommt <a href=\"https://matrix.to/#/{}\">{}</a>?", peer.user, theirs.name);
    assert_eq!(line["markup"], json!(link), "with a link as the specification has it");
    mine.send("Danke", None).await.expect("it is taken");
    let plain = peer.sees(&room, "the next one", |line| line["text"] == "Danke").await;
    assert_eq!((&plain["mentions"], &plain["highlighted"]), (&json!({}), &json!(false)), "it names nobody");

    let sent = sees(&mine, "the own message", |m| text(m) == Some(&*named("Kommt ").text) && m.event.is_some()).await;
    mine.edit(&sent.id, named("Wann kommt ")).await.expect("it may be changed");
    let changed = format!("Wann kommt {}?", theirs.name);
    let line = peer.sees(&room, "the change", |line| line["text"] == json!(changed)).await;
    assert_eq!(line["mentions"], json!({ "user_ids": [peer.user] }), "it names the other one still");
    assert_eq!(line["anew"], json!({}), "and tells nobody again");

    let own = members.iter().find(|person| person.own).expect("this person");
    let act = json!({ "do": "name", "room": room, "user": own.id, "name": own.name, "text": ": um drei" });
    peer.does(act).await;
    let seen = sees(&mine, "the answer", says(&format!("@{}: um drei", own.name))).await;
    assert_eq!(seen.naming, Naming::Own, "it names this person");
}

async fn ours_asks_another_program_and_both_are_confirmed(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Some((ours, peer, room)) = together(home).await else { return };
    let mine = ours.opens(&room).await;
    ours.eventually("that the other one has come", async || (mine.members().await.len() == 2).then_some(())).await;
    // A question from a device whose keys are not known yet is not heard.
    peer.until("that it knows ours", json!({ "do": "knows", "user": ours.account.user() }), truly).await;
    ours.account.verify_person(&peer.user).await.expect("it can be asked");
    peer.until("our question", json!({ "do": "accept" }), truly).await;
    confirm(&ours, &peer).await;
    ours.eventually("that it is confirmed", async || (mine.confirmed() == [peer.user.clone()]).then_some(())).await;
    peer.until("that it believes so", json!({ "do": "trusts", "user": ours.account.user() }), truly).await;
}

async fn ours_reads_the_past_from_a_backup_that_another_program_made(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Some((other, peer, room)) = together(home).await else { return };
    let theirs = other.opens(&room).await;
    theirs.send("vorher", None).await.expect("it is taken");
    peer.sees(&room, "the message", |line| line["text"] == "vorher").await;
    let key = peer.does(json!({ "do": "makeBackup" })).await;
    let key = key.as_str().expect("a recovery key");
    let user = peer.user.trim_start_matches('@').split(':').next().expect("a user id").to_owned();
    let kept =
        async || home.ask(&user, "/_matrix/client/v3/room_keys/version").await["count"].as_u64().filter(|n| *n > 0);
    other.eventually("that the key of the message is in the backup", kept).await;

    let new = home.device(&user).await;
    let mine = new.opens(&room).await;
    sees(&mine, "a message without its key", |m| matches!(m.body, Body::Undecryptable(_))).await;
    new.account.recover(key).await.expect("the other program's key opens it");
    sees(&mine, "the past", says("vorher")).await;
    new.eventually("that this device takes part", async || {
        (new.account.recovery_state() == RecoveryState::Ready).then_some(())
    })
    .await;
}

async fn another_program_reads_the_past_from_a_backup_that_ours_made(home: &Home) {
    let own = home.untouched().await;
    let home = own.as_ref().unwrap_or(home);
    let Pair { one, other, room, first } = pair(home, "dr-kranichbach", "ebbelund").await;
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    theirs.send("vorher", None).await.expect("it is taken");
    sees(&mine, "the message", says("vorher")).await;
    let key = one.account.set_up_recovery().await.expect("it is the first");
    let Some(peer) = Peer::of(home, &first).await else { return };
    peer.sees(&room, "a message without its key", |line| line["readable"] == false).await;
    // It has to know its own keys before.
    peer.until("its recovery", json!({ "do": "recover", "key": key.reveal() }), |_| Some(())).await;
    peer.sees(&room, "the past", |line| line["text"] == "vorher").await;
}
