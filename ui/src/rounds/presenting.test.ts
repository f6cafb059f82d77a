import { describe, expect, it } from 'vitest';
import type { PresentingView } from '../host/contract';
import { NewestFirst, watchingCount } from './presenting';

const view = (whys: readonly PresentingView['watching'][number]['seen']['why'][]): PresentingView => ({
  person: 'a',
  here: true,
  case: { state: 'open', patient: 'p' },
  watching: whys.map((why, place) => ({ person: String(place), seen: { why, done: 0, of: 0 } })),
});

describe('who sees what is shown', () => {
  it('counts who sees it, who waits for it and who cannot, and not who looks elsewhere on purpose', () => {
    expect(watchingCount(view([null, null, 'loading', 'no-access', 'other-patient', 'aside']))).toEqual({ seen: 2, loading: 1, not: 2 });
  });
});

describe('what is on its way to the others', () => {
  it('is one state at a time, and the newest of those that came meanwhile follows', async () => {
    const sent: number[] = [];
    const arrived: (() => void)[] = [];
    const sender = new NewestFirst<number>(
      (value) => {
        sent.push(value);
        return new Promise<void>((resolve) => arrived.push(resolve));
      },
      (a, b) => a === b,
    );
    for (const value of [1, 2, 3]) sender.put(value);
    expect(sent).toEqual([1]);
    arrived[0]?.();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent).toEqual([1, 3]);
    sender.put(3);
    arrived[1]?.();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent).toEqual([1, 3]);
  });

  it('goes on after one that was refused', async () => {
    const sent: number[] = [];
    const sender = new NewestFirst<number>(
      (value) => {
        sent.push(value);
        return value === 1 ? Promise.reject(new Error('refused')) : Promise.resolve();
      },
      (a, b) => a === b,
    );
    sender.put(1);
    sender.put(2);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(sent).toEqual([1, 2]);
  });
});
