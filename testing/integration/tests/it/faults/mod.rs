//! Bad input and bad luck: each time a message that a physician understands, nothing lost, and the rest works on.

mod answers;
mod clock;
mod disk;
mod files;
mod platform_gone;
mod workers;

use crate::{
    MODERATOR, bulk, code,
    decision::{open, save, when as until, with_text},
};
use contract::{Reply, Request, SeriesView};
use futures_util::{SinkExt as _, StreamExt as _};
use std::collections::BTreeMap;
use testkit::{DeskKit, PATIENCE, Platform};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

const PROGRAM: &str = env!("CARGO_BIN_EXE_konsil-test");

/// The text of the newest decision as `platform` has it, read as another program would.
async fn text_on(platform: &Platform, patient: &str) -> Option<String> {
    let records = platform.records(MODERATOR).await.expect("the moderator reads records");
    let plans = records.search(&format!("CarePlan?subject=Patient/{patient}&_count=50")).await.expect("a search");
    let ours = |plan: &&serde_json::Value| {
        plan["identifier"].as_array().is_some_and(|ids| {
            ids.iter().any(|id| id["system"].as_str().is_some_and(|system| system.ends_with("/sid/beschluss")))
        })
    };
    let newest = plans.iter().filter(ours).max_by_key(|plan| plan["created"].as_str());
    newest.and_then(|plan| plan["description"].as_str()).map(str::to_owned)
}

/// A series of a patient by the descriptions of the recipe.
async fn opened_series(desk: &DeskKit, patient: &str, study: &str, series: &str) -> SeriesView {
    let (study, series) = listed_series(desk, patient, study, series).await;
    match desk.call(Request::OpenSeries { patient: patient.to_owned(), study, series }).await {
        Ok(Reply::Series(view)) => view,
        other => panic!("a series: {:?}", code(&other)),
    }
}

async fn listed_series(desk: &DeskKit, patient: &str, study: &str, series: &str) -> (String, String) {
    let _case = desk.call(Request::OpenCase { patient: patient.to_owned() }).await.expect("the case opens");
    let _images = desk.call(Request::OpenImages { patient: patient.to_owned() }).await.expect("the images open");
    desk.eventually("the series", |seen| {
        let view = seen.images.as_ref().filter(|view| view.patient == patient)?;
        let study = view.studies.iter().find(|entry| entry.description == study)?;
        let series = study.series.iter().find(|entry| entry.description == series)?;
        Some((study.study.clone(), series.series.clone()))
    })
    .await
}

/// What comes for each frame: its values, or why not.
pub(crate) type Came = BTreeMap<u32, Result<Vec<u8>, String>>;

pub(crate) async fn frames(desk: &DeskKit, series: &SeriesView, first: u32, last: u32) -> Came {
    let mut socket = bulk::socket(desk).await;
    let want = format!(r#"{{"type":"want","series":{},"first":{first},"last":{last},"near":{first}}}"#, series.handle);
    for word in [r#"{"type":"credit","n":1000}"#.to_owned(), want] {
        socket.send(Message::text(word)).await.expect("the pipe listens");
    }
    let mut got = Came::new();
    while got.len() <= (last - first) as usize {
        let message = timeout(PATIENCE, socket.next()).await.expect("a word in time").expect("open").expect("whole");
        let (frame, what) = heard(&message);
        got.insert(frame, what);
    }
    got
}

fn heard(message: &Message) -> (u32, Result<Vec<u8>, String>) {
    if let Message::Binary(bytes) = message {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(number(24), crc32fast::hash(&bytes[32..]), "a frame is whole");
        return (number(8), Ok(bytes[32..].to_vec()));
    }
    let text = message.to_text().expect("a frame or a word");
    let said: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let frame = said["frame"].as_u64().and_then(|frame| u32::try_from(frame).ok()).expect("a frame's number");
    (frame, Err(said["code"].as_str().expect("a code").to_owned()))
}
