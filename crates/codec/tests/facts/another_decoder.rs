//! What we encode, decoded by FFmpeg's own VP8 decoder, which has no line in common with libvpx.
#![expect(clippy::disallowed_methods, reason = "the test gives files to another program; the crate does not")]

use crate::judge::{Seed, evening};
use codec::I420;
use codec::i420::Channel;
use codec::sample::test_card;
use codec::vp8::{Decoder, Encoder, Tuning};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// An IVF file, 20 pictures a second.
fn ivf(width: u16, height: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(frames.len()).expect("few");
    let mut file = b"DKIF\0\0\x20\0VP80".to_vec();
    file.extend(width.to_le_bytes());
    file.extend(height.to_le_bytes());
    // The time base, the number of frames, and four bytes without a meaning.
    for number in [20, 1, count, 0] {
        file.extend(u32::to_le_bytes(number));
    }
    for (number, frame) in (0_u64..).zip(frames) {
        file.extend(u32::try_from(frame.len()).expect("a frame").to_le_bytes());
        file.extend(number.to_le_bytes());
        file.extend_from_slice(frame);
    }
    file
}

/// All planes of a picture, one behind the other, as FFmpeg's `yuv420p` lies in a file.
fn raw<B: AsRef<[u8]>>(picture: &I420<B>) -> Vec<u8> {
    Channel::ALL.into_iter().flat_map(|channel| picture.rows(channel).flatten().copied()).collect()
}

#[test]
fn ffmpeg_sees_the_very_pictures_that_we_see() {
    if !Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
        let test = std::thread::current().name().unwrap_or("test").to_owned();
        // Past the capture of the test harness, which hides a passing test's output.
        let _closed = writeln!(std::io::stderr().lock(), "SKIPPED {test}: ffmpeg is not installed");
        return;
    }
    for (tuning, (width, height)) in [
        (Tuning::Camera, (640, 360)),
        (Tuning::Camera, (333, 77)),
        (Tuning::Camera, (1280, 720)),
        (Tuning::Screen, (641, 361)),
        (Tuning::Screen, (1920, 1080)),
    ] {
        let (mut encoder, mut decoder) = (Encoder::new(tuning, 700_000, 20), Decoder::new());
        let (mut frames, mut expected, mut seed) = (Vec::new(), Vec::new(), Seed(11));
        for number in 0..12 {
            let picture = if number % 6 < 4 {
                test_card(width, height, number)
            } else {
                evening(width, height, usize::try_from(number).expect("few"), &mut seed)
            };
            let pts = u64::from(number) * 4500;
            let frame = encoder.encode(&picture, pts, number == 7).expect("a good picture").bytes;
            expected.extend(raw(&decoder.decode(&frame).expect("just encoded").expect("for showing")));
            frames.push(frame);
        }
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{tuning:?}-{width}x{height}.ivf"));
        std::fs::write(&file, ivf(width, height, &frames)).expect("the target folder takes a file");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-c:v", "vp8", "-i"]).arg(&file);
        let seen = ffmpeg.args(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]).output().expect("it is installed");
        let said = String::from_utf8_lossy(&seen.stderr);
        assert!(seen.status.success() && said.is_empty(), "{tuning:?} {width} × {height}: {said}");
        // RFC 6386 §1: decoding is exact, every decoder gives the same samples.
        assert!(seen.stdout == expected, "{tuning:?} {width} × {height}: other samples");
        std::fs::remove_file(&file).expect("it was just written");
    }
}
