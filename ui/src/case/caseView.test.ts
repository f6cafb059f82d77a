import { afterEach, describe, expect, test } from 'vitest';
import type { LabSeriesView } from '../host/contract';
import { speak } from '../i18n/language';
import { auenwaldCase, steinkleeCase } from '../stories/records';
import { exampleStudy } from '../imaging/examples';
import { arrow, bannerTumour, comorbidities, doseText, findingText, functionSeries, furtherTumours, newestLabTime, outside, overviewLab, pictured, primaryTumour, valueWithUnit } from './caseView';

const range = { low: '13.50', high: '17.2' };
const value = (text: string, flag: string | null = null) => ({ at: '2026-11-21T08:10:00+01:00', text, value: Number(text), flag });

describe('the banner', () => {
  test('names tumour, TNM and stage', () => {
    expect(bannerTumour(auenwaldCase)).toBe('Lunge re. · cT2b cN3 cM0 · IIIB');
  });

  test('leaves out what the account may not read', () => {
    expect(bannerTumour(steinkleeCase)).toBe('Rektum');
  });
});

describe('diagnoses', () => {
  test('the primary tumour, its metastases and other illnesses are told apart', () => {
    expect(primaryTumour(auenwaldCase)?.id).toBe('c1');
    expect(furtherTumours(auenwaldCase).map((one) => one.id)).toEqual(['c2']);
    expect(comorbidities(auenwaldCase).map((one) => one.id)).toEqual(['c3', 'c4', 'c5']);
  });
});

describe('a dose', () => {
  afterEach(() => speak('de'));

  test('has the notation of the reader', () => {
    const dose = { value: '50.4', unit: 'Gy', target: 'Brustdrüse' };
    expect(doseText(dose)).toBe('50,4\u00a0Gy Brustdrüse');
    speak('en');
    expect(doseText(dose)).toBe('50.4\u00a0Gy Brustdrüse');
  });

  test('that is not known leaves what was irradiated', () => {
    expect(doseText({ value: null, unit: '', target: 'Ferse' })).toBe('Ferse');
  });
});

describe('a single finding', () => {
  test('a number has the notation of the reader and the digits of the record', () => {
    expect(findingText({ name: 'PSA', value: '4.50', unit: 'ng/mL' })).toBe('PSA 4,50\u00a0ng/ml');
    expect(findingText({ name: 'Score', value: '7', unit: '' })).toBe('Score 7');
  });

  test('words stay as they are, and the name is not said twice', () => {
    expect(findingText({ name: 'KRAS', value: 'KRAS p.G12V', unit: null })).toBe('KRAS p.G12V');
    expect(findingText({ name: 'Fusion', value: 'keine, 2.1 geprüft', unit: null })).toBe('Fusion keine, 2.1 geprüft');
  });
});

describe('a laboratory value', () => {
  test('is outside when the laboratory says so', () => {
    expect(outside(range, value('15.0', 'LL'))).toBe('critical-low');
  });

  test('is judged by its own range when the laboratory says nothing', () => {
    expect([outside(range, value('12.8')), outside(range, value('13.5')), outside(range, value('17.3'))]).toEqual(['low', 'no', 'high']);
  });

  test('is never judged without a range', () => {
    expect(outside({ low: null, high: null }, value('99'))).toBe('no');
  });

  test('has one arrow at a limit and two when critical', () => {
    expect([arrow.low, arrow['critical-high']]).toEqual(['↓', '↑↑']);
  });

  test('goes with its unit after a space that does not break', () => {
    expect(valueWithUnit({ unit: 'g/dL' }, value('12.80'))).toBe('12,80\u00a0g/dl');
  });
});

describe('the laboratory of the overview', () => {
  const all = auenwaldCase.laboratory.state === 'ready' ? auenwaldCase.laboratory.value : [];

  test('shows what is outside its range and keeps the order of the record', () => {
    expect(overviewLab(all, 6).map((one) => one.name)).toEqual(['Hämoglobin', 'Leukozyten', 'LDH', 'CRP', 'CEA', 'CYFRA 21-1']);
  });

  test('shows everything when it is little', () => {
    expect(overviewLab(all.slice(0, 3), 6)).toHaveLength(3);
  });

  test('names the time of the newest value', () => {
    expect(newestLabTime(all)).toBe('2026-11-21T08:10:00+01:00');
    expect(newestLabTime([])).toBeNull();
  });

  test('organ function of a lung tumour is lung function', () => {
    expect(functionSeries(auenwaldCase).map((one: LabSeriesView) => one.loinc)).toEqual(['19926-5', '20150-9', '19911-7']);
  });
});

describe('the pictures of the overview', () => {
  const study = exampleStudy({ study: '1.2.3' });
  test('are those of the newest study that is the patient\'s and has some', () => {
    const another = exampleStudy({ study: '1.2.9', identity: { grade: 'other', other: auenwaldCase.identity } });
    const unclear = exampleStudy({ study: '1.2.8', identity: { grade: 'unclear', other: auenwaldCase.identity, confirmed: false } });
    const without = exampleStudy({ study: '1.2.7', series: [] });
    expect(pictured([another, unclear, without, study])?.study).toBe('1.2.3');
  });

  test('are none while nothing of the patient is known to the archive', () => {
    expect(pictured([])).toBeUndefined();
  });
});
