/** An invented series and study for tests and stories. Numbers are round, so that results can be checked by hand. */

import type { PixelsView, SeriesView, StudyView } from '../host/contract';
import type { ViewportState } from './viewer';

export function exampleSeries(changes: Partial<SeriesView> = {}): SeriesView {
  return {
    handle: 7,
    study: '1.2.3',
    series: '1.2.3.4',
    modality: 'CT',
    description: 'CT nativ',
    columns: 256,
    rows: 256,
    format: 'i16',
    frames: Array.from({ length: 135 }, (_, index) => ({
      instance: `1.2.3.4.${String(index + 1)}`,
      frame: 1,
      number: index + 1,
      position: [-125, -125, -300 + 3.75 * index],
      orientation: [1, 0, 0, 0, 1, 0],
      thickness: 3.75,
      slope: 1,
      intercept: -1024,
      pixels: 0,
    })),
    spacing: [0.977, 0.977],
    calibration: 'patient',
    volume: { planeDistance: 3.75 },
    notes: [],
    unit: 'HU',
    inverted: false,
    windows: [{ center: 50, width: 350, function: 'linear', name: 'ABDOMEN' }],
    window: { center: 50, width: 350, function: 'linear', name: 'ABDOMEN' },
    presets: [
      { key: 'soft-tissue', window: { center: 40, width: 400, function: 'linear', name: null } },
      { key: 'lung', window: { center: -600, width: 1500, function: 'linear', name: null } },
    ],
    lossy: false,
    pixels: [examplePixels({ padding: [-2000, -2000] })],
    tables: [],
    ...changes,
  };
}

export function examplePixels(changes: Partial<PixelsView> = {}): PixelsView {
  return {
    padding: null,
    modality: null,
    voi: [],
    beginsWithTable: false,
    window: null,
    inverted: null,
    scale: null,
    ...changes,
  };
}

export function exampleState(changes: Partial<ViewportState> = {}): ViewportState {
  return {
    handle: 7,
    index: 54,
    count: 135,
    window: { center: 40, width: 400, function: 'linear' },
    table: null,
    asStored: false,
    inverted: false,
    zoomPercent: 128.4,
    fit: true,
    mmPerPx: 0.76,
    letters: { top: 'A', right: 'L', bottom: 'P', left: 'R' },
    scaleBar: { px: 65.8, cm: 5 },
    position: -98.6,
    thickness: 3.75,
    ready: true,
    preview: false,
    ...changes,
  };
}

export function exampleStudy(changes: Partial<StudyView> = {}): StudyView {
  return {
    study: '1.2.3',
    description: 'PET/CT Ganzkörper',
    at: '2026-11-04T08:59:00Z',
    institution: 'Klinikum Eschenfurt',
    identity: { grade: 'same' },
    series: [
      {
        series: '1.2.3.4',
        modality: 'CT',
        description: 'CT nativ',
        number: 2,
        instances: 135,
        displayable: true,
        thumbnail: 91,
      },
    ],
    ...changes,
  };
}
