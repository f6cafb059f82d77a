import { describe, expect, it } from 'vitest';
import { stroke } from '../keys/keys';
import { IMAGING_KEYS } from './keys';

function press(key: string, held: Partial<Record<'ctrlKey' | 'shiftKey' | 'altKey', boolean>> = {}) {
  return stroke({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
}

function actionOf(pressed: string, measuring = false) {
  return IMAGING_KEYS.findLast(
    (one) => one.command.keys.includes(pressed) && (one.measuring !== true || measuring),
  )?.action;
}

describe('the keys of the image area', () => {
  it.each([
    ['w', { type: 'tool', tool: 'window' }],
    ['s', { type: 'tool', tool: 'scroll' }],
    ['p', { type: 'tool', tool: 'pan' }],
    ['z', { type: 'tool', tool: 'zoom' }],
    ['l', { type: 'tool', tool: 'length' }],
    ['o', { type: 'tool', tool: 'probe' }],
    ['i', { type: 'invert' }],
    ['h', { type: 'flip', axis: 'horizontal' }],
    ['v', { type: 'flip', axis: 'vertical' }],
    ['r', { type: 'rotate', quarters: 1 }],
    ['2', { type: 'preset', digit: 2 }],
    ['0', { type: 'preset', digit: 0 }],
    ['+', { type: 'zoom', factor: 1.25 }],
    ['ArrowDown', { type: 'step', images: 1 }],
    ['Home', { type: 'edge', end: 'first' }],
    ['PageDown', { type: 'series', step: 1 }],
    [' ', { type: 'reset' }],
    ['Delete', { type: 'delete' }],
  ])('%s', (key, action) => {
    expect(actionOf(press(key))).toEqual(action);
  });

  it('turn left with Umschalt', () => {
    expect(actionOf(press('R', { shiftKey: true }))).toEqual({ type: 'rotate', quarters: -1 });
  });

  it('fit with "=", which is Umschalt 0 on a German keyboard', () => {
    expect(actionOf(press('=', { shiftKey: true }))).toEqual({ type: 'fit' });
  });

  it.each([
    ['!', '1x1'],
    ['"', '1x2'],
    ['@', '1x2'],
    ['§', '2x1'],
    ['#', '2x1'],
    ['$', '2x2'],
  ])('choose a layout with Umschalt and a digit, which gives %s', (key, layout) => {
    expect(actionOf(press(key, { shiftKey: true }))).toEqual({ type: 'layout', layout });
  });

  it('show one to one with Strg 1', () => {
    expect(actionOf(press('1', { ctrlKey: true }))).toEqual({ type: 'one-to-one' });
  });

  it('move the cursor with arrows only while measuring', () => {
    expect(actionOf(press('ArrowRight'), true)).toEqual({ type: 'cursor', columns: 1, rows: 0 });
    expect(actionOf(press('ArrowRight', { shiftKey: true }), true)).toEqual({ type: 'cursor', columns: 10, rows: 0 });
    expect(actionOf(press('ArrowRight'))).toEqual({ type: 'viewport', step: 1 });
    expect(actionOf(press('Enter'))).toBeUndefined();
  });

  it('are each bound once', () => {
    for (const measuring of [true, undefined]) {
      const strokes = IMAGING_KEYS.filter((one) => one.measuring === measuring).flatMap(({ command }) => command.keys);
      expect(new Set(strokes).size).toBe(strokes.length);
    }
  });

  it('that text fields use themselves act only inside the images', () => {
    const own = IMAGING_KEYS.filter(({ command }) => command.keys.some((key) => /^mod\+[zyc]$/u.test(key)));
    expect(own.map(({ focused }) => focused)).toEqual([true, true, true]);
  });
});
