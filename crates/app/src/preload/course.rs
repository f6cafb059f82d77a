//! The course of fetching ahead: what there is to fetch is looked at case by case, then it is fetched in the agenda's
//! order. One case that cannot be had does not stop the others, a platform that is away stops none for good, and what
//! there is no room for is not begun.

use super::progress::{Ended, Progress};
use contract::{Failure, FailureCode};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cases that are looked at at a time.
const CASES_AT_A_TIME: usize = 2;
/// Images that are under way at a time.
const IMAGES_AT_A_TIME: usize = 4;
/// What breaks off so often from a platform that answers otherwise is not asked for again.
const TRIES: u32 = 3;

/// Where images come from and where they are put.
pub(super) trait Supply: Sync {
    /// What names an image to whoever fetches it.
    type Image: Send + Sync;

    /// What the case of a patient names and the archive has.
    fn look(&self, patient: &str) -> impl Future<Output = Result<Looked<Self::Image>, Failure>> + Send;
    /// The bytes that each of these takes here, if it lies here. That counts as a use of it.
    fn lie_here(&self, keys: Vec<String>) -> impl Future<Output = Vec<Option<u64>>> + Send;
    /// Fetches an image and returns with the bytes that it takes once it lies here.
    fn fetch(&self, image: &Self::Image) -> impl Future<Output = Result<u64, FailureCode>> + Send;
    /// Returns when nobody waits for an image on the screen.
    fn turn(&self) -> impl Future<Output = ()> + Send;
    /// Returns after a while, when a platform that was away answers again.
    fn pause(&self) -> impl Future<Output = ()> + Send;
    /// Everything of the patient that can be had lies here.
    fn complete(&self, patient: &str, at: Timestamp) -> impl Future<Output = ()> + Send;
    /// Bytes that all images together may take.
    fn room(&self) -> u64;
    fn now(&self) -> Timestamp;
    /// Something has changed.
    fn tell(&self);
}

/// What there is of a case.
pub(super) struct Looked<I> {
    /// In the order in which they are shown, those of one series together.
    pub(super) images: Vec<Wanted<I>>,
    pub(super) refused: u32,
    pub(super) unconfirmed: u32,
    /// Why something of it could not be listed.
    pub(super) failure: Option<Failure>,
}

/// An image that is to lie here.
pub(super) struct Wanted<I> {
    pub(super) image: I,
    pub(super) key: String,
    /// Bytes of its pixels, not encoded.
    pub(super) raw: u64,
    /// The series that it is of, by a number within its case.
    pub(super) series: usize,
}

/// An image that does not lie here yet.
struct Lacking<I> {
    image: I,
    raw: u64,
    /// The case's place on the agenda, and the series within it.
    of: (usize, usize),
}

struct Course<'a, S> {
    supply: &'a S,
    progress: Arc<Mutex<Progress>>,
}

/// Fetches all images of the cases that `progress` names, and returns when there is nothing more to fetch.
pub(super) async fn run<S: Supply>(supply: &S, progress: Arc<Mutex<Progress>>) {
    let course = &Course { supply, progress };
    let patients = course.progress().patients();
    let looked: Vec<Vec<Lacking<S::Image>>> = stream::iter(patients.into_iter().enumerate())
        .map(|(at, patient)| course.look(at, patient))
        .buffered(CASES_AT_A_TIME)
        .collect()
        .await;
    course.progress().begin(supply.now());
    supply.tell();
    stream::iter(looked.into_iter().flatten())
        .map(|lacking| course.fetch(lacking))
        .buffer_unordered(IMAGES_AT_A_TIME)
        .for_each(std::future::ready)
        .await;
    course.progress().end();
    supply.tell();
}

impl<S: Supply> Course<'_, S> {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of a case is lacking.
    async fn look(&self, at: usize, patient: String) -> Vec<Lacking<S::Image>> {
        let mut tries = 1;
        let found = loop {
            match self.supply.look(&patient).await {
                Err(failure) if crate::failures::is_away(failure.code) && tries < TRIES => self.wait().await,
                found => break found,
            }
            tries += 1;
        };
        self.progress().goes_on();
        let Looked { images, refused, unconfirmed, failure } = match found {
            Ok(looked) => looked,
            Err(failure) => {
                self.progress().cannot_look(at, failure);
                self.supply.tell();
                return Vec::new();
            }
        };
        let here = self.supply.lie_here(images.iter().map(|wanted| wanted.key.clone()).collect()).await;
        let mut lacking = Vec::new();
        {
            let mut progress = self.progress();
            progress.looked(at, refused, unconfirmed, failure);
            for (wanted, here) in images.into_iter().zip(here) {
                progress.wants(at, wanted.raw, here);
                if here.is_none() {
                    lacking.push(Lacking { image: wanted.image, raw: wanted.raw, of: (at, wanted.series) });
                }
            }
        }
        self.complete(at).await;
        self.supply.tell();
        lacking
    }

    /// Fetches an image, unless there is no room or nothing of its series comes.
    async fn fetch(&self, lacking: Lacking<S::Image>) {
        let Lacking { image, raw, of } = lacking;
        let mut tries = 1;
        loop {
            self.supply.turn().await;
            if !self.progress().goes_for(of, raw, self.supply.room()) {
                break;
            }
            match self.supply.fetch(&image).await {
                Ok(bytes) => {
                    self.progress().came(of, raw, bytes, self.supply.now());
                    break;
                }
                Err(code) if crate::failures::is_away(code) && tries < TRIES => self.wait().await,
                Err(FailureCode::DiskFull) => {
                    self.progress().is_full(Ended::Full { disk: true });
                    break;
                }
                Err(code) => {
                    self.progress().lost(of, raw, code);
                    break;
                }
            }
            tries += 1;
        }
        self.complete(of.0).await;
        self.supply.tell();
    }

    /// Nobody answers: what was under way is asked for again a little later.
    async fn wait(&self) {
        self.progress().waits();
        self.supply.tell();
        self.supply.pause().await;
    }

    /// Notes a case of which everything has come.
    async fn complete(&self, at: usize) {
        let now = self.supply.now();
        let complete = self.progress().completes(at, now);
        if let Some((patient, since)) = complete {
            self.supply.complete(&patient, since).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Looked, Progress, Supply, Wanted, run};
    use crate::preload::progress::CaseProgress;
    use contract::{Failure, FailureCode, PreloadCaseState, PreloadState, PreloadView};
    use jiff::Timestamp;
    use std::{
        collections::{BTreeMap, BTreeSet},
        sync::{Arc, Mutex, MutexGuard},
    };
    use tokio::sync::Notify;

    /// Bytes of an image's pixels, and of what it takes here.
    const RAW: u64 = 1000;
    const SEALED: u64 = 600;

    /// What the archive holds, and how it behaves.
    #[derive(Default)]
    struct Shop {
        /// Images by patient, each named `series/number`.
        cases: BTreeMap<&'static str, Result<Vec<&'static str>, FailureCode>>,
        here: BTreeSet<&'static str>,
        /// What comes in the place of an image, as often as is said.
        fails: Mutex<BTreeMap<&'static str, (FailureCode, u32)>>,
        /// An image that never comes.
        stuck: Option<&'static str>,
        reached: Notify,
        room: Option<u64>,
        log: Mutex<Vec<String>>,
    }

    impl Shop {
        fn of(cases: &[(&'static str, &[&'static str])]) -> Self {
            let cases = cases.iter().map(|(patient, images)| (*patient, Ok(images.to_vec()))).collect();
            Self { cases, ..Self::default() }
        }

        fn failing(self, image: &'static str, code: FailureCode, times: u32) -> Self {
            self.fails.lock().expect("no test panics while it holds this").insert(image, (code, times));
            self
        }

        fn log(&self) -> MutexGuard<'_, Vec<String>> {
            self.log.lock().expect("no test panics while it holds this")
        }

        fn asked(&self) -> Vec<String> {
            self.log().iter().filter_map(|line| line.strip_prefix("fetch ").map(str::to_owned)).collect()
        }
    }

    impl Supply for Shop {
        type Image = &'static str;

        async fn look(&self, patient: &str) -> Result<Looked<&'static str>, Failure> {
            let images = self.cases[patient].clone().map_err(|code| Failure::new(code, ""))?;
            let series = |image: &str| image.split_once('/').map_or(0, |(series, _)| series.len());
            let wanted =
                |image: &'static str| Wanted { image, key: String::from(image), raw: RAW, series: series(image) };
            let images = images.into_iter().map(wanted).collect();
            Ok(Looked { images, refused: 0, unconfirmed: 0, failure: None })
        }

        async fn lie_here(&self, keys: Vec<String>) -> Vec<Option<u64>> {
            keys.iter().map(|key| self.here.contains(key.as_str()).then_some(SEALED)).collect()
        }

        async fn fetch(&self, image: &&'static str) -> Result<u64, FailureCode> {
            self.log().push(format!("fetch {image}"));
            if self.stuck == Some(*image) {
                self.reached.notify_one();
                std::future::pending::<()>().await;
            }
            match self.fails.lock().expect("no test panics while it holds this").get_mut(image) {
                Some((code, times)) if *times > 0 => {
                    *times -= 1;
                    Err(*code)
                }
                Some(_) | None => Ok(SEALED),
            }
        }

        async fn turn(&self) {
            self.log().push("turn".to_owned());
        }

        async fn pause(&self) {
            self.log().push("pause".to_owned());
        }

        async fn complete(&self, patient: &str, _at: Timestamp) {
            self.log().push(format!("complete {patient}"));
        }

        fn room(&self) -> u64 {
            self.room.unwrap_or(u64::MAX)
        }

        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn tell(&self) {}
    }

    fn progress(shop: &Shop) -> Arc<Mutex<Progress>> {
        let case = |patient: &&str| CaseProgress { patient: (*patient).to_owned(), ..CaseProgress::default() };
        Arc::new(Mutex::new(Progress::of(shop.cases.keys().map(case).collect())))
    }

    fn seen(progress: &Mutex<Progress>) -> PreloadView {
        progress.lock().expect("no test panics while it holds this").view("s", 1, false, Timestamp::UNIX_EPOCH)
    }

    async fn fetched(shop: &Shop) -> PreloadView {
        let progress = progress(shop);
        run(shop, progress.clone()).await;
        seen(&progress)
    }

    fn states(view: &PreloadView) -> Vec<PreloadCaseState> {
        view.cases.iter().map(|case| case.state).collect()
    }

    #[tokio::test]
    async fn images_come_in_the_agenda_s_order_each_when_nobody_waits_for_another_and_none_twice() {
        let mut shop = Shop::of(&[("1", &["a/1", "a/2"]), ("2", &["b/1", "b/2"])]);
        shop.here.insert("b/1");
        let view = fetched(&shop).await;
        assert_eq!(shop.asked(), ["a/1", "a/2", "b/2"], "what lies here is not fetched");
        let log = shop.log().clone();
        let fetches: Vec<usize> = (0..log.len()).filter(|at| log[*at].starts_with("fetch")).collect();
        assert!(fetches.iter().all(|at| log[at - 1] == "turn"), "whoever waits for an image goes first: {log:?}");
        assert!(matches!(view.state, PreloadState::Done { at: Some(_) }), "all is here: {:?}", view.state);
        assert_eq!((view.images, view.of, view.bytes), (4, Some(4), 4 * SEALED), "as much as it takes here");
        assert_eq!(log.iter().filter(|line| line.starts_with("complete")).count(), 2, "each case is noted once");
    }

    #[tokio::test]
    async fn whoever_stops_keeps_what_came_and_a_second_attempt_fetches_the_rest() {
        let mut shop = Shop::of(&[("1", &["a/1", "a/2", "a/3"])]);
        shop.stuck = Some("a/3");
        let stopped = progress(&shop);
        tokio::select! {
            () = run(&shop, stopped.clone()) => panic!("the last image never comes"),
            () = shop.reached.notified() => {}
        }
        let view = seen(&stopped);
        assert_eq!((view.state, view.images, view.of), (PreloadState::Idle, 2, Some(3)), "two of three");
        shop.stuck = None;
        shop.here.extend(["a/1", "a/2"]);
        shop.log().clear();
        let again = stopped.lock().expect("no test panics while it holds this").again();
        let again = Arc::new(Mutex::new(again));
        run(&shop, again.clone()).await;
        assert_eq!((shop.asked().len(), seen(&again).images), (1, 3), "one was lacking");
    }

    #[tokio::test]
    async fn a_platform_that_is_away_is_waited_for() {
        let shop = Shop::of(&[("1", &["a/1", "a/2"])]).failing("a/1", FailureCode::PlatformUnreachable, 2);
        let view = fetched(&shop).await;
        assert!(matches!(view.state, PreloadState::Done { .. }), "all came in the end: {:?}", view.state);
        assert_eq!(shop.log().iter().filter(|line| *line == "pause").count(), 2, "after a pause each time");
        assert_eq!(view.cases[0].missing, 0, "nothing is lost by it");
    }

    #[tokio::test]
    async fn an_image_that_always_breaks_off_is_left_when_the_platform_answers_otherwise() {
        let shop = Shop::of(&[("1", &["a/1", "a/2"])]).failing("a/1", FailureCode::PlatformUnreachable, 99);
        let view = fetched(&shop).await;
        assert_eq!((view.images, view.cases[0].missing), (1, 1), "the other one is here");
        assert_eq!(shop.asked().iter().filter(|image| *image == "a/1").count(), 3, "after three attempts");
    }

    #[tokio::test]
    async fn a_series_that_the_archive_fails_to_give_is_left_and_the_rest_goes_on() {
        let mut shop = Shop::of(&[("1", &["a/1", "a/2", "a/3", "a/4", "a/5", "bb/1"]), ("2", &["c/1"])]);
        for image in ["a/1", "a/2", "a/3", "a/4", "a/5"] {
            shop = shop.failing(image, FailureCode::PlatformFailed, 9);
        }
        let view = fetched(&shop).await;
        assert_eq!(shop.asked(), ["a/1", "a/2", "a/3", "bb/1", "c/1"], "three failures in a row are enough");
        assert_eq!(view.state, PreloadState::Partly { cases: 1 }, "one of two cases lacks something");
        let first = &view.cases[0];
        assert_eq!((first.missing, first.state), (5, PreloadCaseState::Lacking), "all that did not come");
        assert_eq!(first.failure.as_ref().map(|failure| failure.code), Some(FailureCode::PlatformFailed), "and why");
        assert_eq!(view.cases[1].state, PreloadCaseState::Here, "the other case is whole");
    }

    #[tokio::test]
    async fn half_an_image_is_none_and_takes_no_other_with_it() {
        let mut shop = Shop::of(&[("1", &["a/1", "a/2", "a/3", "a/4", "a/5"])]);
        for image in ["a/1", "a/2", "a/3", "a/4"] {
            shop = shop.failing(image, FailureCode::ImageTruncated, 9);
        }
        let view = fetched(&shop).await;
        assert_eq!(shop.asked().len(), 5, "a damaged image says nothing about the next one");
        assert_eq!((view.images, view.cases[0].missing), (1, 4), "one is here");
    }

    #[tokio::test]
    async fn a_case_that_cannot_be_looked_at_is_named_and_the_others_come() {
        let mut shop = Shop::of(&[("2", &["b/1"])]);
        shop.cases.insert("1", Err(FailureCode::NotAllowed));
        let view = fetched(&shop).await;
        assert_eq!(states(&view), [PreloadCaseState::Lacking, PreloadCaseState::Here], "the second is here");
        assert_eq!(view.cases[0].failure.as_ref().map(|failure| failure.code), Some(FailureCode::NotAllowed), "why");
        assert_eq!(view.of, None, "nobody knows how many the first has");
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_not_begun() {
        let mut shop = Shop::of(&[("1", &["a/1", "a/2"]), ("2", &["b/1", "b/2"]), ("3", &["c/1"])]);
        // Three of them, and not the pixels of a fourth.
        shop.room = Some(3 * SEALED + RAW - 1);
        let view = fetched(&shop).await;
        assert_eq!(view.state, PreloadState::Full { cases: 1, disk: false }, "one case is whole");
        assert_eq!(shop.asked(), ["a/1", "a/2", "b/1"], "and nothing makes room by pushing it out");
        let expected = [PreloadCaseState::Here, PreloadCaseState::Lacking, PreloadCaseState::Lacking];
        assert_eq!(states(&view), expected, "the others say that they lack something");
    }

    #[tokio::test]
    async fn a_full_disk_ends_it_and_is_told_apart_from_the_cache_s_own_bound() {
        let shop = Shop::of(&[("1", &["a/1", "a/2"]), ("2", &["b/1"])]).failing("a/2", FailureCode::DiskFull, 9);
        let view = fetched(&shop).await;
        assert_eq!(view.state, PreloadState::Full { cases: 0, disk: true }, "no case is whole");
        assert_eq!((shop.asked().len(), view.images), (2, 1), "nothing more is asked for");
    }
}
