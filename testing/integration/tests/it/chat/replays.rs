//! Encrypted events that are given out a second time under another id.

use super::{Home, Pair, count, pair, reads, says, sees};
use serde_json::Value;
use tim::{Answer, Body, Form, Moment};

on_each_homeserver! {
    what_is_given_out_again_is_not_shown_twice_and_what_is_written_twice_is,
    an_answer_that_is_given_out_again_is_not_the_newest,
}

/// The contents of a person's encrypted events, the newest first.
async fn encrypted(home: &Home, user: &str, room: &str) -> Vec<Value> {
    let raw = home.ask(user, &format!("/_matrix/client/v3/rooms/{room}/messages?dir=b&limit=50")).await;
    let own = home.id(user);
    let events = raw["chunk"].as_array().expect("events").iter();
    let events = events.filter(|event| event["type"] == "m.room.encrypted" && event["sender"] == own.as_str());
    events.map(|event| event["content"].clone()).collect()
}

async fn what_is_given_out_again_is_not_shown_twice_and_what_is_written_twice_is(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-silbertal").await;
    let second = other.account.user();
    let second = second.trim_start_matches('@').split(':').next().expect("a name");
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    for line in ["Danke", "Danke", "Ende"] {
        theirs.send(line, None).await.expect("it is taken");
    }
    sees(&mine, "the last", says("Ende")).await;
    let sent = encrypted(home, second, &room).await;
    // Of "Danke", the first of the two.
    home.put_encrypted(second, &room, &sent[2]).await;
    sees(&mine, "that it came again", |m| matches!(m.body, Body::Repeated)).await;
    reads(&mine, "it as often as it was written", |lines| count(lines, "Danke") == 2).await;
    sees(&theirs, "the same at its author's", |m| matches!(m.body, Body::Repeated)).await;
    reads(&theirs, "the same there", |lines| count(lines, "Danke") == 2).await;

    drop(mine);
    let one = one.restarted().await;
    one.ready().await;
    let mine = one.opens(&room).await;
    sees(&mine, "the same after a start", |m| matches!(m.body, Body::Repeated)).await;
    reads(&mine, "no more of it", |lines| count(lines, "Danke") == 2).await;
}

async fn an_answer_that_is_given_out_again_is_not_the_newest(home: &Home) {
    let Pair { one, other, room, .. } = pair(home, "dr-falkenried", "dr-rosenpfad").await;
    let second = other.account.user();
    let second = second.trim_start_matches('@').split(':').next().expect("a name");
    let (mine, theirs) = (one.opens(&room).await, other.opens(&room).await);
    let moment = |text| Moment::parse(text).expect("a moment");
    let appointment =
        Form::Appointment { start: moment("2026-11-25T15:00:00+01:00"), end: moment("2026-11-25T15:40:00+01:00") };
    mine.send_form(&appointment, None, "Terminvorschlag.").await.expect("it is taken");
    let is_it = |m: &tim::Message| matches!(&m.body, Body::Form(said) if said.form == appointment);
    let asked = sees(&theirs, "the appointment", is_it).await;
    let answered = |wanted| move |m: &tim::Message| matches!(&m.body, Body::Form(said) if said.answers.iter().any(|a| a.answer == wanted));
    theirs.answer_form(&asked.id, Answer::Accepted, "Zugesagt.").await.expect("it is taken");
    sees(&mine, "yes", answered(Answer::Accepted)).await;
    let yes = encrypted(home, second, &room).await.swap_remove(0);
    theirs.answer_form(&asked.id, Answer::Declined, "Abgesagt.").await.expect("it is taken");
    sees(&mine, "no", answered(Answer::Declined)).await;

    home.put_encrypted(second, &room, &yes).await;
    sees(&mine, "that it came again", |m| matches!(m.body, Body::Repeated)).await;
    sees(&mine, "still no", answered(Answer::Declined)).await;
}
