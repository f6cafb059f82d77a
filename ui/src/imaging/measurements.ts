/**
 * Lengths and points that a reader has set, by series and frame, with undo and redo. Pure: the
 * numbers come from the viewer, which knows the geometry.
 */

export type Point = { column: number; row: number };

type OnFrame = {
  id: string;
  /** Name of the series' entry: handles change when a series is opened again. */
  series: string;
  /** SOP Instance UID: a place in the stack changes when an image arrives late. */
  instance: string;
  /** Frame number within the instance, from 1. */
  frame: number;
};

/** Names an image, wherever it lies. */
export type ImageName = Pick<OnFrame, 'instance' | 'frame'>;

export type Measurement = OnFrame &
  (
    | { kind: 'length'; from: Point; to: Point; value: number; unit: 'mm' | 'px' }
    | { kind: 'probe'; at: Point; text: string }
  );

export type Measurements = {
  readonly list: readonly Measurement[];
  readonly selected: string | undefined;
  readonly past: readonly (readonly Measurement[])[];
  readonly future: readonly (readonly Measurement[])[];
};

export type MeasurementAction =
  /** What was kept before; what has been made since then stays. */
  | { type: 'load'; kept: readonly Measurement[] }
  | { type: 'add'; measurement: Measurement }
  | { type: 'change'; measurement: Measurement }
  | { type: 'select'; id: string | undefined }
  | { type: 'delete-selected' }
  | { type: 'undo' }
  | { type: 'redo' };

export const NO_MEASUREMENTS: Measurements = { list: [], selected: undefined, past: [], future: [] };

/** Steps that can be taken back. */
const DEPTH = 100;

function changed(before: Measurements, list: readonly Measurement[], selected: string | undefined): Measurements {
  return { list, selected, past: [...before.past, before.list].slice(-DEPTH), future: [] };
}

export function measure(before: Measurements, action: MeasurementAction): Measurements {
  switch (action.type) {
    case 'load': {
      const known = new Set(before.list.map(({ id }) => id));
      const fresh = action.kept.filter(({ id }) => !known.has(id));
      const joined = (list: readonly Measurement[]) => [...fresh, ...list];
      // Undoing a step does not take away what was there before this program started.
      return { ...before, list: joined(before.list), past: before.past.map(joined), future: before.future.map(joined) };
    }
    case 'add':
      return changed(before, [...before.list, action.measurement], action.measurement.id);
    case 'change': {
      const list = before.list.map((one) => (one.id === action.measurement.id ? action.measurement : one));
      return changed(before, list, action.measurement.id);
    }
    case 'select':
      return { ...before, selected: action.id };
    case 'delete-selected': {
      if (before.selected === undefined) return before;
      return changed(before, before.list.filter(({ id }) => id !== before.selected), undefined);
    }
    case 'undo': {
      const list = before.past.at(-1);
      if (list === undefined) return before;
      return { list, selected: undefined, past: before.past.slice(0, -1), future: [before.list, ...before.future] };
    }
    case 'redo': {
      const [list, ...future] = before.future;
      if (list === undefined) return before;
      return { list, selected: undefined, past: [...before.past, before.list], future };
    }
  }
}

/** By the image alone: a part of a series may have another name than when it was measured. */
export function onFrame(measurements: Measurements, image: ImageName): Measurement[] {
  return measurements.list.filter((one) => one.instance === image.instance && one.frame === image.frame);
}
