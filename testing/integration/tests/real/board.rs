//! The whole program without its window on a platform of Keycloak, HAPI FHIR and Orthanc, filled with the sandbox's
//! demonstration: from signing in to a signed decision.

use crate::{
    archive::store,
    servers::{Servers, client, egress},
    written::Demonstration,
};
use contract::{
    CaseView, DecisionStage, DecisionView, DraftView, IdentityGrade, ImagesView, MeasureView, Part, Reply, Request,
    TodayView, VerificationView,
};
use model::{SeriesUid, SopInstanceUid, StudyUid};
use platform::fhir::FhirClient;
use serde_json::{Value, json};
use testkit::{DeskKit, DeskPlace};
use tokio::sync::OnceCell;

const NEEDED: [&str; 3] = ["keycloak", "hapi", "orthanc"];
/// Files of one STOW-RS request.
const FILES_AT_ONCE: usize = 20;

/// The case that this suite decides.
const PATIENT: &str = "pat-steinklee";

/// Copies the demonstration into the real servers, once for the process.
async fn filled(servers: &Servers) {
    static FILLED: OnceCell<()> = OnceCell::const_new();
    FILLED
        .get_or_init(|| async {
            forget_decisions(servers).await;
            let demonstration = Demonstration::open().await;
            let egress = egress();
            let fhir = FhirClient::new(&egress, servers.address("hapi"), &servers.session(&egress));
            let entries: Vec<Value> = demonstration.resources().await.into_iter().map(put).collect();
            // In one step: a reference whose target comes later would not be found by a search.
            let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
            let answers = fhir.transaction(&bundle).await.expect("the server takes the demonstration");
            assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)), "all of it: {answers:?}");
            copy_images(&demonstration, servers).await;
        })
        .await;
}

/// What an earlier run of this suite decided on these servers.
async fn forget_decisions(servers: &Servers) {
    let decisions = format!("{}/CarePlan?subject=Patient/{PATIENT}", servers.address("hapi"));
    let answer = client().delete(decisions).bearer_auth("a-token").send().await.expect("the server answers");
    let status = answer.status();
    assert!(status.is_success() || status == reqwest::StatusCode::NOT_FOUND, "they are gone: {status}");
}

fn put(mut resource: Value) -> Value {
    let url = format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]));
    if let Some(meta) = resource["meta"].as_object_mut() {
        meta.remove("versionId");
        meta.remove("lastUpdated");
    }
    json!({"resource": resource, "request": {"method": "PUT", "url": url}})
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The images of the case, file by file.
async fn copy_images(demonstration: &Demonstration, servers: &Servers) {
    let subject = format!("Patient/{PATIENT}");
    let studies = demonstration.fhir.search("ImagingStudy", &[("subject", subject.as_str())], 50).await;
    let mut files = Vec::new();
    for listed in studies.expect("its studies").matches {
        let uid = text(&listed["identifier"][0]["value"]);
        let study = StudyUid::parse(uid.trim_start_matches("urn:oid:")).expect("a UID");
        for entry in listed["series"].as_array().into_iter().flatten() {
            let series = SeriesUid::parse(&text(&entry["uid"])).expect("a UID");
            let instances = demonstration.dicomweb.instances(&study, &series, &[], 2000).await;
            for instance in instances.map(|found| found.items).unwrap_or_default() {
                let sop = SopInstanceUid::parse(&text(&instance["00080018"]["Value"][0])).expect("a UID");
                files.push(demonstration.dicomweb.instance(&study, &series, &sop).await.expect("a file"));
            }
        }
    }
    for part in files.chunks(FILES_AT_ONCE) {
        store(servers, part.iter().map(AsRef::as_ref)).await;
    }
}

fn place(folder: &tempfile::TempDir) -> DeskPlace {
    DeskPlace::under(env!("CARGO_BIN_EXE_konsil-test"), folder.path())
}

/// A desk at which `user` has signed in.
pub(crate) async fn desk(folder: &tempfile::TempDir, servers: &Servers, user: &str) -> DeskKit {
    let desk = DeskKit::open(&place(folder), user).await.expect("the desk opens");
    desk.sign_in(servers.discovery()).await.expect("the person signs in");
    desk
}

async fn today(desk: &DeskKit) -> TodayView {
    let Reply::Today(view) = desk.call(Request::OpenToday).await.expect("today is answered") else {
        panic!("another reply")
    };
    view
}

async fn decision(desk: &DeskKit, request: Request) -> DecisionView {
    let Reply::Decision(view) = desk.call(request).await.expect("the decision is answered") else {
        panic!("another reply")
    };
    view
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agenda_and_every_part_of_a_case_are_there() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    filled(&servers).await;
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk(&folder, &servers, "dr-falkenried").await;
    let Part::Ready { value: board, .. } = today(&desk).await.board else { panic!("no board today") };
    // The recipe's agenda.
    let families: Vec<&str> = board.agenda.iter().map(|row| row.patient.as_str()).collect();
    assert_eq!(
        families,
        ["pat-auenwald", "pat-birkenlicht", "pat-steinklee", "pat-aehrenfeld", "pat-mohnblatt"],
        "the cases in the agenda's order"
    );
    assert!(board.moderating, "she moderates");
    for row in &board.agenda {
        desk.call(Request::OpenCase { patient: row.patient.clone() }).await.expect("the case opens");
        let case = desk.eventually("the whole case", |seen| whole(seen.case.as_ref()?, &row.patient)).await;
        let empty = failed_parts(&case);
        assert!(empty.is_empty(), "{}: {empty:?}", row.patient);
    }
    desk.call(Request::SignOut).await.expect("she signs out");
}

fn whole(case: &CaseView, patient: &str) -> Option<CaseView> {
    (case.patient == patient && !matches!(case.timeline, Part::Loading)).then(|| case.clone())
}

/// Parts that a case of the board has and that did not come.
fn failed_parts(case: &CaseView) -> Vec<&'static str> {
    fn missing<T>(part: &Part<T>) -> bool {
        match part {
            Part::Ready { .. } => false,
            Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => true,
        }
    }
    let parts = [
        ("diagnoses", missing(&case.diagnoses)),
        ("tnm", missing(&case.tnm)),
        ("ecog", missing(&case.ecog)),
        ("laboratory", missing(&case.laboratory)),
        ("documents", missing(&case.documents)),
        ("studies", missing(&case.studies)),
        ("timeline", missing(&case.timeline)),
    ];
    parts.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archives_images_are_the_cases_and_open_as_a_series() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    filled(&servers).await;
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk(&folder, &servers, "dr-sonnkaya").await;
    desk.call(Request::OpenCase { patient: PATIENT.to_owned() }).await.expect("the case opens");
    desk.call(Request::OpenImages { patient: PATIENT.to_owned() }).await.expect("the images open");
    let images = desk.eventually("all studies", |seen| settled(seen.images.as_ref()?)).await;
    assert!(images.failure.is_none(), "the archive answers: {:?}", images.failure);
    let stored: Vec<_> = images.studies.iter().filter(|study| !study.series.is_empty()).collect();
    assert!(!stored.is_empty(), "studies of the archive");
    for study in stored {
        assert_eq!(study.identity, IdentityGrade::Same, "{}: the archive's person is the record's", study.description);
        for entry in &study.series {
            let request = Request::OpenSeries {
                patient: PATIENT.to_owned(),
                study: study.study.clone(),
                series: entry.series.clone(),
            };
            let Reply::Series(series) = desk.call(request).await.expect("the series opens") else {
                panic!("another reply")
            };
            assert!(!series.frames.is_empty(), "{}: frames in order", series.description);
        }
    }
}

fn settled(images: &ImagesView) -> Option<ImagesView> {
    (images.patient == PATIENT && !images.loading).then(|| images.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_written_signed_and_verified() {
    let Some(servers) = Servers::with(&NEEDED) else { return };
    filled(&servers).await;
    let folder = tempfile::tempdir().expect("a folder");
    let desk = desk(&folder, &servers, "dr-falkenried").await;
    let patient = || PATIENT.to_owned();
    desk.call(Request::OpenCase { patient: patient() }).await.expect("the case opens");
    let case = desk.eventually("the whole case", |seen| whole(seen.case.as_ref()?, PATIENT)).await;
    assert_eq!(case.patient, PATIENT, "the case");
    let open = decision(&desk, Request::OpenDecision { patient: patient() }).await;
    assert!(open.can_write && open.can_sign, "the moderator may");
    let everybody = open.participants.iter().map(|person| person.role.clone()).collect();
    let draft = DraftView {
        category: Some("praeth".to_owned()),
        occasion: Some("ED".to_owned()),
        goal: Some("curative".to_owned()),
        outcome: Some("consensus".to_owned()),
        text: "Totale neoadjuvante Therapie.\nDanach Restaging.".to_owned(),
        measures: vec![MeasureView {
            id: "m-1".to_owned(),
            code: Some("ST".to_owned()),
            text: "Kurzzeitbestrahlung 5 × 5 Gy".to_owned(),
            reason: String::new(),
            responsible: open.people.first().map(|person| person.role.clone()),
        }],
        guideline: Some("conform".to_owned()),
        guideline_text: "S3 Kolorektales Karzinom".to_owned(),
        present: everybody,
        ..open.draft.clone()
    };
    decision(&desk, Request::SaveDraft { patient: patient(), draft }).await;
    let Reply::SigningPreview(preview) =
        desk.call(Request::PreviewSigning { patient: patient() }).await.expect("a preview")
    else {
        panic!("another reply")
    };
    let request = Request::SignDecision { patient: patient(), sha256: preview.sha256.clone() };
    desk.call(request).await.expect("the browser opens");
    let signed = desk
        .eventually("the signed decision", |seen| {
            let decision = seen.decision.as_ref()?;
            assert!(decision.failure.is_none(), "signing failed: {:?}", decision.failure);
            (decision.stage == DecisionStage::Signed).then(|| decision.clone())
        })
        .await;
    assert_eq!(signed.signature.map(|signature| signature.sha256), Some(preview.sha256), "what was shown is signed");
    let verified = decision(&desk, Request::VerifyDecision { patient: patient() }).await;
    let check = verified.signature.and_then(|signature| signature.check);
    assert_eq!(check, Some(VerificationView::Matches), "payload, signature and record agree");
}
