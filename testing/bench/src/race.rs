//! Each codec against the tool of others: the same frames, the same work (read, decode, write to memory), one
//! thread each, in turns.

use crate::{
    figures::Figures,
    fixtures::{Ct, Depth, STREAMS, quietly},
};
use anyhow::{Context, Result, ensure};
use imaging::{ImageDescription, Part10, Photometric, decode::decode_frame};
use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// A codec that dcmtk both packs and unpacks.
struct Dcmtk {
    name: &'static str,
    depth: Depth,
    encoder: &'static [&'static str],
    decoder: &'static str,
    /// Our output is the CT's own values again.
    lossless: bool,
}

const JPEG_LS: Dcmtk =
    Dcmtk { name: "JPEG-LS", depth: Depth::Sixteen, encoder: &["dcmcjpls"], decoder: "dcmdjpls", lossless: true };

const DCMTK: [Dcmtk; 5] = [
    JPEG_LS,
    Dcmtk {
        name: "JPEG lossless",
        depth: Depth::Sixteen,
        encoder: &["dcmcjpeg", "+e1"],
        decoder: "dcmdjpeg",
        lossless: true,
    },
    Dcmtk {
        name: "JPEG extended, 12 bit",
        depth: Depth::Twelve,
        encoder: &["dcmcjpeg", "+ee"],
        decoder: "dcmdjpeg",
        lossless: false,
    },
    Dcmtk {
        name: "JPEG baseline, 8 bit",
        depth: Depth::Eight,
        encoder: &["dcmcjpeg", "+eb"],
        decoder: "dcmdjpeg",
        lossless: false,
    },
    Dcmtk { name: "RLE", depth: Depth::Sixteen, encoder: &["dcmcrle"], decoder: "dcmdrle", lossless: true },
];

/// Measures all codecs.
pub(crate) fn codecs(ct: &Ct, folder: &Path, runs: u32, figures: &mut Figures) -> Result<()> {
    let memory = Memory::new()?;
    for codec in &DCMTK {
        codec.race(ct, folder, &memory, runs, figures)?;
    }
    let openjpeg = Streams {
        name: "JPEG 2000",
        programs: ["opj_compress", "opj_decompress"],
        package: "libopenjp2-tools",
        encode: |pgm, stream| command("opj_compress", &["-i".as_ref(), pgm, "-o".as_ref(), stream]),
        decode: opj_decode,
    };
    openjpeg.race(ct, folder, &memory, runs, figures)?;
    let openjph = Streams {
        name: "HTJ2K",
        programs: ["ojph_compress", "ojph_expand"],
        package: "openjph-tools",
        encode: |pgm, stream| {
            let reversible: [&Path; 2] = ["-reversible".as_ref(), "true".as_ref()];
            command("ojph_compress", &["-i".as_ref(), pgm, "-o".as_ref(), stream, reversible[0], reversible[1]])
        },
        decode: |streams, out| {
            for stream in files(streams)? {
                let to = out.join(stream.file_name().context("a stream has a name")?).with_extension("pgm");
                quietly(&mut command("ojph_expand", &["-i".as_ref(), &stream, "-o".as_ref(), &to]))?;
            }
            Ok(())
        },
    };
    openjph.race(ct, folder, &memory, runs, figures)
}

/// OpenJPEG's tool takes a whole folder, and writes beside what it reads.
fn opj_decode(streams: &Path, out: &Path) -> Result<()> {
    let linked = out.join("streams");
    fs::create_dir_all(&linked)?;
    for stream in files(streams)? {
        let to = linked.join(stream.file_name().context("a stream has a name")?);
        if !to.exists() {
            fs::copy(&stream, to)?;
        }
    }
    let one_thread = ["-threads".as_ref(), "1".as_ref()];
    let [threads, one]: [&Path; 2] = one_thread;
    let words: [&Path; 6] = ["-ImgDir".as_ref(), &linked, "-OutFor".as_ref(), "RAWL".as_ref(), threads, one];
    quietly(&mut command("opj_decompress", &words))
}

/// The whole CT in JPEG-LS, as one file.
pub(crate) fn jpeg_ls(ct: &Ct, folder: &Path) -> Result<PathBuf> {
    JPEG_LS.file(ct, folder, ct.frames())
}

impl Dcmtk {
    fn file(&self, ct: &Ct, folder: &Path, frames: usize) -> Result<PathBuf> {
        let name = self.name.replace([' ', ','], "");
        ct.encoded(folder, &name, self.depth, frames, self.encoder)
    }

    fn race(&self, ct: &Ct, folder: &Path, memory: &Memory, runs: u32, figures: &mut Figures) -> Result<()> {
        if !installed(self.encoder[0]) || !installed(self.decoder) {
            anyhow::bail!("{} is missing: install dcmtk", self.decoder);
        }
        let (many, one) = (self.file(ct, folder, ct.frames())?, self.file(ct, folder, 1)?);
        let (ours, theirs) = (memory.0.join("ours.raw"), memory.0.join("theirs.dcm"));
        let unpack = |input: &Path| quietly(&mut ourselves(&["unpack".as_ref(), input, &ours])?);
        let tool = |input: &Path| quietly(&mut command(self.decoder, &[input, &theirs]));
        let mut times = Times::default();
        for _ in 0..runs.max(3) {
            // A file of one frame costs the start of the program, and that frame: it does not count on either side.
            times.ours(work(|| unpack(&many))?, work(|| unpack(&one))?);
            times.theirs(work(|| tool(&many))?, work(|| tool(&one))?);
        }
        unpack(&many)?;
        let same = fs::read(&ours)?;
        if self.lossless {
            ensure!(same == ct.pixels(self.depth, ct.frames()), "{} did not decode to the CT", self.name);
        } else {
            tool(&many)?;
            close(self.name, &same, &native_pixels(&theirs)?)?;
        }
        fs::remove_file(&ours)?;
        fs::remove_file(&theirs)?;
        let megabytes = ct.megabytes(ct.frames() - 1) * if self.depth == Depth::Eight { 0.5 } else { 1.0 };
        figures.note(format!("decode {}: ours, one thread", self.name), megabytes / times.ours, "MB/s");
        figures.note(format!("decode {}: {}", self.name, self.decoder), megabytes / times.theirs, "MB/s");
        figures.at_least(format!("decode {} to {}", self.name, self.decoder), times.theirs / times.ours, "x", 1.0);
        println!("{}: {:.2} s of ours, {:.2} s of {}", self.name, times.ours, times.theirs, self.decoder);
        Ok(())
    }
}

/// A codec that dcmtk lacks: single codestreams and another tool.
struct Streams {
    name: &'static str,
    programs: [&'static str; 2],
    package: &'static str,
    encode: fn(&Path, &Path) -> Command,
    /// Decodes a folder of streams into another.
    decode: fn(&Path, &Path) -> Result<()>,
}

impl Streams {
    fn race(&self, ct: &Ct, folder: &Path, memory: &Memory, runs: u32, figures: &mut Figures) -> Result<()> {
        if !self.programs.iter().all(|program| installed(program)) {
            println!("SKIPPED {}: {} is not installed", self.name, self.package);
            return Ok(());
        }
        let streams = ct.streams(folder, self.name, self.encode)?;
        // The start of a program is that of decoding a gray image of 64 × 64, the least that five decompositions leave something of.
        let tiny = tiny_streams(folder, self.name, self.encode)?;
        let (ours, theirs) = (memory.folder("ours")?, memory.folder("theirs")?);
        let unpack = |input: &Path| quietly(&mut ourselves(&["unpack-streams".as_ref(), input, &ours])?);
        // The tool's own folder is filled before the clock runs.
        (self.decode)(&streams, &theirs)?;
        let spare = memory.folder("tiny")?;
        (self.decode)(&tiny, &spare)?;
        let mut times = Times::default();
        for _ in 0..runs.max(3) {
            times.ours(work(|| unpack(&streams))?, work(|| unpack(&tiny))?);
            times.theirs(work(|| (self.decode)(&streams, &theirs))?, work(|| (self.decode)(&tiny, &spare))?);
        }
        unpack(&streams)?;
        for n in 0..STREAMS {
            let decoded = fs::read(ours.join(format!("{n:03}.raw")))?;
            ensure!(decoded == ct.stream_values(n), "{} did not decode to the CT at {n}", self.name);
        }
        let (megabytes, tool) = (ct.megabytes(STREAMS), self.programs[1]);
        figures.note(format!("decode {}: ours, one thread", self.name), megabytes / times.ours, "MB/s");
        figures.note(format!("decode {}: {tool}", self.name), megabytes / times.theirs, "MB/s");
        figures.note(format!("decode {} to {tool}", self.name), times.theirs / times.ours, "x");
        println!("{}: {:.2} s of ours, {:.2} s of {tool}", self.name, times.ours, times.theirs);
        Ok(())
    }
}

fn tiny_streams(folder: &Path, name: &str, encode: fn(&Path, &Path) -> Command) -> Result<PathBuf> {
    let tiny = folder.join(format!("{name} tiny"));
    if !tiny.exists() {
        let part = folder.join("tiny part");
        fs::create_dir_all(&part)?;
        let pgm = folder.join("tiny.pgm");
        let mut file = b"P5\n64 64\n65535\n".to_vec();
        file.extend_from_slice(&[0x80; 64 * 64 * 2]);
        fs::write(&pgm, file)?;
        for n in 0..STREAMS {
            quietly(&mut encode(&pgm, &part.join(format!("{n:03}.j2c"))))?;
        }
        fs::remove_file(&pgm)?;
        fs::rename(&part, &tiny)?;
    }
    Ok(tiny)
}

/// Lossy decoders may round differently; ISO/IEC 10918-2 allows it. They must show the same picture.
fn close(name: &str, ours: &[u8], theirs: &[u8]) -> Result<()> {
    ensure!(ours.len() == theirs.len(), "{name}: {} bytes of ours, {} of theirs", ours.len(), theirs.len());
    let wide = name.contains("12 bit");
    let value = |bytes: &[u8], n: usize| {
        if wide { i32::from(u16::from_le_bytes([bytes[2 * n], bytes[2 * n + 1]])) } else { i32::from(bytes[n]) }
    };
    let count = if wide { ours.len() / 2 } else { ours.len() };
    let farthest = (0..count).map(|n| (value(ours, n) - value(theirs, n)).abs()).max().unwrap_or(0);
    ensure!(farthest <= 2, "{name}: a value differs by {farthest}");
    Ok(())
}

fn native_pixels(file: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(file)?;
    let part10 = Part10::open(&bytes)?;
    let mut pixels = Vec::new();
    for frame in 0..part10.instance().number_of_frames as usize {
        pixels.extend_from_slice(&part10.frame(frame)?);
    }
    Ok(pixels)
}

/// The fastest of several runs, in seconds of processor time without the program's start.
#[derive(Debug)]
struct Times {
    ours: f64,
    theirs: f64,
}

impl Default for Times {
    fn default() -> Self {
        Self { ours: f64::INFINITY, theirs: f64::INFINITY }
    }
}

impl Times {
    fn ours(&mut self, whole: f64, start: f64) {
        self.ours = self.ours.min(whole - start);
    }

    fn theirs(&mut self, whole: f64, start: f64) {
        self.theirs = self.theirs.min(whole - start);
    }
}

/// Seconds of processor time, user and system, of the programs that `run` starts and waits for. On one thread that is
/// the time it takes, without what other programs take from it.
fn work(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let before = children()?;
    run()?;
    Ok(children()? - before)
}

/// proc(5): fields 16 and 17 of `/proc/self/stat` are the ticks of children that were waited for, 100 a second.
fn children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("processor times are read from /proc")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(13).take(2);
    let ticks: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>().context("read /proc/self/stat")?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// A folder in memory, so that no disk is measured; removed at the end.
#[derive(Debug)]
struct Memory(PathBuf);

impl Memory {
    fn new() -> Result<Self> {
        let shm = Path::new("/dev/shm");
        let base = if shm.is_dir() { shm.to_path_buf() } else { env::temp_dir() };
        let folder = base.join(format!("konsil-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        Ok(Self(folder))
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // The next start of the machine empties it.
        let _left = fs::remove_dir_all(&self.0);
    }
}

fn command(program: &str, words: &[&Path]) -> Command {
    let mut command = Command::new(program);
    command.args(words);
    command
}

/// This program with other words.
pub(crate) fn ourselves(words: &[&Path]) -> Result<Command> {
    let mut command = Command::new(env::current_exe().context("our own program")?);
    command.args(words);
    Ok(command)
}

fn installed(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}

/// What the other tools do with a file: all frames, decoded, into a file.
pub(crate) fn unpack(input: &Path, output: &Path) -> Result<()> {
    let bytes = fs::read(input).with_context(|| format!("read {}", input.display()))?;
    let part10 = Part10::open(&bytes)?;
    let image = part10.instance().image.as_ref().context("the object has no image")?;
    let mut out = fs::File::create(output).with_context(|| format!("write {}", output.display()))?;
    for frame in 0..part10.instance().number_of_frames as usize {
        let decoded = decode_frame(image, part10.transfer_syntax(), &part10.frame(frame)?)?;
        out.write_all(&decoded.bytes)?;
    }
    Ok(())
}

/// The same for a folder of JPEG 2000 codestreams; their SIZ segment says their size (ISO/IEC 15444-1 A.5.1).
pub(crate) fn unpack_streams(input: &Path, output: &Path) -> Result<()> {
    for stream in files(input)? {
        let bytes = fs::read(&stream)?;
        let number = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let (columns, rows) = number(8).zip(number(12)).context("a codestream begins with its size")?;
        let image = ImageDescription {
            rows: u16::try_from(rows)?,
            columns: u16::try_from(columns)?,
            samples_per_pixel: 1,
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            signed: false,
            photometric: Photometric::Monochrome2,
            planar: false,
            padding: None,
            lossy: false,
            lossy_ratio: None,
            palette: None,
        };
        let decoded = decode_frame(&image, "1.2.840.10008.1.2.4.90", &bytes)?;
        let name = stream.file_name().context("a stream has a name")?;
        fs::write(output.join(name).with_extension("raw"), decoded.bytes)?;
    }
    Ok(())
}
