import { beforeEach, describe, expect, test } from 'vitest';
import type { MediaStopped } from '../host/contract';
import { speak } from '../i18n/language';
import { hinderedWords, sharedWords, stoppedWords } from './words';

beforeEach(() => speak('de'));

const whys: readonly MediaStopped[] = ['no-device', 'device-busy', 'device-denied', 'device-lost', 'by-server', 'refused'];

describe('a screen that is shown no longer', () => {
  test('has words of its own for every reason, and says that sound and camera go on', () => {
    const said = whys.map((why) => stoppedWords('screen', why));
    expect(new Set(said.map(({ what }) => what)).size).toBe(whys.length);
    expect(new Set(said.map(({ safe }) => safe))).toEqual(new Set(['Die anderen sehen davon nichts. Ihr Mikrofon und Ihre Kamera bleiben, wie sie sind.']));
  });

  test('leads to nothing that is plugged in', () => {
    expect(whys.map((why) => stoppedWords('screen', why).act).filter((act) => /steck|anschließ|gerät/iu.test(act))).toEqual([]);
    expect(stoppedWords('camera', 'device-lost').act).toBe('Stecken Sie es wieder an, oder wählen Sie ein anderes Gerät.');
  });

  test('is another matter than a system that shows none at all', () => {
    expect(hinderedWords('no-device').what).not.toBe(stoppedWords('screen', 'no-device').what);
    expect(hinderedWords('device-denied')).toEqual(stoppedWords('screen', 'device-denied'));
  });
});

test('what is shared is called by its title, where it has one', () => {
  expect([sharedWords('Fall.pptx'), sharedWords(''), sharedWords(null)]).toEqual(['Sie teilen: Fall.pptx', 'Sie teilen: Fenster ohne Titel', 'Sie teilen Ihren ganzen Bildschirm']);
});
