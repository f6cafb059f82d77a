/**
 * The text of a viewport, derived from what was drawn, never from what was asked for: a label must
 * not claim another image than the one on the screen.
 */

import type { PresetView } from '../host/contract';
import type { SeriesView } from '../host/contract';
import type { WindowView } from '../host/contract';
import type { FrameView, PixelsView, ScaleView } from '../host/contract';
import * as format from './format';
import type { ViewportState } from './viewer';

/** What names the window in the corner. */
export type WindowName =
  | { kind: 'preset'; key: string }
  | { kind: 'stored'; name: string | null }
  /** Made from the values, since none is stored. */
  | { kind: 'automatic' }
  /** A look-up table in place of a window; unnamed tables count from 1. */
  | { kind: 'table'; name: string | null; number: number }
  | { kind: 'own' };

const CLOSE = 0.5;

function same(a: { center: number; width: number }, b: { center: number; width: number }): boolean {
  // Windows below a width of 1 are told apart as well.
  const close = Math.min(CLOSE, Math.min(a.width, b.width) / 100);
  return Math.abs(a.center - b.center) < close && Math.abs(a.width - b.width) < close;
}

/** What the pixels of a frame mean. */
export function pixelsOf(series: Pick<SeriesView, 'pixels' | 'frames'>, index: number): PixelsView | undefined {
  return series.pixels[series.frames[index]?.pixels ?? -1];
}

/** The millimeters of a frame: its own where it has some. */
export function scaleOf(
  series: Pick<SeriesView, 'pixels' | 'frames' | 'spacing' | 'calibration'>,
  index: number,
): ScaleView {
  return pixelsOf(series, index)?.scale ?? { spacing: series.spacing, calibration: series.calibration };
}

export function windowName(
  state: Pick<ViewportState, 'index' | 'window' | 'table'>,
  series: Pick<SeriesView, 'presets' | 'windows' | 'window' | 'pixels' | 'tables' | 'frames'>,
): WindowName {
  const { window, table, index } = state;
  const pixels = pixelsOf(series, index);
  if (table !== null) {
    return { kind: 'table', name: series.tables[pixels?.voi[table] ?? -1]?.name ?? null, number: table + 1 };
  }
  const preset = series.presets.find((one) => same(one.window, window));
  if (preset !== undefined) return { kind: 'preset', key: preset.key };
  const own = pixels?.window ?? null;
  const stored = [...(own === null ? [] : [own]), ...series.windows].find((one) => same(one, window));
  if (stored !== undefined) return { kind: 'stored', name: stored.name };
  if (same(series.window, window)) {
    return series.windows.length === 0 ? { kind: 'automatic' } : { kind: 'stored', name: series.window.name };
  }
  return { kind: 'own' };
}

/** What a digit stands for. */
export type Choice =
  | { kind: 'as-stored' }
  | { kind: 'window'; window: WindowView }
  | { kind: 'table'; place: number };

/** A look-up table as a preset; `digit` is its key as long as there is one. */
export type TablePreset = { digit: number; place: number; name: string | null };

/** The tables of an image among the presets, behind the windows, with the digit of each. */
export function tablePresets(
  series: Pick<SeriesView, 'presets' | 'pixels' | 'tables' | 'frames'>,
  index: number,
): TablePreset[] {
  return (pixelsOf(series, index)?.voi ?? []).map((table, place) => ({
    digit: series.presets.length + place + 1,
    place,
    name: series.tables[table]?.name ?? null,
  }));
}

/** Digit 0 is what came with the images; 1 to 9 are the presets in their order, then the tables. */
export function presetOfDigit(series: SeriesView, index: number, digit: number): Choice | undefined {
  if (digit === 0) return { kind: 'as-stored' };
  const preset: PresetView | undefined = series.presets[digit - 1];
  if (preset !== undefined) return { kind: 'window', window: preset.window };
  const table = tablePresets(series, index).find((one) => one.digit === digit);
  return table === undefined ? undefined : { kind: 'table', place: table.place };
}

/** The state that a viewport is in, one at a time, in the order in which it must be said. */
export type ViewportPhase =
  | { phase: 'empty' }
  | { phase: 'opening' }
  | { phase: 'failed'; code: string }
  | { phase: 'image-failed'; code: string; image: number; others: number }
  | { phase: 'loading'; loaded: number; of: number }
  | { phase: 'stopped'; loaded: number; of: number }
  | { phase: 'preview'; loaded: number; of: number }
  | { phase: 'ready' };

export type ViewportFacts = {
  wanted: boolean;
  openFailure: string | undefined;
  series: SeriesView | undefined;
  state: ViewportState | undefined;
  loaded: number;
  /** Failure code by frame. */
  failed: ReadonlyMap<number, string>;
  stopped: boolean;
};

export function viewportPhase(facts: ViewportFacts): ViewportPhase {
  const { series, state } = facts;
  if (!facts.wanted) return { phase: 'empty' };
  if (facts.openFailure !== undefined) return { phase: 'failed', code: facts.openFailure };
  if (series === undefined || state === undefined) return { phase: 'opening' };
  const code = facts.failed.get(state.index);
  const of = series.frames.length;
  if (code !== undefined && !state.ready) {
    return { phase: 'image-failed', code, image: state.index + 1, others: of - facts.failed.size };
  }
  if (state.preview) return { phase: 'preview', loaded: facts.loaded, of };
  if (state.ready) return { phase: 'ready' };
  return { phase: facts.stopped ? 'stopped' : 'loading', loaded: facts.loaded, of };
}

export type Corner = {
  series: string;
  image: { index: number; count: number };
  /** "z −98,6 mm": the axis along which the stack runs, or absent without geometry. */
  position: string | undefined;
  thickness: string | undefined;
  /** "W 400 · L 40" and what it is called. */
  window: { width: string; center: string; name: WindowName };
  zoom: string;
  lossy: boolean;
  uncalibrated: boolean;
  /** Spacing at the detector, not in the patient. */
  atDetector: boolean;
};

export function corner(series: SeriesView, state: ViewportState): Corner {
  const frame = series.frames[state.index];
  const axis = frame?.orientation == null ? undefined : stackAxis(frame.orientation);
  const { calibration } = scaleOf(series, state.index);
  const position =
    state.position === null || axis === undefined ? undefined : `${axis.name} ${format.millimeters(state.position)}`;
  return {
    series: series.description === '' ? series.modality : series.description,
    image: { index: state.index + 1, count: state.count },
    position,
    thickness: frame?.thickness == null ? undefined : format.thickness(frame.thickness),
    window: {
      width: format.windowed(state.window.width, state.window.width),
      center: format.windowed(state.window.center, state.window.width),
      name: windowName(state, series),
    },
    zoom: format.percent(state.zoomPercent),
    lossy: series.lossy,
    uncalibrated: calibration === 'none',
    atDetector: calibration === 'detector',
  };
}

/** The patient's axis nearest to the normal of the plane (PS3.3 C.7.6.2.1.1: +x left, +y posterior, +z head). */
export function stackAxis(orientation: readonly number[]): { name: 'x' | 'y' | 'z'; index: 0 | 1 | 2 } {
  const [rx = 0, ry = 0, rz = 0, cx = 0, cy = 0, cz = 0] = orientation;
  const normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx].map(Math.abs);
  const [x = 0, y = 0, z = 0] = normal;
  if (z >= x && z >= y) return { name: 'z', index: 2 };
  return y >= x ? { name: 'y', index: 1 } : { name: 'x', index: 0 };
}

/** What may be said of a value: a number whose unit is unknown is never shown. */
export type ProbeReading =
  | { kind: 'value'; text: string }
  | { kind: 'unitless'; text: string }
  | { kind: 'colour'; text: string }
  | { kind: 'unit-unknown' }
  /** No part of the picture (PS3.3 C.7.5.1.1.2): nothing was measured there. */
  | { kind: 'padding' }
  | { kind: 'not-here' };

export function probeReading(
  stored: number | [number, number, number] | undefined,
  series: Pick<SeriesView, 'unit' | 'pixels' | 'tables'>,
  frame: Pick<FrameView, 'slope' | 'intercept' | 'pixels'>,
): ProbeReading {
  if (stored === undefined) return { kind: 'not-here' };
  if (typeof stored !== 'number') return { kind: 'colour', text: stored.map(String).join(' | ') };
  const pixels = series.pixels[frame.pixels];
  const padding = pixels?.padding ?? null;
  if (padding !== null && stored >= padding[0] && stored <= padding[1]) return { kind: 'padding' };
  if (series.unit === null) return { kind: 'unit-unknown' };
  const table = pixels?.modality == null ? undefined : series.tables[pixels.modality];
  const text =
    table === undefined
      ? format.rescaled(stored * frame.slope + frame.intercept, frame.slope)
      : format.whole(entryOf(table, stored));
  if (series.unit === format.UNSPECIFIED_UNIT) return { kind: 'unitless', text };
  return { kind: 'value', text: `${text}\u00a0${format.unitText(series.unit)}` };
}

/** Inputs outside a table take its first or its last entry (PS3.3 C.11.1.1.1). */
function entryOf({ first, entries }: { first: number; entries: readonly number[] }, input: number): number {
  return entries[Math.max(0, Math.min(input - first, entries.length - 1))] ?? 0;
}

/** Patient coordinates as in the corner: the two that the pointer changes in this plane. */
export function patientText(
  patient: readonly [number, number, number],
  orientation: readonly number[] | null,
): string {
  const through = orientation === null ? undefined : stackAxis(orientation).index;
  return patient
    .filter((_, axis) => axis !== through)
    .map((value) => format.millimeters(value))
    .join(' | ');
}

/** Where the text of a length stands: beside the end that is farther right, never under the line. */
export function labelPlace(
  from: readonly [number, number],
  to: readonly [number, number],
  width: number,
): { x: number; y: number; anchor: 'start' | 'end' } {
  const right = from[0] >= to[0] ? from : to;
  const left = from[0] >= to[0] ? to : from;
  const ROOM = 96;
  if (right[0] + ROOM <= width) return { x: right[0] + 12, y: right[1] - 8, anchor: 'start' };
  return { x: left[0] - 12, y: left[1] - 8, anchor: 'end' };
}
