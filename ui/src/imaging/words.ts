/** Codes of the image area in the reader's language. A code without a word is shown as it came. */

import type { FailureCode, IdentityView } from '../host/contract';
import { date, listName } from '../i18n/format';
import { failureWords } from '../i18n/failure';
import { m } from '../paraglide/messages';
import type { Corner, ProbeReading, ViewportPhase, WindowName } from './overlay';
import type { ViewportSnapshot } from './snapshot';

const PRESETS: Readonly<Record<string, () => string>> = {
  'soft-tissue': m.imaging_preset_soft_tissue,
  lung: m.imaging_preset_lung,
  liver: m.imaging_preset_liver,
  bone: m.imaging_preset_bone,
  brain: m.imaging_preset_brain,
  mediastinum: m.imaging_preset_mediastinum,
};

const NOTES: Readonly<Record<string, () => string>> = {
  gap: m.imaging_note_gap,
  'uneven-distances': m.imaging_note_uneven_distances,
  'mixed-orientation': m.imaging_note_mixed_orientation,
  'mixed-spacing': m.imaging_note_mixed_spacing,
  'duplicate-position': m.imaging_note_duplicate_position,
  sheared: m.imaging_note_sheared,
  'no-geometry': m.imaging_note_no_geometry,
  'mixed-frame-of-reference': m.imaging_note_mixed_frame_of_reference,
  partial: m.imaging_note_partial,
};

export function presetWord(key: string): string {
  return PRESETS[key]?.() ?? key;
}

export function noteWord(key: string): string {
  return NOTES[key]?.() ?? m.imaging_note_other({ key });
}

export function windowWord(name: WindowName): string {
  switch (name.kind) {
    case 'preset':
      return presetWord(name.key);
    case 'stored':
      return name.name ?? m.imaging_preset_stored();
    case 'automatic':
      return m.imaging_preset_automatic();
    case 'table':
      return tableWord(name.name, name.number);
    case 'own':
      return '';
  }
}

export function tableWord(name: string | null, number: number): string {
  return name ?? m.imaging_preset_table({ number });
}

export function probeWord(reading: ProbeReading): string {
  switch (reading.kind) {
    case 'value':
    case 'colour':
      return reading.text;
    case 'unitless':
      return m.imaging_unitless({ value: reading.text });
    case 'unit-unknown':
      return m.imaging_unit_unknown();
    case 'padding':
      return m.imaging_padding();
    case 'not-here':
      return '';
  }
}

/** Why one image is missing, where the heading has said already that it is. */
const IMAGE_FAILURES: Readonly<Record<string, () => string>> = {
  'image-truncated': m.imaging_why_truncated,
  'image-damaged': m.imaging_why_damaged,
  'not-dicom': m.imaging_why_not_dicom,
  'encoding-unsupported': m.imaging_why_encoding,
  'decoder-stopped': m.imaging_why_stopped,
};

export function imageFailureWhy(code: string): string {
  return IMAGE_FAILURES[code]?.() ?? failureWhat(code);
}

export function failureWhat(code: string): string {
  return failureWords({ code: code as FailureCode, detail: '' }).what;
}

/** "Auerwald, Gernot, *14.03.1955". */
export function otherPerson(other: IdentityView): string {
  const born = other.birthDate === null ? '' : `, *${date(other.birthDate)}`;
  return `${listName(other)}${born}`;
}

export function imageWord({ index, count }: Corner['image']): string {
  return m.imaging_image_of({ index, count });
}

function phaseWord(phase: ViewportPhase): string {
  switch (phase.phase) {
    case 'empty':
      return m.imaging_empty();
    case 'opening':
      return m.imaging_opening();
    case 'failed':
      return failureWhat(phase.code);
    case 'image-failed':
      return m.imaging_image_failed({ image: phase.image });
    case 'loading':
    case 'stopped':
      return m.imaging_loading({ loaded: phase.loaded, of: phase.of });
    case 'preview':
      return m.imaging_preview();
    case 'ready':
      return '';
  }
}

/** "Ansicht 1 von 4: CT nativ, Bild 55 von 135, Weichteil". */
export function viewportLabel({ id, corner, phase }: ViewportSnapshot, count: number): string {
  const words =
    corner === undefined
      ? [phaseWord(phase)]
      : [
          corner.series,
          m.imaging_image_of_spoken({ index: corner.image.index, count: corner.image.count }),
          windowWord(corner.window.name),
          phaseWord(phase),
        ];
  return m.imaging_viewport({ number: id + 1, count, words: words.filter((word) => word !== '').join(', ') });
}

/** A table has no width and no center. */
export function windowNumbers({ width, center, name }: Corner['window']): string {
  if (name.kind === 'table') return '';
  return m.imaging_window({ width, center });
}

