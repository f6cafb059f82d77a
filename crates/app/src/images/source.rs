//! Open series by handle: where their frames come from, and the way of one frame from the archive or
//! the sealed cache through a worker to stored values.

use super::{
    bulk::BulkSession,
    message::frame_messages,
    received::ReceivedImages,
    series::{Metadata, Parts, SeriesData},
    workers::{Preview, WorkerError, WorkerPool, WorkerProgram},
};
use bytes::Bytes;
use contract::FailureCode;
use imaging::{ImageDescription, Instance, StackFrame, StoredFrame};
use model::{SeriesUid, StudyUid};
use platform::dicomweb::{DicomwebClient, DicomwebError, EncodedFrame};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{sync::watch, task::JoinHandle};
use vault::{StoreError, Vault};

/// Why a frame does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameFailure(pub FailureCode);

/// Everything about images that outlives a request. Clones are the same.
#[derive(Clone)]
pub(crate) struct Images(Arc<Inner>);

struct Inner {
    vault: Arc<Vault>,
    workers: WorkerPool,
    next: AtomicU32,
    open: Mutex<BTreeMap<u32, Source>>,
    /// First images on their way to a page that does not know their handle yet.
    begun: Mutex<BTreeMap<u32, Begun>>,
    series: Mutex<BTreeMap<(StudyUid, SeriesUid), Parts>>,
    /// Frames under way that a page has asked for.
    awaited: watch::Sender<usize>,
}

/// A frame that a page waits for; what is fetched ahead waits meanwhile.
pub(crate) struct Awaited(Images);

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.0.awaited.send_modify(|count| *count -= 1);
    }
}

/// Where the images of a series are.
#[derive(Clone)]
pub(crate) enum Origin {
    /// In the platform's archive.
    Archive(DicomwebClient),
    /// In the file of a message.
    Message(Arc<ReceivedImages>),
}

/// Where the frames of a handle come from.
#[derive(Clone)]
enum Source {
    Series { origin: Origin, data: Arc<SeriesData> },
    Picture(Arc<StoredFrame>),
}

/// A frame on its way.
type Begun = JoinHandle<Result<Arc<StoredFrame>, FrameFailure>>;

/// For the diagnosis.
pub(crate) struct Figures {
    pub(crate) workers: usize,
    pub(crate) replaced: u64,
    pub(crate) decoded: u64,
}

impl Images {
    pub(crate) fn new(vault: Arc<Vault>, worker: WorkerProgram) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
        Self(Arc::new(Inner {
            vault,
            workers: WorkerPool::new(worker, cores),
            next: AtomicU32::new(1),
            open: Mutex::new(BTreeMap::new()),
            begun: Mutex::new(BTreeMap::new()),
            series: Mutex::new(BTreeMap::new()),
            awaited: watch::Sender::new(0),
        }))
    }

    pub(crate) fn session(&self) -> BulkSession {
        BulkSession::start(self.clone())
    }

    pub(crate) fn figures(&self) -> Figures {
        let (workers, replaced, decoded) = self.0.workers.figures();
        Figures { workers, replaced, decoded }
    }

    pub(crate) fn warm(&self) {
        self.0.workers.warm();
    }

    pub(super) fn workers(&self) -> &WorkerPool {
        &self.0.workers
    }

    /// A picture that somebody sends, made small.
    pub(crate) async fn preview(&self, encoded: &[u8]) -> Result<Preview, WorkerError> {
        self.0.workers.preview(encoded).await
    }

    /// A page waits for a frame as long as the answer lives.
    pub(crate) fn awaited(&self) -> Awaited {
        self.0.awaited.send_modify(|count| *count += 1);
        Awaited(self.clone())
    }

    /// Returns when no page waits for a frame.
    pub(crate) async fn nobody_waits(&self) {
        let mut count = self.0.awaited.subscribe();
        // The sender lives as long as this value.
        let _gone = count.wait_for(|count| *count == 0).await;
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u32, Source>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> MutexGuard<'_, BTreeMap<u32, Begun>> {
        self.0.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(StudyUid, SeriesUid), Parts>> {
        self.0.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn known_series(&self, study: &StudyUid, series: &SeriesUid) -> Option<Parts> {
        self.known().get(&(study.clone(), series.clone())).cloned()
    }

    pub(crate) fn remember_series(&self, study: &StudyUid, series: &SeriesUid, parts: Parts) {
        self.known().insert((study.clone(), series.clone()), parts);
    }

    pub(crate) fn open_series(&self, origin: Origin, data: Arc<SeriesData>) -> u32 {
        self.insert(Source::Series { origin, data })
    }

    pub(crate) fn open_picture(&self, picture: Arc<StoredFrame>) -> u32 {
        self.insert(Source::Picture(picture))
    }

    fn insert(&self, source: Source) -> u32 {
        let handle = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.open().insert(handle, source);
        handle
    }

    /// The first image of a series comes while the page reads what is said of it, and waits for it where it is quicker.
    pub(crate) fn begin(&self, handle: u32) {
        // Held until it is known what was begun, so that nothing begins for a handle that is closed meanwhile.
        let open = self.open();
        let Some(source) = open.get(&handle).cloned() else { return };
        let (images, awaited) = (self.clone(), self.awaited());
        let first = tokio::spawn(async move {
            let first = images.of(source, 0).await;
            drop(awaited);
            first
        });
        self.begun().insert(handle, first);
    }

    pub(crate) fn close(&self, handle: u32) {
        let mut open = self.open();
        open.remove(&handle);
        if let Some(first) = self.begun().remove(&handle) {
            first.abort();
        }
    }

    /// Nothing can be fetched by a handle given out before.
    pub(crate) fn close_all(&self) {
        let mut open = self.open();
        open.clear();
        for (_handle, first) in std::mem::take(&mut *self.begun()) {
            first.abort();
        }
    }

    pub(crate) fn forget_all(&self) {
        self.close_all();
        self.known().clear();
    }

    /// One frame as messages for the page.
    pub(crate) async fn messages(&self, handle: u32, frame: u32) -> Result<Vec<Bytes>, FrameFailure> {
        #[cfg(feature = "bench")]
        if let Some(kept) = super::kept::get(handle, frame) {
            return Ok(kept);
        }
        let stored = self.frame(handle, frame).await?;
        let messages = frame_messages(handle, frame, &stored).ok_or(FrameFailure(FailureCode::EncodingUnsupported))?;
        #[cfg(feature = "bench")]
        super::kept::put(handle, frame, &messages);
        Ok(messages)
    }

    /// One frame as stored values.
    pub(crate) async fn frame(&self, handle: u32, frame: u32) -> Result<Arc<StoredFrame>, FrameFailure> {
        let source = self.open().get(&handle).cloned().ok_or(FrameFailure(FailureCode::NotFound))?;
        let begun = if frame == 0 { self.begun().remove(&handle) } else { None };
        let first = match begun {
            Some(first) => first.await.ok(),
            None => None,
        };
        let came = match first {
            Some(first) => first,
            None => self.of(source, frame).await,
        };
        // A lock may have come meanwhile.
        if self.open().contains_key(&handle) { came } else { Err(FrameFailure(FailureCode::NotFound)) }
    }

    async fn of(&self, source: Source, frame: u32) -> Result<Arc<StoredFrame>, FrameFailure> {
        match source {
            Source::Picture(picture) => Ok(picture),
            Source::Series { origin, data } => self.decoded(&origin, &data, frame as usize).await.map(Arc::new),
        }
    }

    /// The frame at a place of the stack, from the cache or the archive, or from a message's file, decoded by a worker.
    pub(crate) async fn decoded(
        &self,
        origin: &Origin,
        data: &SeriesData,
        index: usize,
    ) -> Result<StoredFrame, FrameFailure> {
        let (instance, image, place) = drawable(data, index)?;
        let client = match origin {
            Origin::Archive(client) => client,
            // Never from the archive's cache, and never into it: whoever sends images may name them as they like.
            Origin::Message(received) => {
                let (syntax, encoded) = received.frame(instance.sop_instance.as_str(), place.frame).await?;
                let decoded = self.0.workers.decode(image, &syntax, &encoded).await;
                return decoded.map_err(|error| FrameFailure(code_of(&error)));
            }
        };
        let key = frame_key(instance, place);
        if let Some((syntax, encoded)) = self.cached(&key).await
            && let Ok(frame) = self.0.workers.decode(image, &syntax, &encoded).await
        {
            return Ok(frame);
        }
        let Fetched { frame, syntax, encoded } = self.fetched(client, data, index).await?;
        let vault = self.0.vault.clone();
        tokio::task::spawn_blocking(move || {
            // A full disk costs speed at the next opening and nothing else.
            if let Err(error) = keep(&vault, &key, &syntax, &encoded) {
                tracing::warn!(%error, "a frame was not kept");
            }
        });
        Ok(frame)
    }

    /// Fetches the frame at a place of the stack as opening it does, and returns with the bytes that it takes once it
    /// lies here.
    pub(crate) async fn preload(
        &self,
        client: &DicomwebClient,
        data: &SeriesData,
        index: usize,
    ) -> Result<u64, FrameFailure> {
        let (instance, _, place) = drawable(data, index)?;
        let key = frame_key(instance, place);
        // It is decoded as well: what cannot be shown is not called here.
        let Fetched { frame: _, syntax, encoded } = self.fetched(client, data, index).await?;
        let vault = self.0.vault.clone();
        let kept = tokio::task::spawn_blocking(move || {
            keep(&vault, &key, &syntax, &encoded)?;
            vault.frame_touch(&key)
        });
        match kept.await {
            Ok(Ok(Some(bytes))) => Ok(bytes),
            // Larger than the whole cache.
            Ok(Ok(None)) => Err(FrameFailure(FailureCode::TooLarge)),
            Ok(Err(error)) => Err(FrameFailure(crate::failures::of_store(&error).code)),
            Err(_panicked) => Err(FrameFailure(FailureCode::Internal)),
        }
    }

    /// Bytes that each of these takes in the cache, where it lies there. That counts as a use of them.
    pub(crate) async fn lie_here(&self, keys: Vec<String>) -> Vec<Option<u64>> {
        let vault = self.0.vault.clone();
        let asked = keys.len();
        let found = tokio::task::spawn_blocking(move || {
            keys.iter().map(|key| vault.frame_touch(key).ok().flatten()).collect::<Vec<_>>()
        });
        // What cannot be looked at is not here.
        found.await.unwrap_or_else(|_panicked| vec![None; asked])
    }

    /// Bytes that the cache may take.
    pub(crate) fn room(&self) -> u64 {
        self.0.vault.frames_limit()
    }

    /// Keeps a series' metadata beside its frames.
    pub(crate) async fn seal_metadata(
        &self,
        study: &StudyUid,
        series: &SeriesUid,
        metadata: Arc<Metadata>,
    ) -> Result<(), FailureCode> {
        let (vault, key) = (self.0.vault.clone(), metadata_key(study, series));
        let sealed = tokio::task::spawn_blocking(move || {
            let bytes = serde_json::to_vec(&*metadata).map_err(|_cause| FailureCode::Internal)?;
            vault.frame_put(&key, &bytes).map_err(|error| crate::failures::of_store(&error).code)
        });
        sealed.await.unwrap_or(Err(FailureCode::Internal))
    }

    /// A series' metadata that was kept, if it still lies here.
    pub(crate) async fn sealed_metadata(&self, study: &StudyUid, series: &SeriesUid) -> Option<Metadata> {
        let (vault, key) = (self.0.vault.clone(), metadata_key(study, series));
        let read = tokio::task::spawn_blocking(move || -> Option<Metadata> {
            let bytes = vault.frame_get(&key).ok().flatten()?;
            serde_json::from_slice(&bytes).ok()
        });
        read.await.ok().flatten()
    }

    /// A frame from the archive, once a worker could read it.
    async fn fetched(&self, client: &DicomwebClient, data: &SeriesData, index: usize) -> Result<Fetched, FrameFailure> {
        let (instance, image, place) = drawable(data, index)?;
        let number = u32::try_from(place.frame + 1).map_err(|_large| FrameFailure(FailureCode::NotFound))?;
        let sent = client.frame(&data.study, &data.name.series, &instance.sop_instance, number).await;
        let (syntax, encoded) = match sent {
            Ok(sent) => (syntax_of(&sent, instance.transfer_syntax.as_deref()), sent.bytes),
            // Archives exist that store a syntax which they cannot send frame by frame.
            Err(DicomwebError::Refused(_) | DicomwebError::Server(_)) => {
                self.cut_from_file(client, data, index).await?
            }
            Err(error) => return Err(FrameFailure(crate::failures::of_dicomweb(&error).code)),
        };
        match self.0.workers.decode(image, &syntax, &encoded).await {
            Ok(frame) => Ok(Fetched { frame, syntax, encoded }),
            Err(error) => Err(FrameFailure(code_of(&error))),
        }
    }

    async fn cut_from_file(
        &self,
        client: &DicomwebClient,
        data: &SeriesData,
        index: usize,
    ) -> Result<(String, Bytes), FrameFailure> {
        let instance = data.stack.instance(index).ok_or(FrameFailure(FailureCode::NotFound))?;
        let file = client
            .instance(&data.study, &data.name.series, &instance.sop_instance)
            .await
            .map_err(|error| FrameFailure(crate::failures::of_dicomweb(&error).code))?;
        let frame = data.stack.frames[index].frame;
        let cut = tokio::task::spawn_blocking(move || {
            let part10 = imaging::Part10::open(&file).map_err(|_unreadable| FrameFailure(FailureCode::NotDicom))?;
            let bytes = part10.frame(frame).map_err(|_cut| FrameFailure(FailureCode::ImageTruncated))?;
            Ok((part10.transfer_syntax().to_owned(), Bytes::from(bytes.into_owned())))
        })
        .await;
        cut.unwrap_or(Err(FrameFailure(FailureCode::ImageDamaged)))
    }

    async fn cached(&self, key: &str) -> Option<(String, Vec<u8>)> {
        let (vault, key) = (self.0.vault.clone(), key.to_owned());
        let read = tokio::task::spawn_blocking(move || vault.frame_get(&key)).await.ok()?;
        let bytes = read.inspect_err(|error| tracing::warn!(%error, "a cached frame is unreadable")).ok()??;
        let (&length, rest) = bytes.split_first()?;
        let syntax = std::str::from_utf8(rest.get(..usize::from(length))?).ok()?.to_owned();
        Some((syntax, rest.get(usize::from(length)..)?.to_vec()))
    }
}

/// A frame that came from the archive, decoded and as it was sent.
struct Fetched {
    frame: StoredFrame,
    syntax: String,
    encoded: Bytes,
}

/// What is drawn at a place of the stack, if anything may be.
pub(super) fn drawable(
    data: &SeriesData,
    index: usize,
) -> Result<(&Instance, &ImageDescription, StackFrame), FrameFailure> {
    let instance = data.stack.instance(index).ok_or(FrameFailure(FailureCode::NotFound))?;
    let place = data.stack.frames[index];
    let image = instance.displayable().map_err(|_reason| FrameFailure(FailureCode::NotDisplayable))?;
    // Drawn without its table it would look like a picture and be another.
    if instance.frames.get(place.frame).is_some_and(|facts| facts.modality_unknown) {
        return Err(FrameFailure(FailureCode::ImageDamaged));
    }
    Ok((instance, image, place))
}

/// Under which name a frame lies in the cache.
pub(crate) fn frame_key(instance: &Instance, place: StackFrame) -> String {
    format!("{}/{}", instance.sop_instance, place.frame)
}

/// Under which name a series' metadata lies there.
pub(crate) fn metadata_key(study: &StudyUid, series: &SeriesUid) -> String {
    format!("metadata/{study}/{series}")
}

/// Keeps the encoded frame sealed: smaller than the decoded one, and as the archive sent it. Blocks.
fn keep(vault: &Vault, key: &str, syntax: &str, encoded: &[u8]) -> Result<(), StoreError> {
    // No transfer syntax has a longer name (PS3.5 9.1).
    let Ok(length) = u8::try_from(syntax.len()) else { return Ok(()) };
    let mut bytes = Vec::with_capacity(1 + syntax.len() + encoded.len());
    bytes.push(length);
    bytes.extend_from_slice(syntax.as_bytes());
    bytes.extend_from_slice(encoded);
    vault.frame_put(key, &bytes)
}

/// The label's own word, else what its media type stands for (PS3.18 8.7.3), else the object's.
fn syntax_of(sent: &EncodedFrame, of_object: Option<&str>) -> String {
    if let Some(label) = &sent.transfer_syntax {
        return label.clone();
    }
    match sent.content_type.as_str() {
        "image/jls" => "1.2.840.10008.1.2.4.80",
        "image/jp2" => "1.2.840.10008.1.2.4.90",
        "image/jphc" => "1.2.840.10008.1.2.4.201",
        "image/jpeg" => "1.2.840.10008.1.2.4.50",
        "image/dicom-rle" => "1.2.840.10008.1.2.5",
        _ => of_object.unwrap_or("1.2.840.10008.1.2.1"),
    }
    .to_owned()
}

fn code_of(error: &WorkerError) -> FailureCode {
    match error {
        WorkerError::Truncated => FailureCode::ImageTruncated,
        WorkerError::Unsupported(_) => FailureCode::EncodingUnsupported,
        WorkerError::Damaged(_) => FailureCode::ImageDamaged,
        WorkerError::Stopped(_) => FailureCode::DecoderStopped,
    }
}
