//! A colleague who shows a case's images in a round, as a radiologist does: from top to bottom through the largest stack
//! of slices, pointing, and then it is another one's turn.

use super::ColleagueError;
use app::Desk;
use contract::{
    FrameView, IdentityGrade, ImagesView, Presentation, PresentedPlane, PresentedPointer, PresentedViewport,
    PresentedVoi, Reply, Request, RoundStep, RoundsView, SeriesView,
};
use std::f64::consts::TAU;
use std::time::Duration;
use tokio::time::sleep;

/// Whoever has just come in looks around first.
const BEFORE: Duration = Duration::from_secs(12);
/// An archive that has not answered by then shows nothing today.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(250);
/// The first image is spoken about, and the others load theirs meanwhile.
const FIRST: Duration = Duration::from_secs(6);
/// As a hand at a wheel that wants to be followed.
const STEP: Duration = Duration::from_millis(200);
/// What was pointed at is looked at for a while.
const REST: Duration = Duration::from_secs(20);
/// How far from the middle the pointer circles, in mm.
const CIRCLE: f64 = 45.0;

/// Shows the images of the case that a round is about, unless somebody else does.
pub(super) async fn lead(desk: Desk, patient: String) {
    sleep(BEFORE).await;
    if let Err(error) = show(&desk, &patient).await {
        tracing::debug!(%error, "a colleague could not show images");
    }
}

async fn show(desk: &Desk, patient: &str) -> Result<(), ColleagueError> {
    let Some((study, entry)) = tokio::time::timeout(PATIENCE, largest(desk, patient)).await.ok().transpose()?.flatten()
    else {
        return Ok(());
    };
    let open = Request::OpenSeries { patient: patient.to_owned(), study, series: entry };
    let Reply::Series(series) = desk.call(open).await? else { return Err(ColleagueError::Answer) };
    let led = through(desk, patient, &series).await;
    desk.call(Request::CloseSeries { handle: series.handle }).await?;
    led
}

async fn through(desk: &Desk, patient: &str, series: &SeriesView) -> Result<(), ColleagueError> {
    takes(desk, RoundStep::Present { patient: patient.to_owned() }).await?;
    for at in 0..series.frames.len() {
        if !shows(desk).await? {
            return Ok(());
        }
        let Some(presentation) = slice(series, at) else { continue };
        takes(desk, RoundStep::Show { patient: patient.to_owned(), presentation }).await?;
        sleep(if at == 0 { FIRST } else { STEP }).await;
    }
    sleep(REST).await;
    takes(desk, RoundStep::StopPresenting).await
}

async fn takes(desk: &Desk, round: RoundStep) -> Result<(), ColleagueError> {
    desk.call(Request::Round { round }).await?;
    Ok(())
}

/// Whether nobody else has taken over, and the round goes on.
async fn shows(desk: &Desk) -> Result<bool, ColleagueError> {
    let Reply::Rounds(RoundsView { round, .. }) = desk.call(Request::OpenRounds).await? else {
        return Err(ColleagueError::Answer);
    };
    // A wish to show takes a moment to be seen.
    Ok(round.is_some_and(|round| round.presenting.is_none_or(|presenting| presenting.here)))
}

/// Study and series with the most images; none where there is no stack of slices.
async fn largest(desk: &Desk, patient: &str) -> Result<Option<(String, String)>, ColleagueError> {
    desk.call(Request::OpenCase { patient: patient.to_owned() }).await?;
    loop {
        let open = Request::OpenImages { patient: patient.to_owned() };
        let Reply::Images(ImagesView { studies, loading, .. }) = desk.call(open).await? else {
            return Err(ColleagueError::Answer);
        };
        if loading {
            sleep(LOOK).await;
            continue;
        }
        let sure = studies.into_iter().filter(|study| study.identity == IdentityGrade::Same);
        let series = sure.flat_map(|study| study.series.into_iter().map(move |entry| (study.study.clone(), entry)));
        let stacks = series.filter(|(_study, entry)| entry.displayable && entry.instances > 1);
        let largest = stacks.max_by_key(|(_study, entry)| entry.instances);
        return Ok(largest.map(|(study, entry)| (study, entry.series)));
    }
}

/// What is shown at a place of the stack: the whole slice, and a pointer that circles.
fn slice(series: &SeriesView, at: usize) -> Option<Presentation> {
    let FrameView { instance, frame, position, orientation, .. } = series.frames.get(at)?;
    let (origin, [a, b, c, d, e, f]) = ((*position)?, (*orientation)?);
    let [between_rows, between_columns] = series.spacing?;
    let (row, column) = ([a, b, c], [d, e, f]);
    let on = |along_row: f64, along_column: f64| -> [f64; 3] {
        std::array::from_fn(|i| origin[i] + row[i] * along_row + column[i] * along_column)
    };
    // From the center of the first pixel to the middle of the image.
    let middle = [f64::from(series.columns) - 1.0, f64::from(series.rows) - 1.0];
    let middle = [middle[0] / 2.0 * between_columns, middle[1] / 2.0 * between_rows];
    let turned = TAU * f64::from(u32::try_from(at).ok()?) / 48.0;
    let view = PresentedViewport {
        place: 0,
        study: series.study.clone(),
        series: series.series.clone(),
        instance: instance.clone(),
        frame: *frame,
        plane: Some(PresentedPlane { origin, row, column }),
        center: on(middle[0], middle[1]),
        height: f64::from(series.rows) * between_rows,
        voi: PresentedVoi::AsStored,
        inverted: series.inverted,
        flipped: [false, false],
        turns: 0,
    };
    let pointer = on(middle[0] + CIRCLE * turned.cos(), middle[1] + CIRCLE * turned.sin());
    Some(Presentation {
        layout: "1x1".to_owned(),
        active: 0,
        views: vec![view],
        pointer: Some(PresentedPointer { place: 0, at: pointer }),
        marks: Vec::new(),
    })
}
