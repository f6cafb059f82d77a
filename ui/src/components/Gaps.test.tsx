import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import type { GapView } from '../host/contract';
import { Gaps } from './Gaps';

afterEach(cleanup);

function draw(gaps: GapView[]) {
  return render(<Gaps gaps={gaps} retry={() => undefined} />).container.textContent;
}

describe('what a list lacks', () => {
  test('is not drawn when nothing is lacking', () => {
    expect(draw([])).toBe('');
  });

  test('names what was refused and whom to ask', () => {
    expect(draw([{ source: 'diagnoses', state: { state: 'denied' } }])).toBe('Diagnosen: Ihr Konto hat hier keinen Zugriff. Zugriff gibt die Koordination des Boards.');
  });

  test('tells one fault once, with all that it took, and offers to try again', () => {
    const failed = { state: 'failed', failure: { code: 'platform-failed', detail: '500' } } as const;
    const text = draw([
      { source: 'diagnoses', state: failed },
      { source: 'stages', state: failed },
    ]);
    expect(text).toContain('Diagnosen, Stadien nicht abrufbar');
    expect(screen.getAllByRole('button', { name: 'Erneut versuchen' })).toHaveLength(1);
  });

  test('says of a part that not all of it is here', () => {
    expect(draw([{ source: 'cases', state: { state: 'ready', value: null, more: true } }])).toBe('Fälle: Nicht alles konnte gelesen werden.');
  });
});
