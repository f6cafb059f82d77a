//! "Heute": the next board with its agenda, drafts on this device, and what arrived since yesterday.

use crate::{
    Desk, cases,
    decisions::draft_streams,
    failures,
    record::{
        identity_view,
        read::{day, each, reference_id, sort_key, text, words},
    },
};
use contract::{BoardSessionView, DraftEntryView, Failure, NewsView, Part, Permission, TimelineKind, TodayView};
use jiff::{SignedDuration, Timestamp, Zoned};
use serde_json::Value;

/// News reach back this far when nothing tells when the person was here last.
const NEWS_SINCE: SignedDuration = SignedDuration::from_hours(24);
/// Lines of news that are shown.
const NEWS: usize = 12;

impl Desk {
    pub(crate) async fn today(&self) -> Result<TodayView, Failure> {
        let (taken, fhir) = self.seated()?;
        let now = Timestamp::now();
        let since = now - NEWS_SINCE;
        let around = cases::surroundings(&fhir, &taken, "", now).await;
        let today = Zoned::now().date();
        let (board, news, drafts) = match &around {
            Ok(around) => {
                self.note_connection(true);
                let rows: Vec<_> = around.rows("").into_iter().filter(|row| row.slot.is_some()).collect();
                let board =
                    match &around.session {
                        None => Part::Empty,
                        Some(session) => {
                            let me = taken.session.person().fhir_user.unwrap_or_default();
                            let moderating =
                                around.directory.members.iter().any(|(role, word)| {
                                    me == format!("PractitionerRole/{role}") && word == "moderator"
                                }) && taken_may_moderate(&taken);
                            let value = BoardSessionView {
                                id: session.id.clone(),
                                name: session.name.clone(),
                                start: session.start.clone(),
                                end: session.end.clone(),
                                moderating,
                                accepted: session.accepted,
                                members: session.members,
                                agenda: rows,
                            };
                            Part::Ready { value, more: false }
                        }
                    };
                let mut drafts = Vec::new();
                for (patient, changed) in draft_streams(&self.0.vault) {
                    let Some(resource) = around.sources.patients.iter().find(|p| p["id"] == patient.as_str()) else {
                        continue;
                    };
                    let identity = identity_view(resource, around.sources.house.as_deref(), today);
                    drafts.push(DraftEntryView { patient, identity, changed });
                }
                (board, news(&fhir, &around.sources, since, today).await, drafts)
            }
            Err(error) => {
                self.note_reachability(error);
                (failures::part_of_fhir(error), failures::part_of_fhir(error), Vec::new())
            }
        };
        Ok(TodayView { board, drafts, news, news_since: since.to_string(), as_of: now.to_string() })
    }
}

fn taken_may_moderate(taken: &crate::session::Taken) -> bool {
    crate::session::permissions(&taken.session.person().roles).contains(&Permission::SignDecision)
}

/// Documents and studies that the platform stored since then, of the patients on the agenda.
async fn news(
    fhir: &platform::fhir::FhirClient,
    sources: &crate::record::RowSources,
    since: Timestamp,
    today: jiff::civil::Date,
) -> Part<Vec<NewsView>> {
    let patients: Vec<&str> = sources.slots.keys().map(String::as_str).collect();
    if patients.is_empty() {
        return Part::Empty;
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
    let (documents, studies) = match (documents, studies) {
        (Err(error), Err(_)) => return failures::part_of_fhir(&error),
        (documents, studies) => (documents.unwrap_or_default(), studies.unwrap_or_default()),
    };
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
    lines.truncate(NEWS);
    if lines.is_empty() { Part::Empty } else { Part::Ready { value: lines, more: false } }
}
