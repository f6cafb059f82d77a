import { describe, expect, it } from 'vitest';
import type { DecisionView, DraftView } from '../host/contract';
import { asFailure } from '../host/host';
import { DraftKeeper } from './draftKeeper';
import { addMeasure, removeMeasure } from './edits';
import { exampleView } from './examples';

type Save = { draft: DraftView; answer: () => Promise<void>; refuse: () => Promise<void> };

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

function bench() {
  const saves: Save[] = [];
  const answers: DecisionView[] = [];
  let now = 0;
  let timer: { at: number; then: () => void } | undefined;
  const keeper = new DraftKeeper(
    {
      save: (draft) =>
        new Promise((resolve, reject) => {
          saves.push({
            draft,
            answer: () => {
              resolve(exampleView({ draft, savedHere: '2026-11-24T14:09:00Z' }));
              return settle();
            },
            refuse: () => {
              reject(Object.assign(new Error('full'), { code: 'disk-full', detail: '' }));
              return settle();
            },
          });
        }),
      failureOf: asFailure,
      answered: (view) => answers.push(view),
      now: () => now,
      after: (milliseconds, then) => {
        const own = { at: now + milliseconds, then };
        timer = own;
        return () => {
          if (timer === own) timer = undefined;
        };
      },
    },
    exampleView(),
  );
  return {
    keeper,
    saves,
    answers,
    pass: (milliseconds: number) => {
      now += milliseconds;
      if (timer !== undefined && timer.at <= now) {
        const { then } = timer;
        timer = undefined;
        then();
      }
    },
  };
}

function type(keeper: DraftKeeper, text: string): void {
  keeper.edit((draft) => ({ ...draft, text }));
}

describe('a draft on screen', () => {
  it('is saved once after a pause', async () => {
    const { keeper, saves, pass, answers } = bench();
    type(keeper, 'a');
    pass(399);
    type(keeper, 'ab');
    pass(399);
    expect(saves).toHaveLength(0);
    pass(1);
    expect(saves.map(({ draft }) => draft.text)).toEqual(['ab']);
    await saves[0]?.answer();
    expect(answers).toHaveLength(1);
    expect(keeper.state().savedAt).toBe('2026-11-24T14:09:00Z');
  });

  it('is safe before a signature begins, typing in flight included', async () => {
    const { keeper, saves, pass } = bench();
    type(keeper, 'a');
    pass(400);
    type(keeper, 'ab');
    let safe = false;
    const flushed = keeper.flush().then(() => {
      safe = true;
    });
    await saves[0]?.answer();
    expect(safe).toBe(false);
    await saves[1]?.answer();
    await flushed;
    expect(saves.map(({ draft }) => draft.text)).toEqual(['a', 'ab']);
  });

  it('that cannot be saved keeps a signature from beginning', async () => {
    const { keeper, saves } = bench();
    type(keeper, 'a');
    const flushed = keeper.flush();
    const refused = expect(flushed).rejects.toMatchObject({ code: 'disk-full' });
    await saves[0]?.refuse();
    await refused;
    expect(keeper.state().mine.text).toBe('a');
  });

  it('left in the middle of a save is saved to its end', async () => {
    const { keeper, saves, pass } = bench();
    type(keeper, 'a');
    pass(400);
    type(keeper, 'ab');
    keeper.close();
    await saves[0]?.answer();
    expect(saves.map(({ draft }) => draft.text)).toEqual(['a', 'ab']);
  });

  it('gives back a removed row without touching what was typed since', () => {
    const { keeper } = bench();
    keeper.apply(removeMeasure(keeper.state().mine, 'm2'));
    type(keeper, 'danach');
    expect(keeper.undo()).toBe(true);
    expect(keeper.state().mine.measures.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
    expect(keeper.state().mine.text).toBe('danach');
    expect(keeper.redo()).toBe(true);
    expect(keeper.state().mine.measures.map(({ id }) => id)).toEqual(['m1', 'm3']);
    expect(keeper.redo()).toBe(false);
  });

  it('is not written while it is marked for signing, also by taking something back', () => {
    const { keeper, saves, pass } = bench();
    keeper.apply(removeMeasure(keeper.state().mine, 'm2'));
    const marked = exampleView({
      draft: keeper.state().mine,
      mark: { state: 'waiting', by: 'Dr. Falkenried', at: '2026-11-24T14:09:00Z', sha256: '0'.repeat(64) },
    });
    keeper.changed(marked);
    expect(keeper.undo()).toBe(false);
    type(keeper, 'danach');
    keeper.apply(addMeasure('neu', 0));
    pass(1000);
    expect(saves).toEqual([]);
    expect(keeper.state().mine).toEqual(marked.draft);
    keeper.changed({ ...marked, mark: null });
    expect(keeper.undo()).toBe(true);
  });

  it('has a new row after the one that is written in', () => {
    const { keeper } = bench();
    keeper.apply(addMeasure('neu', 0));
    expect(keeper.state().mine.measures.map(({ id }) => id)).toEqual(['m1', 'neu', 'm2', 'm3']);
  });
});
