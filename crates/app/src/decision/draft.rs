//! [`Draft`]: a decision while it is written, its form towards the page, and what it lacks for being signed.

use super::codes::{Category, Goal, Guideline, MeasureCode, Occasion, Outcome};
use contract::{DissentView, DraftView, MeasureView, OpenPointView, QuorumView, VoteView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// The decision's content, field by field. What it holds is about a patient, so it does not print.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Draft {
    /// Kind of the conference.
    pub category: Option<Category>,
    /// Why the case is presented.
    pub occasion: Option<Occasion>,
    /// What the therapy aims at.
    pub goal: Option<Goal>,
    /// Consensus or majority.
    pub outcome: Option<Outcome>,
    /// The question it answers.
    pub question: String,
    /// Up to three lines of findings.
    pub findings: Vec<String>,
    /// The decision's text.
    pub text: String,
    /// Measures in order; their ids are unique.
    pub measures: Vec<Measure>,
    /// Open points in order; their ids are unique.
    pub open_points: Vec<OpenPoint>,
    /// Votes, when they were counted.
    pub vote: Option<Vote>,
    /// Dissents; one per person.
    pub dissent: Vec<Dissent>,
    /// Conform or deviating.
    pub guideline: Option<Guideline>,
    /// Name of the guideline, or the reason for the deviation.
    pub guideline_text: String,
    /// When it comes back, in words.
    pub representation: String,
    /// PractitionerRole ids of those present; each once.
    pub present: Vec<String>,
    /// Why it is decided though a discipline is missing.
    pub quorum_reason: String,
    /// Why a signed decision is amended.
    pub amendment_reason: String,
}

/// A measure.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// Our own id, stable through edits and merges.
    pub id: String,
    /// Its code.
    pub code: Option<MeasureCode>,
    /// The measure.
    pub text: String,
    /// Why.
    pub reason: String,
    /// PractitionerRole id of who is responsible.
    pub responsible: Option<String>,
}

/// An open point.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenPoint {
    /// Our own id.
    pub id: String,
    /// What.
    pub text: String,
    /// PractitionerRole id of the owner.
    pub owner: Option<String>,
}

/// Votes counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// For.
    pub agree: u32,
    /// Against.
    pub disagree: u32,
    /// Neither.
    pub abstain: u32,
}

/// A dissent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dissent {
    /// PractitionerRole id.
    pub role: String,
    /// In the person's words.
    pub text: String,
}

/// What the board's rule says of those present.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quorum {
    /// Name and version of the rule, such as `board-ite/1`; absent when the board has none.
    pub rule: Option<String>,
    /// Lines that are met.
    pub met: u32,
    /// Lines in all.
    pub of: u32,
    /// Specialities that are missing, in the record's words.
    pub missing: Vec<String>,
}

impl Quorum {
    /// Holds a rule against the specialities of those present: of each line one must be there. A line of several
    /// specialities that is not met is named by all of them, `Radiologie/Nuklearmedizin`.
    #[must_use]
    pub fn judge(rule: &str, lines: &[Vec<String>], present: &[&str]) -> Self {
        let (met, missing): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line.iter().any(|specialty| present.contains(&specialty.as_str())));
        Self {
            rule: Some(rule.to_owned()),
            met: u32::try_from(met.len()).unwrap_or(u32::MAX),
            of: u32::try_from(lines.len()).unwrap_or(u32::MAX),
            missing: missing.into_iter().map(|line| line.join("/")).collect(),
        }
    }

    /// True when every line is met; true of a board without a rule.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.met >= self.of
    }

    /// Towards the page.
    #[must_use]
    pub fn view(&self) -> QuorumView {
        QuorumView { met: self.met, of: self.of, missing: self.missing.clone() }
    }
}

/// Why what the page sent is no draft.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DraftError {
    /// A code that no list has.
    #[error("{0} holds a code that no list has")]
    Code(&'static str),
    /// An id is empty or used twice.
    #[error("{0} has an id that is empty or used twice")]
    Id(&'static str),
}

impl Draft {
    /// Takes what the page sent.
    ///
    /// # Errors
    /// [`DraftError`] names the field.
    pub fn from_view(view: &DraftView) -> Result<Self, DraftError> {
        unique("measures", view.measures.iter().map(|measure| &measure.id))?;
        unique("open-points", view.open_points.iter().map(|point| &point.id))?;
        unique("dissent", view.dissent.iter().map(|dissent| &dissent.role))?;
        unique("present", view.present.iter())?;
        let measures = view
            .measures
            .iter()
            .map(|measure| {
                Ok(Measure {
                    id: measure.id.clone(),
                    code: coded("measures", measure.code.as_deref(), MeasureCode::from_code)?,
                    text: measure.text.clone(),
                    reason: measure.reason.clone(),
                    responsible: measure.responsible.clone(),
                })
            })
            .collect::<Result<_, _>>()?;
        let open_points = view.open_points.iter().map(|point| OpenPoint {
            id: point.id.clone(),
            text: point.text.clone(),
            owner: point.owner.clone(),
        });
        let dissent = view.dissent.iter().map(|d| Dissent { role: d.role.clone(), text: d.text.clone() });
        Ok(Self {
            category: coded("category", view.category.as_deref(), Category::from_code)?,
            occasion: coded("occasion", view.occasion.as_deref(), Occasion::from_code)?,
            goal: coded("goal", view.goal.as_deref(), Goal::from_code)?,
            outcome: coded("outcome", view.outcome.as_deref(), Outcome::from_code)?,
            question: view.question.clone(),
            findings: view.findings.clone(),
            text: view.text.clone(),
            measures,
            open_points: open_points.collect(),
            vote: view.vote.as_ref().map(|v| Vote { agree: v.agree, disagree: v.disagree, abstain: v.abstain }),
            dissent: dissent.collect(),
            guideline: coded("guideline", view.guideline.as_deref(), Guideline::from_code)?,
            guideline_text: view.guideline_text.clone(),
            representation: view.representation.clone(),
            present: view.present.clone(),
            quorum_reason: view.quorum_reason.clone(),
            amendment_reason: view.amendment_reason.clone(),
        })
    }

    /// Towards the page.
    #[must_use]
    pub fn view(&self) -> DraftView {
        let measures = self.measures.iter().map(|measure| MeasureView {
            id: measure.id.clone(),
            code: measure.code.map(|code| code.code().to_owned()),
            text: measure.text.clone(),
            reason: measure.reason.clone(),
            responsible: measure.responsible.clone(),
        });
        let open_points = self.open_points.iter().map(|point| OpenPointView {
            id: point.id.clone(),
            text: point.text.clone(),
            owner: point.owner.clone(),
        });
        let dissent = self.dissent.iter().map(|d| DissentView { role: d.role.clone(), text: d.text.clone() });
        DraftView {
            category: self.category.map(|code| code.code().to_owned()),
            occasion: self.occasion.map(|code| code.code().to_owned()),
            goal: self.goal.map(|code| code.code().to_owned()),
            outcome: self.outcome.map(|code| code.code().to_owned()),
            question: self.question.clone(),
            findings: self.findings.clone(),
            text: self.text.clone(),
            measures: measures.collect(),
            open_points: open_points.collect(),
            vote: self.vote.map(|v| VoteView { agree: v.agree, disagree: v.disagree, abstain: v.abstain }),
            dissent: dissent.collect(),
            guideline: self.guideline.map(|code| code.code().to_owned()),
            guideline_text: self.guideline_text.clone(),
            representation: self.representation.clone(),
            present: self.present.clone(),
            quorum_reason: self.quorum_reason.clone(),
            amendment_reason: self.amendment_reason.clone(),
        }
    }

    /// The votes that a protocol prints: a consensus is carried by everybody present, whatever was counted before.
    #[must_use]
    pub fn effective_vote(&self) -> Option<Vote> {
        match self.outcome? {
            Outcome::Consensus => {
                let agree = u32::try_from(self.present.len()).unwrap_or(u32::MAX);
                Some(Vote { agree, disagree: 0, abstain: 0 })
            }
            Outcome::Majority => self.vote,
        }
    }
}

/// What keeps a draft from being signed, as keys the page has words for; empty means it can be signed.
///
/// `category` · `outcome` · `text` · `findings` (more than three lines) · `measures` (none) · `measure-code` ·
/// `measure-text` · `measure-none` ("no further therapy" beside a therapy) · `present` (nobody) · `quorum-reason` ·
/// `vote` (majority without counted votes) · `vote-majority` (no more votes for than against) · `vote-count` (more
/// votes than people) · `dissent` (votes against without a dissent) · `dissent-text` (a dissent without words) ·
/// `guideline-text` (a deviation without a reason) · `open-point-text` · `amendment-reason`.
#[must_use]
pub fn missing(draft: &Draft, quorum: &Quorum, amending: bool) -> Vec<String> {
    let no_therapy = |measure: &Measure| measure.code == Some(MeasureCode::Kw);
    let majority = draft.outcome == Some(Outcome::Majority);
    let vote = draft.vote.filter(|_| majority);
    let voters = vote.map(|vote| u64::from(vote.agree) + u64::from(vote.disagree) + u64::from(vote.abstain));
    let against = vote.is_some_and(|vote| vote.disagree > 0);
    let rules = [
        ("category", draft.category.is_none()),
        ("outcome", draft.outcome.is_none()),
        ("text", blank(&draft.text)),
        ("findings", draft.findings.iter().filter(|line| !blank(line)).count() > 3),
        ("measures", draft.measures.is_empty()),
        ("measure-code", draft.measures.iter().any(|measure| measure.code.is_none())),
        // "No further therapy" says all by its code.
        ("measure-text", draft.measures.iter().any(|measure| blank(&measure.text) && !no_therapy(measure))),
        ("measure-none", draft.measures.len() > 1 && draft.measures.iter().any(no_therapy)),
        ("present", draft.present.is_empty()),
        ("quorum-reason", !quorum.is_met() && blank(&draft.quorum_reason)),
        ("vote", majority && vote.is_none()),
        ("vote-majority", vote.is_some_and(|vote| vote.agree <= vote.disagree)),
        ("vote-count", voters.is_some_and(|voters| voters > draft.present.len() as u64)),
        ("dissent", against && draft.dissent.is_empty()),
        ("dissent-text", draft.dissent.iter().any(|dissent| blank(&dissent.text))),
        ("guideline-text", draft.guideline == Some(Guideline::Deviation) && blank(&draft.guideline_text)),
        ("open-point-text", draft.open_points.iter().any(|point| blank(&point.text))),
        ("amendment-reason", amending && blank(&draft.amendment_reason)),
    ];
    rules.into_iter().filter(|(_, lacks)| *lacks).map(|(key, _)| key.to_owned()).collect()
}

fn blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn coded<T>(
    field: &'static str,
    code: Option<&str>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, DraftError> {
    code.map(|code| parse(code).ok_or(DraftError::Code(field))).transpose()
}

fn unique<'a>(field: &'static str, mut ids: impl Iterator<Item = &'a String>) -> Result<(), DraftError> {
    let mut seen = BTreeSet::new();
    if ids.all(|id| !id.is_empty() && seen.insert(id)) { Ok(()) } else { Err(DraftError::Id(field)) }
}

macro_rules! redacted {
    ($($name:ident),+) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), " [not shown]"))
                }
            }
        )+
    };
}
redacted!(Draft, Measure, OpenPoint, Dissent);

#[cfg(test)]
mod tests {
    use super::super::codes::{Guideline, MeasureCode, Outcome};
    use super::super::examples::{auenwald, mohnblatt};
    use super::{Dissent, Draft, DraftError, Quorum, Vote, missing};

    fn met() -> Quorum {
        Quorum { rule: Some("board-ite/1".to_owned()), met: 5, of: 5, missing: Vec::new() }
    }

    #[test]
    fn the_page_gets_back_what_it_sent() {
        for draft in [auenwald(), mohnblatt(), Draft::default()] {
            assert!(Draft::from_view(&draft.view()).as_ref() == Ok(&draft), "every field goes both ways");
        }
    }

    #[test]
    fn what_no_list_has_is_refused() {
        let change = |change: fn(&mut contract::DraftView)| {
            let mut view = auenwald().view();
            change(&mut view);
            Draft::from_view(&view).err()
        };
        assert_eq!(change(|v| v.category = Some("ther".to_owned())), Some(DraftError::Code("category")), "not ours");
        assert_eq!(change(|v| v.measures[0].code = Some("XX".to_owned())), Some(DraftError::Code("measures")), "XX");
        assert_eq!(change(|v| v.measures[1].id = v.measures[0].id.clone()), Some(DraftError::Id("measures")), "twice");
        assert_eq!(change(|v| v.present.push(v.present[0].clone())), Some(DraftError::Id("present")), "twice");
        assert_eq!(change(|v| v.open_points[0].id = String::new()), Some(DraftError::Id("open-points")), "empty");
    }

    #[test]
    fn each_rule_of_completeness_names_what_is_missing() {
        assert_eq!(missing(&auenwald(), &met(), false), [""; 0], "the first case is complete");
        assert_eq!(missing(&mohnblatt(), &met(), false), [""; 0], "the fifth case is complete");
        type Change = fn(&mut Draft);
        let cases: [(&str, Change); 15] = [
            ("category", |d| d.category = None),
            ("outcome", |d| d.outcome = None),
            ("text", |d| d.text = " \n".to_owned()),
            ("findings", |d| d.findings = vec!["a".to_owned(); 4]),
            ("measures", |d| d.measures.clear()),
            ("measure-code", |d| d.measures[0].code = None),
            ("measure-text", |d| d.measures[0].text.clear()),
            ("present", |d| d.present.clear()),
            ("vote", |d| {
                d.outcome = Some(Outcome::Majority);
                d.vote = None;
            }),
            ("vote-majority", |d| {
                d.outcome = Some(Outcome::Majority);
                d.vote = Some(Vote { agree: 3, disagree: 3, abstain: 1 });
                d.dissent = vec![Dissent { role: "dr-weidenlohe".to_owned(), text: "Nein.".to_owned() }];
            }),
            ("vote-count", |d| {
                d.outcome = Some(Outcome::Majority);
                d.vote = Some(Vote { agree: 8, disagree: 0, abstain: 0 });
            }),
            ("dissent", |d| {
                d.outcome = Some(Outcome::Majority);
                d.vote = Some(Vote { agree: 6, disagree: 1, abstain: 0 });
                d.dissent.clear();
            }),
            ("dissent-text", |d| {
                d.dissent = vec![Dissent { role: "dr-weidenlohe".to_owned(), text: String::new() }];
            }),
            ("guideline-text", |d| {
                d.guideline = Some(Guideline::Deviation);
                d.guideline_text.clear();
            }),
            ("open-point-text", |d| d.open_points[0].text.clear()),
        ];
        for (key, change) in cases {
            let mut draft = auenwald();
            change(&mut draft);
            assert_eq!(missing(&draft, &met(), false), [key], "only this is missing");
        }
        let mut draft = auenwald();
        assert_eq!(missing(&draft, &met(), true), ["amendment-reason"], "an amendment says why");
        draft.amendment_reason = "Schreibfehler".to_owned();
        assert_eq!(missing(&draft, &met(), true), [""; 0], "it said why");
        let short = Quorum { met: 4, missing: vec!["Strahlentherapie".to_owned()], ..met() };
        assert_eq!(missing(&draft, &short, false), ["quorum-reason"], "a missing discipline asks for a reason");
        draft.quorum_reason = "Telefonisch zugestimmt".to_owned();
        assert_eq!(missing(&draft, &short, false), [""; 0], "with a reason it can be signed");
    }

    #[test]
    fn no_further_therapy_stands_alone_and_needs_no_text() {
        let mut draft = auenwald();
        draft.measures[0].code = Some(MeasureCode::Kw);
        assert_eq!(missing(&draft, &met(), false), ["measure-none"], "it contradicts the other measures");
        draft.measures.truncate(1);
        draft.measures[0].text.clear();
        assert_eq!(missing(&draft, &met(), false), [""; 0], "alone it says all");
    }

    #[test]
    fn the_rule_of_the_demonstration_board_is_held_against_those_present() {
        let lines: Vec<Vec<String>> = [
            vec!["Radiologie", "Nuklearmedizin"],
            vec!["Pathologie"],
            vec!["Strahlentherapie"],
            vec!["Hämatologie und internistische Onkologie"],
            vec!["Thoraxchirurgie"],
        ]
        .into_iter()
        .map(|line| line.into_iter().map(str::to_owned).collect())
        .collect();
        let present = ["Nuklearmedizin", "Pathologie", "Thoraxchirurgie", "Strahlentherapie"];
        let quorum = Quorum::judge("board-ite/1", &lines, &present);
        assert_eq!((quorum.met, quorum.of, quorum.is_met()), (4, 5, false), "one line is open");
        assert_eq!(quorum.missing, ["Hämatologie und internistische Onkologie"], "and is named");
        let nobody = Quorum::judge("board-ite/1", &lines[..1], &[]);
        assert_eq!(nobody.missing, ["Radiologie/Nuklearmedizin"], "either of them would do");
        assert!(Quorum::default().is_met(), "a board without a rule is always able to decide");
    }

    #[test]
    fn a_draft_does_not_print() {
        let draft = auenwald();
        let printed = format!("{draft:?} {:?} {:?}", draft.measures[0], draft.open_points[0]);
        assert!(!printed.contains("Durvalumab") && !printed.contains("Strahlen"), "{printed}");
    }
}
