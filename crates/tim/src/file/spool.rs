//! A file that is put together on this device before it is sent: encrypted under a key that only the memory has. What a
//! program that ended leaves of it nobody can read, and the next start removes it.

use super::incoming::of_disk;
use super::{FileError, Source};
use crate::conversation::Conversation;
use attachment::{Key, Keystream};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use std::io::{self, SeekFrom};
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};

const PIECE: usize = 256 * 1024;

/// A file in the making. Dropping this removes it.
pub struct Spool {
    path: PathBuf,
    key: Key,
    iv: [u8; 16],
    stream: Keystream,
    file: BufWriter<File>,
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spool([not shown])")
    }
}

impl Conversation {
    /// A place for what is put together to be sent.
    ///
    /// # Errors
    /// [`FileError`] when the disk has none.
    pub async fn spool(&self) -> Result<Spool, FileError> {
        let folder = &self.wire.folder;
        tokio::fs::create_dir_all(folder).await.map_err(|error| of_disk(&error))?;
        let path = folder.join(format!("{:032x}", rand::random::<u128>()));
        let file = File::create_new(&path).await.map_err(|error| of_disk(&error))?;
        let (key, mut iv) = (Key::new(rand::random()), [0; 16]);
        iv[..8].copy_from_slice(&rand::random::<[u8; 8]>());
        let stream = Keystream::at(&key, &iv, 0);
        Ok(Spool { path, key, iv, stream, file: BufWriter::with_capacity(PIECE, file) })
    }
}

impl Spool {
    /// The next bytes.
    ///
    /// # Errors
    /// [`FileError::DiskFull`] among others; the file is of no use then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        for piece in bytes.chunks(PIECE) {
            let mut piece = piece.to_vec();
            self.stream.apply(&mut piece);
            self.file.write_all(&piece).await.map_err(|error| of_disk(&error))?;
        }
        Ok(())
    }

    /// After the last bytes: it can be read from now on.
    ///
    /// # Errors
    /// [`FileError::DiskFull`] among others.
    pub async fn finish(&mut self) -> Result<(), FileError> {
        self.file.flush().await.map_err(|error| of_disk(&error))
    }
}

impl Source for Spool {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        async move {
            let mut file = File::open(&self.path).await?;
            file.seek(SeekFrom::Start(offset)).await?;
            let begun = (file, Keystream::at(&self.key, &self.iv, offset));
            let read = futures_util::stream::try_unfold(begun, |(mut file, mut stream)| async move {
                let mut piece = BytesMut::with_capacity(PIECE);
                if file.read_buf(&mut piece).await? == 0 {
                    return Ok(None);
                }
                stream.apply(&mut piece);
                Ok(Some((piece.freeze(), (file, stream))))
            });
            Ok(read.boxed())
        }
        .boxed()
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "what was put together to be sent stays behind, encrypted");
        }
    }
}
