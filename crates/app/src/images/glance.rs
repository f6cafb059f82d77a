//! A small picture of an image of which only its file is here.

use super::series::{SeriesData, parts_of};
use super::source::{Images, drawable};
use bytes::Bytes;
use imaging::{Instance, Part10, StoredFrame};
use std::sync::Arc;

impl Images {
    /// The middle frame of a file (PS3.10) as it is shown when it is opened, no larger than `size`; none where it cannot
    /// be shown.
    pub(crate) async fn glance(&self, file: Bytes, size: (u32, u32)) -> Option<StoredFrame> {
        let read = tokio::task::spawn_blocking(move || read(&file)).await;
        let Read { data, syntax, encoded } = read.ok()??;
        let (_, image, _) = drawable(&data, data.middle()).ok()?;
        let frame = match self.workers().decode(image, &syntax, &encoded).await {
            Ok(frame) => frame,
            Err(error) => {
                tracing::info!(%error, "an image has no small picture");
                return None;
            }
        };
        data.settle_window_by(data.middle(), &frame);
        Some(data.thumbnail(&frame, size))
    }
}

struct Read {
    data: Arc<SeriesData>,
    syntax: String,
    encoded: Vec<u8>,
}

fn read(file: &[u8]) -> Option<Read> {
    let instance = Instance::from_part10(file).ok()?;
    let (study, series) = (instance.study.clone(), instance.series.clone());
    let data = parts_of(&study, &series, vec![instance], false).ok()?.first()?.clone();
    let (_, _, place) = drawable(&data, data.middle()).ok()?;
    let part10 = Part10::open(file).ok()?;
    let encoded = part10.frame(place.frame).ok()?.into_owned();
    Some(Read { syntax: part10.transfer_syntax().to_owned(), data, encoded })
}
