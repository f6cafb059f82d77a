//! Which resource types there are and by what they can be searched: names and elements of FHIR R4's
//! own search parameters.

/// How a parameter's values are compared (FHIR R4 §3.1.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Codes and identifiers.
    Token,
    /// References; the list restricts what may be meant, empty means any type.
    Reference(&'static [&'static str]),
    /// Dates, times and periods.
    Date,
    /// Text, by its beginning, without case and marks.
    Text,
    /// Canonical addresses.
    Uri,
}

/// A search parameter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// As it stands in the query.
    pub(crate) name: &'static str,
    /// How it compares.
    pub(crate) kind: Kind,
    /// The elements, lists looked through, choices by their full name.
    pub(crate) paths: &'static [&'static str],
}

/// A resource type.
#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// Elements that must be there.
    pub(crate) required: &'static [&'static str],
    /// True when it never says anything about a patient.
    pub(crate) open: bool,
}

const fn token(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter { name, kind: Kind::Token, paths }
}

const fn date(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter { name, kind: Kind::Date, paths }
}

const fn text(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter { name, kind: Kind::Text, paths }
}

const fn refer(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter { name, kind: Kind::Reference(&[]), paths }
}

const fn only(name: &'static str, types: &'static [&'static str], paths: &'static [&'static str]) -> Parameter {
    Parameter { name, kind: Kind::Reference(types), paths }
}

const PATIENT: &[&str] = &["Patient"];

/// What every resource can be searched by.
pub(crate) const COMMON: &[Parameter] = &[
    token("_id", &["id"]),
    date("_lastUpdated", &["meta.lastUpdated"]),
    Parameter { name: "_profile", kind: Kind::Uri, paths: &["meta.profile"] },
    token("_tag", &["meta.tag"]),
    token("_security", &["meta.security"]),
];

const NAME: &[&str] = &["name.family", "name.given", "name.prefix", "name.suffix", "name.text"];

/// All types that the platform keeps.
pub(crate) const TYPES: &[Type] = &[
    Type {
        name: "AdverseEvent",
        parameters: &[
            only("subject", &[], &["subject"]),
            date("date", &["date"]),
            token("event", &["event"]),
            token("actuality", &["actuality"]),
        ],
        required: &["actuality", "subject"],
        open: false,
    },
    Type {
        name: "AllergyIntolerance",
        parameters: &[
            only("patient", PATIENT, &["patient"]),
            token("clinical-status", &["clinicalStatus"]),
            token("code", &["code", "reaction.substance"]),
            date("date", &["recordedDate"]),
            token("identifier", &["identifier"]),
        ],
        required: &["patient"],
        open: false,
    },
    Type {
        name: "Appointment",
        parameters: &[
            refer("actor", &["participant.actor"]),
            only("patient", PATIENT, &["participant.actor"]),
            only("practitioner", &["Practitioner"], &["participant.actor"]),
            only("location", &["Location"], &["participant.actor"]),
            refer("based-on", &["basedOn"]),
            date("date", &["start"]),
            token("identifier", &["identifier"]),
            token("part-status", &["participant.status"]),
            token("service-type", &["serviceType"]),
            token("service-category", &["serviceCategory"]),
            token("specialty", &["specialty"]),
            token("status", &["status"]),
            refer("supporting-info", &["supportingInformation"]),
        ],
        required: &["status", "participant"],
        open: false,
    },
    Type {
        name: "AuditEvent",
        parameters: &[
            date("date", &["recorded"]),
            token("type", &["type"]),
            token("action", &["action"]),
            refer("agent", &["agent.who"]),
            refer("entity", &["entity.what"]),
            only("patient", PATIENT, &["agent.who", "entity.what"]),
        ],
        required: &["type", "recorded", "agent", "source"],
        open: false,
    },
    Type { name: "Binary", parameters: &[], required: &["contentType"], open: false },
    Type {
        name: "CarePlan",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("category", &["category"]),
            refer("condition", &["addresses"]),
            refer("care-team", &["careTeam"]),
            refer("based-on", &["basedOn"]),
            refer("replaces", &["replaces"]),
            refer("part-of", &["partOf"]),
            refer("encounter", &["encounter"]),
            // The search parameter `date` means `period`, not `created`.
            date("date", &["period"]),
            token("identifier", &["identifier"]),
            token("intent", &["intent"]),
            token("status", &["status"]),
            token("activity-code", &["activity.detail.code"]),
            refer("activity-reference", &["activity.reference"]),
        ],
        required: &["status", "intent", "subject"],
        open: false,
    },
    Type {
        name: "CareTeam",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            refer("participant", &["participant.member"]),
            token("status", &["status"]),
            token("category", &["category"]),
            token("identifier", &["identifier"]),
            date("date", &["period"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "Communication",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            refer("sender", &["sender"]),
            refer("recipient", &["recipient"]),
            refer("based-on", &["basedOn"]),
            date("sent", &["sent"]),
            token("status", &["status"]),
            token("category", &["category"]),
            token("identifier", &["identifier"]),
        ],
        required: &["status"],
        open: false,
    },
    Type {
        name: "Condition",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("code", &["code"]),
            token("category", &["category"]),
            token("clinical-status", &["clinicalStatus"]),
            token("verification-status", &["verificationStatus"]),
            token("body-site", &["bodySite"]),
            token("identifier", &["identifier"]),
            refer("encounter", &["encounter"]),
            date("recorded-date", &["recordedDate"]),
            date("onset-date", &["onsetDateTime", "onsetPeriod"]),
            date("abatement-date", &["abatementDateTime", "abatementPeriod"]),
        ],
        required: &["subject"],
        open: false,
    },
    Type {
        name: "Consent",
        parameters: &[
            only("patient", PATIENT, &["patient"]),
            token("status", &["status"]),
            token("category", &["category"]),
            token("scope", &["scope"]),
            date("date", &["dateTime"]),
            token("identifier", &["identifier"]),
        ],
        required: &["status", "scope", "category"],
        open: false,
    },
    Type {
        name: "DiagnosticReport",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("code", &["code"]),
            token("category", &["category"]),
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            refer("result", &["result"]),
            refer("based-on", &["basedOn"]),
            date("date", &["effectiveDateTime", "effectivePeriod"]),
            date("issued", &["issued"]),
        ],
        required: &["status", "code"],
        open: false,
    },
    Type {
        name: "DocumentReference",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("status", &["status"]),
            token("type", &["type"]),
            token("category", &["category"]),
            token("identifier", &["masterIdentifier", "identifier"]),
            refer("author", &["author"]),
            refer("custodian", &["custodian"]),
            refer("encounter", &["context.encounter"]),
            refer("related", &["context.related"]),
            refer("relatesto", &["relatesTo.target"]),
            date("date", &["date"]),
            text("description", &["description"]),
            token("contenttype", &["content.attachment.contentType"]),
        ],
        required: &["status", "content"],
        open: false,
    },
    Type {
        name: "Encounter",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            refer("appointment", &["appointment"]),
            refer("participant", &["participant.individual"]),
            refer("based-on", &["basedOn"]),
            token("class", &["class"]),
            token("type", &["type"]),
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            date("date", &["period"]),
        ],
        required: &["status", "class"],
        open: false,
    },
    Type {
        name: "Endpoint",
        parameters: &[
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            text("name", &["name"]),
            token("connection-type", &["connectionType"]),
            token("payload-type", &["payloadType"]),
        ],
        required: &["status", "connectionType", "payloadType", "address"],
        open: true,
    },
    Type {
        name: "HealthcareService",
        parameters: &[
            token("active", &["active"]),
            token("identifier", &["identifier"]),
            text("name", &["name"]),
            only("organization", &["Organization"], &["providedBy"]),
            only("location", &["Location"], &["location"]),
            only("endpoint", &["Endpoint"], &["endpoint"]),
            token("service-type", &["type"]),
            token("service-category", &["category"]),
            token("specialty", &["specialty"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "ImagingStudy",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("identifier", &["identifier"]),
            token("modality", &["series.modality"]),
            token("status", &["status"]),
            token("series", &["series.uid"]),
            refer("basedon", &["basedOn"]),
            date("started", &["started"]),
        ],
        required: &["status", "subject"],
        open: false,
    },
    Type {
        name: "Location",
        parameters: &[
            token("status", &["status"]),
            text("name", &["name", "alias"]),
            text("address-city", &["address.city"]),
            only("organization", &["Organization"], &["managingOrganization"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "List",
        parameters: &[
            token("code", &["code"]),
            date("date", &["date"]),
            token("identifier", &["identifier"]),
            refer("item", &["entry.item"]),
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            refer("source", &["source"]),
            token("status", &["status"]),
            text("title", &["title"]),
        ],
        required: &["status", "mode"],
        open: false,
    },
    Type {
        name: "MedicationRequest",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("status", &["status"]),
            token("intent", &["intent"]),
            token("code", &["medicationCodeableConcept"]),
            token("identifier", &["identifier"]),
            date("authoredon", &["authoredOn"]),
        ],
        required: &["status", "intent", "subject"],
        open: false,
    },
    Type {
        name: "MedicationStatement",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("status", &["status"]),
            token("code", &["medicationCodeableConcept"]),
            token("identifier", &["identifier"]),
            date("effective", &["effectiveDateTime", "effectivePeriod"]),
        ],
        required: &["status", "subject"],
        open: false,
    },
    Type {
        name: "Observation",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("code", &["code"]),
            token("category", &["category"]),
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            token("method", &["method"]),
            token("value-concept", &["valueCodeableConcept"]),
            text("value-string", &["valueString"]),
            refer("focus", &["focus"]),
            refer("has-member", &["hasMember"]),
            refer("derived-from", &["derivedFrom"]),
            refer("encounter", &["encounter"]),
            refer("performer", &["performer"]),
            date("date", &["effectiveDateTime", "effectivePeriod", "effectiveInstant"]),
        ],
        required: &["status", "code"],
        open: false,
    },
    Type {
        name: "Organization",
        parameters: &[
            token("active", &["active"]),
            token("identifier", &["identifier"]),
            text("name", &["name", "alias"]),
            refer("partof", &["partOf"]),
            token("type", &["type"]),
            text("address-city", &["address.city"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "Patient",
        parameters: &[
            token("identifier", &["identifier"]),
            text("name", NAME),
            text("family", &["name.family"]),
            text("given", &["name.given"]),
            date("birthdate", &["birthDate"]),
            token("gender", &["gender"]),
            token("active", &["active"]),
            token("telecom", &["telecom"]),
            token("phone", &["telecom"]),
            text("address-city", &["address.city"]),
            text("address-postalcode", &["address.postalCode"]),
            refer("organization", &["managingOrganization"]),
            refer("general-practitioner", &["generalPractitioner"]),
        ],
        required: &[],
        open: false,
    },
    Type {
        name: "Practitioner",
        parameters: &[
            token("active", &["active"]),
            token("identifier", &["identifier"]),
            text("name", NAME),
            text("family", &["name.family"]),
            text("given", &["name.given"]),
            token("gender", &["gender"]),
            token("email", &["telecom"]),
            token("telecom", &["telecom"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "PractitionerRole",
        parameters: &[
            token("active", &["active"]),
            token("identifier", &["identifier"]),
            only("practitioner", &["Practitioner"], &["practitioner"]),
            only("organization", &["Organization"], &["organization"]),
            only("location", &["Location"], &["location"]),
            only("endpoint", &["Endpoint"], &["endpoint"]),
            refer("service", &["healthcareService"]),
            token("specialty", &["specialty"]),
            token("role", &["code"]),
            date("date", &["period"]),
        ],
        required: &[],
        open: true,
    },
    Type {
        name: "Procedure",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("code", &["code"]),
            token("category", &["category"]),
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            refer("based-on", &["basedOn"]),
            refer("reason-reference", &["reasonReference"]),
            refer("performer", &["performer.actor"]),
            date("date", &["performedDateTime", "performedPeriod"]),
        ],
        required: &["status", "subject"],
        open: false,
    },
    Type {
        name: "Provenance",
        parameters: &[
            refer("target", &["target"]),
            only("patient", PATIENT, &["target"]),
            refer("agent", &["agent.who"]),
            refer("entity", &["entity.what"]),
            token("signature-type", &["signature.type"]),
            token("agent-type", &["agent.type"]),
            date("recorded", &["recorded"]),
            date("when", &["occurredDateTime"]),
        ],
        required: &["target", "recorded", "agent"],
        open: false,
    },
    Type {
        name: "QuestionnaireResponse",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("status", &["status"]),
            token("identifier", &["identifier"]),
            date("authored", &["authored"]),
        ],
        required: &["status"],
        open: false,
    },
    Type {
        name: "RequestGroup",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("status", &["status"]),
            token("intent", &["intent"]),
            token("identifier", &["identifier"]),
            date("authored", &["authoredOn"]),
        ],
        required: &["status", "intent"],
        open: false,
    },
    Type {
        name: "ServiceRequest",
        parameters: &[
            only("patient", PATIENT, &["subject"]),
            refer("subject", &["subject"]),
            token("code", &["code"]),
            token("category", &["category"]),
            token("status", &["status"]),
            token("intent", &["intent"]),
            token("priority", &["priority"]),
            token("identifier", &["identifier"]),
            refer("performer", &["performer"]),
            refer("requester", &["requester"]),
            refer("based-on", &["basedOn"]),
            refer("encounter", &["encounter"]),
            date("authored", &["authoredOn"]),
            date("occurrence", &["occurrenceDateTime", "occurrencePeriod"]),
        ],
        required: &["status", "intent", "subject"],
        open: false,
    },
    Type {
        name: "Task",
        parameters: &[
            only("patient", PATIENT, &["for"]),
            refer("subject", &["for"]),
            refer("focus", &["focus"]),
            refer("based-on", &["basedOn"]),
            refer("owner", &["owner"]),
            refer("requester", &["requester"]),
            token("code", &["code"]),
            token("status", &["status"]),
            token("business-status", &["businessStatus"]),
            token("intent", &["intent"]),
            token("priority", &["priority"]),
            token("identifier", &["identifier"]),
            date("authored-on", &["authoredOn"]),
            date("modified", &["lastModified"]),
            date("period", &["executionPeriod"]),
        ],
        required: &["status", "intent"],
        open: false,
    },
];

/// The type of this name.
pub(crate) fn kind(name: &str) -> Option<&'static Type> {
    TYPES.iter().find(|kind| kind.name == name)
}

impl Type {
    /// The parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'static Parameter> {
        self.parameters.iter().chain(COMMON).find(|parameter| parameter.name == name)
    }

    /// All names, for the message that one is unknown.
    pub(crate) fn names(&self) -> String {
        let mut names: Vec<&str> = self.parameters.iter().chain(COMMON).map(|parameter| parameter.name).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

/// Codes that an element of a resource may have, where HL7 binds it by `required`.
pub(crate) const CODES: &[(&str, &str, &[&str])] = &[
    ("Patient", "gender", &["male", "female", "other", "unknown"]),
    ("CarePlan", "status", REQUEST_STATUS),
    ("CarePlan", "intent", &["proposal", "plan", "order", "option"]),
    ("ServiceRequest", "status", REQUEST_STATUS),
    ("RequestGroup", "status", REQUEST_STATUS),
    (
        "Task",
        "status",
        &[
            "draft",
            "requested",
            "received",
            "accepted",
            "rejected",
            "ready",
            "cancelled",
            "in-progress",
            "on-hold",
            "failed",
            "completed",
            "entered-in-error",
        ],
    ),
    (
        "Appointment",
        "status",
        &[
            "proposed",
            "pending",
            "booked",
            "arrived",
            "fulfilled",
            "cancelled",
            "noshow",
            "entered-in-error",
            "checked-in",
            "waitlist",
        ],
    ),
    ("List", "status", &["current", "retired", "entered-in-error"]),
    ("DocumentReference", "status", &["current", "superseded", "entered-in-error"]),
    (
        "Observation",
        "status",
        &["registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"],
    ),
    (
        "Encounter",
        "status",
        &[
            "planned",
            "arrived",
            "triaged",
            "in-progress",
            "onleave",
            "finished",
            "cancelled",
            "entered-in-error",
            "unknown",
        ],
    ),
];

const REQUEST_STATUS: &[&str] = &["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"];

#[cfg(test)]
mod tests {
    use super::{TYPES, kind};

    #[test]
    fn no_type_names_a_parameter_twice() {
        for found in TYPES {
            let mut names: Vec<&str> = found.parameters.iter().map(|parameter| parameter.name).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{} names a parameter twice", found.name);
        }
        assert!(kind("Patient").is_some(), "patients are kept");
    }
}
