//! "Heute": the next board with its agenda, drafts on this device, and what arrived since the
//! person was here last.

use crate::{
    Desk,
    around::{Around, Asked, Found},
    cases::Surroundings,
    decisions::{Mark, draft_streams, marks},
    failures,
    record::{
        identity_view,
        read::{day, each, reference_id, sort_key, text, words},
    },
    session::Taken,
    shelf::Owner,
};
use contract::{
    BoardSessionView, DraftEntryView, DraftMark, Event, Failure, Freshness, GapView, ListSource, NewsView, Part,
    Permission, TimelineKind, TodayView,
};
use jiff::{SignedDuration, Timestamp, Zoned};
use platform::fhir::FhirError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// News reach back this far when nothing tells when the person was here last.
const NEWS_SINCE: SignedDuration = SignedDuration::from_hours(24);
/// And no further than this, however long the person was away.
const LONGEST_ABSENCE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Whoever was away for less goes on where they were.
const PAUSE: SignedDuration = SignedDuration::from_mins(60);
/// Lines of news that are shown.
const NEWS: usize = 12;

/// A person's stay at this computer: what came since the one before it is new to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Visit {
    /// When they were here before that.
    pub(crate) since: Timestamp,
    /// When they were last seen here.
    last: Timestamp,
}

impl Visit {
    /// The visit in which the person is seen now.
    pub(crate) fn at(now: Timestamp, former: Option<Self>) -> Self {
        let earliest = now - LONGEST_ABSENCE;
        let since = match former {
            None => now - NEWS_SINCE,
            Some(former) if now.duration_since(former.last) < PAUSE => former.since,
            Some(former) => former.last,
        };
        // A clock that was wrong then is no reason to show nothing.
        let since = if since > now { now - NEWS_SINCE } else { since.max(earliest) };
        Self { since, last: now }
    }
}

impl Desk {
    pub(crate) async fn today(&self) -> Result<TodayView, Failure> {
        let (taken, fhir) = self.seated()?;
        let found = self.around(fhir, taken.clone(), Asked::Today).await;
        Ok(self.show_today(&taken, &found))
    }

    /// The view for the page, and from now on what the page shows.
    pub(crate) fn show_today(&self, taken: &Taken, found: &Found) -> TodayView {
        let view = self.today_view(taken, found);
        let mut state = self.state();
        state.today_from = found.as_ref().ok().cloned();
        state.today = Some(view.clone());
        view
    }

    fn today_view(&self, taken: &Taken, found: &Found) -> TodayView {
        let now = Timestamp::now();
        let (around, freshness) = match found {
            Ok((around, freshness)) => (around, freshness.clone()),
            Err(error) => {
                return TodayView {
                    board: failures::part_of_fhir(error),
                    tasks: failures::part_of_fhir(error),
                    drafts: Vec::new(),
                    news: failures::part_of_fhir(error),
                    news_gaps: Vec::new(),
                    news_since: Visit::at(now, None).since.to_string(),
                    as_of: now.to_string(),
                    freshness: Freshness::Current,
                };
            }
        };
        TodayView {
            board: self.board(taken, around, now),
            tasks: self.tasks(around),
            drafts: self.drafts(taken, around),
            news: around.news.clone(),
            news_gaps: around.news_gaps.clone(),
            news_since: around.news_since.to_string(),
            as_of: around.read.to_string(),
            freshness,
        }
    }

    fn board(&self, taken: &Taken, around: &Around, now: Timestamp) -> Part<BoardSessionView> {
        let what = &around.what;
        let Some(session) = &what.session else { return without_agenda(what) };
        let me = taken.session.person().fhir_user.unwrap_or_default();
        let moderating = what
            .directory
            .members
            .iter()
            .any(|(role, word)| me == format!("PractitionerRole/{role}") && word == "moderator")
            && taken_may_moderate(taken);
        let mut agenda: Vec<_> = what.rows("").into_iter().filter(|row| row.slot.is_some()).collect();
        self.mark_kept(&Owner::of(taken), &mut agenda, now);
        let value = BoardSessionView {
            id: session.id.clone(),
            name: session.name.clone(),
            start: session.start.clone(),
            end: session.end.clone(),
            moderating,
            accepted: session.accepted,
            members: session.members,
            agenda,
            gaps: what.gaps.iter().filter(|gap| gap.source != ListSource::Names).cloned().collect(),
        };
        // A case on the agenda whose patient is not known has no line.
        let more = value.agenda.len() < what.sources.slots.len();
        Part::Ready { value, more }
    }

    fn drafts(&self, taken: &Taken, around: &Around) -> Vec<DraftEntryView> {
        let sources = &around.what.sources;
        let marks = marks(&self.0.vault, &Owner::of(taken));
        let mut drafts: BTreeMap<String, String> = draft_streams(&self.0.vault).into_iter().collect();
        for (patient, mark) in &marks {
            drafts.entry(patient.clone()).or_insert_with(|| mark.at.to_string());
        }
        drafts
            .into_iter()
            .filter_map(|(patient, changed)| {
                let resource = sources.patients.iter().find(|p| p["id"] == patient.as_str())?;
                let identity = identity_view(resource, sources.house.as_deref(), Zoned::now().date());
                let stands = marks.get(&patient).map(Mark::stands);
                let mark = stands.map(|stands| if stands { DraftMark::Standing } else { DraftMark::Withdrawn });
                Some(DraftEntryView { patient, identity, changed, mark })
            })
            .collect()
    }

    /// Drafts and their marks are others than a moment ago; the rest of the screen stays.
    pub(crate) fn show_drafts_again(&self) {
        let Some(taken) = self.taken() else { return };
        let Some((around, freshness)) = self.state().today_from.clone() else { return };
        let view = self.show_today(&taken, &Ok((around, freshness)));
        self.tell(Event::TodayChanged(view));
    }
}

/// True when the second view says something else than the first, besides when it was read.
pub(crate) fn differs(shown: &TodayView, read: &TodayView) -> bool {
    let timeless = |view: &TodayView| TodayView { news_since: String::new(), as_of: String::new(), ..view.clone() };
    timeless(shown) != timeless(read)
}

fn taken_may_moderate(taken: &Taken) -> bool {
    crate::session::permissions(&taken.session.person().roles).contains(&Permission::SignDecision)
}

/// What is said in the place of a board: that there is none only when the platform said so.
fn without_agenda<T>(what: &Surroundings) -> Part<T> {
    what.gap(ListSource::Agenda).map_or(Part::Empty, failures::part_of_gap)
}

/// Documents and studies that the platform stored since then, of the patients on the agenda, and which of the two it
/// did not give.
pub(crate) async fn news(
    fhir: &platform::fhir::FhirClient,
    what: &Surroundings,
    since: Timestamp,
) -> (Part<Vec<NewsView>>, Vec<GapView>) {
    let sources = &what.sources;
    let today = Zoned::now().date();
    let patients: Vec<&str> = sources.slots.keys().map(String::as_str).collect();
    if patients.is_empty() {
        return (without_agenda(what), Vec::new());
    }
    let (wanted, since) = (patients.join(","), format!("ge{}", day(&since.to_string())));
    let parameters = [
        ("patient", wanted.as_str()),
        ("status", "current"),
        ("date", since.as_str()),
        ("_sort", "-date"),
        ("_count", "20"),
    ];
    let studies = [("patient", wanted.as_str()), ("started", since.as_str()), ("_sort", "-started"), ("_count", "20")];
    let (documents, studies) =
        tokio::join!(fhir.search("DocumentReference", &parameters, 20), fhir.search("ImagingStudy", &studies, 20));
    let mut gaps = Vec::new();
    let mut read = |source, found: Result<platform::fhir::Found, FhirError>| {
        found.unwrap_or_else(|error| {
            gaps.push(GapView { source, state: failures::part_of_fhir(&error) });
            platform::fhir::Found::default()
        })
    };
    let documents = read(ListSource::Documents, documents);
    let studies = read(ListSource::Studies, studies);
    let more = [&documents, &studies].iter().any(|found| found.more || found.truncated || found.damaged > 0);
    let line = |resource: &Value, kind, title: Option<String>, at: Option<String>| {
        let patient = reference_id(&resource["subject"], "Patient")?;
        let known = sources.patients.iter().find(|p| p["id"] == patient.as_str())?;
        let identity = identity_view(known, sources.house.as_deref(), today);
        Some(NewsView { kind, title: title?, patient, identity, at: at? })
    };
    let mut lines: Vec<NewsView> = documents
        .matches
        .iter()
        .filter_map(|d| {
            line(d, TimelineKind::Document, text(&d["description"]).or_else(|| words(&d["type"])), text(&d["date"]))
        })
        .chain(studies.matches.iter().filter_map(|s| {
            let modalities: Vec<&str> = each(&s["modality"]).filter_map(|m| m["code"].as_str()).collect();
            line(
                s,
                TimelineKind::Imaging,
                text(&s["description"]).or_else(|| Some(modalities.join(" "))),
                text(&s["started"]),
            )
        }))
        .collect();
    lines.sort_by_key(|line| std::cmp::Reverse(sort_key(&line.at)));
    let more = more || lines.len() > NEWS;
    lines.truncate(NEWS);
    told(lines, more, gaps)
}

/// The news as far as they are known. Where nothing came of one source and another said nothing, nothing is known.
fn told(lines: Vec<NewsView>, more: bool, mut gaps: Vec<GapView>) -> (Part<Vec<NewsView>>, Vec<GapView>) {
    let news = match gaps.first() {
        _ if !lines.is_empty() => Part::Ready { value: lines, more },
        None => Part::Empty,
        Some(_) => failures::part_of_gap(&gaps.remove(0).state),
    };
    (news, gaps)
}

#[cfg(test)]
mod tests {
    use super::{Visit, differs, told};
    use contract::{Freshness, GapView, ListSource, Part, TodayView};
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn news_are_new_since_the_person_was_here_last_and_stay_so_while_they_are_here() {
        let first = Visit::at(at("2026-11-24T15:00:00Z"), None);
        assert_eq!(first.since, at("2026-11-23T15:00:00Z"), "the day before, where nobody was ever here");
        let evening = Visit::at(at("2026-11-24T15:30:00Z"), Some(first));
        assert_eq!(evening.since, first.since, "still the same visit");
        let morning = Visit::at(at("2026-11-27T06:00:00Z"), Some(evening));
        assert_eq!(morning.since, at("2026-11-24T15:30:00Z"), "when they left three days ago");
        let restarted = Visit::at(at("2026-11-27T06:40:00Z"), Some(morning));
        assert_eq!(restarted.since, morning.since, "a restart of the program takes nothing away");
        let holidays = Visit::at(at("2026-12-24T06:00:00Z"), Some(restarted));
        assert_eq!(holidays.since, at("2026-12-10T06:00:00Z"), "two weeks, not four");
        let wrong = Visit::at(at("2026-11-24T15:00:00Z"), Some(holidays));
        assert_eq!(wrong.since, first.since, "the clock was ahead once");
    }

    #[test]
    fn nothing_new_is_said_only_when_both_sources_answered() {
        let refused = |source| GapView { source, state: Part::Denied };
        assert_eq!(told(Vec::new(), false, Vec::new()).0, Part::Empty, "both said that there is nothing");
        let (news, gaps) = told(Vec::new(), false, vec![refused(ListSource::Studies)]);
        assert_eq!((news, gaps.len()), (Part::Denied, 0), "one was refused, the other has nothing");
    }

    #[test]
    fn reading_the_same_later_is_no_change_and_anything_else_is() {
        let shown = TodayView {
            board: Part::Empty,
            tasks: Part::Empty,
            drafts: Vec::new(),
            news: Part::Empty,
            news_gaps: Vec::new(),
            news_since: "2026-11-23T17:30:00Z".to_owned(),
            as_of: "2026-11-24T17:30:00Z".to_owned(),
            freshness: Freshness::Current,
        };
        let later = |at: &str| TodayView { as_of: at.to_owned(), news_since: at.to_owned(), ..shown.clone() };
        assert!(!differs(&shown, &later("2026-11-24T17:32:00Z")), "the page has it already");
        assert!(differs(&shown, &TodayView { news: Part::Denied, ..shown.clone() }), "a part changed");
        let kept = TodayView { freshness: Freshness::Kept { failure: None }, ..shown.clone() };
        assert!(differs(&shown, &kept), "what is no longer current must be told");
    }
}
