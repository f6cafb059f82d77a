//! Three-way merge by field: what one side changed is taken over, and where both wrote something
//! different both texts stay until a person chooses.

use super::draft::{Dissent, Draft, Measure, OpenPoint};
use contract::{ConflictView, MergedView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use thiserror::Error;

/// A field that is merged as one piece.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Kind of the conference.
    Category,
    /// Why the case is presented.
    Occasion,
    /// What the therapy aims at.
    Goal,
    /// Consensus or majority.
    Outcome,
    /// The question.
    Question,
    /// The lines of findings, together.
    Findings,
    /// The decision's text.
    Text,
    /// A measure by its id. Its code, text, reason and person belong together: half of one and half of another
    /// measure would be a recommendation that nobody made.
    Measure(String),
    /// In which order the measures stand.
    MeasureOrder,
    /// An open point by its id.
    OpenPoint(String),
    /// In which order the open points stand.
    OpenPointOrder,
    /// The counted votes.
    Vote,
    /// A person's dissent.
    Dissent(String),
    /// Conform or deviating.
    Guideline,
    /// Name or reason.
    GuidelineText,
    /// When it comes back.
    Representation,
    /// Who is present. Added and removed people are merged one by one, so this field never conflicts.
    Present,
    /// Why it is decided without a discipline.
    QuorumReason,
    /// Why it is amended.
    AmendmentReason,
}

impl Field {
    /// As the page knows it: `text`, `measure/<id>`, `guideline-text`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Category => "category".to_owned(),
            Self::Occasion => "occasion".to_owned(),
            Self::Goal => "goal".to_owned(),
            Self::Outcome => "outcome".to_owned(),
            Self::Question => "question".to_owned(),
            Self::Findings => "findings".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Measure(id) => format!("measure/{id}"),
            Self::MeasureOrder => "measure-order".to_owned(),
            Self::OpenPoint(id) => format!("open-point/{id}"),
            Self::OpenPointOrder => "open-point-order".to_owned(),
            Self::Vote => "vote".to_owned(),
            Self::Dissent(role) => format!("dissent/{role}"),
            Self::Guideline => "guideline".to_owned(),
            Self::GuidelineText => "guideline-text".to_owned(),
            Self::Representation => "representation".to_owned(),
            Self::Present => "present".to_owned(),
            Self::QuorumReason => "quorum-reason".to_owned(),
            Self::AmendmentReason => "amendment-reason".to_owned(),
        }
    }

    /// What a draft says in this field, for showing two versions beside each other. Codes stay codes; a measure that
    /// is not there is an empty text.
    #[must_use]
    pub fn shown(&self, draft: &Draft) -> String {
        let code = |code: Option<&'static str>| code.unwrap_or_default().to_owned();
        match self {
            Self::Category => code(draft.category.map(|c| c.code())),
            Self::Occasion => code(draft.occasion.map(|c| c.code())),
            Self::Goal => code(draft.goal.map(|c| c.code())),
            Self::Outcome => code(draft.outcome.map(|c| c.code())),
            Self::Question => draft.question.clone(),
            Self::Findings => draft.findings.join("\n"),
            Self::Text => draft.text.clone(),
            Self::Measure(id) => find(&draft.measures, id).map(shown_measure).unwrap_or_default(),
            Self::MeasureOrder => draft.measures.iter().map(|m| m.text.as_str()).collect::<Vec<_>>().join("\n"),
            Self::OpenPoint(id) => find(&draft.open_points, id).map(shown_point).unwrap_or_default(),
            Self::OpenPointOrder => draft.open_points.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join("\n"),
            Self::Vote => draft.vote.map(|v| format!("{}:{}:{}", v.agree, v.disagree, v.abstain)).unwrap_or_default(),
            Self::Dissent(role) => find(&draft.dissent, role).map(|d| d.text.clone()).unwrap_or_default(),
            Self::Guideline => code(draft.guideline.map(|c| c.code())),
            Self::GuidelineText => draft.guideline_text.clone(),
            Self::Representation => draft.representation.clone(),
            Self::Present => draft.present.join("\n"),
            Self::QuorumReason => draft.quorum_reason.clone(),
            Self::AmendmentReason => draft.amendment_reason.clone(),
        }
    }

    fn same(&self, a: &Draft, b: &Draft) -> bool {
        match self {
            Self::Category => a.category == b.category,
            Self::Occasion => a.occasion == b.occasion,
            Self::Goal => a.goal == b.goal,
            Self::Outcome => a.outcome == b.outcome,
            Self::Question => a.question == b.question,
            Self::Findings => a.findings == b.findings,
            Self::Text => a.text == b.text,
            Self::Measure(id) => find(&a.measures, id) == find(&b.measures, id),
            Self::MeasureOrder => shared_keys(&a.measures, &b.measures) == shared_keys(&b.measures, &a.measures),
            Self::OpenPoint(id) => find(&a.open_points, id) == find(&b.open_points, id),
            Self::OpenPointOrder => {
                shared_keys(&a.open_points, &b.open_points) == shared_keys(&b.open_points, &a.open_points)
            }
            Self::Vote => a.vote == b.vote,
            Self::Dissent(role) => find(&a.dissent, role) == find(&b.dissent, role),
            Self::Guideline => a.guideline == b.guideline,
            Self::GuidelineText => a.guideline_text == b.guideline_text,
            Self::Representation => a.representation == b.representation,
            Self::Present => a.present == b.present,
            Self::QuorumReason => a.quorum_reason == b.quorum_reason,
            Self::AmendmentReason => a.amendment_reason == b.amendment_reason,
        }
    }

    fn take(&self, to: &mut Draft, from: &Draft) {
        match self {
            Self::Category => to.category = from.category,
            Self::Occasion => to.occasion = from.occasion,
            Self::Goal => to.goal = from.goal,
            Self::Outcome => to.outcome = from.outcome,
            Self::Question => to.question.clone_from(&from.question),
            Self::Findings => to.findings.clone_from(&from.findings),
            Self::Text => to.text.clone_from(&from.text),
            Self::Measure(id) => take_item(&mut to.measures, &from.measures, id),
            Self::MeasureOrder => reorder(&mut to.measures, &from.measures),
            Self::OpenPoint(id) => take_item(&mut to.open_points, &from.open_points, id),
            Self::OpenPointOrder => reorder(&mut to.open_points, &from.open_points),
            Self::Vote => to.vote = from.vote,
            Self::Dissent(role) => take_item(&mut to.dissent, &from.dissent, role),
            Self::Guideline => to.guideline = from.guideline,
            Self::GuidelineText => to.guideline_text.clone_from(&from.guideline_text),
            Self::Representation => to.representation.clone_from(&from.representation),
            Self::Present => to.present.clone_from(&from.present),
            Self::QuorumReason => to.quorum_reason.clone_from(&from.quorum_reason),
            Self::AmendmentReason => to.amendment_reason.clone_from(&from.amendment_reason),
        }
    }
}

/// The fields that are one value each.
const PLAIN: [Field; 13] = [
    Field::Category,
    Field::Occasion,
    Field::Goal,
    Field::Outcome,
    Field::Question,
    Field::Findings,
    Field::Text,
    Field::Vote,
    Field::Guideline,
    Field::GuidelineText,
    Field::Representation,
    Field::QuorumReason,
    Field::AmendmentReason,
];

/// Two versions brought together. It can be written down with its open conflicts and taken up again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Merge {
    /// What stands now. In a field with a conflict it is what is here.
    pub draft: Draft,
    /// What is on the platform: the other side of each conflict, and the base of the next merge.
    pub theirs: Draft,
    /// Fields taken over from the platform.
    pub merged: Vec<Field>,
    /// Fields in which both sides wrote something different.
    pub conflicts: Vec<Field>,
}

/// A choice that has no conflict to settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there is no conflict in this field")]
pub struct ChoiceError;

/// Brings `mine` and `theirs` together, which both began as `base`.
#[must_use]
pub fn merge(base: &Draft, mine: &Draft, theirs: &Draft) -> Merge {
    let mut merge = Merge { draft: mine.clone(), theirs: theirs.clone(), merged: Vec::new(), conflicts: Vec::new() };
    for field in PLAIN {
        if field.same(mine, theirs) || field.same(base, theirs) {
            continue;
        }
        if field.same(base, mine) {
            field.take(&mut merge.draft, theirs);
            merge.merged.push(field);
        } else {
            merge.conflicts.push(field);
        }
    }
    let measures = merge_list(&base.measures, &mine.measures, &theirs.measures);
    merge.draft.measures = merge.note(measures, Field::Measure, Some(Field::MeasureOrder));
    let points = merge_list(&base.open_points, &mine.open_points, &theirs.open_points);
    merge.draft.open_points = merge.note(points, Field::OpenPoint, Some(Field::OpenPointOrder));
    let dissent = merge_list(&base.dissent, &mine.dissent, &theirs.dissent);
    merge.draft.dissent = merge.note(dissent, Field::Dissent, None);
    let present = merge_list(&base.present, &mine.present, &theirs.present);
    if !present.taken.is_empty() {
        merge.merged.push(Field::Present);
    }
    merge.draft.present = present.items;
    merge
}

/// The fields in which two drafts say something different. The order of dissents is none of them.
#[must_use]
pub fn differences(one: &Draft, other: &Draft) -> Vec<Field> {
    let measures = keys(&one.measures, &other.measures).into_iter().map(Field::Measure);
    let points = keys(&one.open_points, &other.open_points).into_iter().map(Field::OpenPoint);
    let dissents = keys(&one.dissent, &other.dissent).into_iter().map(Field::Dissent);
    let orders = [Field::MeasureOrder, Field::OpenPointOrder, Field::Present];
    let mut fields: Vec<Field> =
        PLAIN.into_iter().chain(measures).chain(points).chain(dissents).chain(orders).collect();
    fields.retain(|field| !field.same(one, other));
    fields
}

impl Merge {
    /// A draft beside which nothing else stands.
    #[must_use]
    pub fn settled(draft: Draft, theirs: Draft) -> Self {
        Self { draft, theirs, merged: Vec::new(), conflicts: Vec::new() }
    }

    /// Brings in a still newer version. A conflict that nobody has settled stays one, unless the two sides agree now.
    #[must_use]
    pub fn onto(&self, theirs: &Draft) -> Self {
        let mut next = merge(&self.theirs, &self.draft, theirs);
        for field in &self.conflicts {
            if !next.conflicts.contains(field) && !field.same(&self.draft, theirs) {
                // Without the mark a field in which only they wrote again would be taken over in silence.
                if next.merged.contains(field) {
                    field.take(&mut next.draft, &self.draft);
                    next.merged.retain(|merged| merged != field);
                }
                next.conflicts.push(field.clone());
            }
        }
        next
    }

    /// Settles the conflict in the field that the page names.
    ///
    /// # Errors
    /// [`ChoiceError`] when there is none in that field.
    pub fn choose(&mut self, field: &str, keep_mine: bool) -> Result<(), ChoiceError> {
        let at = self.conflicts.iter().position(|open| open.name() == field).ok_or(ChoiceError)?;
        let field = self.conflicts.remove(at);
        if !keep_mine {
            field.take(&mut self.draft, &self.theirs);
        }
        Ok(())
    }

    /// The open conflicts towards the page.
    #[must_use]
    pub fn conflict_views(&self, by: Option<&str>) -> Vec<ConflictView> {
        let view = |field: &Field| ConflictView {
            field: field.name(),
            mine: field.shown(&self.draft),
            theirs: field.shown(&self.theirs),
            by: by.map(str::to_owned),
        };
        self.conflicts.iter().map(view).collect()
    }

    /// What was taken over, towards the page.
    #[must_use]
    pub fn merged_views(&self, by: Option<&str>) -> Vec<MergedView> {
        self.merged.iter().map(|field| MergedView { field: field.name(), by: by.map(str::to_owned) }).collect()
    }

    fn note<T>(&mut self, list: ListMerge<T>, item: fn(String) -> Field, order: Option<Field>) -> Vec<T> {
        self.merged.extend(list.taken.into_iter().map(item));
        self.conflicts.extend(list.clashes.into_iter().map(item));
        match list.order {
            Order::Kept => {}
            Order::Taken => self.merged.extend(order),
            Order::Clash => self.conflicts.extend(order),
        }
        list.items
    }
}

impl fmt::Debug for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge")
            .field("merged", &self.merged)
            .field("conflicts", &self.conflicts)
            .finish_non_exhaustive()
    }
}

/// An item that keeps its identity while its content changes.
trait Keyed: Clone + PartialEq {
    fn key(&self) -> &str;
}

impl Keyed for Measure {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Keyed for OpenPoint {
    fn key(&self) -> &str {
        &self.id
    }
}

impl Keyed for Dissent {
    fn key(&self) -> &str {
        &self.role
    }
}

impl Keyed for String {
    fn key(&self) -> &str {
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Kept,
    Taken,
    Clash,
}

struct ListMerge<T> {
    items: Vec<T>,
    taken: Vec<String>,
    clashes: Vec<String>,
    order: Order,
}

fn merge_list<T: Keyed>(base: &[T], mine: &[T], theirs: &[T]) -> ListMerge<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut taken = Vec::new();
    let mut clashes = Vec::new();
    let mut seen = BTreeSet::new();
    for key in mine.iter().chain(theirs).chain(base).map(Keyed::key) {
        if !seen.insert(key) {
            continue;
        }
        let (was, here, there) = (find(base, key), find(mine, key), find(theirs, key));
        let item = if here == there || was == there {
            here
        } else if was == here {
            taken.push(key.to_owned());
            there
        } else {
            clashes.push(key.to_owned());
            here
        };
        kept.extend(item.cloned());
    }
    let (sequence, order) = sequence(base, mine, theirs, &kept);
    let items = sequence.iter().filter_map(|key| find(&kept, key).cloned()).collect();
    ListMerge { items, taken, clashes, order }
}

// The order of one side is taken as a whole, and what only the other side has is put behind the item that it follows
// there. Only the items that all three versions have say whether a side changed the order.
fn sequence<T: Keyed>(base: &[T], mine: &[T], theirs: &[T], kept: &[T]) -> (Vec<String>, Order) {
    let shared = |list: &[T]| -> Vec<String> {
        list.iter()
            .map(Keyed::key)
            .filter(|key| [base, mine, theirs, kept].iter().all(|list| find(list, key).is_some()))
            .map(str::to_owned)
            .collect()
    };
    let (was, here, there) = (shared(base), shared(mine), shared(theirs));
    let (first, second, order) = if was == there || here == there {
        (mine, theirs, Order::Kept)
    } else if was == here {
        (theirs, mine, Order::Taken)
    } else {
        (mine, theirs, Order::Clash)
    };
    let mut keys: Vec<String> =
        first.iter().map(Keyed::key).filter(|key| find(kept, key).is_some()).map(str::to_owned).collect();
    for (at, item) in second.iter().enumerate() {
        if find(kept, item.key()).is_some() && !keys.iter().any(|key| key == item.key()) {
            let before = second[..at].iter().rev().find_map(|other| keys.iter().position(|key| key == other.key()));
            keys.insert(before.map_or(0, |before| before + 1), item.key().to_owned());
        }
    }
    (keys, order)
}

fn find<'a, T: Keyed>(list: &'a [T], key: &str) -> Option<&'a T> {
    list.iter().find(|item| item.key() == key)
}

fn keys<T: Keyed>(one: &[T], other: &[T]) -> BTreeSet<String> {
    one.iter().chain(other).map(|item| item.key().to_owned()).collect()
}

fn shared_keys<'a, T: Keyed>(list: &'a [T], other: &[T]) -> Vec<&'a str> {
    list.iter().map(Keyed::key).filter(|key| find(other, key).is_some()).collect()
}

fn take_item<T: Keyed>(to: &mut Vec<T>, from: &[T], key: &str) {
    let at = to.iter().position(|item| item.key() == key);
    match (at, from.iter().position(|item| item.key() == key)) {
        (Some(at), Some(there)) => to[at] = from[there].clone(),
        (Some(at), None) => {
            to.remove(at);
        }
        (None, Some(there)) => {
            let before =
                from[..there].iter().rev().find_map(|other| to.iter().position(|item| item.key() == other.key()));
            to.insert(before.map_or(0, |before| before + 1), from[there].clone());
        }
        (None, None) => {}
    }
}

fn reorder<T: Keyed>(to: &mut Vec<T>, from: &[T]) {
    let old = to.clone();
    let (keys, _) = sequence(&old, &old, from, &old);
    *to = keys.iter().filter_map(|key| find(&old, key).cloned()).collect();
}

fn shown_measure(measure: &Measure) -> String {
    let code = measure.code.map(|code| code.code().to_owned());
    let parts = [code, Some(measure.text.clone()), Some(measure.reason.clone()), measure.responsible.clone()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn shown_point(point: &OpenPoint) -> String {
    let parts = [Some(point.text.clone()), point.owner.clone()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::codes::{Category, Goal, Guideline, MeasureCode, Occasion, Outcome};
    use super::super::draft::{Dissent, Draft, Measure, OpenPoint, Vote};
    use super::super::examples::auenwald;
    use super::{Field, Merge, differences, merge};

    #[test]
    fn every_field_in_which_two_drafts_differ_is_named() {
        let base = auenwald();
        assert!(differences(&base, &base).is_empty(), "the same draft");
        type Change = fn(&mut Draft);
        let cases: [(&str, Change); 8] = [
            ("text", |d| d.text.push('!')),
            ("guideline-text", |d| d.guideline_text.push('!')),
            ("measure/m-2", |d| d.measures[1].reason.push('!')),
            ("measure/m-3", |d| drop(d.measures.pop())),
            ("measure-order", |d| d.measures.swap(0, 1)),
            ("open-point/p-1", |d| d.open_points[0].owner = Some("dr-sonnkaya".to_owned())),
            ("present", |d| drop(d.present.pop())),
            ("vote", |d| d.vote = Some(Vote { agree: 1, disagree: 0, abstain: 0 })),
        ];
        for (field, change) in cases {
            let mut changed = base.clone();
            change(&mut changed);
            let named: Vec<String> = differences(&base, &changed).iter().map(Field::name).collect();
            assert_eq!(named, [field], "only this field");
        }
    }

    /// xorshift64 with a fixed seed: the same edits in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % u64::try_from(sides).expect("few sides")).expect("below the number of sides")
        }

        fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
            from.get(self.roll(from.len() + 1)).copied()
        }
    }

    fn edit(draft: &Draft, dice: &mut Dice, who: &str) -> Draft {
        let mut draft = draft.clone();
        for n in 0..dice.roll(6) {
            let text = format!("{who}{n}-{}", dice.roll(3));
            match dice.roll(19) {
                0 => draft.category = dice.pick(Category::ALL),
                1 => draft.occasion = dice.pick(Occasion::ALL),
                2 => draft.goal = dice.pick(Goal::ALL),
                3 => draft.outcome = dice.pick(Outcome::ALL),
                4 => draft.question = text,
                5 => draft.findings.insert(0, text),
                6 => draft.text = text,
                7 => draft.vote = Some(Vote { agree: 5, disagree: u32::from(who == "a"), abstain: 0 }),
                8 => draft.guideline = dice.pick(Guideline::ALL),
                9 => draft.guideline_text = text,
                10 => draft.representation = text,
                11 => draft.quorum_reason = text,
                12 => {
                    let at = dice.roll(draft.measures.len() + 1);
                    let id = format!("m-{text}");
                    draft.measures.retain(|measure| measure.id != id);
                    let measure = Measure {
                        id,
                        code: dice.pick(MeasureCode::ALL),
                        text,
                        reason: String::new(),
                        responsible: None,
                    };
                    draft.measures.insert(at.min(draft.measures.len()), measure);
                }
                13 if !draft.measures.is_empty() => {
                    let at = dice.roll(draft.measures.len());
                    draft.measures[at].text = text;
                }
                14 if !draft.measures.is_empty() => {
                    draft.measures.remove(dice.roll(draft.measures.len()));
                }
                15 if draft.measures.len() > 1 => {
                    let (from, to) = (dice.roll(draft.measures.len()), dice.roll(draft.measures.len()));
                    draft.measures.swap(from, to);
                }
                16 => {
                    draft.open_points.retain(|point| point.id != text);
                    draft.open_points.push(OpenPoint { id: text.clone(), text, owner: None });
                }
                17 => {
                    let role = format!("dr-{}", dice.roll(3));
                    draft.dissent.retain(|dissent| dissent.role != role);
                    draft.dissent.push(Dissent { role, text });
                }
                _ => {
                    let role = format!("dr-{}", dice.roll(9));
                    match draft.present.iter().position(|present| *present == role) {
                        Some(at) => drop(draft.present.remove(at)),
                        None => draft.present.push(role),
                    }
                }
            }
        }
        draft
    }

    /// Every text that a person typed, with the place it belongs to.
    fn texts(draft: &Draft) -> Vec<String> {
        let plain = [&draft.question, &draft.text, &draft.guideline_text, &draft.representation, &draft.quorum_reason];
        plain
            .into_iter()
            .chain(&draft.findings)
            .chain(draft.measures.iter().map(|measure| &measure.text))
            .chain(draft.open_points.iter().map(|point| &point.text))
            .chain(draft.dissent.iter().map(|dissent| &dissent.text))
            .filter(|text| !text.is_empty())
            .cloned()
            .collect()
    }

    #[test]
    fn one_writer_is_never_disturbed() {
        let mut dice = Dice(1);
        for round in 0..2000 {
            let base = edit(&auenwald(), &mut dice, "o");
            let a = edit(&base, &mut dice, "a");
            let mine = merge(&base, &a, &base);
            assert!(mine == Merge::settled(a.clone(), base.clone()), "round {round}: {mine:?}");
            let theirs = merge(&base, &base, &a);
            assert!(theirs.draft == a && theirs.conflicts.is_empty(), "round {round}: {theirs:?}");
            assert_eq!(theirs.merged.is_empty(), a == base, "round {round}: what was taken over is named: {theirs:?}");
            let both = merge(&base, &a, &a);
            assert!(both == Merge::settled(a.clone(), a.clone()), "round {round}: the same edit twice: {both:?}");
        }
    }

    #[test]
    fn both_sides_see_the_same_conflicts_and_no_text_is_lost() {
        let mut dice = Dice(2);
        let mut conflicts = 0;
        for round in 0..4000 {
            let base = edit(&auenwald(), &mut dice, "o");
            let (a, b) = (edit(&base, &mut dice, "a"), edit(&base, &mut dice, "b"));
            let (here, there) = (merge(&base, &a, &b), merge(&base, &b, &a));
            let sorted = |merge: &Merge| {
                let mut fields = merge.conflicts.clone();
                fields.sort();
                fields
            };
            assert_eq!(sorted(&here), sorted(&there), "round {round}");
            conflicts += here.conflicts.len();
            let known = texts(&base);
            let shown: Vec<String> =
                here.conflict_views(None).into_iter().flat_map(|view| [view.mine, view.theirs]).collect();
            for text in texts(&a).into_iter().chain(texts(&b)).filter(|text| !known.contains(text)) {
                let kept = texts(&here.draft).contains(&text) || shown.iter().any(|shown| shown.contains(&text));
                assert!(kept, "round {round}: {text} is neither in the result nor in a conflict: {here:?}");
            }
            let mut chosen = here.clone();
            for field in &here.conflicts {
                assert!(field.shown(&a) != field.shown(&b) || !field.same(&a, &b), "round {round}: {field:?}");
                chosen.choose(&field.name(), false).expect("it is open");
                assert!(field.same(&chosen.draft, &b) || *field == Field::MeasureOrder, "round {round}: {field:?}");
            }
            assert_eq!(chosen.conflicts, [], "round {round}: every conflict can be settled");
            let ids: std::collections::BTreeSet<_> = chosen.draft.measures.iter().map(|measure| &measure.id).collect();
            assert_eq!(ids.len(), chosen.draft.measures.len(), "round {round}: a measure stands once");
        }
        assert!(conflicts > 500, "the edits meet often enough to mean something: {conflicts}");
    }

    #[test]
    fn different_fields_merge_and_are_named() {
        let base = auenwald();
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        mine.text = "Mein Text".to_owned();
        mine.measures[0].reason = "wegen der Lage".to_owned();
        theirs.goal = Some(Goal::Palliative);
        theirs.measures[1].text = "Carboplatin mono".to_owned();
        theirs.measures.remove(2);
        theirs.present.pop();
        let merged = merge(&base, &mine, &theirs);
        assert_eq!(merged.conflicts, [], "nobody wrote where the other did");
        let names: Vec<_> = merged.merged_views(Some("Dr. Ahlefels")).into_iter().map(|view| view.field).collect();
        let (second, third) = (&base.measures[1].id, &base.measures[2].id);
        assert_eq!(names, ["goal", &format!("measure/{second}"), &format!("measure/{third}"), "present"], "theirs");
        assert_eq!(merged.draft.text, "Mein Text", "mine stays");
        assert_eq!(merged.draft.measures.len(), 2, "what they removed is gone");
        assert_eq!(merged.draft.measures[0].reason, "wegen der Lage", "my measure stays");
        assert_eq!(merged.draft.measures[1].text, "Carboplatin mono", "their measure is taken over");
    }

    #[test]
    fn the_same_field_shows_both_until_one_is_chosen() {
        let base = auenwald();
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        mine.text = "A".to_owned();
        theirs.text = "B".to_owned();
        mine.measures.remove(0);
        theirs.measures[0].text = "60 Gy".to_owned();
        let mut merged = merge(&base, &mine, &theirs);
        let measure = format!("measure/{}", base.measures[0].id);
        let views = merged.conflict_views(Some("Dr. Ahlefels"));
        assert_eq!(views.len(), 2, "text and measure: {merged:?}");
        assert_eq!(
            (views[0].field.as_str(), views[0].mine.as_str(), views[0].theirs.as_str()),
            ("text", "A", "B"),
            "text"
        );
        assert_eq!((views[1].field.as_str(), views[1].mine.as_str()), (measure.as_str(), ""), "removed here");
        assert!(views[1].theirs.contains("60 Gy"), "changed there: {}", views[1].theirs);
        merged.choose("text", true).expect("it is open");
        merged.choose(&measure, false).expect("it is open");
        assert_eq!(merged.draft.text, "A", "mine was kept");
        assert_eq!(merged.draft.measures[0].text, "60 Gy", "theirs came back in its place");
        assert!(merged.choose("text", false).is_err(), "it is settled");
    }

    #[test]
    fn an_open_conflict_survives_a_third_version_and_a_restart() {
        let base = auenwald();
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        mine.text = "A".to_owned();
        theirs.text = "B".to_owned();
        let open = merge(&base, &mine, &theirs);
        let stored = serde_json::to_string(&open).expect("it can be written down");
        let open: Merge = serde_json::from_str(&stored).expect("and taken up again");

        let mut elsewhere = theirs.clone();
        elsewhere.representation = "in 6 Monaten".to_owned();
        let next = open.onto(&elsewhere);
        assert_eq!(next.conflicts, [Field::Text], "the text is still open");
        assert_eq!(next.draft.representation, "in 6 Monaten", "the rest is taken over");

        let mut again = theirs.clone();
        again.text = "C".to_owned();
        let view = open.onto(&again).conflict_views(None);
        assert_eq!((view[0].mine.as_str(), view[0].theirs.as_str()), ("A", "C"), "their newer text is shown");

        let mut agreed = theirs;
        agreed.text = "A".to_owned();
        assert_eq!(open.onto(&agreed).conflicts, [], "both say the same now");
    }

    #[test]
    fn two_orders_of_the_same_measures_are_a_choice() {
        let base = auenwald();
        let (mut mine, mut theirs) = (base.clone(), base.clone());
        mine.measures.swap(0, 1);
        theirs.measures.swap(1, 2);
        theirs.measures.insert(0, Measure { id: "new".to_owned(), text: "neu".to_owned(), ..base.measures[0].clone() });
        let mut merged = merge(&base, &mine, &theirs);
        assert_eq!(merged.conflicts, [Field::MeasureOrder], "both moved measures");
        merged.choose("measure-order", false).expect("it is open");
        assert!(merged.draft.measures == theirs.measures, "their order");
    }
}
