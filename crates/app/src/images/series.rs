//! A series made ready: metadata read, taken apart by size, ordered into stacks, and described for the viewer.

use super::{
    part::PartName,
    sealed::Worth,
    source::{FrameFailure, Images, Origin},
};
use crate::{Desk, failures};
use contract::{
    Calibration, Failure, FailureCode, FrameFormat, FrameView, PixelsView, PresetView, ScaleView, SeriesView,
    TableView, VoiFunction, VolumeView, WindowView,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use imaging::{
    Instance, Photometric, Sample, Stack, StoredFrame, TableAddress, auto_window,
    lut::{self, GrayTransform},
};
use model::{SeriesUid, StudyUid};
use platform::dicomweb::DicomwebClient;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::sync::OnceCell;

/// Frames that a window is made from, spread over the stack.
const SAMPLES: usize = 5;
/// Look-up tables fetched at a time.
const TABLES_AT_A_TIME: usize = 8;

/// The parts of a series, at least one.
pub(crate) type Parts = Arc<[Arc<SeriesData>]>;

/// A series whose metadata is here, or the part of it whose images have one size and kind of pixels: a texture holds
/// no other.
pub(crate) struct SeriesData {
    pub(crate) study: StudyUid,
    pub(crate) name: PartName,
    pub(crate) stack: Stack,
    pub(crate) description: String,
    pub(crate) modality: String,
    /// True when metadata was cut or damaged: the stack may lack images.
    pub(crate) partial: bool,
    /// The window of images that store none, once their values have been looked at.
    auto: OnceCell<lut::Window>,
}

/// A series' metadata as the archive sent it, with the look-up tables that it only gives the address of.
#[derive(Serialize, Deserialize)]
pub(crate) struct Metadata {
    items: Vec<Value>,
    tables: BTreeMap<String, Vec<u8>>,
    /// It was cut or damaged.
    pub(crate) partial: bool,
}

impl Metadata {
    pub(crate) async fn read(client: &DicomwebClient, study: &StudyUid, series: &SeriesUid) -> Result<Self, Failure> {
        let listed = client.series_metadata(study, series).await.map_err(|error| failures::of_dicomweb(&error))?;
        let tables = tables(client, &listed.items).await?;
        Ok(Self { partial: listed.truncated || listed.damaged > 0, items: listed.items, tables })
    }

    /// How many objects the series has, those without a picture as well.
    pub(crate) fn objects(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// The displayable frames of each part of the series in order.
    pub(crate) async fn ordered(self: Arc<Self>, study: &StudyUid, series: &SeriesUid) -> Result<Parts, Failure> {
        let (study, series) = (study.clone(), series.clone());
        // Ordering some thousand instances takes milliseconds that would hold up other requests.
        tokio::task::spawn_blocking(move || {
            let mut damaged = 0usize;
            let mut shown: Vec<Instance> = Vec::with_capacity(self.items.len());
            for item in &self.items {
                match Instance::from_json_with(item, &self.tables) {
                    Ok(instance) if instance.is_displayable() => shown.push(instance),
                    Ok(_) => {}
                    Err(_) => damaged += 1,
                }
            }
            parts_of(&study, &series, shown, self.partial || damaged > 0)
        })
        .await
        .unwrap_or_else(|error| Err(Failure::new(FailureCode::Internal, error.to_string())))
    }
}

/// What images are missing is not known, so that every part of a partial series may lack some.
pub(crate) fn parts_of(
    study: &StudyUid,
    series: &SeriesUid,
    shown: Vec<Instance>,
    partial: bool,
) -> Result<Parts, Failure> {
    let Some(first) = shown.first() else {
        return Err(Failure::new(FailureCode::NotDisplayable, "no instance with pixels"));
    };
    let (description, modality) = (first.series_description.clone().unwrap_or_default(), first.modality.clone());
    let data = |(part, instances)| SeriesData {
        study: study.clone(),
        name: PartName { series: series.clone(), part },
        stack: Stack::of(instances),
        description: description.clone(),
        modality: modality.clone(),
        partial,
        auto: OnceCell::new(),
    };
    Ok(imaging::split(shown).into_iter().enumerate().map(data).map(Arc::new).collect())
}

/// The look-up tables that the metadata only gives the address of. A series is not opened without those that make
/// its values or colors; without another it has a preset less.
async fn tables(client: &DicomwebClient, items: &[Value]) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let addresses: BTreeSet<TableAddress> = items.iter().flat_map(Instance::table_addresses).collect();
    stream::iter(addresses)
        .map(|TableAddress { address, needed }| async move {
            match client.bulk_data(&address).await {
                Ok(sent) => Ok(Some((address, sent.bytes.to_vec()))),
                Err(error) if needed => Err(failures::of_dicomweb(&error)),
                Err(error) => {
                    tracing::warn!(%error, "a look-up table could not be had");
                    Ok(None)
                }
            }
        })
        .buffer_unordered(TABLES_AT_A_TIME)
        .try_filter_map(|table| std::future::ready(Ok(table)))
        .try_collect()
        .await
}

/// The patient, for the identity gate, if every instance of every part names the same person.
pub(crate) fn patient_of(parts: &[Arc<SeriesData>]) -> Option<&imaging::PatientIdentity> {
    let mut patients = parts.iter().flat_map(|part| &part.stack.instances).map(|instance| &instance.patient);
    let first = patients.next()?;
    patients.all(|patient| patient == first).then_some(first)
}

impl SeriesData {
    /// The frame in the middle: the thumbnail, and where reading begins.
    pub(crate) fn middle(&self) -> usize {
        self.stack.frames.len() / 2
    }

    /// How many images there are to scroll through.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.stack.frames.len()).unwrap_or(u32::MAX)
    }

    /// The title of a part, given the series'. The size comes first, since the end of a long title is cut off.
    pub(crate) fn title(&self, of_series: &str) -> String {
        let image = self.stack.instance(0).and_then(|first| first.image.as_ref()).filter(|_| self.name.part > 0);
        let Some(image) = image else { return of_series.to_owned() };
        let size = format!("{} × {}", image.columns, image.rows);
        if of_series.is_empty() { size } else { format!("{size}, {of_series}") }
    }

    /// Looks at the values of images that store no window, once.
    pub(crate) async fn settle_window(&self, images: &Images, origin: &Origin) {
        if self.window_is_known() {
            return;
        }
        // Nothing is kept where no frame could be had, so that the next opening tries again.
        let _unsettled = self.auto.get_or_try_init(|| self.look_at_values(images, origin)).await;
    }

    /// The same where a frame of it is all that is here.
    pub(super) fn settle_window_by(&self, index: usize, frame: &StoredFrame) {
        if self.window_is_known() {
            return;
        }
        let padding = self.stack.instance(index).and_then(|instance| instance.image.as_ref()?.padding);
        let Some(facts) = self.stack.facts(index) else { return };
        if let Some(window) = auto_window(&[Sample { frame, facts, padding }], &self.modality) {
            // It was looked at before.
            let _known = self.auto.set(window);
        }
    }

    /// Its images store one, or are such as have one, or are no grays.
    fn window_is_known(&self) -> bool {
        let stores = self.stack.facts(self.middle()).is_none_or(|f| !f.windows.is_empty() || !f.voi_luts.is_empty());
        let gray =
            self.stack.instance(0).and_then(|first| first.image.as_ref()).is_some_and(|i| i.photometric.is_gray());
        stores || !gray || !imaging::presets::of(&self.modality).is_empty()
    }

    async fn look_at_values(&self, images: &Images, origin: &Origin) -> Result<lut::Window, ()> {
        let count = self.stack.frames.len();
        let chosen: BTreeSet<usize> = (0..SAMPLES).map(|i| count * (2 * i + 1) / (2 * SAMPLES)).collect();
        let frames: Vec<(usize, StoredFrame)> = stream::iter(chosen)
            .map(|index| async move { images.decoded(origin, self, index).await.ok().map(|frame| (index, frame)) })
            .buffered(SAMPLES)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let samples: Vec<Sample<'_>> = frames
            .iter()
            .filter_map(|(index, frame)| {
                let image = self.stack.instance(*index)?.image.as_ref()?;
                Some(Sample { frame, facts: self.stack.facts(*index)?, padding: image.padding })
            })
            .collect();
        auto_window(&samples, &self.modality).ok_or(())
    }

    /// The window of frames that name none of their own.
    fn window(&self) -> lut::Window {
        let facts = self.stack.facts(self.middle());
        let stored = if self.on_one_scale() {
            self.common_window()
        } else {
            facts.and_then(|facts| facts.windows.first().cloned())
        };
        stored
            .or_else(|| imaging::presets::of(&self.modality).first().map(imaging::presets::Preset::window))
            .or_else(|| self.auto.get().cloned())
            .or_else(|| facts?.voi_luts.first().map(|table| table.input_window()))
            .unwrap_or_else(|| lut::Window::spanning(0.0, 255.0))
    }

    /// Whether a value means the same on every frame: then a gray has to mean the same too, and one window serves
    /// all frames. Elsewhere the window that was stored with each image counts.
    fn on_one_scale(&self) -> bool {
        // PS3.3 C.11.1.1.2: US says that values have no unit.
        self.unit().is_some_and(|unit| unit != "US")
    }

    /// The stored window with the middle upper edge: slices of PET are stored with windows up to their own
    /// brightest pixel, and the brightest of all would leave the others dark.
    fn common_window(&self) -> Option<lut::Window> {
        let mut windows: Vec<&lut::Window> =
            (0..self.stack.frames.len()).filter_map(|index| self.stack.facts(index)?.windows.first()).collect();
        let upper = |window: &lut::Window| window.center + window.width / 2.0;
        windows.sort_by(|a, b| upper(a).total_cmp(&upper(b)));
        windows.get(windows.len() / 2).copied().cloned()
    }

    fn unit(&self) -> Option<&str> {
        let place = self.stack.frames.get(self.middle())?;
        self.stack.instance(self.middle())?.unit(place.frame)
    }

    fn scale(&self, index: usize) -> ScaleView {
        let place = self.stack.frames.get(index);
        let spacing = place.and_then(|place| self.stack.instance(index)?.spacing(place.frame));
        ScaleView {
            spacing: spacing.map(|spacing| [spacing.between_rows, spacing.between_columns]),
            calibration: match spacing.map(|spacing| spacing.calibration) {
                Some(imaging::geometry::Calibration::Patient) => Calibration::Patient,
                Some(imaging::geometry::Calibration::Calibrated) => Calibration::Calibrated,
                Some(imaging::geometry::Calibration::Detector) => Calibration::Detector,
                None => Calibration::None,
            },
        }
    }

    pub(crate) fn view(&self, handle: u32) -> SeriesView {
        let stack = &self.stack;
        let first = stack.instance(0);
        let image = first.and_then(|instance| instance.image.as_ref());
        let facts = stack.facts(self.middle());
        let windows: Vec<WindowView> = facts
            .map(|facts| facts.windows.iter().filter(|window| window.is_valid()).map(window_view).collect())
            .unwrap_or_default();
        let presets: Vec<PresetView> = imaging::presets::of(&self.modality)
            .iter()
            .map(|preset| PresetView { key: preset.key.to_owned(), window: window_view(&preset.window()) })
            .collect();
        let mut kinds = Kinds::new(self);
        let frames = (0..stack.frames.len()).filter_map(|index| self.frame_view(index, &mut kinds)).collect();
        let Kinds { series, pixels, tables, .. } = kinds;
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
            series: self.name.to_string(),
            modality: self.modality.clone(),
            description: self.title(&self.description),
            columns: image.map_or(0, |image| u32::from(image.columns)),
            rows: image.map_or(0, |image| u32::from(image.rows)),
            format: image.map_or(FrameFormat::U16, format_of),
            frames,
            spacing: series.scale.spacing,
            calibration: series.scale.calibration,
            volume: stack.volume.map(|volume| VolumeView { plane_distance: volume.plane_distance }),
            notes,
            unit: self.unit().map(str::to_owned),
            inverted: series.inverted,
            windows,
            window: window_view(&series.window),
            presets,
            lossy: image.is_some_and(|image| image.lossy),
            pixels,
            tables: tables.iter().map(|table| table_view(table)).collect(),
        }
    }

    /// The middle frame as it is shown when the series is opened, and small.
    pub(crate) fn thumbnail(&self, frame: &StoredFrame, (columns, rows): (u32, u32)) -> StoredFrame {
        let plain = imaging::FrameFacts::default();
        let facts = self.stack.facts(self.middle()).unwrap_or(&plain);
        let instance = self.stack.instance(self.middle());
        let own = facts.windows.first().filter(|_| !self.on_one_scale()).cloned();
        let window = own.unwrap_or_else(|| self.window());
        let mut transform = GrayTransform::window(&facts.rescale, &window);
        transform.modality = facts.modality_lut.as_deref();
        if let Some(table) = facts.voi_luts.first().filter(|_| facts.windows.is_empty()) {
            transform.voi = lut::Voi::Table(table);
        }
        transform.invert = instance.is_some_and(Instance::is_inverted);
        transform.padding = instance.and_then(|instance| instance.image.as_ref()?.padding);
        imaging::render::thumbnail(frame, &transform, columns, rows)
    }

    fn frame_view(&self, index: usize, kinds: &mut Kinds) -> Option<FrameView> {
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
            pixels: kinds.of(self, index, instance, facts),
        })
    }
}

/// What frames have in common, gathered while they are described: each kind of pixels and each table once.
struct Kinds {
    series: SeriesWide,
    one_scale: bool,
    pixels: Vec<PixelsView>,
    tables: Vec<Arc<lut::Lut>>,
}

/// What holds for every frame that says nothing else.
struct SeriesWide {
    window: lut::Window,
    inverted: bool,
    scale: ScaleView,
}

impl Kinds {
    fn new(data: &SeriesData) -> Self {
        let series = SeriesWide {
            window: data.window(),
            inverted: data.stack.instance(0).is_some_and(Instance::is_inverted),
            scale: data.scale(0),
        };
        Self { series, one_scale: data.on_one_scale(), pixels: Vec::new(), tables: Vec::new() }
    }

    fn of(&mut self, data: &SeriesData, index: usize, instance: &Instance, facts: &imaging::FrameFacts) -> u32 {
        let image = instance.image.as_ref();
        let gray = image.is_some_and(|image| image.photometric.is_gray());
        let own = facts.windows.first().filter(|window| !self.one_scale && **window != self.series.window);
        let (inverted, scale) = (instance.is_inverted(), data.scale(index));
        let pixels = PixelsView {
            padding: image.and_then(|image| image.padding).filter(|_| gray).map(|(least, most)| [least, most]),
            modality: facts.modality_lut.as_ref().filter(|_| gray).map(|table| self.table(table)),
            voi: facts.voi_luts.iter().filter(|_| gray).map(|table| self.table(table)).collect(),
            begins_with_table: gray && facts.windows.is_empty() && !facts.voi_luts.is_empty(),
            window: own.map(window_view),
            inverted: (inverted != self.series.inverted).then_some(inverted),
            scale: (scale != self.series.scale).then_some(scale),
        };
        let known = self.pixels.iter().rposition(|known| *known == pixels);
        let place = known.unwrap_or_else(|| {
            self.pixels.push(pixels);
            self.pixels.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    fn table(&mut self, table: &Arc<lut::Lut>) -> u32 {
        let known = self.tables.iter().rposition(|known| Arc::ptr_eq(known, table) || known == table);
        let place = known.unwrap_or_else(|| {
            self.tables.push(Arc::clone(table));
            self.tables.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

fn table_view(table: &lut::Lut) -> TableView {
    TableView {
        first: table.first,
        greatest: table.greatest(),
        entries: table.entries.clone(),
        name: table.explanation.clone(),
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
        let (study, name) = (StudyUid::parse(study).map_err(bad)?, PartName::parse(series).map_err(bad)?);
        let client = self.archive()?;
        self.gate(patient, study.as_str())?;
        let images = &self.0.images;
        images.warm();
        // What is fetched ahead waits for the metadata as for the images.
        let _awaited = images.awaited();
        let parts = self.parts(&client, patient, &study, &name.series).await?;
        self.gate_series(patient, &parts)?;
        if self.list_parts(patient, &parts) {
            self.tell_images(patient);
        }
        let gone = || Failure::new(FailureCode::NotFound, "the series has fewer parts");
        let data = parts.get(name.part).ok_or_else(gone)?;
        let origin = Origin::Archive(client);
        data.settle_window(images, &origin).await;
        let handle = images.open_series(origin, data.clone());
        // The lock or another case may have come while the archive was asked.
        if let Err(failure) = self.at_work().and_then(|()| self.gate(patient, study.as_str())) {
            images.close(handle);
            return Err(failure);
        }
        images.begin(handle);
        Ok(data.view(handle))
    }

    /// The parts of a series, read once a case. What lies here is as good as what the archive would send while it holds
    /// as many objects as it did, and better than nothing while it cannot be reached.
    pub(crate) async fn parts(
        &self,
        client: &DicomwebClient,
        patient: &str,
        study: &StudyUid,
        series: &SeriesUid,
    ) -> Result<Parts, Failure> {
        let images = &self.0.images;
        if let Some(parts) = images.known_series(study, series) {
            return Ok(parts);
        }
        let worth = self.with_case(patient, |case| case.sealed.worth(study, series))?;
        if matches!(worth, Worth::Same | Worth::Unasked)
            && let Some(parts) = lying_here(images, study, series).await
        {
            // What the archive has not confirmed is looked at again at the next opening.
            if worth == Worth::Same {
                images.remember_series(study, series, parts.clone());
            }
            return Ok(parts);
        }
        let failure = match load(client, study, series).await {
            Ok(parts) => {
                images.remember_series(study, series, parts.clone());
                return Ok(parts);
            }
            Err(failure) => failure,
        };
        let away = matches!(failure.code, FailureCode::PlatformUnreachable | FailureCode::PlatformFailed);
        if away && worth == Worth::Old {
            return lying_here(images, study, series).await.ok_or(failure);
        }
        Err(failure)
    }
}

/// Reads a series' metadata and orders the displayable frames of each of its parts.
async fn load(client: &DicomwebClient, study: &StudyUid, series: &SeriesUid) -> Result<Parts, Failure> {
    let metadata = Metadata::read(client, study, series).await?;
    Arc::new(metadata).ordered(study, series).await
}

/// The same of what was kept.
async fn lying_here(images: &Images, study: &StudyUid, series: &SeriesUid) -> Option<Parts> {
    let metadata = images.sealed_metadata(study, series).await?;
    Arc::new(metadata).ordered(study, series).await.ok()
}

pub(crate) async fn decoded_middle(images: &Images, origin: &Origin, data: &SeriesData) -> Option<StoredFrame> {
    match images.decoded(origin, data, data.middle()).await {
        Ok(frame) => Some(frame),
        Err(FrameFailure(code)) => {
            tracing::warn!(?code, "the middle frame of a series could not be decoded");
            None
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::{Parts, parts_of};
    use imaging::Instance;
    use serde_json::{Value, json};

    /// An image of 2 × 2 pixels in the DICOM JSON model with further attributes, at the height of its number.
    pub(super) fn image(number: i32, modality: &str, more: Value) -> Value {
        let mut object = json!({
            "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
            "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
            "00080018": {"vr": "UI", "Value": [format!("1.2.3.4.{number}")]},
            "00080060": {"vr": "CS", "Value": [modality]},
            "00200013": {"vr": "IS", "Value": [number]},
            "00200032": {"vr": "DS", "Value": [0.0, 0.0, f64::from(number)]},
            "00200037": {"vr": "DS", "Value": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
            "00280002": {"vr": "US", "Value": [1]},
            "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
            "00280010": {"vr": "US", "Value": [2]},
            "00280011": {"vr": "US", "Value": [2]},
            "00280030": {"vr": "DS", "Value": [1.0, 1.0]},
            "00280100": {"vr": "US", "Value": [16]},
            "00280101": {"vr": "US", "Value": [16]},
            "00280103": {"vr": "US", "Value": [1]},
        });
        let (Some(map), Value::Object(more)) = (object.as_object_mut(), more) else { panic!("both are objects") };
        map.extend(more);
        object
    }

    pub(super) fn parts_from(images: &[Value]) -> Parts {
        let instances: Vec<Instance> =
            images.iter().map(|image| Instance::from_json(image).expect("it has its identifiers")).collect();
        let study = model::StudyUid::parse("1.2.3").expect("a UID");
        let series = model::SeriesUid::parse("1.2.3.4").expect("a UID");
        parts_of(&study, &series, instances, false).expect("there are pictures")
    }

    /// Parts of a radiograph's series: of each image number, rows and columns.
    pub(in crate::images) fn parts(images: &[(i32, [u16; 2])]) -> Parts {
        let sized = |&(number, [rows, columns]): &(i32, [u16; 2])| {
            let size = json!({
                "00280010": {"vr": "US", "Value": [rows]},
                "00280011": {"vr": "US", "Value": [columns]},
            });
            image(number, "DX", size)
        };
        parts_from(&images.iter().map(sized).collect::<Vec<Value>>())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        SeriesData, patient_of,
        testing::{image, parts_from as parts},
    };
    use contract::{Calibration, SeriesView, WindowView};
    use imaging::{FrameFormat, StoredFrame, lut};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn numbers(tag: &str, values: &[f64]) -> Value {
        json!({tag: {"vr": "DS", "Value": values}})
    }

    fn both(a: &Value, b: &Value) -> Value {
        let (Value::Object(mut a), Value::Object(b)) = (a.clone(), b.clone()) else { panic!("both are objects") };
        a.extend(b);
        Value::Object(a)
    }

    fn window(center: f64, width: f64) -> Value {
        both(&numbers("00281050", &[center]), &numbers("00281051", &[width]))
    }

    fn series(images: &[Value]) -> Arc<SeriesData> {
        let parts = parts(images);
        assert_eq!(parts.len(), 1, "images of one size and kind");
        parts[0].clone()
    }

    fn width(window: Option<&WindowView>) -> Option<f64> {
        window.map(|window| window.width)
    }

    fn own_widths(view: &SeriesView) -> Vec<Option<f64>> {
        view.frames.iter().map(|frame| width(view.pixels[frame.pixels as usize].window.as_ref())).collect()
    }

    #[test]
    fn images_without_a_common_scale_keep_the_window_that_each_was_stored_with() {
        let data = series(&[1, 2, 3].map(|n| image(n, "MR", window(100.0, 100.0 * f64::from(n)))));
        let view = data.view(1);
        assert_eq!(view.window.width, 200.0, "the middle image's");
        let mut widths = own_widths(&view);
        widths.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        assert_eq!(widths, [None, Some(100.0), Some(300.0)], "the others differ and say so");
    }

    #[test]
    fn slices_of_pet_share_one_window_and_keep_their_own_slopes() {
        let units = json!({"00541001": {"vr": "CS", "Value": ["BQML"]}});
        let slice = |n: i32, upper: f64| {
            let stored = both(&window(upper / 2.0, upper), &numbers("00281053", &[0.5 * f64::from(n)]));
            image(n, "PT", both(&stored, &units))
        };
        // The bladder is 20 times as bright as the rest.
        let data = series(&[slice(1, 90.0), slice(2, 2000.0), slice(3, 110.0)]);
        let view = data.view(1);
        assert_eq!((view.window.width, view.unit.as_deref()), (110.0, Some("BQML")), "the middle of the three");
        assert_eq!(own_widths(&view), [None, None, None], "a gray means the same in every slice");
        let mut slopes: Vec<f64> = view.frames.iter().map(|frame| frame.slope).collect();
        slopes.sort_by(f64::total_cmp);
        assert_eq!(slopes, [0.5, 1.0, 1.5], "each slice has its own");
    }

    #[test]
    fn functional_groups_give_each_frame_its_window_slope_and_spacing() {
        let groups = |width: f64, slope: f64, spacing: f64| {
            json!({
                "00289132": {"vr": "SQ", "Value": [window(width / 2.0, width)]},
                "00289145": {"vr": "SQ", "Value": [both(&numbers("00281053", &[slope]), &numbers("00281052", &[1.0]))]},
                "00289110": {"vr": "SQ", "Value": [numbers("00280030", &[spacing, spacing])]},
            })
        };
        let more = json!({
            "00280008": {"vr": "IS", "Value": [2]},
            "52009230": {"vr": "SQ", "Value": [groups(10.0, 2.0, 1.0), groups(20.0, 4.0, 0.5)]},
        });
        let view = series(&[image(1, "MR", more)]).view(1);
        let slopes: Vec<f64> = view.frames.iter().map(|frame| frame.slope).collect();
        assert_eq!(slopes, [2.0, 4.0], "PS3.3 C.7.6.16.2.9");
        assert_eq!((view.window.width, own_widths(&view)), (20.0, vec![Some(10.0), None]), "PS3.3 C.7.6.16.2.10");
        let scale = view.pixels[view.frames[1].pixels as usize].scale.expect("it differs from the first frame's");
        assert_eq!((scale.spacing, scale.calibration), (Some([0.5, 0.5]), Calibration::Patient), "PS3.3 C.7.6.16.2.1");
    }

    #[test]
    fn views_of_both_polarities_in_one_series_are_told_apart() {
        let low_is_bright = json!({"00280004": {"vr": "CS", "Value": ["MONOCHROME1"]}});
        let view = series(&[image(1, "CR", low_is_bright), image(2, "CR", json!({}))]).view(1);
        let own: Vec<Option<bool>> =
            view.frames.iter().map(|frame| view.pixels[frame.pixels as usize].inverted).collect();
        let shown: Vec<bool> = own.into_iter().map(|own| own.unwrap_or(view.inverted)).collect();
        let first = view.frames[0].number == Some(1);
        assert_eq!(shown, [first, !first], "only the first image is MONOCHROME1");
    }

    #[test]
    fn images_of_another_size_are_a_series_of_their_own_to_the_page() {
        let slices = [3, 4, 5].map(|n| image(n, "CT", json!({"0008103E": {"vr": "LO", "Value": ["Thorax"]}})));
        let scout = json!({
            "00280010": {"vr": "US", "Value": [700]},
            "00280011": {"vr": "US", "Value": [512]},
            "00200037": {"vr": "DS", "Value": [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]},
            "0008103E": {"vr": "LO", "Value": ["Thorax"]},
        });
        let mut images = slices.to_vec();
        images.push(image(9, "CT", scout));
        let views: Vec<SeriesView> = parts(&images).iter().map(|part| part.view(1)).collect();
        let said = |view: &SeriesView| (view.series.clone(), view.description.clone(), (view.columns, view.rows));
        let expected = [
            ("1.2.3.4".to_owned(), "Thorax".to_owned(), (2, 2)),
            ("1.2.3.4~2".to_owned(), "512 × 700, Thorax".to_owned(), (512, 700)),
        ];
        assert_eq!(views.iter().map(said).collect::<Vec<_>>(), expected, "each with its own name and size");
        assert_eq!(views[0].volume.as_ref().map(|volume| volume.plane_distance), Some(1.0), "the slices' own");
        assert_eq!((views[0].frames.len(), views[1].frames.len()), (3, 1), "each with its own images");
        assert!(views.iter().all(|view| view.notes.is_empty()), "nothing is odd about either");
    }

    #[test]
    fn a_stray_image_is_found_in_whichever_part_it_is() {
        let named = |n: i32, columns: u16, name: &str| {
            let more = json!({
                "00100010": {"vr": "PN", "Value": [{"Alphabetic": name}]},
                "00280011": {"vr": "US", "Value": [columns]},
            });
            image(n, "DX", more)
        };
        let own = parts(&[named(1, 2, "Auenwald^Anna"), named(2, 4, "Auenwald^Anna")]);
        assert_eq!((own.len(), patient_of(&own).is_some()), (2, true), "two parts of one patient");
        let stray = parts(&[named(1, 2, "Auenwald^Anna"), named(2, 4, "Auerwald^Anna")]);
        assert_eq!(patient_of(&stray), None, "another person in the second");
    }

    #[test]
    fn tables_and_padding_cross_once_and_frames_point_to_them() {
        let item = json!({
            "00283002": {"vr": "US", "Value": [3, 5, 12]},
            "00283003": {"vr": "LO", "Value": ["NORMAL"]},
            "00283006": {"vr": "OW", "InlineBinary": "AAABAP8P"},
        });
        let more = json!({
            "00283010": {"vr": "SQ", "Value": [item.clone()]},
            "00283000": {"vr": "SQ", "Value": [item]},
            "00280103": {"vr": "US", "Value": [0]},
            "00280120": {"vr": "US", "Value": [0]},
            "00280121": {"vr": "US", "Value": [3]},
        });
        let view = series(&[image(1, "DX", more.clone()), image(2, "DX", more)]).view(1);
        assert_eq!((view.tables.len(), view.pixels.len()), (1, 1), "both images say the same");
        let (table, pixels) = (&view.tables[0], &view.pixels[0]);
        assert_eq!(
            (table.first, table.greatest, table.entries.as_slice()),
            (5, 4095, [0, 1, 4095].as_slice()),
            "table"
        );
        assert_eq!(table.name.as_deref(), Some("NORMAL"), "LUT Explanation");
        assert_eq!((pixels.modality, pixels.voi.as_slice()), (Some(0), [0].as_slice()), "both sequences");
        assert_eq!((pixels.padding, pixels.begins_with_table), (Some([0, 3]), true), "no window is stored");
    }

    #[test]
    fn an_image_is_small_in_the_strip_as_it_is_large_in_the_viewport() {
        let more = both(&window(128.0, 256.0), &json!({"00280120": {"vr": "SS", "Value": [-5]}}));
        let data = series(&[image(1, "MR", both(&more, &json!({"00280004": {"vr": "CS", "Value": ["MONOCHROME1"]}})))]);
        let bytes = [-5_i16, 0, 100, 255].iter().flat_map(|v| v.to_le_bytes()).collect();
        let frame = StoredFrame { columns: 2, rows: 2, format: FrameFormat::I16, bytes };
        assert_eq!(data.thumbnail(&frame, (2, 2)).bytes, [0, 255, 155, 0], "inverted, padding black");
    }

    #[test]
    fn a_ct_without_a_window_begins_with_its_first_preset_and_others_with_their_values() {
        assert_eq!(series(&[image(1, "CT", json!({}))]).view(1).window.width, 400.0, "soft tissue");
        let data = series(&[image(1, "MR", json!({}))]);
        data.auto.set(lut::Window::linear(7.0, 9.0)).expect("not looked at yet");
        assert_eq!(data.view(1).window.width, 9.0, "what the values say");
    }
}
