import { describe, expect, it } from 'vitest';
import { GRID, rectangles } from './layouts';

describe('viewports in the image area', () => {
  it('share it in whole pixels with a gap between', () => {
    expect(rectangles(GRID['2x2'], 1001, 701, 2)).toEqual([
      { id: 0, x: 0, y: 0, width: 499, height: 349 },
      { id: 1, x: 501, y: 0, width: 500, height: 349 },
      { id: 2, x: 0, y: 351, width: 499, height: 350 },
      { id: 3, x: 501, y: 351, width: 500, height: 350 },
    ]);
  });

  it('never have a negative size', () => {
    for (const { width, height } of rectangles(GRID['2x2'], 1, 1, 2)) {
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(0);
    }
  });
});
