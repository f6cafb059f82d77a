import { describe, expect, it } from 'vitest';
import { measure, NO_MEASUREMENTS, onFrame, type Measurement, type MeasurementAction, type Measurements } from './measurements';

function length(id: string, image = 1): Measurement {
  return {
    kind: 'length',
    id,
    series: 'a',
    instance: `a.${String(image)}`,
    frame: 1,
    from: { column: 0, row: 0 },
    to: { column: 3, row: 4 },
    value: 5,
    unit: 'px',
  };
}

function after(...actions: MeasurementAction[]): Measurements {
  return actions.reduce(measure, NO_MEASUREMENTS);
}

function ids({ list }: Measurements): string[] {
  return list.map(({ id }) => id);
}

describe('measurements', () => {
  it('belong to the image they were made on', () => {
    const made = after({ type: 'add', measurement: length('one', 3) }, { type: 'add', measurement: length('two', 4) });
    expect(onFrame(made, { instance: 'a.3', frame: 1 }).map(({ id }) => id)).toEqual(['one']);
    expect(onFrame(made, { instance: 'b.3', frame: 1 })).toEqual([]);
  });

  it('are told apart by the frame within an instance', () => {
    const made = after({ type: 'add', measurement: length('one', 3) });
    expect(onFrame(made, { instance: 'a.3', frame: 2 })).toEqual([]);
  });

  it('that were kept join those made meanwhile, and undo does not take them away', () => {
    const kept = length('kept');
    const joined = after({ type: 'add', measurement: length('new') }, { type: 'load', kept: [kept] });
    expect(ids(joined)).toEqual(['kept', 'new']);
    expect(ids(measure(joined, { type: 'undo' }))).toEqual(['kept']);
    expect(ids(measure(joined, { type: 'load', kept: [kept] }))).toEqual(['kept', 'new']);
  });

  it('are selected when made, and deleting takes the selected one', () => {
    const made = after(
      { type: 'add', measurement: length('one') },
      { type: 'add', measurement: length('two') },
      { type: 'delete-selected' },
    );
    expect(ids(made)).toEqual(['one']);
    expect(measure(made, { type: 'delete-selected' })).toBe(made);
  });

  it('come back by undo and go again by redo', () => {
    const deleted = after({ type: 'add', measurement: length('one') }, { type: 'delete-selected' });
    const undone = measure(deleted, { type: 'undo' });
    expect(ids(undone)).toEqual(['one']);
    expect(ids(measure(undone, { type: 'redo' }))).toEqual([]);
    expect(ids(measure(measure(undone, { type: 'undo' }), { type: 'undo' }))).toEqual([]);
  });

  it('made after an undo end what could be redone', () => {
    const made = after(
      { type: 'add', measurement: length('one') },
      { type: 'undo' },
      { type: 'add', measurement: length('two') },
      { type: 'redo' },
    );
    expect(ids(made)).toEqual(['two']);
  });
});
