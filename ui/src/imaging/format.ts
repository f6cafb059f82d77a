/** Numbers of the image area as a reader expects them: minus U+2212, unit after a no-break space. */

import { number } from '../i18n/format';

const NBSP = '\u00a0';

function rounded(value: number, digits: number): string {
  // −0,0 is no position.
  const near = Number(value.toFixed(digits));
  return number(near === 0 ? 0 : near, digits);
}

export function whole(value: number): string {
  return rounded(value, 0);
}

/** A number of a window: whole where the window is wide, else as many digits as tell its grays apart. */
export function windowed(value: number, width: number): string {
  const digits = width >= 50 ? 0 : width >= 5 ? 1 : width >= 0.5 ? 2 : 4;
  return rounded(value, Number.isInteger(value) ? 0 : digits);
}

export function millimeters(value: number): string {
  return `${rounded(value, 1)}${NBSP}mm`;
}

/** Lengths in mm with one decimal, in pixels as whole numbers. */
export function length(value: number, unit: 'mm' | 'px'): string {
  return unit === 'mm' ? millimeters(value) : `${rounded(value, 0)}${NBSP}px`;
}

/** Thickness as the device states it: at most two decimals. */
export function thickness(mm: number): string {
  const two = Math.round(mm * 100);
  const digits = two % 100 === 0 ? 0 : two % 10 === 0 ? 1 : 2;
  return `${rounded(mm, digits)}${NBSP}mm`;
}

export function percent(value: number): string {
  return `${rounded(value, 0)}${NBSP}%`;
}

/** The bar's length: whole cm, and mm below one. */
export function scaleBar(cm: number): string {
  return cm >= 1 ? `${number(cm)}${NBSP}cm` : `${number(cm * 10)}${NBSP}mm`;
}

/** Names of DICOM's rescale units as they are written. */
const UNIT_TEXT: Readonly<Record<string, string>> = { HU: 'HU', BQML: 'Bq/ml', GML: 'g/ml', OD: 'OD' };

/** PS3.3 C.11.1.1.2: US says that the values have no unit, which is not the same as an unknown one. */
export const UNSPECIFIED_UNIT = 'US';

export function unitText(unit: string): string {
  return UNIT_TEXT[unit] ?? unit;
}

/** A rescaled value: whole numbers where the slope is whole, else as many digits as tell values apart. */
export function rescaled(value: number, slope: number): string {
  const digits = Number.isInteger(slope) ? 0 : Math.min(3, Math.max(0, Math.ceil(-Math.log10(Math.abs(slope)))));
  return rounded(value, digits);
}
