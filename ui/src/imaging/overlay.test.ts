import { beforeEach, describe, expect, it } from 'vitest';
import { speak } from '../i18n/language';
import { exampleSeries, exampleState } from './examples';
import {
  corner,
  labelPlace,
  patientText,
  presetOfDigit,
  probeReading,
  stackAxis,
  viewportPhase,
  windowName,
  type ViewportFacts,
} from './overlay';

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
    expect(windowName({ center: -600, width: 1500 }, series)).toEqual({ kind: 'preset', key: 'lung' });
    expect(windowName({ center: 50, width: 350 }, series)).toEqual({ kind: 'stored', name: 'ABDOMEN' });
    expect(windowName({ center: 51, width: 350 }, series)).toEqual({ kind: 'own' });
  });

  it('of a digit is the preset at its place, and 0 is as stored', () => {
    const series = exampleSeries();
    expect(presetOfDigit(series, 2)).toMatchObject({ center: -600, width: 1500 });
    expect(presetOfDigit(series, 0)).toMatchObject({ center: 50, width: 350 });
    expect(presetOfDigit(series, 7)).toBeUndefined();
  });
});

describe('the value at a point', () => {
  const rescale = { slope: 1, intercept: -1024 };

  it('is the rescaled one with its unit', () => {
    expect(probeReading(1058, { unit: 'HU' }, rescale)).toEqual({ kind: 'value', text: '34\u00a0HU' });
  });

  it('without a known unit is not shown as a number', () => {
    expect(probeReading(1058, { unit: null }, rescale)).toEqual({ kind: 'unit-unknown' });
  });

  it('that has no unit by declaration says so', () => {
    expect(probeReading(1058, { unit: 'US' }, rescale)).toEqual({ kind: 'unitless', text: '34' });
  });

  it('of a frame that is not here is nothing', () => {
    expect(probeReading(undefined, { unit: 'HU' }, rescale)).toEqual({ kind: 'not-here' });
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
