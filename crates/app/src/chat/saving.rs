//! The file of a message on its way to the person's downloads, without passing the page: two gigabytes do not fit there.
//!
//! It is written beside its place under a name of its own and moved there when all of it was found right and the page has
//! seen its first bytes: what a file says it is and what it is may differ, and then a person is asked. Whatever ends it
//! before that leaves nothing behind.

use super::Up;
use super::files::{TELL, of_file, text};
use crate::Desk;
use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use contract::{Failure, FailureCode, FileDoorView, FileHeard, FileSaid};
use futures_util::future::BoxFuture;
use futures_util::stream::SplitStream;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tim::{FileError, Incoming, MessageId};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use tokio::time::MissedTickBehavior;

/// How what is being written ends: a start removes what a program that was killed has left of it.
const ENDING: &str = ".konsil-part";
/// So much of its beginning the page looks at.
const HEAD: usize = 64;
const PIECE: usize = 1024 * 1024;
/// A folder that has so many files of one name gets no further one.
const MOST_OF_A_NAME: u32 = 10_000;

impl Desk {
    /// Where files of messages are saved from now on; without it they are not saved here. Removes what a program that was
    /// killed has left there half written.
    pub fn saves_into(&self, folder: PathBuf) {
        forget_halves(&folder);
        let _former = self.0.chat.downloads.set(folder);
    }

    /// Saves the file of a message. The door says how far it is; to close it is to stop.
    pub(crate) fn save_attachment(&self, conversation: &str, message: String) -> Result<FileDoorView, Failure> {
        let (up, open) = (self.up()?, self.conversation(conversation)?);
        let folder = self.0.chat.downloads.get().cloned();
        let folder = folder.ok_or_else(|| Failure::new(FailureCode::NotAllowed, "nothing is saved here"))?;
        let incoming = open.conversation.file(&MessageId(message)).map_err(|error| of_file(&error))?;
        let (desk, mut shut) = (self.clone(), self.0.files.shut());
        let socket = self.0.files.ticket(move |socket| {
            async move {
                tokio::select! {
                    () = desk.save(socket, &incoming, &up, &folder) => {}
                    // It holds the account, and whoever comes after this person has another one.
                    _ = shut.changed() => {}
                }
            }
            .boxed()
        });
        Ok(FileDoorView { attachment: None, socket })
    }

    async fn save(&self, socket: WebSocket, incoming: &Incoming, up: &Arc<Up>, folder: &Path) {
        let (mut say, mut hear) = socket.split();
        let about = FileSaid::File {
            name: incoming.name().to_owned(),
            mimetype: incoming.mimetype().map(str::to_owned),
            size: incoming.size(),
        };
        if say.send(text(&about)).await.is_err() {
            return;
        }
        let progress = incoming.progress();
        let written = {
            let mut writing = std::pin::pin!(self.written(incoming, up, folder));
            let mut shown = tokio::time::interval(TELL);
            shown.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    written = &mut writing => break written,
                    word = heard(&mut hear) => match word {
                        // A page that went away wants nothing more.
                        None => return,
                        Some(FileHeard::Keep | FileHeard::Unreadable | FileHeard::Credit { .. }) => {}
                    },
                    _ = shown.tick() => {
                        let moved = FileSaid::Moved { bytes: progress.borrow().moved };
                        if say.send(text(&moved)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        };
        let last = match written {
            Ok(half) => {
                if say.send(Message::Binary(half.head.clone().into())).await.is_err() {
                    return;
                }
                loop {
                    match heard(&mut hear).await {
                        None => return,
                        Some(FileHeard::Keep) => break,
                        Some(FileHeard::Unreadable | FileHeard::Credit { .. }) => {}
                    }
                }
                self.kept(half, incoming.name(), up).await
            }
            Err(error) => Err(error),
        };
        let last = match last {
            Ok(name) => FileSaid::Saved { name },
            Err(error) => {
                let failure = if self.is_locked() { Failure::new(FailureCode::Locked, "") } else { of_saving(&error) };
                tracing::warn!(code = ?failure.code, "a file was not saved");
                FileSaid::Failed { failure }
            }
        };
        let _gone = say.send(text(&last)).await;
        let _gone = say.close().await;
    }

    /// All of a file, beside its place.
    async fn written(&self, incoming: &Incoming, up: &Arc<Up>, folder: &Path) -> Result<Half, FileError> {
        let (half, file) = Half::begin(folder).await.map_err(|error| of_disk(&error))?;
        let mut writing = Writing { half, file, desk: self.clone(), up: up.clone() };
        incoming.fetch(&mut writing).await?;
        let Writing { half, mut file, .. } = writing;
        file.flush().await.map_err(|error| of_disk(&error))?;
        // On the disk before it has its name.
        file.get_ref().sync_all().await.map_err(|error| of_disk(&error))?;
        Ok(half)
    }

    /// Gives it its name; gives that name.
    async fn kept(&self, half: Half, name: &str, up: &Arc<Up>) -> Result<String, FileError> {
        self.may_write(up).map_err(|error| of_disk(&error))?;
        let name = name.to_owned();
        let named = tokio::task::spawn_blocking(move || half.becomes(&name)).await;
        let named = named.map_err(|error| FileError::Sink(error.to_string()))?;
        named.map_err(|error| of_disk(&error))
    }

    /// Behind a lock nothing leaves, and nothing for whoever comes after this person.
    fn may_write(&self, up: &Arc<Up>) -> io::Result<()> {
        if self.is_locked() || !self.up().is_ok_and(|now| Arc::ptr_eq(&now, up)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }
}

/// The next word of the page; none when it went away.
async fn heard(hear: &mut SplitStream<WebSocket>) -> Option<FileHeard> {
    loop {
        match hear.next().await?.ok()? {
            Message::Text(word) => {
                if let Ok(word) = serde_json::from_str(&word) {
                    return Some(word);
                }
            }
            Message::Close(_) => return None,
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

/// A file that does not have its name yet. Dropping this removes it.
struct Half {
    path: PathBuf,
    head: Vec<u8>,
    named: bool,
}

impl Half {
    async fn begin(folder: &Path) -> io::Result<(Self, BufWriter<File>)> {
        let folder = folder.to_owned();
        // Both at once: where nobody waits any more, the one goes and takes the other with it.
        let made = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(&folder)?;
            let path = folder.join(format!(".{:032x}{ENDING}", rand::random::<u128>()));
            let file = fs::File::create_new(&path)?;
            Ok::<_, io::Error>((Self { path, head: Vec::new(), named: false }, file))
        });
        let (half, file) = made.await.map_err(io::Error::other)??;
        Ok((half, BufWriter::with_capacity(PIECE, File::from_std(file))))
    }

    /// Moves it to a name that is free beside it, as near to `name` as there is one.
    fn becomes(mut self, name: &str) -> io::Result<String> {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        for number in 0..MOST_OF_A_NAME {
            let name = numbered(name, number);
            let place = folder.join(&name);
            // Whoever makes the name has it: two files that are saved at once do not meet.
            match fs::File::create_new(&place) {
                Ok(reserved) => drop(reserved),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            if let Err(error) = fs::rename(&self.path, &place) {
                // Empty, and nobody's.
                let _removed = fs::remove_file(&place);
                return Err(error);
            }
            self.named = true;
            return Ok(name);
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if !self.named
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "a file that was not saved stays behind");
        }
    }
}

/// `Befund.pdf`, `Befund (1).pdf`, …
fn numbered(name: &str, number: u32) -> String {
    if number == 0 {
        return name.to_owned();
    }
    match name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) {
        Some((stem, ending)) => format!("{stem} ({number}).{ending}"),
        None => format!("{name} ({number})"),
    }
}

struct Writing {
    half: Half,
    file: BufWriter<File>,
    desk: Desk,
    up: Arc<Up>,
}

impl tim::Sink for Writing {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, io::Result<()>> {
        async move {
            self.desk.may_write(&self.up)?;
            let room = HEAD.saturating_sub(self.half.head.len()).min(bytes.len());
            self.half.head.extend_from_slice(&bytes[..room]);
            self.file.write_all(&bytes).await
        }
        .boxed()
    }
}

fn of_disk(error: &io::Error) -> FileError {
    if error.kind() == io::ErrorKind::StorageFull { FileError::DiskFull } else { FileError::Sink(error.to_string()) }
}

fn of_saving(error: &FileError) -> Failure {
    if let FileError::Sink(why) = error {
        Failure::new(FailureCode::FileNotSaved, why.as_str())
    } else {
        of_file(error)
    }
}

fn forget_halves(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') && name.to_string_lossy().ends_with(ENDING) {
            let _removed = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ENDING, Half, forget_halves, numbered};
    use std::fs;
    use tokio::io::AsyncWriteExt as _;

    #[test]
    fn a_name_that_is_taken_gets_a_number_before_its_ending() {
        assert_eq!(numbered("Befund.pdf", 0), "Befund.pdf", "as it is");
        assert_eq!(numbered("Befund.pdf", 2), "Befund (2).pdf", "before the ending");
        assert_eq!(numbered("Befund", 1), "Befund (1)", "without one");
        assert_eq!(numbered(".profile", 1), ".profile (1)", "a beginning is no ending");
    }

    #[tokio::test]
    async fn a_half_file_is_nowhere_and_a_whole_one_takes_nobodys_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = || {
            let entries = fs::read_dir(folder.path()).expect("it can be read").flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        };
        let write = async |text: &str| {
            let (half, mut file) = Half::begin(folder.path()).await.expect("there is room");
            file.write_all(text.as_bytes()).await.expect("there is room");
            file.flush().await.expect("there is room");
            half
        };
        drop(write("half").await);
        assert_eq!(names(), [""; 0], "what was stopped is gone");
        fs::write(folder.path().join("Befund.pdf"), "of somebody").expect("written");
        let named = write("whole").await.becomes("Befund.pdf").expect("it gets a name");
        assert_eq!((named.as_str(), names().len()), ("Befund (1).pdf", 2), "beside the one that was there");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
        assert_eq!(
            (read("Befund.pdf"), read("Befund (1).pdf")),
            ("of somebody".into(), "whole".into()),
            "each its own"
        );
        fs::write(folder.path().join(format!(".0a{ENDING}")), "left by a killed program").expect("written");
        forget_halves(folder.path());
        assert_eq!(names(), ["Befund (1).pdf", "Befund.pdf"], "and nothing else is removed");
    }
}
