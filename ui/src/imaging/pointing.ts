/**
 * Points in the image area: the pointer's, the keyboard's cursor, a length that is being drawn, and
 * where measurements lie on the screen after zooming and panning.
 */

import type { PresentedMark, SeriesView } from '../host/contract';
import type { FrameStore } from './frameStore';
import * as format from './format';
import { NO_MEASUREMENTS, onFrame, type Measurements, type Point } from './measurements';
import { patientText, probeReading, type ProbeReading } from './overlay';
import type { Reading, Shape, Spot, ViewportSnapshot } from './snapshot';
import type { SpacePoint } from './stagePresentation';
import type { Length, Located, Viewer, ViewportState } from './viewer';
import { probeWord } from './words';

/** A viewport with a series on the canvas. */
export type Shown = { viewer: Viewer; view: SeriesView; state: ViewportState };

export type PointingParts = {
  shown: (viewport: number) => Shown | undefined;
  /** The viewport's corner on the canvas in CSS pixels. */
  corner: (viewport: number) => Spot;
  /** Device pixels per CSS pixel. */
  ratio: () => number;
  values: FrameStore;
  /** The values of the image on screen were forgotten and are needed. */
  needValues: (viewport: number) => void;
  changed: () => void;
};

type Pending = { viewport: number; from: Point; to: Point };

export class Pointing {
  readonly #parts: PointingParts;
  readonly #pointers = new Map<number, Spot>();
  #measurements: Measurements = NO_MEASUREMENTS;
  #cursor: { viewport: number; point: Point } | undefined;
  #pending: Pending | undefined;
  /** The measurement whose end is being moved is drawn as the pending one. */
  #held: string | undefined;

  constructor(parts: PointingParts) {
    this.#parts = parts;
  }

  setMeasurements(measurements: Measurements): void {
    this.#measurements = measurements;
    this.#parts.changed();
  }

  /** Where the pointer is; undefined when it has left. */
  move(viewport: number, spot: Spot | undefined): void {
    if (spot === undefined) this.#pointers.delete(viewport);
    else this.#pointers.set(viewport, spot);
    this.#parts.changed();
  }

  locate(viewport: number, [x, y]: Spot): Located | undefined {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return undefined;
    const [left, top] = this.#parts.corner(viewport);
    const ratio = this.#parts.ratio();
    const located = JSON.parse(shown.viewer.locate(viewport, (x + left) * ratio, (y + top) * ratio)) as Located | null;
    return located ?? undefined;
  }

  length(viewport: number, from: Point, to: Point): Length | undefined {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return undefined;
    return JSON.parse(
      shown.viewer.length(shown.view.handle, shown.state.index, from.column, from.row, to.column, to.row),
    ) as Length;
  }

  /** What may be said of the value at a point of the image on screen. */
  read(viewport: number, { column, row }: Point): ProbeReading {
    const shown = this.#parts.shown(viewport);
    const frame = shown?.view.frames[shown.state.index];
    if (shown === undefined || frame === undefined || !shown.state.ready || shown.state.preview) {
      return { kind: 'not-here' };
    }
    const { handle } = shown.view;
    const stored = this.#parts.values.valueAt(handle, shown.state.index, Math.floor(column), Math.floor(row));
    if (stored === undefined) this.#parts.needValues(viewport);
    return probeReading(stored, shown.view, frame);
  }

  // --- The keyboard's cursor; it begins in the middle of the image.

  cursor(viewport: number): Point | undefined {
    return this.#cursor?.viewport === viewport ? this.#cursor.point : undefined;
  }

  moveCursor(viewport: number, columns: number, rows: number): void {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return;
    const { view } = shown;
    const from = this.cursor(viewport) ?? {
      column: Math.floor(view.columns / 2) + 0.5,
      row: Math.floor(view.rows / 2) + 0.5,
    };
    const point = {
      column: Math.max(0.5, Math.min(view.columns - 0.5, from.column + columns)),
      row: Math.max(0.5, Math.min(view.rows - 0.5, from.row + rows)),
    };
    this.#cursor = { viewport, point };
    // Whoever brings the cursor will read a value: it is fetched meanwhile if it was forgotten.
    this.read(viewport, point);
    this.pull(viewport, point);
    this.#parts.changed();
  }

  /** Another picture, or another tool: nothing half-done stays. */
  drop(viewport?: number): void {
    if (viewport === undefined || this.#cursor?.viewport === viewport) this.#cursor = undefined;
    if (viewport === undefined || this.#pending?.viewport === viewport) {
      this.#pending = undefined;
      this.#held = undefined;
    }
    this.#parts.changed();
  }

  /** Another image of the stack: the cursor stays, a half-drawn length does not. */
  forgetPending(viewport: number): void {
    if (this.#pending?.viewport !== viewport) return;
    this.#pending = undefined;
    this.#held = undefined;
  }

  // --- A length being drawn.

  begin(viewport: number, from: Point, held?: string): void {
    this.#pending = { viewport, from, to: from };
    this.#held = held;
    this.#parts.changed();
  }

  pull(viewport: number, to: Point): void {
    if (this.#pending?.viewport !== viewport) return;
    this.#pending = { ...this.#pending, to };
    this.#parts.changed();
  }

  pending(viewport: number): { from: Point; to: Point } | undefined {
    return this.#pending?.viewport === viewport ? this.#pending : undefined;
  }

  /** The points of a length that is done. */
  end(viewport: number): { from: Point; to: Point; held: string | undefined } | undefined {
    const pending = this.pending(viewport);
    if (pending === undefined) return undefined;
    const held = this.#held;
    this.#pending = undefined;
    this.#held = undefined;
    this.#parts.changed();
    return { ...pending, held };
  }

  // --- On the screen.

  shapes(viewport: number, { view, state }: Shown): Shape[] {
    const { selected } = this.#measurements;
    const image = view.frames[state.index];
    if (image === undefined) return [];
    return onFrame(this.#measurements, image)
      .filter(({ id }) => id !== this.#held)
      .map((one) => {
        switch (one.kind) {
          case 'length':
            return {
              kind: 'length',
              id: one.id,
              from: this.#spot(viewport, one.from),
              to: this.#spot(viewport, one.to),
              text: format.length(one.value, one.unit),
              selected: one.id === selected,
            };
          case 'probe':
            return {
              kind: 'probe',
              id: one.id,
              at: this.#spot(viewport, one.at),
              text: one.text,
              selected: one.id === selected,
            };
        }
      });
  }

  pendingShape(viewport: number): ViewportSnapshot['pending'] {
    const pending = this.pending(viewport);
    if (pending === undefined) return undefined;
    const length = this.length(viewport, pending.from, pending.to);
    return {
      from: this.#spot(viewport, pending.from),
      to: this.#spot(viewport, pending.to),
      text: length === undefined ? '' : format.length(length.value, length.unit),
    };
  }

  cursorSpot(viewport: number): Spot | undefined {
    const point = this.cursor(viewport);
    return point === undefined ? undefined : this.#spot(viewport, point);
  }

  reading(viewport: number, { view, state }: Shown): Reading | undefined {
    const spot = this.#pointers.get(viewport);
    const located = spot === undefined ? undefined : this.locate(viewport, spot);
    if (located === undefined || !located.inside) return undefined;
    const orientation = view.frames[state.index]?.orientation ?? null;
    return {
      reading: this.read(viewport, located),
      patient: located.patient === null ? undefined : patientText(located.patient, orientation),
    };
  }

  // --- For others.

  /** Where the person points in an image that is there: with the mouse, or else with the keyboard's cursor. */
  pointed(viewports: readonly number[]): { viewport: number; spot: Spot } | undefined {
    const there = viewports.filter((viewport) => this.#parts.shown(viewport)?.state.ready === true);
    for (const viewport of there) {
      const spot = this.#pointers.get(viewport);
      if (spot !== undefined && this.locate(viewport, spot)?.inside === true) return { viewport, spot };
    }
    const viewport = this.#cursor?.viewport;
    const spot = viewport === undefined || !there.includes(viewport) ? undefined : this.cursorSpot(viewport);
    return viewport === undefined || spot === undefined ? undefined : { viewport, spot };
  }

  /** The measurements of an image, as everybody else finds their points again. */
  measured(viewport: number, { view, state }: Shown): PresentedMark[] {
    const image = view.frames[state.index];
    if (image === undefined) return [];
    const told = (point: Point) => this.told(viewport, this.#spot(viewport, point));
    return onFrame(this.#measurements, image)
      .filter(({ id }) => id !== this.#held)
      .flatMap((one): PresentedMark[] => {
        const { id, instance, frame } = one;
        if (one.kind === 'probe') {
          const at = told(one.at);
          return at === undefined ? [] : [{ id, instance, frame, shape: { kind: 'probe', at }, text: one.text }];
        }
        const [from, to] = [told(one.from), told(one.to)];
        if (from === undefined || to === undefined) return [];
        return [{ id, instance, frame, shape: { kind: 'length', from, to }, text: format.length(one.value, one.unit) }];
      });
  }

  /** Somebody else's measurements of this image: their points, measured here. Each bears their name. */
  measuredBy(name: string, marks: readonly PresentedMark[], viewport: number, { view, state }: Shown): Shape[] {
    const image = view.frames[state.index];
    const here = marks.filter(({ instance, frame }) => instance === image?.instance && frame === image.frame);
    return here.flatMap(({ id, shape }): Shape[] => {
      const others = { id: `other-${id}`, selected: false, others: true } as const;
      if (shape.kind === 'probe') {
        const at = this.found(viewport, shape.at);
        const point = at === undefined ? undefined : this.locate(viewport, at);
        if (at === undefined || point === undefined) return [];
        return [{ kind: 'probe', at, text: signed(probeWord(this.read(viewport, point)), name), ...others }];
      }
      const [from, to] = [this.found(viewport, shape.from), this.found(viewport, shape.to)];
      if (from === undefined || to === undefined) return [];
      const [begin, end] = [this.locate(viewport, from), this.locate(viewport, to)];
      const length = begin === undefined || end === undefined ? undefined : this.length(viewport, begin, end);
      return [{ kind: 'length', from, to, text: signed(length === undefined ? '' : format.length(length.value, length.unit), name), ...others }];
    });
  }

  /** What lies under a spot, as everybody else finds it again. */
  told(viewport: number, [x, y]: Spot): SpacePoint | undefined {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return undefined;
    const [left, top] = this.#parts.corner(viewport);
    const ratio = this.#parts.ratio();
    const point = JSON.parse(shown.viewer.point_of(viewport, (x + left) * ratio, (y + top) * ratio)) as SpacePoint | null;
    return point ?? undefined;
  }

  /** Where such a point lies here. */
  found(viewport: number, [x, y, z]: SpacePoint): Spot | undefined {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return undefined;
    const [left = 0, top = 0] = shown.viewer.place_of(viewport, x, y, z);
    return this.#within(viewport, left, top);
  }

  #spot(viewport: number, { column, row }: Point): Spot {
    const shown = this.#parts.shown(viewport);
    if (shown === undefined) return [0, 0];
    const [x = 0, y = 0] = shown.viewer.to_screen(viewport, column, row);
    return this.#within(viewport, x, y);
  }

  /** From device pixels of the canvas. */
  #within(viewport: number, x: number, y: number): Spot {
    const [left, top] = this.#parts.corner(viewport);
    const ratio = this.#parts.ratio();
    return [x / ratio - left, y / ratio - top];
  }
}

function signed(text: string, name: string): string {
  return [text, name].filter((word) => word !== '').join(' · ');
}
