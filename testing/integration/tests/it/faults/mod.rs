//! Bad input and bad luck: each time a message that a physician understands, nothing lost, and the rest works on.

mod answers;
mod clock;
mod disk;
mod files;
mod lists;
mod platform_gone;
mod workers;

use crate::{
    MODERATOR, code,
    decision::{open, save, when as until, with_text},
};
use contract::{Reply, Request, SeriesView};
use testkit::{DeskKit, Platform};

pub(crate) use answers::at_work_behind as behind;

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
pub(crate) async fn opened_series(desk: &DeskKit, patient: &str, study: &str, series: &str) -> SeriesView {
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
