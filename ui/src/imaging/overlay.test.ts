import { beforeEach, describe, expect, it } from 'vitest';
import { speak } from '../i18n/language';
import type { SeriesView } from '../host/contract';
import { examplePixels, exampleSeries, exampleState } from './examples';
import {
  corner,
  labelPlace,
  patientText,
  presetOfDigit,
  probeReading,
  stackAxis,
  tablePresets,
  viewportPhase,
  windowName,
  type ViewportFacts,
} from './overlay';
import { probeWord, windowWord } from './words';

beforeEach(() => {
  speak('de');
});

describe('the corner text', () => {
  it('names image, position, slice, window and zoom of what was drawn', () => {
    expect(corner(exampleSeries(), exampleState())).toMatchObject({
      series: 'CT nativ',
      image: { index: 55, count: 135 },
      position: 'z \u221298,6\u00a0mm',
      thickness: '3,75\u00a0mm',
      window: { width: '400', center: '40', name: { kind: 'preset', key: 'soft-tissue' } },
      zoom: '128\u00a0%',
      lossy: false,
      uncalibrated: false,
    });
  });

  it('names no position without geometry', () => {
    const frames = exampleSeries().frames.map((frame) => ({ ...frame, position: null, orientation: null }));
    expect(corner(exampleSeries({ frames }), exampleState({ position: null })).position).toBeUndefined();
  });

  it('warns of lossy and of uncalibrated images', () => {
    expect(corner(exampleSeries({ lossy: true, calibration: 'none' }), exampleState())).toMatchObject({
      lossy: true,
      uncalibrated: true,
    });
    expect(corner(exampleSeries({ calibration: 'detector' }), exampleState()).atDetector).toBe(true);
    const pixels = [examplePixels({ scale: { spacing: [0.2, 0.2], calibration: 'detector' } })];
    expect(corner(exampleSeries({ pixels }), exampleState()).atDetector).toBe(true);
  });

  it.each([
    [[1, 0, 0, 0, 1, 0], 'z'],
    [[1, 0, 0, 0, 0, -1], 'y'],
    [[0, 1, 0, 0, 0, -1], 'x'],
  ] as const)('calls the axis of a plane with orientation %j %s', (orientation, axis) => {
    expect(stackAxis(orientation).name).toBe(axis);
  });
});

describe('the window', () => {
  it('is called by the preset, then by what is stored, else by nothing', () => {
    const series = exampleSeries();
    const name = (center: number, width: number) =>
      windowName(exampleState({ window: { center, width, function: 'linear' } }), series);
    expect(name(-600, 1500)).toEqual({ kind: 'preset', key: 'lung' });
    expect(name(50, 350)).toEqual({ kind: 'stored', name: 'ABDOMEN' });
    expect(name(51, 350)).toEqual({ kind: 'own' });
  });

  it('of a digit is the preset at its place, and 0 is as stored', () => {
    const series = exampleSeries();
    expect(presetOfDigit(series, 0, 2)).toMatchObject({ kind: 'window', window: { center: -600, width: 1500 } });
    expect(presetOfDigit(series, 0, 0)).toEqual({ kind: 'as-stored' });
    expect(presetOfDigit(series, 0, 7)).toBeUndefined();
  });

  it('that an image brings for itself is called by its own name', () => {
    const own = { center: 700, width: 1400, function: 'linear', name: 'WINDOW1' } as const;
    const series = exampleSeries({ pixels: [examplePixels({ window: own })] });
    expect(windowName(exampleState({ window: own }), series)).toEqual({ kind: 'stored', name: 'WINDOW1' });
  });

  it('that was made from the values is not called stored', () => {
    const window = { center: 0.2, width: 0.4, function: 'linear-exact', name: null } as const;
    const series = exampleSeries({ windows: [], window, presets: [] });
    expect(windowName(exampleState({ window }), series)).toEqual({ kind: 'automatic' });
    const other = { center: 0.35, width: 0.4, function: 'linear-exact' } as const;
    expect(windowName(exampleState({ window: other }), series)).toEqual({ kind: 'own' });
    expect(corner(series, exampleState({ window })).window).toMatchObject({ width: '0,4000', center: '0,2000' });
  });

  it('of a look-up table is called by the table, which stands behind the presets', () => {
    const table = { first: 0, greatest: 255, entries: [0, 255], name: 'NORMAL' };
    const series = exampleSeries({
      tables: [table, { ...table, name: null }],
      pixels: [examplePixels({ voi: [1, 0] })],
    });
    expect(windowName(exampleState({ table: 1 }), series)).toEqual({ kind: 'table', name: 'NORMAL', number: 2 });
    expect(tablePresets(series, 54)).toEqual([
      { digit: 3, place: 0, name: null },
      { digit: 4, place: 1, name: 'NORMAL' },
    ]);
    expect(presetOfDigit(series, 54, 4)).toEqual({ kind: 'table', place: 1 });
    expect(windowWord({ kind: 'table', name: null, number: 1 })).toBe('Tabelle 1');
  });
});

describe('the value at a point', () => {
  const frame = { slope: 1, intercept: -1024, pixels: 0 };
  const series = (changes: Partial<SeriesView>) => exampleSeries(changes);

  it('is the rescaled one with its unit', () => {
    expect(probeReading(1058, series({ unit: 'HU' }), frame)).toEqual({ kind: 'value', text: '34\u00a0HU' });
  });

  it('without a known unit is not shown as a number', () => {
    expect(probeReading(1058, series({ unit: null }), frame)).toEqual({ kind: 'unit-unknown' });
  });

  it('that has no unit by declaration says so', () => {
    expect(probeReading(1058, series({ unit: 'US' }), frame)).toEqual({ kind: 'unitless', text: '34' });
  });

  it('of a frame that is not here is nothing', () => {
    expect(probeReading(undefined, series({ unit: 'HU' }), frame)).toEqual({ kind: 'not-here' });
  });

  it('that is padding is no value, whatever the unit', () => {
    const padded = { pixels: [examplePixels({ padding: [-2000, -1990] })] };
    expect(probeReading(-1995, series(padded), frame)).toEqual({ kind: 'padding' });
    expect(probeReading(-1990, series({ ...padded, unit: null }), frame)).toEqual({ kind: 'padding' });
    expect(probeReading(-1989, series(padded), frame)).toMatchObject({ kind: 'value' });
    expect(probeWord({ kind: 'padding' })).toBe('Auffüllwert, kein Messwert');
  });

  it('is the entry of the modality table where there is one', () => {
    const tables = [{ first: 10, greatest: 65535, entries: [100, 200, 300], name: null }];
    const mapped = series({ tables, pixels: [examplePixels({ modality: 0 })], unit: 'OD' });
    expect(probeReading(11, mapped, frame)).toEqual({ kind: 'value', text: '200\u00a0OD' });
    expect(probeReading(-5, mapped, frame)).toEqual({ kind: 'value', text: '100\u00a0OD' });
    expect(probeReading(99, mapped, frame)).toEqual({ kind: 'value', text: '300\u00a0OD' });
  });

  it('stands beside the two patient coordinates of the plane', () => {
    expect(patientText([-39.8, -25.8, -98.6], [1, 0, 0, 0, 1, 0])).toBe('\u221239,8\u00a0mm | \u221225,8\u00a0mm');
  });
});

describe('a viewport', () => {
  const facts: ViewportFacts = {
    wanted: true,
    openFailure: undefined,
    series: exampleSeries(),
    state: exampleState(),
    loaded: 135,
    failed: new Map(),
    stopped: false,
  };

  it.each<[string, Partial<ViewportFacts>]>([
    ['empty', { wanted: false }],
    ['failed', { openFailure: 'not-displayable' }],
    ['opening', { series: undefined }],
    ['loading', { state: exampleState({ ready: false }), loaded: 3 }],
    ['stopped', { state: exampleState({ ready: false }), loaded: 3, stopped: true }],
    ['image-failed', { state: exampleState({ ready: false }), failed: new Map([[54, 'image-truncated']]) }],
    ['preview', { state: exampleState({ preview: true }) }],
    ['ready', {}],
  ])('is %s', (phase, changes) => {
    expect(viewportPhase({ ...facts, ...changes }).phase).toBe(phase);
  });

  it('with one defective image says how many others are fine', () => {
    const failed = new Map([[70, 'image-truncated']]);
    expect(viewportPhase({ ...facts, state: exampleState({ index: 70, ready: false }), failed })).toEqual({
      phase: 'image-failed',
      code: 'image-truncated',
      image: 71,
      others: 134,
    });
  });
});

describe('the text of a length', () => {
  it('stands to the right of the line, and to the left where there is no room', () => {
    expect(labelPlace([10, 50], [60, 40], 400)).toEqual({ x: 72, y: 32, anchor: 'start' });
    expect(labelPlace([300, 50], [390, 40], 400)).toEqual({ x: 288, y: 42, anchor: 'end' });
  });
});
