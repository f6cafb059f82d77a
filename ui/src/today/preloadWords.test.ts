import { describe, expect, test } from 'vitest';
import type { PreloadCaseView, PreloadState, PreloadView } from '../host/contract';
import { speak } from '../i18n/language';
import { preload } from '../stories/lists';
import { preloadLine, preloadNotes, preloadSaid } from './preloadWords';

const now = new Date('2026-11-24T14:10:00+01:00');
const half = { images: 602, bytes: 600_000_000, ofBytes: 1_900_000_000 };
const view = (state: PreloadState, more: Partial<PreloadView> = {}): PreloadView => ({ ...preload, ...more, state });
const row = (more: Partial<PreloadCaseView>): PreloadCaseView => ({ patient: 'p', state: 'lacking', refused: 0, unconfirmed: 0, missing: 0, failure: null, ...more });
/** Numbers and units keep together by characters that are hard to read in a test. */
const plain = (text: string | undefined) => text?.replaceAll(/[\u00A0\u202F]/gu, ' ');
const said = (of: PreloadView) => {
  const line = preloadLine(of, now);
  return line === null ? null : [plain(line.words), plain(line.action?.words)];
};

describe('the line about images fetched ahead', () => {
  test.each<[string, PreloadView, (string | undefined)[] | null]>([
    ['says how many there are before anything is known of their size', view({ state: 'idle' }), ['', 'alle vorladen (etwa 1.204 Bilder)']],
    ['says a size once the archive has told it', view({ state: 'idle' }, { ofBytes: 1_900_000_000 }), ['', 'alle vorladen (etwa 1,9 GB)']],
    ['makes nothing up where nobody says it', view({ state: 'idle' }, { of: null }), ['', 'alle vorladen']],
    ['says what is lacking where something is here', view({ state: 'idle' }, half), ['', 'Rest vorladen (etwa 1,3 GB)']],
    ['is not there where the record names no images', view({ state: 'idle' }, { of: 0 }), null],
    ['counts first', view({ state: 'running', rate: null, seconds: null }), ['Bilder werden gezählt', 'Anhalten']],
    ['says how far it is and how long it takes', view({ state: 'running', rate: 6_200_000, seconds: 203 }, half), ['602 von 1.204 Bildern · 0,6 von 1,9 GB · noch 4 min', 'Anhalten']],
    ['says how fast it is where the rest is not known', view({ state: 'running', rate: 6_200_000, seconds: null }, half), ['602 von 1.204 Bildern · 0,6 von 1,9 GB · 6,2 MB/s', 'Anhalten']],
    ['counts no seconds', view({ state: 'running', rate: 6_200_000, seconds: 12 }, half), ['602 von 1.204 Bildern · 0,6 von 1,9 GB · noch unter 1 min', 'Anhalten']],
    ['says why nothing comes', view({ state: 'waiting' }, half), ['Plattform nicht erreichbar, geht von selbst weiter · 602 von 1.204 Bildern', 'Anhalten']],
    ['says when all of it was here', view({ state: 'done', at: '2026-11-24T14:02:00+01:00' }, { images: 1204 }), ['vorgeladen, 14:02', undefined]],
    ['says so where that is not known', view({ state: 'done', at: null }, { images: 1204 }), ['alles vorgeladen', undefined]],
    ['offers what is lacking', view({ state: 'partly', cases: 2 }, { images: 1201, bytes: 9, ofBytes: 9 }), ['Bei 2 Fällen fehlen Bilder', 'Rest vorladen (etwa 3 Bilder)']],
    ['says how far the room goes', view({ state: 'full', cases: 4, disk: false }, half), ['Speicher reicht für 4 von 5 Fällen', undefined]],
    ['offers the rest for when the disk has room again', view({ state: 'full', cases: 4, disk: true }, half), ['Der Speicher dieses Geräts ist voll: 4 von 5 Fällen vorgeladen', 'Rest vorladen (etwa 1,3 GB)']],
  ])('%s', (_, of, expected) => {
    expect(said(of)).toEqual(expected);
  });

  test('gives advice where there is no room, and else none', () => {
    expect(preloadLine(view({ state: 'full', cases: 4, disk: false }), now)?.advice).toContain('beim Öffnen');
    expect(preloadLine(view({ state: 'full', cases: 4, disk: true }), now)?.advice).toContain('Platz');
    expect(preloadLine(view({ state: 'idle' }), now)?.advice).toBeNull();
  });

  test('speaks English as well', () => {
    speak('en');
    expect(said(view({ state: 'idle' }))).toEqual(['', 'load all in advance (about 1,204 images)']);
    speak('de');
  });
});

describe('what is heard', () => {
  test('is each change of state once, and no progress', () => {
    const running = view({ state: 'running', rate: 1, seconds: 9 }, half);
    expect(preloadSaid(running, 'idle', now)).toBe('Bilder werden vorgeladen');
    expect(preloadSaid(running, 'running', now)).toBeNull();
    expect(preloadSaid(view({ state: 'waiting' }, half), 'running', now)).toBe('Plattform nicht erreichbar, geht von selbst weiter');
    expect(preloadSaid(view({ state: 'idle' }, half), 'running', now)).toBe('Vorladen angehalten');
    expect(preloadSaid(view({ state: 'done', at: '2026-11-24T14:02:00+01:00' }), 'running', now)).toBe('vorgeladen, 14:02');
  });
});

describe('what a case lacks', () => {
  test('is named in whole sentences', () => {
    expect(preloadNotes(row({}))).toEqual([]);
    expect(preloadNotes(row({ refused: 1 }))).toEqual(['1 Untersuchung gehört zu einer anderen Person und wurde nicht geladen.']);
    expect(preloadNotes(row({ missing: 72, failure: { code: 'platform-failed', detail: '' } }))).toEqual(['72 Bilder kamen nicht.', 'Die Plattform hat einen Fehler gemeldet.']);
    expect(preloadNotes(row({ failure: { code: 'not-allowed', detail: '' } }))).toEqual(['Die Bilder kamen nicht.', 'Die Plattform gibt das Ihrem Konto nicht frei.']);
  });
});
