import { describe, expect, it } from 'vitest';
import { dragOf, draggedWindow, draggedZoom, isClick, pixelsPerImage, type Press } from './tools';

function press(changes: Partial<Press>): Press {
  return { buttons: 0, ctrlKey: false, metaKey: false, shiftKey: false, ...changes };
}

describe('a press in the image', () => {
  it.each<[string, Partial<Press>, string | undefined]>([
    ['left: the active tool', { buttons: 1 }, 'length'],
    ['left with Strg: zoom', { buttons: 1, ctrlKey: true }, 'zoom'],
    ['left with Umschalt: pan', { buttons: 1, shiftKey: true }, 'pan'],
    ['middle: pan', { buttons: 4 }, 'pan'],
    ['right: zoom', { buttons: 2 }, 'zoom'],
    ['left and right: scroll', { buttons: 3 }, 'scroll'],
    ['none', {}, undefined],
  ])('%s', (_, changes, kind) => {
    expect(dragOf(press(changes), 'length')).toBe(kind);
  });

  it('is a click within four pixels and 300 ms', () => {
    expect(isClick(2, 2, 299)).toBe(true);
    expect(isClick(4, 0, 100)).toBe(false);
    expect(isClick(0, 0, 300)).toBe(false);
  });
});

describe('dragging', () => {
  it('changes the width sideways and the level up and down, finer for narrow windows', () => {
    expect(draggedWindow({ center: 40, width: 400 }, 100, -20)).toEqual({ center: 20, width: 500 });
    expect(draggedWindow({ center: 40, width: 80 }, 100, 0)).toEqual({ center: 40, width: 100 });
  });

  it('never makes a window narrower than one', () => {
    expect(draggedWindow({ center: 40, width: 400 }, -900, 0).width).toBe(1);
  });

  it('doubles the zoom within a hundred pixels upwards', () => {
    expect(draggedZoom(-100)).toBe(2);
    expect(draggedZoom(100)).toBe(0.5);
  });

  it('goes through a stack within the viewport, and not faster than two pixels an image', () => {
    expect(pixelsPerImage(100, 500)).toBe(4);
    expect(pixelsPerImage(5000, 500)).toBe(2);
    expect(pixelsPerImage(1, 500)).toBe(24);
  });
});
