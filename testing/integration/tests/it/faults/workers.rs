//! Frames that crash, hang, starve or confuse the decoder: each fails by itself, with a code that the page has words
//! for, and whatever is behind it comes.

use super::{PROGRAM, opened_series};
use crate::{
    MODERATOR,
    bulk::{Way, frames, over_each_way},
    opened, part10, place,
};
use app::{
    WorkerProgram,
    images::{WorkerError, WorkerPool},
};
use contract::{Reply, Request};
use imaging::{Instance, Part10};
use sandbox::Options;
use std::{fs, time::Duration};
use testkit::{
    DeskKit, PATIENCE, Platform,
    misbehaving::{Misbehavior, program},
};
use tokio::time::timeout;

over_each_way![frames_that_kill_the_decoder_are_told_one_by_one_and_the_next_ones_and_other_series_come,];

const PATIENT: &str = "pat-auenwald";
/// Rows and columns of an image of these tests.
const SIDE: u16 = 16;
/// Enough for an honest frame and the start of its worker, on a busy computer too.
const FRAME_TIME: Duration = Duration::from_secs(4);

/// The values of an image: all are its number, behind a mark if it has one.
fn pixels(number: u16, wrong: Option<Misbehavior>) -> Vec<u8> {
    let mut pixels: Vec<u8> = (0..SIDE * SIDE).flat_map(|_| number.to_le_bytes()).collect();
    if let Some(wrong) = wrong {
        let mark = wrong.mark();
        pixels[..mark.len()].copy_from_slice(&mark);
    }
    pixels
}

/// What a pool says of an image whose values are `pixels`.
async fn decoded(pool: &WorkerPool, pixels: &[u8]) -> Result<Vec<u8>, WorkerError> {
    let file = part10::image(1, [SIDE, SIDE], pixels);
    let image = Instance::from_part10(&file).expect("the file is DICOM").image.expect("it holds an image");
    let file = Part10::open(&file).expect("the file opens");
    let frame = file.frame(0).expect("it has a frame");
    assert_eq!(frame[..], *pixels, "the frame begins with the mark");
    pool.decode(&image, file.transfer_syntax(), &frame).await.map(|frame| frame.bytes)
}

#[tokio::test]
async fn a_worker_that_goes_wrong_is_replaced_and_the_one_in_its_place_decodes() {
    let good = pixels(7, None);
    for wrong in Misbehavior::ALL {
        // The only worker, so that nobody but the one in its place can decode what follows.
        let pool = WorkerPool::new(program(PROGRAM.into(), FRAME_TIME), 1);
        assert_eq!(decoded(&pool, &good).await.as_ref(), Ok(&good), "before {wrong:?}");
        for time in 1..=2 {
            let answer = decoded(&pool, &pixels(7, Some(wrong))).await;
            assert!(matches!(answer, Err(WorkerError::Stopped(_))), "{wrong:?}, time {time}: {answer:?}");
            assert_eq!(pool.figures().1, time, "{wrong:?}: one more was replaced");
            assert_eq!(decoded(&pool, &good).await.as_ref(), Ok(&good), "after {wrong:?}, time {time}");
        }
        assert_eq!(pool.figures().2, 3, "{wrong:?}: three frames were decoded");
    }
}

#[tokio::test]
async fn the_worker_beside_one_that_hangs_goes_on_meanwhile() {
    let pool = WorkerPool::new(program(PROGRAM.into(), FRAME_TIME), 2);
    let hangs = pixels(7, Some(Misbehavior::Hang));
    let hanging = decoded(&pool, &hangs);
    tokio::pin!(hanging);
    for number in 1..=5 {
        let good = pixels(number, None);
        tokio::select! {
            biased;
            ended = &mut hanging => panic!("frame {number} waited for the one that hangs: {ended:?}"),
            answer = decoded(&pool, &good) => assert_eq!(answer.as_ref(), Ok(&good), "frame {number}"),
        }
    }
    let answer = hanging.await;
    assert!(matches!(answer, Err(WorkerError::Stopped(_))), "and its own time ends: {answer:?}");
}

/// How many processes of this computer have a word among their arguments.
#[cfg(target_os = "linux")]
fn running(word: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("Linux lists its processes");
    let has_word = |line: Vec<u8>| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes());
    processes.flatten().filter(|entry| fs::read(entry.path().join("cmdline")).is_ok_and(has_word)).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_left_of_a_worker_that_hung() {
    let word = format!("hangs-beside-{}", std::process::id());
    let WorkerProgram { program, mut arguments, frame_time } = program(PROGRAM.into(), FRAME_TIME);
    arguments.push(word.clone());
    let pool = WorkerPool::new(WorkerProgram { program, arguments, frame_time }, 1);
    let good = pixels(7, None);
    assert_eq!(decoded(&pool, &good).await.as_ref(), Ok(&good), "it can decode");
    assert_eq!(running(&word), 1, "one worker");
    let answer = decoded(&pool, &pixels(7, Some(Misbehavior::Hang))).await;
    assert!(matches!(answer, Err(WorkerError::Stopped(_))), "it is given up: {answer:?}");
    let gone = async {
        while running(&word) > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("and killed");
}

/// What the diagnosis says of the workers that were replaced.
async fn replaced(desk: &DeskKit) -> u64 {
    let Ok(Reply::Diagnosis(diagnosis)) = desk.call(Request::Diagnose).await else { panic!("a diagnosis") };
    let line = diagnosis.lines.into_iter().find(|line| line.key == "workers-replaced").expect("a line about them");
    line.value.parse().expect("a number")
}

async fn frames_that_kill_the_decoder_are_told_one_by_one_and_the_next_ones_and_other_series_come(way: Way) {
    use Misbehavior::{Babble, Crash, Hang, Starve};
    // The image in the middle is the strip's.
    let images = [None, Some(Crash), Some(Hang), None, Some(Starve), Some(Babble), None];
    let data = tempfile::tempdir().expect("a temporary folder");
    for (number, wrong) in (1_u16..).zip(images) {
        let file = part10::image(number, [SIDE, SIDE], &pixels(number, wrong));
        fs::write(data.path().join(format!("{number}.dcm")), file).expect("a file");
    }
    let options = Options { data: Some(data.path().to_owned()), ..Options::default() };
    let platform = Platform::start(options).await.expect("the sandbox starts");
    let (_folder, mut place) = place();
    place.misbehaving = Some(FRAME_TIME);
    let desk = opened(&place, MODERATOR).await;
    desk.sign_in(&platform.url).await.expect("the moderator may sign in");
    let other = opened_series(&desk, PATIENT, "FDG-PET/CT", "PET AC").await;
    let series = opened_series(&desk, PATIENT, "Without spacing", "Series").await;
    assert_eq!(series.frames.len(), images.len(), "all images are listed");

    let (got, others) = tokio::join!(frames(&desk, way, &series, 0, 6), frames(&desk, way, &other, 0, 20));
    for ((frame, number), wrong) in (0..).zip(1..).zip(images) {
        let expected = match wrong {
            // `FailureCode::DecoderStopped`, as the page reads it.
            Some(_) => Err("decoder-stopped".to_owned()),
            None => Ok(pixels(number, None)),
        };
        assert_eq!(got[&frame], expected, "image {number}: {wrong:?}");
    }
    let missing: Vec<_> = others.iter().filter(|(_, what)| what.is_err()).collect();
    assert!(missing.is_empty(), "every image of another series comes: {missing:?}");
    assert_eq!(replaced(&desk).await, 4, "IT can read that workers were replaced");
    let again = frames(&desk, way, &series, 0, 0).await;
    assert_eq!(again[&0], Ok(pixels(1, None)), "and the workers in their places go on");
}
