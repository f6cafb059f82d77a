//! Sessions of a board and the cases on their agenda.

use super::read::{each, has_code, id, reference_id, sort_key, text};
use contract::SlotView;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A session: an Appointment without a patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) accepted: u32,
    pub(crate) members: u32,
}

/// A board that began this long ago is still the one of the day.
const STILL_RUNNING: SignedDuration = SignedDuration::from_hours(2);

/// The session that runs or comes next, among Appointments of any kind.
pub(crate) fn next_session(appointments: &[Value], now: Timestamp) -> Option<Session> {
    let mut sessions: Vec<&Value> = appointments
        .iter()
        .filter(|appointment| {
            patient_of(appointment).is_none() && is_board(appointment) && appointment["status"] != "cancelled"
        })
        .filter(|appointment| ends_after(appointment, now))
        .collect();
    sessions.sort_by_key(|appointment| appointment["start"].as_str().map(sort_key));
    let session = sessions.first()?;
    let people = each(&session["participant"])
        .filter(|participant| reference_id(&participant["actor"], "PractitionerRole").is_some());
    let (mut accepted, mut members) = (0, 0);
    for person in people {
        members += 1;
        accepted += u32::from(person["status"] == "accepted");
    }
    Some(Session {
        id: id(session)?,
        name: text(&session["description"]).unwrap_or_default(),
        start: text(&session["start"])?,
        end: text(&session["end"]).unwrap_or_default(),
        accepted,
        members,
    })
}

fn is_board(appointment: &Value) -> bool {
    each(&appointment["serviceType"]).any(|kind| has_code(kind, "http://snomed.info/sct", &["720006006"]))
}

fn ends_after(appointment: &Value, now: Timestamp) -> bool {
    let end = appointment["end"].as_str().or_else(|| appointment["start"].as_str());
    end.and_then(|end| end.parse::<Timestamp>().ok()).is_some_and(|end| end + STILL_RUNNING > now)
}

fn patient_of(appointment: &Value) -> Option<String> {
    each(&appointment["participant"]).find_map(|participant| reference_id(&participant["actor"], "Patient"))
}

/// Slots of a session by patient, numbered from 1: in the order of the agenda's List where there is
/// one, else by their start.
pub(crate) fn slots(session: &Session, appointments: &[Value], lists: &[Value]) -> BTreeMap<String, SlotView> {
    let mut cases: Vec<&Value> = appointments
        .iter()
        .filter(|appointment| {
            each(&appointment["supportingInformation"])
                .any(|reference| reference_id(reference, "Appointment").as_deref() == Some(session.id.as_str()))
        })
        .filter(|appointment| appointment["status"] != "cancelled")
        .collect();
    let order: Vec<String> = lists
        .iter()
        .filter(|list| list["status"] == "current")
        .map(|list| {
            each(&list["entry"]).filter_map(|entry| reference_id(&entry["item"], "Appointment")).collect::<Vec<_>>()
        })
        .find(|ids| cases.iter().any(|case| id(case).is_some_and(|id| ids.contains(&id))))
        .unwrap_or_default();
    cases.sort_by_key(|case| {
        let listed = id(case).and_then(|id| order.iter().position(|known| *known == id));
        (listed.unwrap_or(usize::MAX), case["start"].as_str().map(sort_key))
    });
    let mut slots = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let (Some(patient), Some(start)) = (patient_of(case), text(&case["start"])) else { continue };
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        slots.insert(patient, SlotView { number, start, end: text(&case["end"]).unwrap_or_default() });
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::{next_session, slots};
    use serde_json::{Value, json};

    fn session(id: &str, start: &str, end: &str) -> Value {
        json!({"id": id, "status": "booked", "start": start, "end": end, "description": "ITE",
            "serviceType": [{"coding": [{"system": "http://snomed.info/sct", "code": "720006006"}]}],
            "participant": [{"actor": {"reference": "PractitionerRole/a"}, "status": "accepted"},
                {"actor": {"reference": "PractitionerRole/b"}, "status": "needs-action"}]})
    }

    fn case(id: &str, patient: &str, start: &str) -> Value {
        json!({"id": id, "status": "booked", "start": start, "supportingInformation": [{"reference": "Appointment/s2"}],
            "participant": [{"actor": {"reference": format!("Patient/{patient}")}}]})
    }

    #[test]
    fn the_running_board_comes_before_the_next_and_the_list_orders_its_cases() {
        let appointments = [
            session("s1", "2026-11-17T15:00:00+01:00", "2026-11-17T15:40:00+01:00"),
            session("s2", "2026-11-24T15:00:00+01:00", "2026-11-24T15:40:00+01:00"),
            session("s3", "2026-12-01T15:00:00+01:00", "2026-12-01T15:40:00+01:00"),
            case("c1", "p1", "2026-11-24T15:00:00+01:00"),
            case("c2", "p2", "2026-11-24T15:08:00+01:00"),
        ];
        let now = "2026-11-24T14:50:00+01:00".parse().expect("a time");
        let next = next_session(&appointments, now).expect("a session is coming");
        assert_eq!((next.id.as_str(), next.accepted, next.members), ("s2", 1, 2), "the one of today");
        let list = json!({"status": "current", "entry": [{"item": {"reference": "Appointment/c2"}}, {"item": {"reference": "Appointment/c1"}}]});
        let slots = slots(&next, &appointments, &[list]);
        assert_eq!(slots["p2"].number, 1, "the coordination's order wins over the start");
    }
}
