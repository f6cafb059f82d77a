/**
 * The text of a viewport, derived from what was drawn, never from what was asked for: a label must
 * not claim another image than the one on the screen.
 */

import type { PresetView } from '../host/contract';
import type { SeriesView } from '../host/contract';
import type { WindowView } from '../host/contract';
import * as format from './format';
import type { ViewportState } from './viewer';

/** What names the window in the corner. */
export type WindowName =
  | { kind: 'preset'; key: string }
  | { kind: 'stored'; name: string | null }
  | { kind: 'own' };

const CLOSE = 0.5;

function same(a: { center: number; width: number }, b: { center: number; width: number }): boolean {
  return Math.abs(a.center - b.center) < CLOSE && Math.abs(a.width - b.width) < CLOSE;
}

export function windowName(
  window: Pick<WindowView, 'center' | 'width'>,
  series: Pick<SeriesView, 'presets' | 'windows' | 'window'>,
): WindowName {
  const preset = series.presets.find((one) => same(one.window, window));
  if (preset !== undefined) return { kind: 'preset', key: preset.key };
  const stored = [...series.windows, series.window].find((one) => same(one, window));
  if (stored !== undefined) return { kind: 'stored', name: stored.name };
  return { kind: 'own' };
}

/** Digit 0 is the window that came with the images; 1 to 9 are the presets in their order. */
export function presetOfDigit(series: SeriesView, digit: number): WindowView | undefined {
  if (digit === 0) return series.windows[0] ?? series.window;
  const preset: PresetView | undefined = series.presets[digit - 1];
  return preset?.window;
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
  const position =
    state.position === null || axis === undefined ? undefined : `${axis.name} ${format.millimeters(state.position)}`;
  return {
    series: series.description === '' ? series.modality : series.description,
    image: { index: state.index + 1, count: state.count },
    position,
    thickness: frame?.thickness == null ? undefined : format.thickness(frame.thickness),
    window: {
      width: format.whole(state.window.width),
      center: format.whole(state.window.center),
      name: windowName(state.window, series),
    },
    zoom: format.percent(state.zoomPercent),
    lossy: series.lossy,
    uncalibrated: series.calibration === 'none',
    atDetector: series.calibration === 'detector',
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
  | { kind: 'not-here' };

export function probeReading(
  stored: number | [number, number, number] | undefined,
  series: Pick<SeriesView, 'unit'>,
  rescale: { slope: number; intercept: number },
): ProbeReading {
  if (stored === undefined) return { kind: 'not-here' };
  if (typeof stored !== 'number') return { kind: 'colour', text: stored.map(String).join(' | ') };
  if (series.unit === null) return { kind: 'unit-unknown' };
  const text = format.rescaled(stored * rescale.slope + rescale.intercept, rescale.slope);
  if (series.unit === format.UNSPECIFIED_UNIT) return { kind: 'unitless', text };
  return { kind: 'value', text: `${text}\u00a0${format.unitText(series.unit)}` };
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
