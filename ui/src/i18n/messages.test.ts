import { describe, expect, test } from 'vitest';
import de from '../../messages/de.json';
import en from '../../messages/en.json';
import { codeForIt, failureCodes, failureWords } from './failure';
import { speak } from './language';

/** All texts of a message, its plural forms included. */
function texts(message: unknown): string[] {
  if (typeof message === 'string') return [message];
  return (message as { match: Record<string, string> }[]).flatMap(({ match }) => Object.values(match));
}

const all = Object.entries({ ...de, ...Object.fromEntries(Object.entries(en).map(([key, value]) => [`${key} (en)`, value])) }).flatMap(([key, message]) => texts(message).map((text) => ({ key, text })));

describe('the two languages', () => {
  test('have the same words', () => {
    expect(Object.keys(en)).toEqual(Object.keys(de));
  });

  test('leave no word empty', () => {
    expect(all.filter(({ text }) => text.trim() === '')).toEqual([]);
  });

  test('fill the same gaps', () => {
    const gaps = (message: unknown) => [...new Set(texts(message).flatMap((text) => text.match(/\{\w+\}/gu) ?? []))].toSorted();
    const different = Object.keys(de).filter((key) => {
      const name = key as keyof typeof de;
      return JSON.stringify(gaps(de[name])) !== JSON.stringify(gaps(en[name]));
    });
    expect(different).toEqual([]);
  });
});

describe('the tone', () => {
  test('has no exclamation marks, no success and no please', () => {
    expect(all.filter(({ text }) => /!|erfolgreich|successfully|\bbitte\b|\bplease\b/iu.test(text))).toEqual([]);
  });

  test('never calls a signature what it is not', () => {
    expect(all.filter(({ text }) => /unterschr|unterzeichn|qualifizier|rechtsverbindlich|handschriftlich|qualified signature/iu.test(text))).toEqual([]);
  });
});

describe('a failure', () => {
  test.each(failureCodes)('%s says what happened, what is safe and what to do in at most 40 words', (code) => {
    for (const language of ['de', 'en'] as const) {
      speak(language);
      const { what, safe, act } = failureWords({ code, detail: '10' });
      expect([what, safe, act].every((part) => part.endsWith('.'))).toBe(true);
      expect([what, safe, act].join(' ').split(/\s+/u).length).toBeLessThanOrEqual(40);
    }
    speak('de');
  });

  test('has a code for IT that is the same for the same fault and another for another', () => {
    const one = codeForIt({ code: 'platform-failed', detail: '500' });
    expect(one).toMatch(/^K-[0-9A-F]{3}-\d{3}$/u);
    expect(codeForIt({ code: 'platform-failed', detail: '500' })).toBe(one);
    expect(codeForIt({ code: 'platform-failed', detail: '503' })).not.toBe(one);
  });
});
