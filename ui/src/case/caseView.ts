/** What the case screen derives from the record's view: counts, choices, order. */
import type { CaseView, DiagnosisEntryView, DoseView, FindingView, LabSeriesView, LabValueView, Part, StudyView, TimelineEntryView } from '../host/contract';
import { organWord, sideWord } from '../cases/caseWords';
import { digits, range, unit } from '../i18n/format';
import { partValue } from '../components/PartView';

/** Something could not be read and may come when it is asked for again. */
export function lacksSomething(view: CaseView): boolean {
  const parts: Part<unknown>[] = [
    view.allergies,
    view.question,
    view.diagnoses,
    view.tnm,
    view.ecog,
    view.findings,
    view.therapies,
    view.laboratory,
    view.documents,
    view.studies,
    view.timeline,
    view.decisions,
  ];
  const old = view.freshness.state === 'kept' && view.freshness.failure !== null;
  return old || parts.some((part) => part.state === 'failed');
}

export function primaryTumour(view: CaseView): DiagnosisEntryView | null {
  const diagnoses = partValue(view.diagnoses) ?? [];
  return diagnoses.find((one) => one.primary) ?? diagnoses.find((one) => !one.comorbidity) ?? null;
}

export function comorbidities(view: CaseView): DiagnosisEntryView[] {
  return (partValue(view.diagnoses) ?? []).filter((one) => one.comorbidity);
}

/** Metastases and further tumours. */
export function furtherTumours(view: CaseView): DiagnosisEntryView[] {
  const primary = primaryTumour(view);
  return (partValue(view.diagnoses) ?? []).filter((one) => !one.comorbidity && one !== primary);
}

/** "Lunge re. · cT2b cN3 cM0 · IIIB" for the banner. */
export function bannerTumour(view: CaseView): string {
  const primary = primaryTumour(view);
  const newest = partValue(view.tnm)?.[0];
  if (!primary) return '';
  const organ = organWord(null, primary.icd10);
  const place = [organ === '' ? primary.text : organ, sideWord(primary.side)].filter((word) => word !== '').join(' ');
  return [place, newest?.text ?? '', newest?.stage ?? ''].filter((word) => word !== '').join(' · ');
}

export function newestValue(series: LabSeriesView): LabValueView | null {
  return series.values.at(-1) ?? null;
}

export type Outside = 'no' | 'low' | 'high' | 'critical-low' | 'critical-high';

/** What the laboratory says, else what its own range says; nothing is judged without either. */
export function outside(series: Pick<LabSeriesView, 'low' | 'high'>, value: LabValueView): Outside {
  switch (value.flag) {
    case 'LL':
      return 'critical-low';
    case 'HH':
      return 'critical-high';
    case 'L':
      return 'low';
    case 'H':
      return 'high';
    case 'N':
      return 'no';
    default:
      if (series.low !== null && value.value < Number(series.low)) return 'low';
      if (series.high !== null && value.value > Number(series.high)) return 'high';
      return 'no';
  }
}

export const arrow: Record<Outside, string> = { no: '', low: '↓', high: '↑', 'critical-low': '↓↓', 'critical-high': '↑↑' };

/** "12,8 g/dl": a number never goes without its unit. */
export function valueWithUnit(series: Pick<LabSeriesView, 'unit'>, value: LabValueView): string {
  return [digits(value.text), unit(series.unit)].filter((word) => word !== '').join('\u00a0');
}

/** "50,4 Gy Brustdrüse" */
export function doseText({ value, unit: of, target }: DoseView): string {
  const dose = value === null ? '' : [digits(value), unit(of)].filter((word) => word !== '').join('\u00a0');
  return [dose, target ?? ''].filter((word) => word !== '').join(' ');
}

/** The record's own words often repeat the name in the value. */
export function findingText({ name, value, unit: of }: Pick<FindingView, 'name' | 'value' | 'unit'>): string {
  if (of !== null) return `${name} ${[digits(value), unit(of)].filter((word) => word !== '').join('\u00a0')}`;
  if (value === '') return name;
  return value.includes(name) ? value : `${name} ${value}`;
}

export function rangeText(series: Pick<LabSeriesView, 'low' | 'high'>): string {
  return range(series.low, series.high);
}

/** The lines of the overview: those outside their range first taken, all in the record's order. */
export function overviewLab(all: readonly LabSeriesView[], most: number): LabSeriesView[] {
  if (all.length <= most) return [...all];
  const strange = all.filter((series) => {
    const value = newestValue(series);
    return value !== null && outside(series, value) !== 'no';
  });
  const chosen = new Set([...strange, ...all]);
  const kept = new Set([...chosen].slice(0, most));
  return all.filter((series) => kept.has(series));
}

/** The time of the newest value of all. */
export function newestLabTime(all: readonly LabSeriesView[]): string | null {
  const times = all.map((series) => newestValue(series)?.at).filter((at): at is string => at !== undefined);
  return times.toSorted().at(-1) ?? null;
}

const organFunction: Record<string, string[]> = {
  lung: ['19926-5', '20150-9', '19911-7'],
  other: ['98979-8', '2160-0', '10230-1'],
};

/** Which analytes stand for organ function beside the tumour: lung function for the lung, else kidney and heart. */
export function functionSeries(view: CaseView): LabSeriesView[] {
  const all = partValue(view.laboratory) ?? [];
  const primary = primaryTumour(view);
  const codes = organFunction[primary?.icd10?.startsWith('C34') === true ? 'lung' : 'other'] ?? [];
  return codes.map((code) => all.find((series) => series.loinc === code)).filter((series) => series !== undefined);
}

export interface Course {
  dated: TimelineEntryView[];
  undated: TimelineEntryView[];
}

export function course(entries: readonly TimelineEntryView[]): Course {
  return { dated: entries.filter((entry) => entry.start !== null), undated: entries.filter((entry) => entry.start === null) };
}

/** The newest study that is this patient's and has series to show: the one whose pictures the overview shows. */
export function pictured(studies: readonly StudyView[]): StudyView | undefined {
  return studies.find(({ identity, series }) => {
    const shown = identity.grade === 'same' || identity.grade === 'spelling' || (identity.grade === 'unclear' && identity.confirmed);
    return shown && series.some((one) => one.displayable);
  });
}
