import { describe, expect, it } from 'vitest';
import { autosave, beginAutosave, isSafe, PAUSE_MILLISECONDS, RETRY_MILLISECONDS, type Autosave, type AutosaveInput } from './autosave';
import { exampleDraft, exampleView } from './examples';

const failure = { code: 'disk-full', detail: '' } as const;

/** Runs inputs and tells after each whether a save was due. */
function run(...inputs: AutosaveInput[]): { state: Autosave; saved: (string | undefined)[] } {
  let state = beginAutosave(exampleView());
  const saved = inputs.map((input) => {
    const step = autosave(state, input);
    state = step.state;
    return step.save?.text;
  });
  return { state, saved };
}

function typed(text: string, now: number): AutosaveInput {
  return { type: 'edit', draft: exampleDraft({ text }), now };
}

function answered(text: string, at: string, now: number): AutosaveInput {
  return { type: 'reply', view: exampleView({ draft: exampleDraft({ text }), savedHere: at }), now };
}

describe('saving a draft', () => {
  it('happens at a pause in typing and not before', () => {
    const { saved } = run(
      typed('a', 0),
      typed('ab', 300),
      { type: 'time', now: PAUSE_MILLISECONDS },
      { type: 'time', now: 300 + PAUSE_MILLISECONDS },
    );
    expect(saved).toEqual([undefined, undefined, undefined, 'ab']);
  });

  it('is said to be done only after the answer', () => {
    const typing = run(typed('a', 0), { type: 'time', now: 400 });
    expect(isSafe(typing.state)).toBe(false);
    expect(typing.state.savedAt).toBe('2026-11-24T14:07:42Z');
    const done = run(typed('a', 0), { type: 'time', now: 400 }, answered('a', '2026-11-24T14:08:00Z', 450));
    expect(isSafe(done.state)).toBe(true);
    expect(done.state.savedAt).toBe('2026-11-24T14:08:00Z');
  });

  it('goes one at a time, and what was typed meanwhile follows', () => {
    const { saved, state } = run(
      typed('a', 0),
      { type: 'time', now: 400 },
      typed('ab', 420),
      { type: 'time', now: 820 },
      answered('a', '2026-11-24T14:08:00Z', 900),
      { type: 'time', now: 1300 },
    );
    expect(saved).toEqual([undefined, 'a', undefined, undefined, undefined, 'ab']);
    expect(state.mine.text, 'the answer does not take back what was typed').toBe('ab');
  });

  it('that failed keeps the text and is tried again', () => {
    const { saved, state } = run(
      typed('a', 0),
      { type: 'time', now: 400 },
      { type: 'failed', failure, now: 500 },
      { type: 'time', now: 500 + RETRY_MILLISECONDS },
    );
    expect(saved.at(-1)).toBe('a');
    expect(state.failure).toEqual(failure);
    expect(state.mine.text).toBe('a');
  });

  it('of what is safe already does not happen', () => {
    expect(run({ type: 'flush' }, typed('a', 0), typed(exampleDraft().text, 10), { type: 'time', now: 410 }).saved).toEqual(
      [undefined, undefined, undefined, undefined],
    );
  });

  it('happens at once when the form is left', () => {
    expect(run(typed('a', 0), { type: 'flush' }).saved).toEqual([undefined, 'a']);
  });
});

describe('a text that the disk did not take', () => {
  const refused: AutosaveInput[] = [typed('a', 0), { type: 'time', now: 400 }, { type: 'failed', failure, now: 500 }];
  const inMemory: AutosaveInput = {
    type: 'changed',
    view: exampleView({ draft: exampleDraft({ text: 'a' }), savedHere: null, saveFailure: failure }),
    now: 900,
  };

  it('is not called safe because the program knows it', () => {
    const { state, saved } = run(...refused, inMemory, { type: 'time', now: 500 + RETRY_MILLISECONDS });
    expect(state.failure).toEqual(failure);
    expect(isSafe(state)).toBe(false);
    expect(saved.at(-1), 'and is offered again').toBe('a');
  });

  it('is safe when the program says that the disk has it', () => {
    const view = exampleView({ draft: exampleDraft({ text: 'a' }), savedHere: '2026-11-24T14:09:00Z' });
    const { state } = run(...refused, inMemory, { type: 'changed', view, now: 3000 });
    expect(state.failure).toBeUndefined();
    expect(isSafe(state)).toBe(true);
    expect(state.dueAt).toBeUndefined();
  });

  it('is told as such to a page that comes back', () => {
    const state = beginAutosave(exampleView({ savedHere: null, saveFailure: failure }));
    expect(state.failure).toEqual(failure);
    expect(isSafe(state)).toBe(false);
    expect(beginAutosave(exampleView({ saveFailure: { code: 'platform-failed', detail: '' } })).failure).toBeUndefined();
  });
});

describe('a change from elsewhere', () => {
  it('in another field is taken over beneath the typing', () => {
    const view = exampleView({
      draft: exampleDraft({ goal: 'palliative' }),
      savedHere: '2026-11-24T14:08:00Z',
    });
    const { state } = run(typed('a', 0), { type: 'changed', view, now: 100 });
    expect(state.mine).toMatchObject({ text: 'a', goal: 'palliative' });
    expect(state.clashes).toEqual([]);
    expect(state.dueAt, 'what is typed is still to be saved').toBe(PAUSE_MILLISECONDS);
  });

  it('in the field being typed in waits for a choice', () => {
    const view = exampleView({ draft: exampleDraft({ text: 'ihres' }), savedHere: '2026-11-24T14:08:00Z' });
    const clash = run(typed('meins', 0), { type: 'changed', view, now: 100 });
    expect(clash.state.mine.text).toBe('meins');
    expect(clash.state.clashes).toMatchObject([{ field: 'text', mine: 'meins', theirs: 'ihres' }]);
    const chosen = autosave(clash.state, { type: 'choose', field: 'text', keepMine: false, now: 200 });
    expect(chosen.state.mine.text).toBe('ihres');
    expect(chosen.state.clashes).toEqual([]);
  });

  it('that left before the last answer says nothing new', () => {
    const { state } = run(
      typed('neu', 0),
      { type: 'time', now: 400 },
      answered('neu', '2026-11-24T14:09:00Z', 450),
      { type: 'changed', view: exampleView({ savedHere: '2026-11-24T14:08:00Z' }), now: 460 },
    );
    expect(state.mine.text).toBe('neu');
  });
});
