//! Reading, searching and writing single resources, with the manners of a real server.

use crate::harness::{Platform, draft, refused, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn the_capability_statement_is_open_and_everything_else_is_not() {
    let platform = Platform::start().await;
    let (status, _, body) = platform.get(platform.url("/fhir/metadata"), "").await;
    assert_eq!(status, 200, "no token is needed");
    let statement: Value = serde_json::from_str(&body).expect("the statement is JSON");
    assert_eq!(statement["fhirVersion"], "4.0.1", "R4");
    for path in ["/fhir/Patient", "/fhir/Patient/pat-auenwald", "/fhir/Nothing", "/fhir?_getpages=x"] {
        let (status, headers, body) = platform.get(platform.url(path), "").await;
        assert_eq!(status, 401, "{path} needs a token");
        assert!(headers.contains_key("www-authenticate"), "{path}: RFC 9110 §11.6.1");
        assert!(body.contains("OperationOutcome"), "{path} says so in FHIR's words");
    }
}

#[tokio::test]
async fn a_resource_is_read_with_a_weak_etag() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let reply = fhir.get("Patient/pat-auenwald").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.header("etag"), "W/\"1\"", "weak");
    assert!(reply.header("last-modified").ends_with(" GMT"), "RFC 9110 §5.6.7");
    assert!(reply.header("content-type").starts_with("application/fhir+json"), "FHIR's media type");
    assert_eq!(reply.body["birthDate"], "1957-03-14", "69 years old on the day of the tests");
    assert_eq!(reply.body["meta"]["versionId"], "1", "the first version");
    let unchanged = fhir.ask(Method::GET, "Patient/pat-auenwald", &[("if-none-match", "W/\"1\"")], None).await;
    assert_eq!((unchanged.status, unchanged.body), (304, Value::Null), "nothing new");
    refused(&fhir.get("Patient/nobody").await, 404);
    refused(&fhir.get("Nothing/x").await, 404);
    refused(&fhir.get("Patient/pat-auenwald/_history/9").await, 404);
}

#[tokio::test]
async fn the_case_view_finds_what_it_asks_for() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let onko =
        "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-therapieplanung-typ";
    let category = format!("CarePlan?patient=pat-birkenlicht&category={onko}|praeth,{onko}|postop&_count=50");
    for (query, matches) in [
        ("Patient?identifier=http://fhir.de/sid/gkv/kvid-10|X110127457", 1),
        ("Patient?identifier=http://fhir.de/sid/gkv/kvid-10%7CX110127457", 1),
        ("Patient?identifier=X110127457", 1),
        ("Patient?name=auen", 1),
        ("Patient?family=ahrenfeld", 1),
        ("Patient?name=%C3%84hren", 1),
        ("Patient?given=gernot", 2),
        ("Patient?given=gernot&birthdate=1957-03-14", 1),
        ("Patient?birthdate=ge1957&birthdate=lt1958", 1),
        ("Patient?_id=pat-auenwald,pat-steinklee", 2),
        ("Condition?patient=pat-auenwald&_sort=-recorded-date&_count=100", 5),
        ("Observation?patient=pat-auenwald&code=http://snomed.info/sct|399537006,http://snomed.info/sct|399588009", 1),
        ("Observation?patient=pat-auenwald&code=http://snomed.info/sct|423740007,http://loinc.org|89262-0", 2),
        ("Observation?patient=pat-auenwald&code=http://loinc.org|2039-6", 2),
        ("Observation?patient=pat-auenwald&code=http://loinc.org|2039-6&date=ge2026-11-01", 1),
        (category.as_str(), 1),
        ("AllergyIntolerance?patient=pat-auenwald", 1),
        ("MedicationStatement?patient=Patient/pat-auenwald&_sort=-effective", 2),
        ("ServiceRequest?patient=pat-auenwald&code=http://snomed.info/sct|720006006&_sort=-authored", 1),
        ("HealthcareService?service-type=http://snomed.info/sct|720006006", 1),
        ("Appointment?actor=HealthcareService/board-ite&date=ge2026-11-24&date=le2026-12-22&status=booked,proposed", 1),
        ("Appointment?supporting-info=Appointment/session-2026-11-24", 5),
        ("List?item=Appointment/case-auenwald", 1),
        ("List?code=agenda", 0),
        ("Task?owner=PractitionerRole/dr-falkenried", 3),
        ("CarePlan?patient.identifier=X660105673", 1),
        ("Observation?subject:Patient.name=auenwald&code=http://snomed.info/sct|399537006", 1),
    ] {
        let reply = fhir.get(query).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.body);
        assert_eq!(reply.ids("match").len(), matches, "{query}");
    }
}

#[tokio::test]
async fn included_resources_come_once_and_do_not_count() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let tnm = "Observation?patient=pat-auenwald&code=http://snomed.info/sct|399537006&_include=Observation:has-member";
    let reply = fhir.get(tnm).await;
    let mut included = reply.ids("include");
    included.sort();
    let expected = ["Observation/tnm-auenwald-1-m", "Observation/tnm-auenwald-1-n", "Observation/tnm-auenwald-1-t"];
    assert_eq!(included, expected, "T, N and M come with the classification");
    assert_eq!(reply.body["total"], 1, "the total counts matches");
    let waiting = "ServiceRequest?performer=HealthcareService/board-ite&status=active&_sort=authored\
                   &_include=ServiceRequest:patient&_include=ServiceRequest:requester";
    let reply = fhir.get(waiting).await;
    assert_eq!(reply.ids("match").len(), 7, "five registrations for today, two for the next board");
    assert!(reply.ids("include").contains(&"Patient/pat-quellmoor".to_owned()), "with the patients");
    assert!(reply.ids("include").contains(&"PractitionerRole/dr-silbertal".to_owned()), "and who registered");
    let reply = fhir.get("CarePlan?_id=dec-wiesenquell&_revinclude=Task:focus").await;
    assert_eq!(reply.ids("include"), ["Task/task-zweitzeichnen"], "what points to the decision");
    let reply = fhir.get("List?item=Appointment/case-auenwald&_include=List:item").await;
    assert_eq!(reply.ids("include").len(), 5, "the agenda's entries");
}

#[tokio::test]
async fn order_is_by_the_parameter_and_missing_values_come_last() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let reply = fhir.get("Patient?_sort=-birthdate,family&_count=200").await;
    let entries = reply.body["entry"].as_array().expect("there are patients");
    let born: Vec<String> = entries.iter().map(|entry| text(&entry["resource"]["birthDate"])).collect();
    let mut sorted = born.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(born, sorted, "youngest first");
    let reply = fhir.get("Appointment?_sort=date&_id=case-mohnblatt,case-auenwald,case-steinklee").await;
    let expected = ["Appointment/case-auenwald", "Appointment/case-steinklee", "Appointment/case-mohnblatt"];
    assert_eq!(reply.ids("match"), expected, "in the order of the agenda");
}

#[tokio::test]
async fn pages_are_followed_by_opaque_links_at_the_base() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let query = "Observation?patient=pat-auenwald&_count=20&_sort=-date";
    let first = fhir.get(query).await;
    assert!(first.body.get("total").is_none(), "no total while pages follow");
    let accurate = fhir.get(&format!("{query}&_total=accurate")).await;
    let total = accurate.body["total"].as_u64().expect("a total was asked for");
    let counted = fhir.get("Observation?patient=pat-auenwald&_summary=count").await;
    assert_eq!(counted.body["total"], total, "both ways to count agree");
    assert!(counted.body.get("entry").is_none(), "counting brings no entries");
    let mut seen = first.ids("match");
    let mut next = first.next();
    while let Some(url) = next {
        assert!(url.starts_with(&platform.url("/fhir?_getpages=")), "{url} is at the base");
        let page = fhir.get(&url).await;
        seen.extend(page.ids("match"));
        next = page.next();
    }
    assert_eq!(u64::try_from(seen.len()).expect("a number"), total, "all pages together are all");
    seen.sort();
    seen.dedup();
    assert_eq!(u64::try_from(seen.len()).expect("a number"), total, "none comes twice");
    let last = fhir.get("Observation?patient=pat-auenwald&_count=200").await;
    assert_eq!(last.body["total"], total, "a search on one page has a total");
    refused(&fhir.get("?_getpages=unknown").await, 410);
}

#[tokio::test]
async fn a_search_may_be_posted() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let request = platform.client.post(platform.url("/fhir/Patient/_search")).bearer_auth(&fhir.token);
    let response = request.form(&[("family", "Auenwald")]).send().await.expect("the platform answers");
    let body: Value = response.json().await.expect("a Bundle");
    assert_eq!(body["entry"][0]["resource"]["id"], "pat-auenwald", "found by its form");
}

#[tokio::test]
async fn a_search_that_is_not_understood_is_refused() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    for query in [
        "Patient?nonsense=1",
        "Patient?_sort=nonsense",
        "Patient?_include=Patient:nonsense",
        "Patient?family:contains=auen",
        "Observation?date=yesterday",
        "Patient?_count=many",
        "CarePlan?created=2026-11-24",
    ] {
        refused(&fhir.get(query).await, 400);
    }
}

#[tokio::test]
async fn versions_are_kept_and_conflicts_noticed() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let created = fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "first")).await;
    assert_eq!((created.status, created.header("etag")), (201, "W/\"1\""), "{}", created.body);
    let place = platform.url("/fhir/CarePlan/plan-a/_history/1");
    assert_eq!(created.header("location"), place, "the location names the version");
    let same = fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "first")).await;
    assert_eq!((same.status, same.header("etag")), (200, "W/\"1\""), "the same content makes no version");
    for (if_match, status, etag) in [
        ("W/\"1\"", 200, "W/\"2\""),
        ("\"2\"", 200, "W/\"3\""),
        ("3", 200, "W/\"4\""),
        ("W/\"3\"", 409, ""),
        ("W/\"99\"", 409, ""),
    ] {
        let body = draft("plan-a", &format!("written over {if_match}"));
        let reply = fhir.put("CarePlan/plan-a", &[("if-match", if_match)], &body).await;
        assert_eq!((reply.status, reply.header("etag")), (status, etag), "If-Match: {if_match}");
    }
    refused(&fhir.put("CarePlan/plan-b", &[("if-match", "W/\"1\"")], &draft("plan-b", "x")).await, 409);
    let old = fhir.get("CarePlan/plan-a/_history/1").await;
    assert_eq!(old.body["description"], "first", "the first version is still there");
    let history = fhir.get("CarePlan/plan-a/_history").await;
    assert_eq!(history.body["type"], "history", "a history Bundle");
    assert_eq!(history.body["total"], 4, "four versions");
    assert_eq!(history.body["entry"][0]["resource"]["meta"]["versionId"], "4", "newest first");
}

#[tokio::test]
async fn a_conditional_create_finds_what_is_there() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let mut plan = draft("ignored", "once");
    plan["identifier"] = json!([{ "system": "urn:test", "value": "1" }]);
    let unless = [("if-none-exist", "identifier=urn:test|1")];
    let first = fhir.post("CarePlan", &unless, &plan).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let id = text(&first.body["id"]);
    assert!(id.chars().all(|letter| letter.is_ascii_digit()), "the server's ids are numbers: {id}");
    let second = fhir.post("CarePlan", &unless, &plan).await;
    assert_eq!((second.status, text(&second.body["id"])), (200, id), "nothing is stored twice");
    fhir.post("CarePlan", &[], &plan).await;
    refused(&fhir.post("CarePlan", &unless, &plan).await, 412);
}

#[tokio::test]
async fn a_deleted_resource_is_gone_and_can_come_back() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "first")).await;
    let deleted = fhir.ask(Method::DELETE, "CarePlan/plan-a", &[], None).await;
    assert_eq!((deleted.status, &deleted.body["resourceType"]), (200, &json!("OperationOutcome")), "deleted");
    refused(&fhir.get("CarePlan/plan-a").await, 410);
    assert!(fhir.get("CarePlan?_id=plan-a").await.ids("match").is_empty(), "it is found no more");
    let again = fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "second")).await;
    assert_eq!((again.status, again.header("etag")), (201, "W/\"3\""), "the deletion is a version of its own");
}

#[tokio::test]
async fn bodies_that_are_not_in_order_are_refused() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    refused(&fhir.put("CarePlan/4711", &[], &draft("4711", "digits only")).await, 400);
    refused(&fhir.put("CarePlan/plan-a", &[], &draft("plan-b", "another id")).await, 400);
    refused(&fhir.post("Task", &[], &draft("x", "another type")).await, 400);
    refused(&fhir.post("Patient", &[], &json!({ "resourceType": "Patient", "gender": "weiblich" })).await, 400);
    refused(&fhir.post("CarePlan", &[], &json!({ "resourceType": "CarePlan", "status": "draft" })).await, 422);
    refused(&fhir.post("CarePlan", &[("content-type", "text/plain")], &json!({})).await, 415);
    refused(&fhir.ask(Method::GET, "Patient", &[("accept", "application/fhir+xml")], None).await, 406);
    refused(&fhir.ask(Method::PATCH, "CarePlan/plan-a", &[], Some(&json!([]))).await, 405);
    let request = platform.client.post(platform.url("/fhir/CarePlan")).bearer_auth(&fhir.token);
    let broken = request.header("content-type", "application/fhir+json").body("{\"resourceType\":\"Care");
    assert_eq!(broken.send().await.expect("the platform answers").status(), 400, "half a resource");
}

#[tokio::test]
async fn the_client_may_ask_for_no_body() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let reply = fhir.put("CarePlan/plan-a", &[("prefer", "return=minimal")], &draft("plan-a", "x")).await;
    assert_eq!((reply.status, reply.body.clone()), (201, Value::Null), "only the headers");
    assert_eq!(reply.header("etag"), "W/\"1\"", "the version is in them");
}

#[tokio::test]
async fn unknown_elements_are_kept_as_they_came() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let mut plan = draft("plan-a", "x");
    plan["extension"] = json!([{ "url": "https://konsil.example/x", "valueDecimal": 12.5, "extension": [] }]);
    plan["_status"] = json!({ "id": "s1" });
    fhir.put("CarePlan/plan-a", &[], &plan).await;
    let mut back = fhir.get("CarePlan/plan-a").await.body;
    back.as_object_mut().expect("a resource").remove("meta");
    assert_eq!(back, plan, "nothing but meta is added");
}

#[tokio::test]
async fn a_folder_keeps_what_was_written_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let platform = Platform::with(Some(folder.path())).await;
    let fhir = platform.fhir("dr-falkenried").await;
    fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "first")).await;
    fhir.put("CarePlan/plan-a", &[], &draft("plan-a", "second")).await;
    let mut patient = fhir.get("Patient/pat-auenwald").await.body;
    patient["telecom"] = json!([]);
    fhir.put("Patient/pat-auenwald", &[], &patient).await;
    platform.running.stop().await;
    let platform = Platform::with(Some(folder.path())).await;
    let fhir = platform.fhir("dr-falkenried").await;
    let reply = fhir.get("CarePlan/plan-a").await;
    assert_eq!((reply.body["description"].clone(), reply.header("etag")), (json!("second"), "W/\"2\""), "kept");
    let patient = fhir.get("Patient/pat-auenwald").await;
    assert_eq!(patient.header("etag"), "W/\"2\"", "seeding leaves alone what a person has changed");
    assert_eq!(fhir.get("Patient/pat-steinklee").await.header("etag"), "W/\"1\"", "and writes nothing twice");
}

#[tokio::test]
async fn studies_of_the_record_are_in_the_archive() {
    let platform = Platform::start().await;
    let fhir = platform.fhir("dr-falkenried").await;
    let studies = fhir.get("ImagingStudy?_count=200").await;
    let entries = studies.body["entry"].as_array().expect("there are studies");
    assert_eq!(entries.len(), 11, "the recipe's studies");
    for entry in entries {
        let study = &entry["resource"];
        let uid = text(&study["identifier"][0]["value"]).replace("urn:oid:", "");
        for series in study["series"].as_array().expect("a study has series") {
            let address = format!("/dicom-web/studies/{uid}/series/{}/instances", text(&series["uid"]));
            let request = platform.client.get(platform.url(&address)).bearer_auth(&fhir.token);
            let response = request.send().await.expect("the platform answers");
            let found: Vec<Value> = response.json().await.expect("QIDO-RS answers JSON");
            let expected = series["numberOfInstances"].as_u64().expect("a number");
            assert_eq!(u64::try_from(found.len()).expect("a number"), expected, "{} {address}", study["id"]);
        }
    }
}

#[tokio::test]
async fn the_archive_refuses_with_403_whatever_is_wrong_with_a_token() {
    let platform = Platform::start().await;
    let it = platform.sign_in("it-buchfink").await.access;
    let physician = platform.sign_in("dr-falkenried").await.access;
    let status = async |token: Option<&str>| {
        let request = platform.client.get(platform.url("/dicom-web/studies"));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.expect("the platform answers").status().as_u16()
    };
    assert_eq!(status(Some(&physician)).await, 200, "a physician may");
    assert_eq!(status(None).await, 403, "no token");
    assert_eq!(status(Some("x")).await, 403, "no token of ours");
    assert_eq!(status(Some(&it)).await, 403, "no patient data for IT");
    platform.running.clock.advance(300);
    assert_eq!(status(Some(&physician)).await, 403, "an expired token");
}

#[test]
fn batches_and_searches_at_the_same_time_are_all_answered() {
    // In a thread of its own, so that two that wait for each other fail the test and do not hold it.
    let (tell, heard) = std::sync::mpsc::sync_channel(1);
    let lane = std::thread::Builder::new().name("lane".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        let statuses = runtime.expect("threads can be started").block_on(async {
            let platform = Platform::start().await;
            let fhir = platform.fhir("dr-falkenried").await;
            let search = json!({ "request": { "method": "GET", "url": "Patient?name=auen" } });
            let batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": vec![search; 8] });
            let searches = async {
                let mut statuses = Vec::new();
                for _ in 0..200 {
                    statuses.push(fhir.get("Condition?patient=pat-auenwald&_count=2").await.status);
                }
                statuses
            };
            let batches = async {
                let mut statuses = Vec::new();
                for _ in 0..200 {
                    statuses.push(fhir.ask(Method::POST, "", &[], Some(&batch)).await.status);
                }
                statuses
            };
            let (searches, batches) = tokio::join!(searches, batches);
            [searches, batches].concat()
        });
        tell.send(statuses)
    });
    lane.expect("a thread can be started");
    let statuses = heard.recv_timeout(std::time::Duration::from_secs(60)).expect("nobody waits for ever");
    assert!(statuses.iter().all(|status| *status == 200), "all of them");
}
