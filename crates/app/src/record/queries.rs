//! What a case asks of the platform: base R4 search parameters only.

use super::{CANCER_CARE_REVIEW, tumor};
use jiff::{ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};

/// A part of the record that is asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Part {
    Patient,
    Conditions,
    Tnm,
    /// T, N and M by themselves, for servers that keep no stage group.
    TnmAlone,
    Ecog,
    Laboratory,
    /// Histology, grading and markers.
    Pathology,
    Genes,
    /// Pathology reports.
    Reports,
    Medication,
    Prescriptions,
    Procedures,
    AdverseEvents,
    /// What became of the illness.
    Course,
    Allergies,
    Studies,
    Documents,
    Plans,
    Registration,
}

type Parameters = &'static [(&'static str, &'static str)];

/// A search. `{p}` stands for the patient's id, `{since}` for the day from which laboratory values are read.
pub(crate) struct Query {
    pub(crate) part: Part,
    pub(crate) kind: &'static str,
    pub(crate) parameters: Parameters,
    pub(crate) cap: usize,
    /// What is asked instead of a server that does not take these parameters.
    pub(crate) otherwise: Option<Parameters>,
}

impl Query {
    const fn new(part: Part, kind: &'static str, parameters: Parameters, cap: usize) -> Self {
        Self { part, kind, parameters, cap, otherwise: None }
    }
}

/// The parameters for a patient.
pub(crate) fn filled(parameters: Parameters, patient: &str, today: Date) -> Vec<(&'static str, String)> {
    let since = today.saturating_sub(LABORATORY_YEARS.years()).to_string();
    parameters.iter().map(|(name, value)| (*name, value.replace("{p}", patient).replace("{since}", &since))).collect()
}

/// Values older than this say nothing about the organs of today.
const LABORATORY_YEARS: i32 = 3;
const ECOG: &str = "http://snomed.info/sct|423740007,http://snomed.info/sct|423690003,http://loinc.org|89262-0,http://loinc.org|89247-1";
const LAB: &str = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory";
/// The analytes of all panels, fewer than the forty codes that fit an address.
const ANALYTES: &str = "http://loinc.org|718-7,http://loinc.org|6690-2,http://loinc.org|777-3,http://loinc.org|2160-0,http://loinc.org|98979-8,http://loinc.org|1742-6,http://loinc.org|1920-8,http://loinc.org|2324-2,http://loinc.org|6768-6,http://loinc.org|1975-2,http://loinc.org|2532-0,http://loinc.org|14804-9,http://loinc.org|1988-5,http://loinc.org|1751-7,http://loinc.org|6301-6,http://loinc.org|2039-6,http://loinc.org|25390-6,http://loinc.org|3016-3,http://loinc.org|20150-9,http://loinc.org|19926-5,http://loinc.org|19911-7,http://loinc.org|6875-9,http://loinc.org|751-8,http://loinc.org|10230-1,http://loinc.org|24108-3,http://loinc.org|2276-4,http://loinc.org|4548-4,http://loinc.org|2857-1,http://loinc.org|12841-3,http://loinc.org|2986-8,http://loinc.org|47275-3";
/// Histology, grading, and the markers that decide about therapy. They do not age with the laboratory.
const PATHOLOGY: &str = "http://loinc.org|59847-4,http://loinc.org|33732-9,http://loinc.org|83053-9,http://loinc.org|85337-4,http://loinc.org|85339-0,http://loinc.org|85319-2,http://loinc.org|85330-9,http://loinc.org|81695-9,http://loinc.org|94734-1";

/// All searches of a case.
pub(crate) const QUERIES: [Query; 19] = [
    Query::new(Part::Patient, "Patient", &[("_id", "{p}")], 1),
    Query::new(
        Part::Conditions,
        "Condition",
        &[("patient", "{p}"), ("_sort", "-recorded-date"), ("_count", "100")],
        300,
    ),
    Query::new(
        Part::Tnm,
        "Observation",
        &[
            ("patient", "{p}"),
            ("code", tumor::TNM_GROUPS),
            ("_include", "Observation:has-member"),
            ("_sort", "-date"),
            ("_count", "50"),
        ],
        50,
    ),
    Query::new(
        Part::TnmAlone,
        "Observation",
        &[("patient", "{p}"), ("code", tumor::TNM_ALONE), ("_sort", "-date"), ("_count", "50")],
        50,
    ),
    Query::new(
        Part::Ecog,
        "Observation",
        &[("patient", "{p}"), ("code", ECOG), ("_sort", "-date"), ("_count", "20")],
        20,
    ),
    Query {
        part: Part::Laboratory,
        kind: "Observation",
        parameters: &[
            ("patient", "{p}"),
            ("category", LAB),
            ("date", "ge{since}"),
            ("_sort", "-date"),
            ("_count", "200"),
        ],
        cap: 2000,
        otherwise: Some(&[
            ("patient", "{p}"),
            ("code", ANALYTES),
            ("date", "ge{since}"),
            ("_sort", "-date"),
            ("_count", "200"),
        ]),
    },
    Query::new(
        Part::Pathology,
        "Observation",
        &[("patient", "{p}"), ("code", PATHOLOGY), ("_sort", "-date"), ("_count", "100")],
        200,
    ),
    Query::new(
        Part::Genes,
        "Observation",
        &[("patient", "{p}"), ("code", "http://loinc.org|69548-6"), ("_count", "100")],
        200,
    ),
    Query::new(
        Part::Reports,
        "DiagnosticReport",
        &[("patient", "{p}"), ("code", "http://loinc.org|60568-3"), ("_sort", "-date"), ("_count", "50")],
        100,
    ),
    Query::new(
        Part::Medication,
        "MedicationStatement",
        &[("patient", "{p}"), ("_sort", "-effective"), ("_count", "100")],
        100,
    ),
    Query::new(Part::Prescriptions, "MedicationRequest", &[("patient", "{p}"), ("status", "active")], 100),
    Query::new(Part::Procedures, "Procedure", &[("patient", "{p}"), ("_sort", "-date"), ("_count", "100")], 300),
    Query::new(Part::AdverseEvents, "AdverseEvent", &[("subject", "Patient/{p}")], 100),
    Query::new(Part::Course, "Observation", &[("patient", "{p}"), ("code", "http://snomed.info/sct|396432002")], 100),
    Query::new(Part::Allergies, "AllergyIntolerance", &[("patient", "{p}")], 100),
    Query::new(Part::Studies, "ImagingStudy", &[("patient", "{p}"), ("_sort", "-started"), ("_count", "50")], 200),
    Query::new(
        Part::Documents,
        "DocumentReference",
        &[("patient", "{p}"), ("status", "current"), ("_sort", "-date"), ("_count", "50")],
        300,
    ),
    Query::new(
        Part::Plans,
        "CarePlan",
        &[("patient", "{p}"), ("_revinclude", "Provenance:target"), ("_count", "50")],
        100,
    ),
    Query::new(
        Part::Registration,
        "ServiceRequest",
        &[("patient", "{p}"), ("code", CANCER_CARE_REVIEW), ("_sort", "-authored")],
        20,
    ),
];

#[cfg(test)]
mod tests {
    use super::{ANALYTES, PATHOLOGY, Part, QUERIES, filled};
    use jiff::civil::date;

    #[test]
    fn laboratory_values_are_read_of_three_years_and_findings_of_all() {
        let of = |part| {
            let query = QUERIES.iter().find(|query| query.part == part).expect("a search");
            filled(query.parameters, "pat-1", date(2026, 11, 24))
        };
        assert!(of(Part::Laboratory).contains(&("date", "ge2023-11-24".to_owned())), "three years before");
        assert!(of(Part::Pathology).iter().all(|(name, _)| *name != "date"), "a marker does not age");
        assert!(of(Part::Conditions).contains(&("patient", "pat-1".to_owned())), "whose");
    }

    #[test]
    fn the_lists_of_codes_fit_an_address() {
        for codes in [ANALYTES, PATHOLOGY] {
            assert!(codes.split(',').count() <= 40, "servers and proxies cut addresses beyond 2 kB");
        }
    }
}
