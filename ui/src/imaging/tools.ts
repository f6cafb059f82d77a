/**
 * What a press of the mouse in the image starts. A held modifier works in every tool; the right
 * button carries both habits, zoom by dragging and the menu by clicking, apart by a threshold.
 */

import type { VoiFunction } from '../host/contract';

export type Tool = 'window' | 'scroll' | 'pan' | 'zoom' | 'length' | 'probe';

export const VIEW_TOOLS: readonly Tool[] = ['window', 'scroll', 'pan', 'zoom'];
export const MEASURING_TOOLS: readonly Tool[] = ['length', 'probe'];

export function isMeasuring(tool: Tool): boolean {
  return MEASURING_TOOLS.includes(tool);
}

/** The part of `PointerEvent` that counts. */
export type Press = { buttons: number; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean };

const LEFT = 1;
const RIGHT = 2;
const MIDDLE = 4;

export function dragOf({ buttons, ctrlKey, metaKey, shiftKey }: Press, tool: Tool): Tool | undefined {
  if ((buttons & LEFT) !== 0 && (buttons & RIGHT) !== 0) return 'scroll';
  if ((buttons & MIDDLE) !== 0) return 'pan';
  if ((buttons & RIGHT) !== 0) return 'zoom';
  if ((buttons & LEFT) === 0) return undefined;
  if (ctrlKey || metaKey) return 'zoom';
  if (shiftKey) return 'pan';
  return tool;
}

/** A press that stayed within 4 px and 300 ms is a click. */
export function isClick(dx: number, dy: number, milliseconds: number): boolean {
  return Math.hypot(dx, dy) < 4 && milliseconds < 300;
}

/**
 * Window after dragging: horizontally the width, vertically the level, finer for narrow windows. Functions other
 * than LINEAR are defined below a width of 1 (PS3.3 C.11.2.1.3), where values may be fractions.
 */
export function draggedWindow(
  start: { center: number; width: number; function?: VoiFunction },
  dx: number,
  dy: number,
): { center: number; width: number } {
  if (start.function !== undefined && start.function !== 'linear' && start.width < 400) {
    const step = start.width / 400;
    return { width: Math.max(step, start.width + dx * step), center: start.center + dy * step };
  }
  const perPixel = Math.max(0.02, start.width / 400);
  return {
    width: Math.max(1, Math.round(start.width + dx * perPixel)),
    center: Math.round(start.center + dy * perPixel),
  };
}

/** Zoom factor of a vertical drag: 100 px double or halve it. */
export function draggedZoom(dy: number): number {
  return Math.pow(2, -dy / 100);
}

/** CSS pixels of dragging for one image, so that a stack fits into the viewport's height. */
export function pixelsPerImage(count: number, viewportHeight: number): number {
  return Math.max(2, Math.min(24, (viewportHeight * 0.8) / Math.max(1, count)));
}
