//! The protocol as plain German text, built from the signed payload and not from the screen.

use super::codes::Outcome;
use super::payload::Payload;
use std::fmt::Write;

/// One page for one decision. `quorum_reason` says why it was decided although the rule was not met: that is no part of what
/// is signed, and the record keeps it. `signed_by` is the person's full name, `signed_at` the moment as the house reads it,
/// such as `24.11.2026, 15:07`.
#[must_use]
pub fn protocol(payload: &Payload, quorum_reason: &str, signed_by: &str, signed_at: &str) -> String {
    let mut page = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        let body = if lines.is_empty() { vec!["keine".to_owned()] } else { lines };
        // Writing to a String cannot fail.
        let _ = write!(page, "{title}\n{}\n\n", body.join("\n"));
    };
    let name = |role: &str| {
        let person = payload.participants.iter().find(|person| person.role == role);
        person.map_or_else(|| role.to_owned(), |person| person.name.clone())
    };
    let patient = &payload.patient;
    let birth = patient.birth_date.as_deref().map(day).unwrap_or_default();
    let insured = patient.kvnr.as_deref().map(|kvnr| format!(", KVNR {kvnr}")).unwrap_or_default();
    let revision = match &payload.reason {
        Some(reason) => format!("Version {} (ersetzt Version {}): {reason}", payload.revision, payload.revision - 1),
        None => format!("Version {}", payload.revision),
    };
    section(
        "Protokoll der Tumorkonferenz",
        vec![
            format!("{}, {}", payload.board.name, day(&payload.created)),
            format!("{}, {}, geboren {birth}{insured}", patient.family, patient.given),
            payload.category.german().to_owned(),
            revision,
        ],
    );
    let code = payload.diagnosis.icd10gm.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    section("Diagnose", vec![format!("{}{code}", payload.diagnosis.text)]);
    section("Frage", vec![payload.question.clone()]);
    section("Befunde", payload.findings.clone());
    section("Beschluss", vec![payload.text.clone()]);
    let activities = payload.activities.iter().map(|activity| {
        let who = activity.responsible.as_deref().map(|role| format!(" – {}", name(role))).unwrap_or_default();
        format!("{} ({}): {}{who}", activity.code.german(), activity.code.code(), activity.text)
    });
    section("Maßnahmen", activities.collect());
    let vote = &payload.vote;
    let counted = format!("{} dafür, {} dagegen, {} enthalten", vote.agree, vote.disagree, vote.abstain);
    section(
        "Abstimmung",
        vec![match vote.kind {
            Outcome::Consensus => format!("Konsens ({counted})"),
            Outcome::Majority => format!("Mehrheit ({counted})"),
        }],
    );
    let dissent = payload.dissent.iter().map(|dissent| format!("{}: {}", name(&dissent.role), dissent.text));
    section("Abweichende Voten", dissent.collect());
    let people = payload.participants.iter().map(|person| match &person.specialty {
        Some(specialty) => format!("{}, {specialty}", person.name),
        None => person.name.clone(),
    });
    section("Teilnehmende", people.collect());
    section(
        "Beschlussfähigkeit",
        vec![match (payload.quorum.met, quorum_reason.trim()) {
            (true, _) => "gegeben".to_owned(),
            (false, "") => "nicht gegeben".to_owned(),
            (false, reason) => format!("nicht gegeben; beschlossen, weil: {reason}"),
        }],
    );
    section("Offene Punkte", payload.open_points.clone());
    let sum = payload.sha256();
    let groups: Vec<&str> = (0..16).step_by(4).map(|at| &sum[at..at + 4]).collect();
    section(
        &format!("Gezeichnet von {signed_by} am {signed_at}"),
        vec![format!("Technisch versiegelt; Prüfsumme {} …", groups.join(" "))],
    );
    page
}

// ISO 8601 as a German reader writes it; anything else is left as it is.
fn day(date: &str) -> String {
    match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => format!("{day}.{month}.{year}"),
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::draft::Quorum;
    use super::super::examples::{mohnblatt, mohnblatt_setting, vector};
    use super::super::payload::{Payload, Revision, Setting};
    use super::protocol;

    #[test]
    fn the_page_says_what_was_signed_in_the_words_that_are_allowed() {
        let canonical = vector()["canonical_utf8"].as_str().expect("text").to_owned();
        let payload = Payload::parse(&canonical).expect("the vector's payload");
        let page = protocol(&payload, "", "Dr. med. Amina Falkenried", "24.11.2026, 15:07");
        for part in [
            "Interdisziplinäres Tumorboard Eschenland, 24.11.2026",
            "Auenwald, Gernot, geboren 14.03.1957, KVNR X110127457",
            "Strahlentherapie (ST): Definitive Radiotherapie 60 bis 66 Gy, simultan – Dr. med. Ngozi Ahlefels",
            "Konsens (7 dafür, 0 dagegen, 0 enthalten)",
            "Gezeichnet von Dr. med. Amina Falkenried am 24.11.2026, 15:07",
            "Technisch versiegelt; Prüfsumme 9953 3bd8 89d4 fbd2 …",
        ] {
            assert!(page.contains(part), "{part} is missing in:\n{page}");
        }
        for forbidden in ["qualifiziert", "QES", "rechtsgültig", "eIDAS"] {
            assert!(!page.contains(forbidden), "{forbidden} must never be said");
        }
    }

    #[test]
    fn a_dissent_is_printed_with_its_name() {
        let payload = Payload::build(&mohnblatt(), &mohnblatt_setting(), &Revision::first()).expect("it is complete");
        let page = protocol(&payload, "", "Dr. med. Amina Falkenried", "24.11.2026, 15:47");
        assert!(page.contains("Mehrheit (6 dafür, 1 dagegen, 1 enthalten)"), "{page}");
        assert!(page.contains("Dr. med. Jonas Weidenlohe: Zeitabstand zur Operation"), "{page}");
    }

    #[test]
    fn why_it_was_decided_although_a_speciality_was_missing_is_printed() {
        let mut setting = mohnblatt_setting();
        let page = |setting: &Setting| {
            let payload = Payload::build(&mohnblatt(), setting, &Revision::first()).expect("it is complete");
            protocol(&payload, "Blutung, keine Zeit", "Dr. med. Amina Falkenried", "24.11.2026, 15:47")
        };
        setting.quorum = Quorum { met: 4, of: 5, ..setting.quorum };
        assert!(page(&setting).contains("nicht gegeben; beschlossen, weil: Blutung, keine Zeit"), "it was not met");
        setting.quorum = Quorum { met: 5, ..setting.quorum };
        assert!(!page(&setting).contains("Blutung"), "it was met: nothing was to be said");
    }
}
