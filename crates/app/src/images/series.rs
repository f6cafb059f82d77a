//! A series made ready: metadata read, ordered into a stack, and described for the viewer.

use super::source::{FrameFailure, Images};
use crate::{Desk, failures};
use contract::{
    Calibration, Failure, FailureCode, FrameFormat, FrameView, PresetView, SeriesView, VoiFunction, VolumeView,
    WindowView,
};
use imaging::{Instance, Photometric, Stack, StoredFrame, lut};
use model::{SeriesUid, StudyUid};
use platform::dicomweb::DicomwebClient;
use std::sync::Arc;

/// A series whose metadata is here.
pub(crate) struct SeriesData {
    pub(crate) study: StudyUid,
    pub(crate) series: SeriesUid,
    pub(crate) stack: Stack,
    pub(crate) description: String,
    pub(crate) modality: String,
    /// True when metadata was cut or damaged: the stack may lack images.
    pub(crate) partial: bool,
}

/// Reads a series' metadata and orders its displayable frames.
pub(crate) async fn load(client: &DicomwebClient, study: &StudyUid, series: &SeriesUid) -> Result<SeriesData, Failure> {
    let listed = client.series_metadata(study, series).await.map_err(|error| failures::of_dicomweb(&error))?;
    let partial = listed.truncated || listed.damaged > 0;
    let (study, series) = (study.clone(), series.clone());
    // Ordering some thousand instances takes milliseconds that would hold up other requests.
    tokio::task::spawn_blocking(move || {
        let mut damaged = 0usize;
        let mut shown: Vec<Instance> = Vec::with_capacity(listed.items.len());
        for item in &listed.items {
            match Instance::from_json(item) {
                Ok(instance) if instance.is_displayable() => shown.push(instance),
                Ok(_) => {}
                Err(_) => damaged += 1,
            }
        }
        let Some(first) = shown.first() else {
            return Err(Failure::new(FailureCode::NotDisplayable, "no instance with pixels"));
        };
        let (description, modality) = (first.series_description.clone().unwrap_or_default(), first.modality.clone());
        let partial = partial || damaged > 0;
        Ok(SeriesData { study, series, stack: Stack::of(shown), description, modality, partial })
    })
    .await
    .unwrap_or_else(|error| Err(Failure::new(FailureCode::Internal, error.to_string())))
}

impl SeriesData {
    /// The frame in the middle: the thumbnail, and where reading begins.
    pub(crate) fn middle(&self) -> usize {
        self.stack.frames.len() / 2
    }

    /// Patient of the first instance, for the identity gate.
    pub(crate) fn patient(&self) -> Option<&imaging::PatientIdentity> {
        self.stack.instances.first().map(|instance| &instance.patient)
    }

    /// Every instance must name the same person: one stray image in a series is refused with it.
    pub(crate) fn one_patient(&self) -> bool {
        let mut patients = self.stack.instances.iter().map(|instance| &instance.patient);
        let Some(first) = patients.next() else { return true };
        patients.all(|patient| patient == first)
    }

    pub(crate) fn view(&self, handle: u32, middle: Option<&StoredFrame>) -> SeriesView {
        let stack = &self.stack;
        let first = stack.instance(0);
        let image = first.and_then(|instance| instance.image.as_ref());
        let facts = stack.facts(self.middle());
        let spacing = stack.frames.first().and_then(|place| first.and_then(|instance| instance.spacing(place.frame)));
        let windows: Vec<WindowView> = facts
            .map(|facts| facts.windows.iter().filter(|window| window.is_valid()).map(window_view).collect())
            .unwrap_or_default();
        let presets: Vec<PresetView> = imaging::presets::of(&self.modality)
            .iter()
            .map(|preset| PresetView { key: preset.key.to_owned(), window: window_view(&preset.window()) })
            .collect();
        let window = windows
            .first()
            .cloned()
            .or_else(|| middle.zip(facts).map(|(frame, facts)| window_view(&spread(frame, &facts.rescale))))
            .or_else(|| presets.first().map(|preset| preset.window.clone()))
            .unwrap_or_else(|| window_view(&lut::Window::spanning(0.0, 255.0)));
        let mut notes: Vec<String> = Vec::new();
        for note in &stack.notes {
            let key = note.key().to_owned();
            if !notes.contains(&key) {
                notes.push(key);
            }
        }
        if self.partial {
            notes.push("partial".to_owned());
        }
        SeriesView {
            handle,
            study: self.study.as_str().to_owned(),
            series: self.series.as_str().to_owned(),
            modality: self.modality.clone(),
            description: self.description.clone(),
            columns: image.map_or(0, |image| u32::from(image.columns)),
            rows: image.map_or(0, |image| u32::from(image.rows)),
            format: image.map_or(FrameFormat::U16, format_of),
            frames: (0..stack.frames.len()).filter_map(|index| self.frame_view(index)).collect(),
            spacing: spacing.map(|spacing| [spacing.between_rows, spacing.between_columns]),
            calibration: match spacing.map(|spacing| spacing.calibration) {
                Some(imaging::geometry::Calibration::Patient) => Calibration::Patient,
                Some(imaging::geometry::Calibration::Calibrated) => Calibration::Calibrated,
                Some(imaging::geometry::Calibration::Detector) => Calibration::Detector,
                None => Calibration::None,
            },
            volume: stack.volume.map(|volume| VolumeView { plane_distance: volume.plane_distance }),
            notes,
            unit: facts.and_then(|facts| facts.rescale.unit.clone()).or_else(|| {
                // PS3.3 C.8.2.1: rescaled values of an original CT image are Hounsfield units unless
                // Rescale Type says otherwise.
                (self.modality == "CT").then(|| "HU".to_owned())
            }),
            inverted: image.is_some_and(|image| image.photometric == Photometric::Monochrome1),
            windows,
            window,
            presets,
            lossy: image.is_some_and(|image| image.lossy),
        }
    }

    fn frame_view(&self, index: usize) -> Option<FrameView> {
        let (instance, facts) = (self.stack.instance(index)?, self.stack.facts(index)?);
        Some(FrameView {
            instance: instance.sop_instance.as_str().to_owned(),
            frame: u32::try_from(self.stack.frames[index].frame + 1).unwrap_or(u32::MAX),
            number: instance.instance_number,
            position: facts.position,
            orientation: facts.orientation,
            thickness: facts.slice_thickness,
            slope: facts.rescale.slope,
            intercept: facts.rescale.intercept,
        })
    }
}

pub(crate) fn format_of(image: &imaging::ImageDescription) -> FrameFormat {
    if image.samples_per_pixel > 1 || image.photometric == Photometric::PaletteColor {
        FrameFormat::Rgb8
    } else if image.signed {
        FrameFormat::I16
    } else if image.bits_allocated <= 8 {
        FrameFormat::U8
    } else {
        FrameFormat::U16
    }
}

/// A window that shows the middle frame: from the 1st to the 99th percentile of its rescaled values.
fn spread(frame: &StoredFrame, rescale: &lut::Rescale) -> lut::Window {
    let mut values = frame.values();
    if values.is_empty() {
        return lut::Window::spanning(0.0, 255.0);
    }
    values.sort_unstable();
    let at = |share: usize| rescale.apply(values[(values.len() - 1) * share / 100]);
    let (low, high) = (at(1), at(99));
    if low < high { lut::Window::spanning(low, high) } else { lut::Window::spanning(low, low + 1.0) }
}

pub(crate) fn window_view(window: &lut::Window) -> WindowView {
    WindowView {
        center: window.center,
        width: window.width,
        function: match window.function {
            lut::VoiFunction::Linear => VoiFunction::Linear,
            lut::VoiFunction::LinearExact => VoiFunction::LinearExact,
            lut::VoiFunction::Sigmoid => VoiFunction::Sigmoid,
        },
        name: window.explanation.clone(),
    }
}

impl Desk {
    pub(crate) async fn open_series(&self, patient: &str, study: &str, series: &str) -> Result<SeriesView, Failure> {
        let bad = |error: model::IdError| Failure::new(FailureCode::InvalidInput, error.to_string());
        let (study, series) = (StudyUid::parse(study).map_err(bad)?, SeriesUid::parse(series).map_err(bad)?);
        let client = self.archive()?;
        self.gate(patient, study.as_str())?;
        let images = &self.0.images;
        images.warm();
        let data = match images.known_series(study.as_str(), series.as_str()) {
            Some(data) => data,
            None => {
                let data = Arc::new(load(&client, &study, &series).await?);
                images.remember_series(data.clone());
                data
            }
        };
        self.gate_series(patient, &data)?;
        let needs_values = data.stack.facts(data.middle()).is_some_and(|facts| facts.windows.is_empty());
        let middle = if needs_values { decoded_middle(images, &client, &data).await } else { None };
        let handle = images.open_archive(client, data.clone());
        Ok(data.view(handle, middle.as_ref()))
    }
}

pub(crate) async fn decoded_middle(images: &Images, client: &DicomwebClient, data: &SeriesData) -> Option<StoredFrame> {
    match images.decoded(client, data, data.middle()).await {
        Ok(frame) => Some(frame),
        Err(FrameFailure(code)) => {
            tracing::warn!(?code, "the middle frame of a series could not be decoded");
            None
        }
    }
}
