//! Two decode workers against one, by the program's own pool.

use crate::{figures::Figures, fixtures::Ct, race};
use anyhow::{Context, Result, ensure};
use app::images::{WorkerPool, WorkerProgram};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use imaging::Part10;
use std::{path::Path, time::Instant};

/// Frames asked for at a time, as the program's bulk pipe does (`crates/app/src/images/bulk.rs`).
const IN_FLIGHT: usize = 8;

/// Measures how much faster two workers decode the CT than one does.
pub(crate) fn two_against_one(ct: &Ct, folder: &Path, program: &Path, runs: u32, figures: &mut Figures) -> Result<()> {
    ensure!(program.is_file(), "no program {}", program.display());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 {
        println!("SKIPPED two workers: this machine has one core");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut single, mut double) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..runs.max(3) {
        single = single.min(runtime.block_on(whole(ct, program, 1))?);
        double = double.min(runtime.block_on(whole(ct, program, 2))?);
    }
    let (alone, together) = side_by_side(ct, folder, runs)?;
    let megabytes = ct.megabytes(ct.frames());
    figures.note("one decode worker, JPEG-LS".to_owned(), megabytes / single, "MB/s");
    figures.note("two decode workers, JPEG-LS".to_owned(), megabytes / double, "MB/s");
    figures.note("two programs at once to one, on this machine".to_owned(), 2.0 * alone / together, "x");
    figures.at_least("two decode workers to one".to_owned(), single / double, "x", 1.8);
    println!("workers: {single:.2} s by one, {double:.2} s by two");
    Ok(())
}

/// Seconds of one program that decodes the whole CT, and of two at the same time: what the machine has to give.
fn side_by_side(ct: &Ct, folder: &Path, runs: u32) -> Result<(f64, f64)> {
    let file = race::jpeg_ls(ct, folder)?;
    let unpack = || race::ourselves(&["unpack".as_ref(), &file, "/dev/null".as_ref()]);
    let (mut alone, mut together) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..runs.max(3) {
        for (count, fastest) in [(1, &mut alone), (2, &mut together)] {
            let began = Instant::now();
            let started: Vec<_> = (0..count).map(|_| Ok(unpack()?.spawn()?)).collect::<Result<_>>()?;
            for mut program in started {
                ensure!(program.wait()?.success(), "a program failed");
            }
            *fastest = fastest.min(began.elapsed().as_secs_f64());
        }
    }
    Ok((alone, together))
}

/// Seconds for the whole CT, workers started before.
async fn whole(ct: &Ct, program: &Path, workers: usize) -> Result<f64> {
    let pool = WorkerPool::new(WorkerProgram::of(program.to_path_buf()), workers);
    let frames: Vec<Part10<'_>> = ct.files.iter().map(|file| Part10::open(file)).collect::<Result<_, _>>()?;
    let decode = |part10| decode(&pool, part10);
    // The first frames also pay for the workers' start.
    let first: Vec<()> = stream::iter(&frames[..workers]).map(decode).buffered(workers).try_collect().await?;
    ensure!(first.len() == workers, "every worker has decoded");
    let began = Instant::now();
    let all: Vec<()> = stream::iter(&frames).map(decode).buffered(IN_FLIGHT).try_collect().await?;
    let took = began.elapsed().as_secs_f64();
    ensure!(all.len() == frames.len(), "every frame was decoded");
    Ok(took)
}

async fn decode(pool: &WorkerPool, part10: &Part10<'_>) -> Result<()> {
    let image = part10.instance().image.as_ref().context("the object has no image")?;
    pool.decode(image, part10.transfer_syntax(), &part10.frame(0)?).await.context("decode a frame of the CT")?;
    Ok(())
}
