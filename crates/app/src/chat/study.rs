//! Studies in conversations: recognized among files, sent as one file that names nobody, and read where they come.
//!
//! The file is an archive of stored images ([`zip`]), made while it is sent: from the page's files, or from the archive
//! of the open case. Whoever gets it reads the images from the ciphertext; nothing of them is on disk in clear.

mod gather;
mod packed;
mod receive;
mod recognize;
mod sheet;
mod zip;

pub(super) use gather::Gathering;
pub(super) use packed::Packed;
pub(super) use receive::Reading;
pub(super) use zip::Layout;

use super::files::{Hearing, Page, SentStudy, Supply, hear_pieces, of_file, text};
use crate::Desk;
use axum::extract::ws::WebSocket;
use bytes::Bytes;
use contract::{Failure, FailureCode, FileDoorView, FileSaid, RecognizedStudyView, StudyLabelView};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use recognize::{HEAD, Piles, Recognized};
use std::collections::VecDeque;
use std::sync::Arc;
use tim::{FileError, NewFile, Source, Splitting, StudyLabel};
use tokio::sync::mpsc;

/// Studies that were found and not sent; older ones are forgotten.
const MOST_FOUND: usize = 16;
/// The media type of the file of a study.
const ZIP: &str = "application/zip";

/// Studies that were found among the page's files.
#[derive(Default)]
pub(super) struct Found(VecDeque<(String, Arc<Recognized>)>);

impl Found {
    fn put(&mut self, id: String, study: Arc<Recognized>) {
        self.0.push_back((id, study));
        while self.0.len() > MOST_FOUND {
            self.0.pop_front();
        }
    }

    fn get(&self, id: &str) -> Option<Arc<Recognized>> {
        self.0.iter().find(|(known, _)| known == id).map(|(_, study)| study.clone())
    }
}

/// A label as the page is told.
pub(super) fn label_view(label: &StudyLabel) -> StudyLabelView {
    StudyLabelView { modality: label.modality.clone(), images: label.images, series: label.series }
}

impl Desk {
    pub(crate) fn look_at_files(&self, conversation: &str, sizes: Vec<u64>) -> Result<FileDoorView, Failure> {
        self.conversation(conversation)?;
        let total = sizes.iter().try_fold(0_u64, |sum, size| sum.checked_add(*size));
        let (Some(total), true) = (total, sizes.len() <= zip::MOST_MEMBERS && !sizes.is_empty()) else {
            return Err(Failure::new(FailureCode::InvalidInput, "too many files"));
        };
        let (desk, mut shut) = (self.clone(), self.0.files.shut());
        let socket = self.0.files.ticket(move |socket| {
            async move {
                tokio::select! {
                    () = desk.look(socket, sizes, total) => {}
                    _ = shut.changed() => {}
                }
            }
            .boxed()
        });
        Ok(FileDoorView { attachment: None, socket })
    }

    async fn look(&self, socket: WebSocket, sizes: Vec<u64>, total: u64) {
        let (mut say, hear) = socket.split();
        let (words, mut asked) = mpsc::channel::<FileSaid>(16);
        let (pieces, given) = mpsc::channel(8);
        let mut page = Page::new(words, given, total);
        let mut heard = None;
        let found = {
            let mut looking = std::pin::pin!(looked_at(&mut page, &sizes));
            let mut hearing = std::pin::pin!(hear_pieces(hear, pieces));
            loop {
                tokio::select! {
                    found = &mut looking => break found,
                    end = &mut hearing, if heard.is_none() => heard = Some(end),
                    Some(word) = asked.recv() => {
                        // A page that is gone gives nothing, which the reading notices.
                        let _gone = say.send(text(&word)).await;
                    }
                }
            }
        };
        let last = match found {
            Err(_) if heard == Some(Hearing::Left) => return,
            Err(error) => FileSaid::Failed { failure: of_file(&error) },
            Ok((studies, left_out)) => {
                let studies = studies.into_iter().map(|study| self.keep_found(study)).collect();
                FileSaid::Studies { studies, left_out }
            }
        };
        let _gone = say.send(text(&last)).await;
        let _gone = say.close().await;
    }

    fn keep_found(&self, study: Recognized) -> RecognizedStudyView {
        let id = self.outgoing_id();
        let view = RecognizedStudyView {
            id: id.clone(),
            label: label_view(&study.label),
            body_part: study.body_part.clone(),
            name: study.file_name(),
            size: study.layout().size(),
            files: study.files.clone(),
            failure: study.mixed.then(|| Failure::new(FailureCode::OtherPatient, "")),
        };
        self.0.chat.state().found.put(id, Arc::new(study));
        view
    }

    pub(crate) async fn begin_study(&self, conversation: &str, id: &str) -> Result<FileDoorView, Failure> {
        let gone = || Failure::new(FailureCode::NotFound, "the study is not known any more");
        let study = self.0.chat.state().found.get(id).ok_or_else(gone)?;
        let layout = Arc::new(study.layout());
        let id = self.outgoing_id();
        self.begin_recognized(&id, conversation, &study, &layout, Supply::Packed(layout.clone())).await?;
        self.tell_files(conversation).await;
        self.upload_door(&id)
    }

    /// Makes the file of a study ready to be sent.
    async fn begin_recognized(
        &self,
        id: &str,
        conversation: &str,
        study: &Recognized,
        layout: &Layout,
        supply: Supply,
    ) -> Result<(), Failure> {
        let open = self.conversation(conversation)?;
        self.room_for_a_file()?;
        if study.mixed {
            return Err(Failure::new(FailureCode::OtherPatient, ""));
        }
        let (size, message) = (layout.size(), study.message(layout));
        let body = message.body.clone();
        let new = NewFile {
            name: study.file_name(),
            mimetype: Some(ZIP.to_owned()),
            size,
            modified: None,
            picture: None,
            fallback: Arc::new(move |_name, parts| {
                format!("{body}, in {parts} Teilen verschlüsselt. Zum Öffnen wird Konsil gebraucht.")
            }),
        };
        let outgoing = match self.take_up_study(&open.conversation, size, &message).await? {
            Some(outgoing) => outgoing,
            None => {
                let outgoing = open.conversation.attach_study(new, message, Splitting::default()).await;
                outgoing.map_err(|error| of_file(&error))?
            }
        };
        let sent = SentStudy { label: label_view(&study.label), shown: study.shown(layout) };
        self.put_outgoing(id, conversation, outgoing, Some(sent), supply, false);
        Ok(())
    }
}

/// Reads all files through, one after the other, and holds no more than the beginning of one.
async fn looked_at(source: &mut dyn Source, sizes: &[u64]) -> Result<(Vec<Recognized>, u32), FileError> {
    let unreadable = |error: std::io::Error| FileError::Source(error.to_string());
    let mut read = source.read_from(0).await.map_err(unreadable)?;
    let (mut piles, mut held) = (Piles::default(), Bytes::new());
    for &size in sizes {
        let (mut left, mut head, mut sum) = (size, Vec::new(), crc32fast::Hasher::new());
        while left > 0 {
            if held.is_empty() {
                held = read.next().await.ok_or(FileError::Changed)?.map_err(unreadable)?;
            }
            let now = held.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let piece = held.split_to(now);
            sum.update(&piece);
            let room = HEAD.saturating_sub(head.len()).min(now);
            head.extend_from_slice(&piece[..room]);
            left -= now as u64;
        }
        piles.add(&head, zip::Member { size, crc: sum.finalize() });
    }
    Ok(piles.studies())
}
