/** Keys of the program about a decision in the reader's language. */

import type { DraftView, PayloadLineView } from '../host/contract';
import { date, dateTime } from '../i18n/format';
import { m } from '../paraglide/messages';
import { CATEGORIES, MEASURES, OUTCOMES, wordOf } from './codes';
import { payloadPath, type PayloadGroupName } from './payload';

const MISSING: Readonly<Record<string, () => string>> = {
  category: m.decision_missing_category,
  occasion: m.decision_missing_occasion,
  outcome: m.decision_missing_outcome,
  text: m.decision_missing_text,
  findings: m.decision_missing_findings,
  measures: m.decision_missing_measures,
  'measure-code': m.decision_missing_measure_code,
  'measure-text': m.decision_missing_measure_text,
  'measure-none': m.decision_missing_measure_none,
  present: m.decision_missing_participants,
  'quorum-reason': m.decision_missing_quorum,
  vote: m.decision_missing_vote,
  'vote-majority': m.decision_missing_vote_majority,
  'vote-count': m.decision_missing_vote_count,
  dissent: m.decision_missing_dissent,
  'dissent-text': m.decision_missing_dissent_text,
  'guideline-text': m.decision_missing_guideline,
  'open-point-text': m.decision_missing_open_point_text,
  'amendment-reason': m.decision_missing_amendment_reason,
  conflicts: m.decision_missing_conflicts,
  diagnosis: m.decision_missing_diagnosis,
  question: m.decision_missing_question,
};

export function missingWord(key: string): string {
  return MISSING[key]?.() ?? m.decision_missing_other({ key });
}

const FIELDS: Readonly<Record<string, () => string>> = {
  category: m.decision_category,
  occasion: m.decision_occasion,
  goal: m.decision_goal,
  outcome: m.decision_outcome,
  question: m.decision_question,
  findings: m.decision_findings,
  text: m.decision_text,
  vote: m.decision_vote,
  dissent: m.decision_dissent,
  guideline: m.decision_guideline,
  'guideline-text': m.decision_guideline,
  representation: m.decision_representation,
  present: m.decision_participants,
  participants: m.decision_participants,
  activities: m.decision_measures,
  measures: m.decision_measures,
  'open-points': m.decision_open_points,
  openPoints: m.decision_open_points,
  'quorum-reason': m.decision_quorum_reason,
  'amendment-reason': m.decision_amendment_reason,
  'measure-order': m.decision_measures,
  'open-point-order': m.decision_open_points,
  patient: m.decision_payload_patient,
  board: m.decision_payload_board,
  case: m.decision_payload_board,
  created: m.decision_payload_created,
  diagnosis: m.decision_payload_diagnosis,
  quorum: m.decision_quorum,
  id: m.decision_payload_id,
  revision: m.decision_payload_revision,
  replaces: m.decision_payload_replaces,
  reason: m.decision_amendment_reason,
};

/** `measure/<id>` is named by its place in the draft. */
export function fieldWord(field: string, draft: Pick<DraftView, 'measures' | 'openPoints'>): string {
  const [kind = '', id] = field.split('/');
  if (kind === 'measure') {
    const index = draft.measures.findIndex((one) => one.id === id);
    return index < 0 ? m.decision_measure_gone() : m.decision_measure_number({ number: index + 1 });
  }
  if (kind === 'open-point') {
    const index = draft.openPoints.findIndex((one) => one.id === id);
    return index < 0 ? m.decision_open_point() : m.decision_open_point_number({ number: index + 1 });
  }
  // Of a dissent the person says more than the field, and stands beside it.
  return FIELDS[kind]?.() ?? field;
}

/** The value of a field that crosses as a code. */
export function conflictValue(field: string, value: string): string {
  if (value === '') return m.decision_nothing();
  switch (field) {
    case 'category':
      return wordOf(CATEGORIES, value);
    case 'outcome':
      return wordOf(OUTCOMES, value);
    default:
      return value;
  }
}

const GROUPS: Readonly<Record<PayloadGroupName, () => string>> = {
  patient: m.decision_payload_patient,
  decision: m.decision_payload_decision,
  activities: m.decision_measures,
  'open-points': m.decision_open_points,
  diagnosis: m.decision_payload_diagnosis,
  findings: m.decision_findings,
  vote: m.decision_payload_vote,
  participants: m.decision_participants,
  board: m.decision_payload_board,
  version: m.decision_payload_version,
  other: m.decision_payload_other,
};

export function groupWord(name: PayloadGroupName): string {
  return GROUPS[name]();
}

const PATHS: Readonly<Record<string, () => string>> = {
  'patient.family': m.decision_payload_family,
  'patient.given': m.decision_payload_given,
  'patient.birthDate': m.decision_payload_birth_date,
  'patient.kvnr': m.decision_payload_kvnr,
  'board.id': m.decision_payload_board_id,
  'board.name': m.decision_payload_board,
  'board.session': m.decision_payload_session,
  'case.start': m.decision_payload_case_start,
  'case.end': m.decision_payload_case_end,
  created: m.decision_payload_created,
  category: m.decision_category,
  question: m.decision_question,
  text: m.decision_text,
  'diagnosis.condition': m.decision_payload_condition,
  'diagnosis.icd10gm': m.decision_payload_icd,
  'diagnosis.text': m.decision_payload_diagnosis,
  findings: m.decision_payload_finding,
  'activities.code': m.decision_measure_kind,
  'activities.text': m.decision_measure_text,
  'activities.responsible': m.decision_responsible,
  'vote.kind': m.decision_outcome,
  'vote.agree': m.decision_agree,
  'vote.disagree': m.decision_disagree,
  'vote.abstain': m.decision_abstain,
  'dissent.role': m.decision_dissent_person,
  'dissent.text': m.decision_dissent,
  'quorum.met': m.decision_quorum,
  'quorum.rule': m.decision_payload_rule,
  'participants.role': m.decision_payload_role,
  'participants.name': m.decision_payload_name,
  'participants.specialty': m.decision_payload_specialty,
  openPoints: m.decision_open_point,
  schema: m.decision_payload_schema,
  id: m.decision_payload_id,
  revision: m.decision_payload_revision,
  replaces: m.decision_payload_replaces,
  reason: m.decision_amendment_reason,
};

/** What an element of the payload is called: "2 · Art". An element without a word is named as it is. */
export function pathWord(path: string): string {
  const { name, position } = payloadPath(path);
  const word = PATHS[name]?.() ?? name;
  return position === undefined ? word : `${String(position)} · ${word}`;
}

/** A value in words where it is a code; undefined when the raw text says it already. */
export function payloadValueWord(
  { path, value }: PayloadLineView,
  names: ReadonlyMap<string, string>,
): string | undefined {
  const { name } = payloadPath(path);
  switch (name) {
    case 'category':
      return wordOf(CATEGORIES, value);
    case 'activities.code':
      return wordOf(MEASURES, value);
    case 'vote.kind':
      return wordOf(OUTCOMES, value);
    case 'activities.responsible':
    case 'dissent.role':
      return names.get(value);
    case 'quorum.met':
      return value === 'true' ? m.decision_quorum_met() : m.decision_quorum_not_met();
    case 'patient.birthDate':
    case 'created':
      return date(value);
    case 'case.start':
    case 'case.end':
      return dateTime(value);
    default:
      return undefined;
  }
}

/** True for an element that says nothing. */
export function isNothing({ value }: PayloadLineView): boolean {
  return value === '' || value === 'null' || value === '[]';
}
