/** Words for what a list says about a case. */
import type { Tone } from '../components/Chip';
import type { IconName } from '../components/icons';
import type { CaseRowView, CompletenessView, DecisionStateView } from '../host/contract';
import { tnm } from '../i18n/format';
import { m } from '../paraglide/messages';

/** The organ's word for a key of the record or for an ICD-10-GM code; empty when there is none. */
export function organWord(key: string | null, icd10: string | null): string {
  const code = icd10?.slice(0, 3) ?? '';
  const organ = key ?? Object.entries(organByCode).find(([, codes]) => codes.includes(code))?.[0] ?? '';
  const words: Record<string, () => string> = {
    lung: m.organ_lung,
    breast: m.organ_breast,
    rectum: m.organ_rectum,
    colon: m.organ_colon,
    prostate: m.organ_prostate,
    melanoma: m.organ_melanoma,
    skin: m.organ_melanoma,
    kidney: m.organ_kidney,
    bladder: m.organ_bladder,
    liver: m.organ_liver,
    pancreas: m.organ_pancreas,
    stomach: m.organ_stomach,
    thymus: m.organ_thymus,
    pleura: m.organ_pleura,
    brain: m.organ_brain,
    thyroid: m.organ_thyroid,
    uterus: m.organ_uterus,
    ovary: m.organ_ovary,
    esophagus: m.organ_esophagus,
  };
  return words[organ]?.() ?? '';
}

const organByCode: Record<string, string[]> = {
  lung: ['C33', 'C34'],
  breast: ['C50', 'D05'],
  rectum: ['C19', 'C20', 'C21'],
  colon: ['C18'],
  prostate: ['C61'],
  melanoma: ['C43', 'D03'],
  kidney: ['C64'],
  bladder: ['C67'],
  liver: ['C22'],
  pancreas: ['C25'],
  stomach: ['C16'],
  thymus: ['C37'],
  pleura: ['C45'],
  brain: ['C71'],
  thyroid: ['C73'],
  uterus: ['C53', 'C54', 'C55'],
  ovary: ['C56'],
  esophagus: ['C15'],
};

/** "re.", "li.", "bds." */
export function sideWord(side: string | null): string {
  switch (side) {
    case 'R':
      return m.side_right();
    case 'L':
      return m.side_left();
    case 'B':
      return m.side_both();
    default:
      return '';
  }
}

/** "Lunge re. · cT2b cN3 cM0 · IIIB". */
export function tumourLine(row: Pick<CaseRowView, 'organ' | 'icd10' | 'side' | 'tnm' | 'diagnosis' | 'unread'>): string {
  const organ = organWord(row.organ, row.icd10);
  const place = [organ === '' ? (row.diagnosis ?? '') : organ, sideWord(row.side)].filter((word) => word !== '').join(' ');
  const unread = [row.unread.includes('diagnoses') ? m.cases_unread_diagnosis() : '', row.unread.includes('stages') ? m.cases_unread_stage() : ''];
  return [place, unread[0] ?? '', row.tnm?.text ?? '', row.tnm?.stage ?? '', unread[1] ?? ''].filter((word) => word !== '').join(' · ');
}

/** What is missing, in a few words, for a rule of the completeness check. */
export function ruleWord(rule: string): string {
  const words: Record<string, () => string> = {
    'R-ID': m.rule_id,
    'R-QUESTION': m.rule_question,
    'R-DIAG': m.rule_diag,
    'R-HISTO': m.rule_histo,
    'R-TNM': m.rule_tnm,
    'R-ECOG': m.rule_ecog,
    'R-IMG': m.rule_img,
    'R-IMG-OPEN': m.rule_img_open,
    'R-LAB': m.rule_lab,
    'R-MARK': m.rule_mark,
    'R-MMR': m.rule_mmr,
    'R-OP-REPORT': m.rule_op_report,
    'R-COMORB': m.rule_comorb,
    'R-CONSENT': m.rule_consent,
    'R-DEVIATION': m.rule_deviation,
  };
  return words[rule]?.() ?? m.rule_other({ rule });
}

interface StateWords {
  tone: Tone;
  icon: IconName;
  text: string;
  title?: string;
}

export function completenessWords(view: CompletenessView): StateWords | null {
  switch (view.state) {
    case 'unknown':
      return null;
    case 'complete':
      return { tone: 'ok', icon: 'ok', text: m.case_complete() };
    case 'missing': {
      const [first, ...others] = view.rules;
      if (first === undefined) return null;
      const text = others.length === 0 ? ruleWord(first) : m.case_missing_more({ first: ruleWord(first), count: others.length });
      return { tone: 'warn', icon: 'warn', text, title: view.rules.map(ruleWord).join(' · ') };
    }
    default: {
      const unknown: never = view;
      return unknown;
    }
  }
}

export function decisionWords(state: DecisionStateView): StateWords | null {
  switch (state) {
    case 'none':
      return null;
    case 'draft':
      return { tone: 'outline', icon: 'pen', text: m.case_draft() };
    case 'signed':
      return { tone: 'plain', icon: 'sign', text: m.case_signed() };
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}

/** A line's diagnosis: that there is none is said only when the record says so. */
export function diagnosisWords(row: Pick<CaseRowView, 'diagnosis' | 'unread'>): string {
  return row.diagnosis ?? (row.unread.includes('diagnoses') ? m.cases_unread_diagnosis() : m.cases_no_diagnosis());
}

/** A line's stage, in the same way. */
export function stageWords(row: Pick<CaseRowView, 'tnm' | 'unread'>): string {
  if (row.tnm) return tnm(row.tnm);
  return row.unread.includes('stages') ? m.cases_unread_stage() : m.cases_no_stage();
}

/** The one state a list shows: a signed or begun decision says more than the completeness before it. */
export function rowState(row: Pick<CaseRowView, 'completeness' | 'decision' | 'unread'>): StateWords | null {
  // Whether it is decided is what counts; a case that may be decided is not called complete.
  if (row.unread.includes('decisions')) return { tone: 'warn', icon: 'warn', text: m.case_unread_decision() };
  return decisionWords(row.decision) ?? completenessWords(row.completeness);
}
