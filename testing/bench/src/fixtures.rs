//! The frames that everybody decodes: the real CT, packed by the others' own encoders into the cache.

use crate::part10::{Samples, multi_frame};
use anyhow::{Context, Result, ensure};
use imaging::{Part10, decode::decode_raw};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where the CT lies in the folder of test data.
const CT: &str = "petct/ct-ct-images";
/// Frames as single codestreams; fewer, since their tools take one file a call.
pub(crate) const STREAMS: usize = 32;

/// The CT's files and stored values.
#[derive(Debug)]
pub(crate) struct Ct {
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    values: Vec<Vec<i16>>,
}

impl Ct {
    pub(crate) fn read(data: &Path) -> Result<Self> {
        let folder = data.join(CT);
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
            .with_context(|| format!("the CT is not there: {}", folder.display()))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()?;
        paths.sort();
        let mut ct = Self { files: Vec::new(), columns: 0, rows: 0, values: Vec::new() };
        for path in paths {
            let file = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
            let part10 = Part10::open(&file).with_context(|| format!("open {}", path.display()))?;
            let image = part10.instance().image.as_ref().context("the object has no image")?;
            let raw = decode_raw(image, part10.transfer_syntax(), &part10.frame(0)?)?;
            ensure!(raw.bits == 16 && raw.signed, "{} has no signed 16 bit values", path.display());
            (ct.columns, ct.rows) = (image.columns, image.rows);
            ct.values.push(raw.bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect());
            ct.files.push(file);
        }
        ensure!(ct.files.len() > STREAMS, "the CT has {} images", ct.files.len());
        Ok(ct)
    }

    pub(crate) fn frames(&self) -> usize {
        self.values.len()
    }

    /// MB of pixels in so many frames of 16 bits.
    pub(crate) fn megabytes(&self, frames: usize) -> f64 {
        (usize::from(self.columns) * usize::from(self.rows) * frames * 2) as f64 / 1e6
    }

    fn samples(&self, depth: Depth) -> Samples {
        let (allocated, stored, signed) = match depth {
            Depth::Sixteen => (16, 16, true),
            Depth::Twelve => (16, 12, false),
            Depth::Eight => (8, 8, false),
        };
        Samples { columns: self.columns, rows: self.rows, allocated, stored, signed }
    }

    /// The pixels of the first frames as a native file has them.
    pub(crate) fn pixels(&self, depth: Depth, frames: usize) -> Vec<u8> {
        let values = self.values.iter().take(frames).flatten().copied();
        match depth {
            Depth::Sixteen => values.flat_map(i16::to_le_bytes).collect(),
            // From air to bone in Hounsfield units, as scanners with 12 bits store it.
            Depth::Twelve => values.flat_map(|v| v.saturating_add(1024).clamp(0, 4095).to_le_bytes()).collect(),
            Depth::Eight => values.map(|v| (v.saturating_add(1024).clamp(0, 2047) / 8).to_le_bytes()[0]).collect(),
        }
    }

    /// The file `name` of so many frames, encoded by a command that is given the native file and this one.
    pub(crate) fn encoded(
        &self,
        folder: &Path,
        name: &str,
        depth: Depth,
        frames: usize,
        encoder: &[&str],
    ) -> Result<PathBuf> {
        let file = folder.join(format!("{name}-{frames}.dcm"));
        if !file.exists() {
            fs::create_dir_all(folder)?;
            let native = folder.join("native.dcm");
            fs::write(&native, multi_frame(self.samples(depth), frames, &self.pixels(depth, frames)))?;
            let part = folder.join("part.dcm");
            quietly(Command::new(encoder[0]).args(&encoder[1..]).arg(&native).arg(&part))?;
            fs::rename(&part, &file)?;
            fs::remove_file(&native)?;
        }
        Ok(file)
    }

    /// A folder of codestreams, one a frame, encoded by a command that is made from a PGM file and the stream's.
    pub(crate) fn streams(
        &self,
        folder: &Path,
        name: &str,
        encoder: impl Fn(&Path, &Path) -> Command,
    ) -> Result<PathBuf> {
        let streams = folder.join(name);
        if streams.exists() {
            return Ok(streams);
        }
        let part = folder.join("part");
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
        for (n, values) in self.values.iter().take(STREAMS).enumerate() {
            let pgm = folder.join("frame.pgm");
            // Netpbm's samples are unsigned and most significant byte first.
            let mut file = format!("P5\n{} {}\n65535\n", self.columns, self.rows).into_bytes();
            file.extend(values.iter().flat_map(|v| (i32::from(*v) + 32768).to_be_bytes()[2..].to_vec()));
            fs::write(&pgm, file)?;
            quietly(&mut encoder(&pgm, &part.join(format!("{n:03}.j2c"))))?;
            fs::remove_file(&pgm)?;
        }
        fs::rename(&part, &streams)?;
        Ok(streams)
    }

    /// What a codestream of [`Ct::streams`] holds.
    pub(crate) fn stream_values(&self, frame: usize) -> Vec<u8> {
        self.values[frame].iter().flat_map(|v| (i32::from(*v) + 32768).to_le_bytes()[..2].to_vec()).collect()
    }
}

/// How many bits the CT is brought to, for processes that end at fewer than 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As it is.
    Sixteen,
    Twelve,
    Eight,
}

/// Runs a tool whose words are of no interest.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).stdout(Stdio::null()).output().with_context(|| format!("start {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} ended with {}: {}", output.status, said.trim());
    Ok(())
}
