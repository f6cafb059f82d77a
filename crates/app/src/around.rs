//! What lies around the person: board, case list, people. It is read together, kept on the shelf, and shown
//! with its age when the platform does not answer or takes its time.

use crate::{
    Desk, cases, cases::Surroundings, failures, preload, session::Taken, shelf::Owner, tasks, tasks::Tasks, today,
    today::Visit,
};
use contract::{Event, Freshness, GapView, NewsView, Part, Place};
use jiff::Timestamp;
use platform::fhir::{FhirClient, FhirError};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval, timeout},
};

const AROUND: &str = "around";
const VISIT: &str = "visit";
/// A screen waits this long for the platform when it could show what is kept.
pub(crate) const PATIENCE: Duration = Duration::from_millis(600);
/// "Heute" is read again after this long while somebody looks at it.
const TODAY_EVERY: Duration = Duration::from_secs(120);

/// Which screen asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Today,
    Cases { query: String },
}

/// What was read around the person.
#[derive(Serialize, Deserialize)]
pub(crate) struct Around {
    pub(crate) what: Surroundings,
    pub(crate) news: Part<Vec<NewsView>>,
    #[serde(default)]
    pub(crate) news_gaps: Vec<GapView>,
    #[serde(default)]
    pub(crate) tasks: Tasks,
    /// How many images the record names for each patient of the agenda, where it says so.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, u32>,
    pub(crate) news_since: Timestamp,
    pub(crate) read: Timestamp,
}

impl Around {
    /// True when it may stand in for the platform later. What failed is no better than what was read before; what the
    /// platform no longer gives to this person is not kept any longer.
    fn is_better_than_kept(&self) -> bool {
        let has = |wanted: fn(&Part<()>) -> bool| {
            self.what.gaps.iter().chain(&self.news_gaps).any(|gap| wanted(&gap.state))
                || wanted(&failures::without_value(&self.news))
                || wanted(&failures::without_value(&self.tasks.found))
        };
        has(|state| matches!(state, Part::Denied)) || !has(|state| matches!(state, Part::Failed { .. }))
    }
}

/// What a list shows, or why it shows nothing.
pub(crate) type Found = Result<(Arc<Around>, Freshness), FhirError>;

impl Desk {
    /// What a screen shows now. If that is not what the platform says, the platform's answer follows as an event.
    pub(crate) async fn around(&self, fhir: FhirClient, taken: Taken, asked: Asked) -> Found {
        let kept = self.kept_around(&Owner::of(&taken)).await;
        let (tell, mut answer) = oneshot::channel();
        let desk = self.clone();
        tokio::spawn(async move {
            let found = desk.read_around(&fhir, &taken, &asked).await;
            if let Err(found) = tell.send(found) {
                // The screen has something else meanwhile.
                desk.tell_around(&taken, &asked, found).await;
            }
        });
        let torn = || Err(FhirError::Unaskable("the reading ended early"));
        let Some(kept) = kept else {
            return answer.await.unwrap_or_else(|_torn| torn()).map(|found| (found, Freshness::Current));
        };
        let patience = if self.is_offline() { Duration::ZERO } else { PATIENCE };
        let found = match timeout(patience, &mut answer).await {
            Ok(found) => Some(found.unwrap_or_else(|_torn| torn())),
            Err(_elapsed) => {
                // From here on the reading tells by itself, unless it has just answered.
                answer.close();
                answer.try_recv().ok()
            }
        };
        match found {
            None => Ok((kept, Freshness::Kept { failure: None })),
            Some(found) => instead(found, Some(kept)),
        }
    }

    /// Asks the platform, and keeps its answer.
    pub(crate) async fn read_around(
        &self,
        fhir: &FhirClient,
        taken: &Taken,
        asked: &Asked,
    ) -> Result<Arc<Around>, FhirError> {
        let read = Timestamp::now();
        let query = match asked {
            Asked::Today => "",
            Asked::Cases { query } => query,
        };
        let owner = Owner::of(taken);
        let what = match cases::surroundings(fhir, taken, query, read).await {
            Ok(what) => what,
            Err(error) => {
                self.note_reachability(&error);
                if matches!(failures::part_of_fhir::<()>(&error), Part::Denied | Part::Absent) {
                    self.state().around = None;
                    self.0.shelf.forget(&owner, AROUND);
                }
                return Err(error);
            }
        };
        self.note_connection(true);
        let news_since = self.news_since(&owner, read).await;
        let former = self.state().around.clone();
        let around = match asked {
            Asked::Today => {
                let ((news, news_gaps), tasks, images) = tokio::join!(
                    today::news(fhir, &what, news_since),
                    tasks::read(fhir, taken),
                    preload::named(fhir, &what)
                );
                Around { what, news, news_gaps, tasks, images, news_since, read }
            }
            Asked::Cases { .. } => match former {
                Some(former) => Around {
                    what,
                    news: former.news.clone(),
                    news_gaps: former.news_gaps.clone(),
                    tasks: former.tasks.clone(),
                    images: former.images.clone(),
                    news_since: former.news_since,
                    read,
                },
                None => Around {
                    what,
                    news: Part::Loading,
                    news_gaps: Vec::new(),
                    tasks: Tasks::default(),
                    images: BTreeMap::new(),
                    news_since,
                    read,
                },
            },
        };
        let around = Arc::new(around);
        let worth = around.is_better_than_kept() || self.kept_around(&owner).await.is_none();
        if worth && query.is_empty() && self.owner() == Some(owner.clone()) {
            self.state().around = Some(around.clone());
            let (shelf, kept) = (self.0.shelf.clone(), around.clone());
            let writing = tokio::task::spawn_blocking(move || shelf.put(&owner, AROUND, read, &*kept)).await;
            if let Err(error) = writing {
                tracing::error!(%error, "what was read is not kept");
            }
        }
        Ok(around)
    }

    /// Since when news are new to this person, who is here now.
    async fn news_since(&self, owner: &Owner, now: Timestamp) -> Timestamp {
        let (shelf, owner) = (self.0.shelf.clone(), owner.clone());
        let noted = tokio::task::spawn_blocking(move || {
            let visit = Visit::at(now, shelf.get::<Visit>(&owner, VISIT, now).map(|(_, visit)| visit));
            shelf.put(&owner, VISIT, now, &visit);
            visit
        });
        noted.await.unwrap_or_else(|_panicked| Visit::at(now, None)).since
    }

    async fn kept_around(&self, owner: &Owner) -> Option<Arc<Around>> {
        if let Some(around) = self.state().around.clone() {
            return Some(around);
        }
        let (shelf, whose) = (self.0.shelf.clone(), owner.clone());
        let found = tokio::task::spawn_blocking(move || shelf.get::<Around>(&whose, AROUND, Timestamp::now())).await;
        let (_, around) = found.ok()??;
        let around = Arc::new(around);
        if self.owner().as_ref() == Some(owner) {
            self.state().around = Some(around.clone());
        }
        Some(around)
    }

    async fn tell_around(&self, taken: &Taken, asked: &Asked, found: Result<Arc<Around>, FhirError>) {
        let owner = Owner::of(taken);
        let kept = match &found {
            Ok(_) => None,
            Err(_) => self.kept_around(&owner).await,
        };
        if self.owner() != Some(owner) {
            return;
        }
        let found = instead(found, kept);
        match asked {
            Asked::Today => {
                let view = self.show_today(taken, &found);
                self.tell(Event::TodayChanged(view));
            }
            Asked::Cases { query } => self.tell(Event::CasesChanged(self.cases_view(taken, query, &found))),
        }
    }

    /// Reads "Heute" again for who looks at it, and tells if it says something else than before.
    pub(crate) async fn refresh_today(&self) {
        let Ok((taken, fhir)) = self.seated() else { return };
        if self.is_locked() || self.state().place != Place::Today {
            return;
        }
        let found = self.read_around(&fhir, &taken, &Asked::Today).await;
        let kept = self.kept_around(&Owner::of(&taken)).await;
        if self.owner() != Some(Owner::of(&taken)) {
            return;
        }
        let shown = self.state().today.clone();
        let view = self.show_today(&taken, &instead(found, kept));
        if shown.is_none_or(|shown| today::differs(&shown, &view)) {
            self.tell(Event::TodayChanged(view));
        }
    }

    /// Whose records may be shown and kept.
    pub(crate) fn owner(&self) -> Option<Owner> {
        self.taken().map(|taken| Owner::of(&taken))
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.state().offline_since.is_some()
    }

    /// Reads again what is shown, and removes what is too old.
    pub(crate) fn watch_lists(&self) {
        let desk = self.clone();
        tokio::spawn(async move {
            let mut tick = interval(TODAY_EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // The first tick comes at once, when the page has just asked for everything.
            tick.tick().await;
            loop {
                tick.tick().await;
                // A platform that is gone is looked for elsewhere.
                if !desk.is_offline() {
                    desk.refresh_today().await;
                }
                let shelf = desk.0.shelf.clone();
                // It is missed by nobody when it fails.
                drop(tokio::task::spawn_blocking(move || shelf.expire(Timestamp::now())));
            }
        });
    }

    /// The platform is back: the list that is on the screen is read again.
    pub(crate) async fn read_lists_again(&self) {
        let (place, query) = {
            let state = self.state();
            (state.place.clone(), state.query.clone())
        };
        match place {
            Place::Today => self.refresh_today().await,
            Place::Cases => {
                let Ok((taken, fhir)) = self.seated() else { return };
                let asked = Asked::Cases { query };
                let found = self.read_around(&fhir, &taken, &asked).await;
                self.tell_around(&taken, &asked, found).await;
            }
            // Chat follows its homeserver by itself.
            Place::Case { .. } | Place::Messages { .. } | Place::Rounds | Place::Settings => {}
        }
    }
}

/// What is shown in the place of a reading that failed. A refusal is no failure: what the platform no longer gives to
/// this person is not shown from the shelf either.
fn instead(found: Result<Arc<Around>, FhirError>, kept: Option<Arc<Around>>) -> Found {
    let error = match found {
        Ok(found) => return Ok((found, Freshness::Current)),
        Err(error) => error,
    };
    match (failures::part_of_fhir::<()>(&error), kept) {
        (Part::Failed { failure }, Some(kept)) => Ok((kept, Freshness::Kept { failure: Some(failure) })),
        (
            Part::Failed { .. } | Part::Denied | Part::Absent | Part::Empty | Part::Loading | Part::Ready { .. },
            Some(_) | None,
        ) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{Around, Tasks, instead};
    use crate::cases::Surroundings;
    use contract::{FailureCode, Freshness, Part};
    use jiff::Timestamp;
    use platform::{egress::EgressError, fhir::FhirError};
    use std::{collections::BTreeMap, sync::Arc};

    fn around(second: i64) -> Arc<Around> {
        let at = Timestamp::from_second(second).expect("a time");
        Arc::new(Around {
            what: Surroundings::default(),
            news: Part::Empty,
            news_gaps: Vec::new(),
            tasks: Tasks::default(),
            images: BTreeMap::new(),
            news_since: at,
            read: at,
        })
    }

    #[test]
    fn what_is_kept_stands_in_for_a_failure_and_never_for_a_refusal() {
        let gone = || FhirError::Unreachable(EgressError::Timeout { host: "h".to_owned() });
        let (shown, freshness) = instead(Err(gone()), Some(around(1))).expect("something is kept");
        assert_eq!(shown.read, around(1).read, "what was read before");
        let Freshness::Kept { failure: Some(failure) } = freshness else { panic!("shown as current: {freshness:?}") };
        assert_eq!(failure.code, FailureCode::PlatformUnreachable, "with the reason");
        assert!(instead(Err(gone()), None).is_err(), "nothing is kept");
        let refused = instead(Err(FhirError::Denied(403)), Some(around(1)));
        assert!(matches!(refused, Err(FhirError::Denied(403))), "a refusal is told and nothing is shown");
        let fresh = instead(Ok(around(2)), Some(around(1))).expect("an answer");
        assert_eq!((fresh.0.read, fresh.1), (around(2).read, Freshness::Current), "an answer is an answer");
    }
}
