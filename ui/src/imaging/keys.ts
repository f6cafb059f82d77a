/**
 * Keys of the image area. Letters bind to `KeyboardEvent.key`, so Z is Z on QWERTZ. Umschalt and a
 * digit is a punctuation character, another one in each layout: German and English ones are listed.
 */

import { defineCommand, type Command } from '../keys/keys';
import { m } from '../paraglide/messages';
import type { Layout } from './layouts';
import type { Tool } from './tools';

/** What concerns the picture in the active viewport, or how pictures are laid out. */
export type PictureAction =
  | { type: 'preset'; digit: number }
  | { type: 'layout'; layout: Layout }
  | { type: 'step'; images: number }
  | { type: 'edge'; end: 'first' | 'last' }
  | { type: 'viewport'; step: 1 | -1 }
  | { type: 'zoom'; factor: number }
  | { type: 'window'; center: number; width: number }
  | { type: 'rotate'; quarters: 1 | -1 }
  | { type: 'flip'; axis: 'horizontal' | 'vertical' }
  | { type: 'cursor'; columns: number; rows: number }
  | { type: 'fit' }
  | { type: 'one-to-one' }
  | { type: 'reset' }
  | { type: 'invert' };

/** What concerns the screen: tools, measurements, which series. */
export type ScreenAction =
  | { type: 'tool'; tool: Tool }
  | { type: 'series'; step: 1 | -1 }
  | { type: 'point' }
  | { type: 'delete' }
  | { type: 'undo' }
  | { type: 'redo' }
  | { type: 'copy' }
  | { type: 'overlay' };

export type ImagingAction = PictureAction | ScreenAction;

export type ImagingKey = {
  command: Command;
  action: ImagingAction;
  /** Acts only while a measuring tool has its cursor in the image. */
  measuring?: true;
  /** Acts only while focus is in the image area: elsewhere the key belongs to text fields. */
  focused?: true;
};

/** The scope of the image area for the page's key dispatcher. */
export const IMAGES_SCOPE = 'images';

function key(
  id: string,
  keys: readonly string[],
  group: Command['group'],
  label: () => string,
  action: ImagingAction,
): ImagingKey {
  return { command: defineCommand({ id: `images.${id}`, keys, label, group }), action };
}

function cursorKey(id: string, keys: readonly string[], label: () => string, action: ImagingAction): ImagingKey {
  return { ...key(id, keys, 'tools', label, action), measuring: true };
}

function focusedKey(id: string, keys: readonly string[], label: () => string, action: ImagingAction): ImagingKey {
  return { ...key(id, keys, 'tools', label, action), focused: true };
}

/** Window/level by keyboard, the alternative to dragging: per press in rescaled values. */
const WINDOW_STEP = 10;

export const IMAGING_KEYS: readonly ImagingKey[] = [
  key('window-tool', ['w'], 'tools', m.imaging_tool_window, { type: 'tool', tool: 'window' }),
  key('scroll-tool', ['s'], 'tools', m.imaging_tool_scroll, { type: 'tool', tool: 'scroll' }),
  key('pan-tool', ['p'], 'tools', m.imaging_tool_pan, { type: 'tool', tool: 'pan' }),
  key('zoom-tool', ['z'], 'tools', m.imaging_tool_zoom, { type: 'tool', tool: 'zoom' }),
  key('length-tool', ['l'], 'tools', m.imaging_tool_length, { type: 'tool', tool: 'length' }),
  key('probe-tool', ['o'], 'tools', m.imaging_tool_probe, { type: 'tool', tool: 'probe' }),
  key('delete', ['delete', 'backspace'], 'tools', m.imaging_delete, { type: 'delete' }),
  focusedKey('undo', ['mod+z'], m.imaging_undo, { type: 'undo' }),
  focusedKey('redo', ['mod+y', 'mod+shift+z'], m.imaging_redo, { type: 'redo' }),
  focusedKey('copy', ['mod+c'], m.imaging_copy, { type: 'copy' }),

  key('next', ['arrowdown'], 'images', m.imaging_next, { type: 'step', images: 1 }),
  key('previous', ['arrowup'], 'images', m.imaging_previous, { type: 'step', images: -1 }),
  key('first', ['home'], 'images', m.imaging_first, { type: 'edge', end: 'first' }),
  key('last', ['end'], 'images', m.imaging_last, { type: 'edge', end: 'last' }),
  key('next-series', ['pagedown'], 'images', m.imaging_next_series, { type: 'series', step: 1 }),
  key('previous-series', ['pageup'], 'images', m.imaging_previous_series, { type: 'series', step: -1 }),
  key('next-viewport', ['arrowright'], 'images', m.imaging_next_viewport, { type: 'viewport', step: 1 }),
  key('previous-viewport', ['arrowleft'], 'images', m.imaging_previous_viewport, { type: 'viewport', step: -1 }),
  key('zoom-in', ['+'], 'images', m.imaging_zoom_in, { type: 'zoom', factor: 1.25 }),
  key('zoom-out', ['-'], 'images', m.imaging_zoom_out, { type: 'zoom', factor: 0.8 }),
  key('fit', ['='], 'images', m.imaging_fit, { type: 'fit' }),
  key('one-to-one', ['mod+1'], 'images', m.imaging_one_to_one, { type: 'one-to-one' }),
  key('reset', ['space'], 'images', m.imaging_reset, { type: 'reset' }),
  key('invert', ['i'], 'images', m.imaging_invert, { type: 'invert' }),
  key('flip-horizontal', ['h'], 'images', m.imaging_flip_horizontal, { type: 'flip', axis: 'horizontal' }),
  key('flip-vertical', ['v'], 'images', m.imaging_flip_vertical, { type: 'flip', axis: 'vertical' }),
  key('rotate-right', ['r'], 'images', m.imaging_rotate_right, { type: 'rotate', quarters: 1 }),
  key('rotate-left', ['shift+r'], 'images', m.imaging_rotate_left, { type: 'rotate', quarters: -1 }),
  key('overlay', ['t'], 'images', m.imaging_overlay, { type: 'overlay' }),
  key('layout-1', ['!'], 'images', m.imaging_layout_1x1, { type: 'layout', layout: '1x1' }),
  key('layout-2', ['"', '@'], 'images', m.imaging_layout_1x2, { type: 'layout', layout: '1x2' }),
  key('layout-3', ['§', '#'], 'images', m.imaging_layout_2x1, { type: 'layout', layout: '2x1' }),
  key('layout-4', ['$'], 'images', m.imaging_layout_2x2, { type: 'layout', layout: '2x2' }),

  ...Array.from({ length: 9 }, (_, index) =>
    key(
      `preset-${String(index + 1)}`,
      [String(index + 1)],
      'windows',
      () => m.imaging_preset_digit({ digit: index + 1 }),
      { type: 'preset', digit: index + 1 },
    ),
  ),
  key('preset-0', ['0'], 'windows', m.imaging_preset_stored, { type: 'preset', digit: 0 }),
  key('wider', ['alt+shift+arrowright'], 'windows', m.imaging_wider, {
    type: 'window',
    width: WINDOW_STEP,
    center: 0,
  }),
  key('narrower', ['alt+shift+arrowleft'], 'windows', m.imaging_narrower, {
    type: 'window',
    width: -WINDOW_STEP,
    center: 0,
  }),
  key('level-up', ['alt+shift+arrowup'], 'windows', m.imaging_level_up, {
    type: 'window',
    width: 0,
    center: WINDOW_STEP,
  }),
  key('level-down', ['alt+shift+arrowdown'], 'windows', m.imaging_level_down, {
    type: 'window',
    width: 0,
    center: -WINDOW_STEP,
  }),

  cursorKey('point', ['enter'], m.imaging_point, { type: 'point' }),
  cursorKey('cursor-left', ['arrowleft'], m.imaging_cursor, { type: 'cursor', columns: -1, rows: 0 }),
  cursorKey('cursor-right', ['arrowright'], m.imaging_cursor, { type: 'cursor', columns: 1, rows: 0 }),
  cursorKey('cursor-up', ['arrowup'], m.imaging_cursor, { type: 'cursor', columns: 0, rows: -1 }),
  cursorKey('cursor-down', ['arrowdown'], m.imaging_cursor, { type: 'cursor', columns: 0, rows: 1 }),
  cursorKey('cursor-far-left', ['shift+arrowleft'], m.imaging_cursor_far, { type: 'cursor', columns: -10, rows: 0 }),
  cursorKey('cursor-far-right', ['shift+arrowright'], m.imaging_cursor_far, { type: 'cursor', columns: 10, rows: 0 }),
  cursorKey('cursor-far-up', ['shift+arrowup'], m.imaging_cursor_far, { type: 'cursor', columns: 0, rows: -10 }),
  cursorKey('cursor-far-down', ['shift+arrowdown'], m.imaging_cursor_far, { type: 'cursor', columns: 0, rows: 10 }),
];

/** The letter that stands on a tool. */
export const TOOL_LETTER: Readonly<Record<Tool, string>> = {
  window: 'W',
  scroll: 'S',
  pan: 'P',
  zoom: 'Z',
  length: 'L',
  probe: 'O',
};
