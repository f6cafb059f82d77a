//! [`SmallDisk`]: a file system of a few megabytes that really runs full.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted file system. Dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    /// Where it is.
    pub folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of so many kibibytes at `folder`. `None` where this process may not mount.
    #[must_use]
    pub fn mount(folder: &Path, kibibytes: u32) -> Option<Self> {
        fs::create_dir_all(folder).ok()?;
        let size = format!("size={kibibytes}k");
        let mut mount = Command::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output().ok()?;
        done.status.success().then(|| Self { folder: folder.to_owned() })
    }

    /// Takes all the room that is left.
    ///
    /// # Errors
    /// When the disk refuses for another reason than being full.
    pub fn fill(&self) -> io::Result<()> {
        let mut filler = fs::File::create(self.filler())?;
        for piece in [64 * 1024, 4096, 1] {
            loop {
                match filler.write(&vec![0xA5; piece]) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Gives that room back.
    ///
    /// # Errors
    /// When it was not taken.
    pub fn make_room(&self) -> io::Result<()> {
        fs::remove_file(self.filler())
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a process that was just killed may still hold a file.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}
