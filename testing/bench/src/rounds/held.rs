//! What a process has: memory, threads, sockets and the processor's time, as Linux tells it; and whether it grows.

use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// What is measured before this part of the time counts as the beginning.
const WARM: f64 = 0.3;
/// Growth is none where it is not so many times its own uncertainty.
const SIGMAS: f64 = 3.0;
/// Memory that grows by so many MB in an hour takes days to matter.
const SLOW: f64 = 4.0;
/// And in a short run, growth by so many MB is what an allocator keeps.
const LITTLE: f64 = 2.0;
/// The kernel's unit of a process's time is a hundredth of a second on every system that Linux has.
const TICK: Duration = Duration::from_millis(10);

/// What a process had at some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// Since the beginning, in hours.
    at: f64,
    pub(super) megabytes: f64,
    pub(super) threads: f64,
    pub(super) sockets: f64,
}

pub(super) fn held(process: u32, began: Instant) -> Result<Held> {
    let folder = format!("/proc/{process}");
    let status = std::fs::read_to_string(format!("{folder}/status")).context("only Linux tells what a process has")?;
    let figure = |name: &str| -> Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
        Ok(line.split_whitespace().next().context("a figure")?.parse()?)
    };
    let mut sockets = 0.0;
    for entry in std::fs::read_dir(format!("{folder}/fd"))? {
        let to = std::fs::read_link(entry?.path());
        sockets += f64::from(u8::from(to.is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))));
    }
    Ok(Held {
        at: began.elapsed().as_secs_f64() / 3600.0,
        megabytes: figure("VmRSS:")? / 1024.0,
        threads: figure("Threads:")?,
        sockets,
    })
}

/// The processor's time that a process has had (proc(5), `utime` and `stime`).
pub(super) fn spent(process: u32) -> Result<Duration> {
    let stat =
        std::fs::read_to_string(format!("/proc/{process}/stat")).context("only Linux tells what a process has")?;
    let rest = stat.rsplit_once(')').map_or("", |(_name, rest)| rest);
    let ticks = |place: usize| -> Result<u32> { Ok(rest.split_whitespace().nth(place).context("a figure")?.parse()?) };
    Ok(TICK * (ticks(11)? + ticks(12)?))
}

/// How much a figure grows in an hour, and the uncertainty of that: the line of least squares.
fn growth(points: &[(f64, f64)]) -> (f64, f64) {
    let count = f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX));
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
    let rest: f64 = points.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
    (slope, (rest / (count - 2.0).max(1.0) / spread).sqrt())
}

/// A figure of it.
type Figure = fn(&Held) -> f64;

/// Says what became of each figure; false where one grew.
pub(super) fn judged(name: &str, all: &[Held]) -> bool {
    let last = all.last().map_or(0.0, |held| held.at);
    let counted: Vec<_> = all.iter().filter(|held| held.at >= last * WARM).collect();
    let span = last * (1.0 - WARM);
    let figures: [(&str, Figure, f64, f64); 3] = [
        ("MB", |held| held.megabytes, SLOW, LITTLE),
        ("threads", |held| held.threads, 1.0, 1.0),
        ("sockets", |held| held.sockets, 1.0, 1.0),
    ];
    let mut holds = true;
    for (unit, of, slow, little) in figures {
        let points: Vec<_> = counted.iter().map(|held| (held.at, of(held))).collect();
        let (slope, uncertain) = growth(&points);
        let values = || points.iter().map(|point| point.1);
        let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        let grows = slope > slow && slope > SIGMAS * uncertain && slope * span > little;
        holds &= !grows;
        let word = if grows { "GROWS" } else { "holds" };
        println!("{name}: {least:.1} to {most:.1} {unit}, {slope:+.2} ± {uncertain:.2} an hour: {word}");
    }
    holds
}

#[cfg(test)]
mod tests {
    use super::{Held, growth, judged};

    fn run(megabytes: impl Fn(f64) -> f64) -> Vec<Held> {
        let at = |second: u32| f64::from(second) / 3600.0;
        let held = |at: f64| Held { at, megabytes: megabytes(at), threads: 9.0, sockets: 30.0 };
        (0..3600).step_by(5).map(|second| held(at(second))).collect()
    }

    #[test]
    fn a_line_is_found_with_its_slope() {
        let points: Vec<_> = (0..100).map(|x| (f64::from(x), 3.0 * f64::from(x) + 1.0)).collect();
        let (slope, uncertain) = growth(&points);
        assert!((slope - 3.0).abs() < 1e-9 && uncertain < 1e-6, "{slope} ± {uncertain}");
    }

    #[test]
    fn what_grows_is_told_from_what_moves_to_and_fro() {
        assert!(judged("steady", &run(|_at| 100.0)), "nothing moves");
        assert!(judged("waves", &run(|at| 100.0 + (at * 300.0).sin() * 5.0)), "nothing grows");
        assert!(judged("warms up", &run(|at| 100.0 - 40.0 * (-at * 40.0).exp())), "it grows at the beginning");
        assert!(!judged("leaks", &run(|at| 100.0 + at * 30.0 + (at * 300.0).sin() * 5.0)), "30 MB an hour");
    }
}
