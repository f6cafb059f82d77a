//! "Vorgemerkt": a decision that somebody who may sign wants signed while the platform cannot be reached. What was shown
//! is frozen and lies sealed on this device, for that person alone.
//!
//! A mark is no signature and never becomes one by itself. When the platform has exactly this content, the person confirms
//! it in the way in which every decision is signed; when something else stands there, the mark is withdrawn and says
//! what differs.

use super::{
    DecisionSeat,
    seat::{Kept, Server},
    setting::identifier,
    signing::signer_of,
};
use crate::{
    Desk,
    decision::{Field, Merge, Payload, PlanStatus, Setting, compare, differences, read_plan},
    failures,
    session::{ASK_AGAIN, Seat},
    shelf::Owner,
};
use contract::{DecisionView, Failure, FailureCode, Permission, SigningMarkView};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::atomic::Ordering, time::Duration};
use vault::{Sound, StoreError, Table, Vault};

/// A platform that answers something else is asked again after longer and longer, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a person has marked.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// What they were shown.
    #[serde(with = "canonical")]
    payload: Payload,
    /// What that was made of.
    merge: Merge,
    /// The platform's version as it was known.
    pub(crate) server: Option<Server>,
    /// "Dr. Falkenried".
    signer: String,
    pub(crate) at: Timestamp,
    /// Fields in which something else stands now; while the mark stands there are none.
    withdrawn: Option<Vec<String>>,
}

/// A payload lies on the disk in the form that is signed, and in no other form it is read.
mod canonical {
    use crate::decision::Payload;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(payload: &Payload, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&payload.canonical())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Payload, D::Error> {
        Payload::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// This person's marks by patient.
pub(crate) fn marks(vault: &Vault, owner: &Owner) -> BTreeMap<String, Mark> {
    let mine = owner.key("");
    let sound = vault.sound(Table::Marks).unwrap_or_else(|error| {
        tracing::error!(%error, "marks for signing cannot be read");
        Sound::default()
    });
    let of_person = sound.values.iter().filter_map(|(key, value)| {
        let patient = key.reveal().strip_prefix(mine.as_str())?;
        // A mark of a form that this version does not read is left where it is.
        Some((patient.to_owned(), serde_json::from_slice(value.reveal()).ok()?))
    });
    of_person.collect()
}

impl Mark {
    /// False once something else stood on the platform.
    pub(crate) fn stands(&self) -> bool {
        self.withdrawn.is_none()
    }

    /// What the decision opens with. What somebody typed since on this device is not given up for the mark.
    pub(super) fn kept_instead_of(&self, kept: Option<Kept>) -> Option<Kept> {
        let same = kept.as_ref().is_none_or(|kept| kept.merge.draft == self.merge.draft && !kept.amending);
        if same && self.stands() {
            Some(Kept { merge: self.merge.clone(), amending: false, changed: self.at })
        } else {
            kept
        }
    }

    /// The agenda moves on, and the next board is another one; what was marked stays with its conference.
    pub(super) fn keep_conference(&self, setting: &mut Setting) {
        if !self.stands() {
            return;
        }
        setting.created.clone_from(&self.payload.created);
        setting.board.clone_from(&self.payload.board);
        setting.identifier = identifier(&setting.created, &setting.board.id, &setting.patient.id);
    }

    /// The fields in which a draft is another one than what was marked.
    fn against_draft(&self, now: &Merge) -> Vec<String> {
        let different = differences(&self.merge.draft, &now.draft);
        let mut fields: Vec<String> = different.iter().chain(&now.conflicts).map(Field::name).collect();
        // The order of dissents has no name of its own.
        if fields.is_empty() && self.merge.draft != now.draft {
            fields.push("dissent".to_owned());
        }
        fields
    }

    /// The elements in which somebody signed something else than what was marked.
    fn against_signed(&self, plan: &Value) -> Vec<String> {
        self.without_new_id(compare(&self.payload, plan, None))
    }

    /// The elements in which a payload is another one than what was marked.
    fn against_payload(&self, now: &Payload) -> Vec<String> {
        self.without_new_id(self.payload.differences(now))
    }

    /// A decision that the platform did not have when it was marked gets its id from there.
    fn without_new_id(&self, mut fields: Vec<String>) -> Vec<String> {
        fields.retain(|field| field != "id" || !self.payload.id.is_empty());
        fields
    }
}

impl DecisionSeat {
    /// It is not written meanwhile.
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.as_ref().is_some_and(|mark| mark.stands())
    }

    /// Freezes what was previewed, and gives what was marked before.
    fn freeze(&mut self, sha256: &str, signer: String, at: Timestamp) -> Result<Option<Box<Mark>>, Failure> {
        if self.is_signed() {
            return Err(Failure::new(FailureCode::AlreadySigned, ""));
        }
        let seen = self.preview.as_ref().filter(|seen| !seen.second && seen.payload.sha256() == sha256);
        let seen = seen.filter(|_| self.signing.is_none() && self.merge.conflicts.is_empty());
        let Some(seen) = seen else {
            return Err(Failure::new(FailureCode::Conflict, "the decision changed after the preview"));
        };
        let (payload, merge, server) = (seen.payload.clone(), self.merge.clone(), self.server.clone());
        self.failure = None;
        Ok(self.mark.replace(Box::new(Mark { payload, merge, server, signer, at, withdrawn: None })))
    }

    /// Holds the mark against what stands here now, and withdraws it if that is something else. What was signed as it was
    /// marked needs no mark any longer.
    pub(super) fn hold_mark(&mut self) {
        let signed = self.is_signed();
        let Some(mark) = self.mark.as_mut().filter(|mark| mark.stands()) else { return };
        let fields = match &self.server {
            Some(server) if signed => mark.against_signed(&server.resource),
            Some(_) | None => mark.against_draft(&self.merge),
        };
        if !fields.is_empty() {
            mark.withdrawn = Some(fields);
            self.mark_changed = true;
        } else if signed {
            self.mark = None;
            self.mark_changed = true;
        }
    }

    /// Whether a payload that would be signed is what was marked, where something is; otherwise the mark is withdrawn.
    pub(super) fn covers(&mut self, payload: &Payload) -> bool {
        let Some(mark) = self.mark.as_mut().filter(|mark| mark.stands()) else { return true };
        let fields = mark.against_payload(payload);
        if fields.is_empty() {
            return true;
        }
        mark.withdrawn = Some(fields);
        self.mark_changed = true;
        false
    }

    /// `online` says whether the platform answers.
    pub(super) fn mark_view(&self, online: bool) -> Option<SigningMarkView> {
        let mark = self.mark.as_ref()?;
        let (by, at) = (mark.signer.clone(), mark.at.to_string());
        if let Some(fields) = &mark.withdrawn {
            return Some(SigningMarkView::Withdrawn { at, fields: fields.clone() });
        }
        let sha256 = mark.payload.sha256();
        let there = !self.dirty && self.server.as_ref().is_some_and(|server| server.read);
        Some(if online && there {
            SigningMarkView::Ready { by, at, sha256 }
        } else {
            SigningMarkView::Waiting { by, at, sha256 }
        })
    }
}

impl Desk {
    pub(crate) async fn mark_decision(&self, patient: &str, sha256: &str) -> Result<DecisionView, Failure> {
        let taken = self.may(Permission::SignDecision)?;
        let signer = signer_of(&taken);
        // Frozen first: nothing is written into it while it goes to the disk.
        let former = self.with_decision(patient, |seat| seat.freeze(sha256, signer, Timestamp::now()))??;
        if let Err(failure) = self.keep_marked(patient).await {
            self.with_decision(patient, |seat| seat.mark = former)?;
            return Err(failure);
        }
        tracing::info!("a decision was marked for signing");
        self.push_later(patient);
        self.look_if_unseen(patient);
        self.decision_view(patient)
    }

    /// Draft and mark are on this device's disk when this returns without a failure.
    async fn keep_marked(&self, patient: &str) -> Result<(), Failure> {
        self.keep_draft(patient).await?;
        self.write_mark(patient).await
    }

    pub(crate) async fn withdraw_mark(&self, patient: &str) -> Result<DecisionView, Failure> {
        self.may(Permission::SignDecision)?;
        let former = self.with_decision(patient, |seat| {
            if seat.signing.is_some() {
                return Err(Failure::new(FailureCode::Conflict, "the browser asks who signs"));
            }
            Ok(seat.mark.take())
        })??;
        if let Err(failure) = self.write_mark(patient).await {
            self.with_decision(patient, |seat| seat.mark = former)?;
            return Err(failure);
        }
        self.decision_view(patient)
    }

    /// What this person has marked of a patient's decision.
    pub(super) async fn kept_mark(&self, owner: &Owner, patient: &str) -> Option<Box<Mark>> {
        let key = owner.key(patient);
        match self.with_vault(move |vault| vault.get(Table::Marks, &key)).await {
            // A mark of a form that this version does not read is left where it is.
            Ok(bytes) => bytes.and_then(|bytes| serde_json::from_slice(bytes.reveal()).ok()),
            Err(failure) => {
                tracing::error!(code = ?failure.code, "a mark for signing cannot be read");
                None
            }
        }
    }

    /// Brings the disk to what has become of the open decision's mark.
    pub(crate) async fn keep_mark(&self, patient: &str) {
        let changed = self.with_decision(patient, |seat| (seat.mark_changed, seat.mark.is_none() && seat.is_signed()));
        let Ok((true, signed)) = changed else { return };
        if let Err(failure) = self.write_mark(patient).await {
            // It is held against the platform's version again before anything is signed.
            tracing::warn!(code = ?failure.code, "the mark on disk is not what it should be");
        }
        if signed {
            self.forget_draft(patient).await;
        }
    }

    async fn write_mark(&self, patient: &str) -> Result<(), Failure> {
        // One writer at a time: an older state never follows a newer one.
        let _turn = self.0.marks_kept.lock().await;
        let Some((key, mark)) = self.mark_to_write(patient) else { return Ok(()) };
        let written = self.with_vault(move |vault| match mark {
            Some(mark) => put(vault, &key, &mark),
            None => vault.delete(Table::Marks, &key).map(drop),
        });
        let written = written.await;
        if written.is_err() {
            let _closed = self.with_decision(patient, |seat| seat.mark_changed = true);
        }
        written
    }

    /// The mark of the open decision and its key, both of whoever sits here.
    fn mark_to_write(&self, patient: &str) -> Option<(String, Option<Box<Mark>>)> {
        let mut state = self.state();
        let owner = match &state.seat {
            Seat::Taken(taken) => Owner::of(taken),
            Seat::Out { .. } | Seat::Waiting { .. } => return None,
        };
        let seat = state.case.as_mut().filter(|case| case.patient == patient)?.decision.as_mut()?;
        seat.mark_changed = false;
        Some((owner.key(patient), seat.mark.clone()))
    }

    /// The open decision's patient, if it is marked, or was found to be signed and its signature is not read yet.
    fn marked_patient(&self) -> Option<String> {
        let state = self.state();
        let case = state.case.as_ref()?;
        let unread = |seat: &DecisionSeat| seat.is_signed() && !seat.amending && seat.signature.is_none();
        case.decision.as_ref().filter(|seat| seat.is_marked() || unread(seat)).map(|_| case.patient.clone())
    }

    /// Whether the open decision can be signed depends on whether the platform answers.
    pub(crate) fn tell_marked_decision(&self) {
        if let Some(patient) = self.marked_patient() {
            self.tell_decision(&patient);
        }
    }

    /// The platform answers again: what is marked is brought there, and held against what it has.
    pub(crate) async fn look_at_marked_decision(self) {
        // The newest looks, and the one before it ends.
        let turn = self.0.mark_looks.fetch_add(1, Ordering::Relaxed) + 1;
        let mut pause = ASK_AGAIN;
        while let Some(patient) = self.marked_patient() {
            let looked = self.bring_marked(&patient).await;
            self.tell_decision(&patient);
            let Err(failure) = looked else { return };
            tracing::info!(code = ?failure.code, "what is marked still waits for the platform");
            // Its return looks again.
            if self.is_offline() {
                return;
            }
            tokio::time::sleep(pause).await;
            if self.0.mark_looks.load(Ordering::Relaxed) != turn {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What was marked over a version that nobody has seen since is looked at where the platform answers.
    pub(super) fn look_if_unseen(&self, patient: &str) {
        let unseen =
            |seat: &mut DecisionSeat| seat.is_marked() && seat.server.as_ref().is_some_and(|server| !server.read);
        if !self.is_offline() && self.with_decision(patient, unseen) == Ok(true) {
            tokio::spawn(self.clone().look_at_marked_decision());
        }
    }

    /// The platform has exactly what is marked, or the mark is withdrawn, when this returns without a failure.
    pub(super) async fn bring_marked(&self, patient: &str) -> Result<(), Failure> {
        let (_, fhir) = self.seated()?;
        let known = self.with_decision(patient, |seat| {
            seat.server.as_ref().and_then(|server| Some((server.id()?, server.version.clone())))
        })?;
        if let Some((id, version)) = known {
            let newest = fhir.read("CarePlan", &id).await.map_err(|error| {
                self.note_reachability(&error);
                failures::of_fhir(&error)
            })?;
            let there = read_plan(&newest.resource)
                .map_err(|error| Failure::new(FailureCode::AnswerUnreadable, error.to_string()))?;
            // What was sent meanwhile has brought a newer one.
            let draft = self.with_decision(patient, |seat| {
                let same = seat.server.as_ref().is_some_and(|server| server.version == version);
                same.then(|| seat.merge.draft.clone())
            })?;
            if let Some(draft) = draft {
                self.stored(patient, &draft, newest)?;
                self.keep_mark(patient).await;
                if there.status != PlanStatus::Draft {
                    self.load_signature(&fhir, patient).await?;
                }
            }
        }
        self.push_draft(patient).await
    }
}

/// A mark of a decision that is not open, once more on the disk.
pub(super) fn put(vault: &Vault, key: &str, mark: &Mark) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(mark).map_err(|error| StoreError::Failed(error.to_string()))?;
    vault.put(Table::Marks, key, &bytes)
}

#[cfg(test)]
mod tests {
    use super::Mark;
    use crate::{
        decision::{
            Draft, Merge, Payload, Revision, Setting, draft_plan,
            examples::{auenwald, auenwald_setting},
            signed_plan,
        },
        decisions::{
            DecisionSeat,
            seat::{Preview, Server},
        },
    };
    use contract::{FailureCode, SigningMarkView};
    use jiff::Timestamp;
    use serde_json::Value;

    fn payload(draft: &Draft) -> Payload {
        Payload::build(draft, &auenwald_setting(), &Revision::first()).expect("it is complete")
    }

    fn there(resource: Value) -> Server {
        Server { resource, version: "1".to_owned(), read: true }
    }

    /// The first case's decision, written over `theirs`, and previewed.
    fn previewed(mine: Draft, theirs: Draft) -> DecisionSeat {
        let plan = draft_plan(&theirs, &auenwald_setting(), None).expect("it can be written");
        let dirty = mine != theirs;
        let payload = payload(&mine);
        let mut seat = DecisionSeat::new(Merge::settled(mine, theirs), Some(there(plan)), None, dirty, false);
        seat.preview = Some(Preview { payload, second: false });
        seat
    }

    fn marked(mine: Draft, theirs: Draft) -> DecisionSeat {
        let sha256 = payload(&mine).sha256();
        let mut seat = previewed(mine, theirs);
        let former = seat.freeze(&sha256, "Dr. Falkenried".to_owned(), Timestamp::UNIX_EPOCH).expect("it was shown");
        assert!(former.is_none(), "nothing was marked before");
        seat
    }

    fn withdrawn(seat: &DecisionSeat) -> Option<Vec<String>> {
        match seat.mark_view(true)? {
            SigningMarkView::Withdrawn { fields, .. } => Some(fields),
            SigningMarkView::Waiting { .. } | SigningMarkView::Ready { .. } => None,
        }
    }

    #[test]
    fn only_what_was_shown_is_marked() {
        let mut seat = previewed(auenwald(), auenwald());
        let other = seat.freeze(&"0".repeat(64), String::new(), Timestamp::UNIX_EPOCH).err();
        assert_eq!(other.map(|failure| failure.code), Some(FailureCode::Conflict), "another hash");
        let sha256 = payload(&auenwald()).sha256();
        seat.preview = None;
        let unseen = seat.freeze(&sha256, String::new(), Timestamp::UNIX_EPOCH).err();
        assert_eq!(unseen.map(|failure| failure.code), Some(FailureCode::Conflict), "nothing was shown");
        assert!(!seat.is_marked(), "so nothing is marked");
    }

    #[test]
    fn a_mark_waits_until_the_platform_answers_and_has_exactly_this() {
        let seat = marked(auenwald(), auenwald());
        assert!(matches!(seat.mark_view(true), Some(SigningMarkView::Ready { .. })), "the platform has it");
        assert!(matches!(seat.mark_view(false), Some(SigningMarkView::Waiting { .. })), "and does not answer");
        let seat = marked(auenwald(), Draft { text: String::new(), ..auenwald() });
        assert!(matches!(seat.mark_view(true), Some(SigningMarkView::Waiting { .. })), "the platform lacks the text");
        let mut seat = marked(auenwald(), auenwald());
        seat.server.as_mut().expect("a version").read = false;
        assert!(matches!(seat.mark_view(true), Some(SigningMarkView::Waiting { .. })), "nobody has looked yet");
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_withdraws_the_mark_and_is_named() {
        let mut seat = marked(auenwald(), auenwald());
        let mut theirs = auenwald();
        theirs.measures[1].text.push_str(", nicht simultan");
        seat.take_theirs(&theirs);
        seat.hold_mark();
        assert_eq!(withdrawn(&seat), Some(vec!["measure/m-2".to_owned()]), "the measure");
        assert!(!seat.is_marked() && seat.mark_changed, "it no longer holds, which the disk is to learn");
        // Going back to what was marked brings no mark back.
        seat.take_theirs(&auenwald());
        seat.hold_mark();
        assert!(withdrawn(&seat).is_some(), "withdrawn for good");
    }

    #[test]
    fn a_field_in_which_both_wrote_withdraws_the_mark_too() {
        let mut seat = marked(auenwald(), Draft { text: "Erste Fassung.".to_owned(), ..auenwald() });
        seat.take_theirs(&Draft { text: "Von jemand anderem.".to_owned(), ..auenwald() });
        seat.hold_mark();
        assert_eq!(withdrawn(&seat), Some(vec!["text".to_owned()]), "the text waits for a choice");
    }

    #[test]
    fn the_same_content_by_another_hand_is_what_was_marked() {
        let mut seat = marked(auenwald(), Draft { text: "Erste Fassung.".to_owned(), ..auenwald() });
        seat.take_theirs(&auenwald());
        seat.hold_mark();
        assert!(matches!(seat.mark_view(true), Some(SigningMarkView::Ready { .. })), "exactly this content is there");
    }

    #[test]
    fn what_was_signed_as_it_was_marked_needs_no_mark_and_anything_else_is_named() {
        let signed = |draft: &Draft| {
            let plan = signed_plan(draft, &auenwald_setting(), &payload(draft), None);
            Some(there(plan.expect("it can be written")))
        };
        let mut seat = marked(auenwald(), auenwald());
        seat.server = signed(&auenwald());
        seat.hold_mark();
        assert!(seat.mark.is_none() && seat.mark_changed, "it is done");
        let mut seat = marked(auenwald(), auenwald());
        seat.server = signed(&Draft { text: "Anderes.".to_owned(), ..auenwald() });
        seat.hold_mark();
        assert_eq!(withdrawn(&seat), Some(vec!["text".to_owned()]), "somebody signed another text");
    }

    #[test]
    fn a_record_that_says_something_else_withdraws_the_mark_and_a_new_id_does_not() {
        let other = |id: &str, day: &str| {
            let mut setting = auenwald_setting();
            (setting.id, setting.created) = (id.to_owned(), day.to_owned());
            Payload::build(&auenwald(), &setting, &Revision::first()).expect("it is complete")
        };
        let day = auenwald_setting().created;
        let mut seat = previewed(auenwald(), auenwald());
        let without_id = other("", &day);
        let sha256 = without_id.sha256();
        seat.preview = Some(Preview { payload: without_id, second: false });
        seat.freeze(&sha256, String::new(), Timestamp::UNIX_EPOCH).expect("it was shown");
        assert!(seat.covers(&other("dec-1", &day)), "the platform has given it its id");
        assert!(!seat.covers(&other("dec-1", "2026-11-25")), "another day");
        assert_eq!(withdrawn(&seat), Some(vec!["created".to_owned()]), "which is named");
        let mut seat = marked(auenwald(), auenwald());
        assert!(!seat.covers(&other("dec-1", &day)), "a decision that had an id keeps it");
    }

    #[test]
    fn what_is_marked_stays_with_its_conference_when_the_agenda_has_moved_on() {
        let next_week = || {
            let mut setting = auenwald_setting();
            setting.created = "2026-12-01".to_owned();
            setting.board.session = Some("board-next".to_owned());
            setting.identifier = "of next week".to_owned();
            setting
        };
        let (mut seat, mut setting, as_it_was) = (marked(auenwald(), auenwald()), next_week(), auenwald_setting());
        seat.mark.as_deref().expect("it is marked").keep_conference(&mut setting);
        let named = |setting: &Setting| (setting.created.clone(), setting.board.session.clone());
        assert_eq!(named(&setting), named(&as_it_was), "its day and its session");
        let (board, patient) = (&as_it_was.board.id, &as_it_was.patient.id);
        assert_eq!(setting.identifier, format!("{}/{board}/{patient}", as_it_was.created), "and its name");
        let payload = Payload::build(&auenwald(), &setting, &Revision::first()).expect("it is complete");
        assert!(seat.covers(&payload), "which is what was marked");

        seat.mark.as_mut().expect("it is marked").withdrawn = Some(vec!["text".to_owned()]);
        let mut setting = next_week();
        seat.mark.as_deref().expect("it is there").keep_conference(&mut setting);
        assert_eq!(named(&setting), named(&next_week()), "what is withdrawn holds nothing");
    }

    #[test]
    fn a_mark_is_read_only_in_the_form_that_was_shown() {
        let seat = marked(auenwald(), auenwald());
        let mark = seat.mark.as_deref().expect("it is marked");
        let kept = serde_json::to_value(mark).expect("it is plain data");
        let canonical = payload(&auenwald()).canonical();
        assert_eq!(kept["payload"].as_str(), Some(canonical.as_str()), "the bytes themselves");
        let back: Mark = serde_json::from_value(kept.clone()).expect("it is read");
        assert!(back.payload == mark.payload && back.stands(), "as it was");
        let mut spaced = kept;
        spaced["payload"] = Value::String(canonical.replacen(':', ": ", 1));
        assert!(serde_json::from_value::<Mark>(spaced).is_err(), "another form of the same content");
    }
}
