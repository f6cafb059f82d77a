import { describe, expect, test } from 'vitest';
import { trendShape } from './TrendLine';

const day = 86_400_000;

describe('a trend line', () => {
  test('has linear time: a value near the end in time is near the end on the line', () => {
    const { points } = trendShape([{ at: 0, value: 1 }, { at: 9 * day, value: 2 }, { at: 10 * day, value: 3 }], null, null, 100, 30);
    const [first, second, third] = points.map((point) => point.x);
    expect((second! - first!) / (third! - first!)).toBeCloseTo(0.9);
  });

  test('draws the band between the limits, higher values above', () => {
    const { points, band } = trendShape([{ at: 0, value: 12 }, { at: day, value: 16 }], 13, 17, 100, 30);
    expect(points[1]!.y).toBeLessThan(points[0]!.y);
    expect(points[0]!.y).toBeGreaterThan(band!.y + band!.height - 0.001);
    expect(points[1]!.y).toBeGreaterThan(band!.y);
  });

  test('without limits has no band, with one limit the band reaches the edge', () => {
    expect(trendShape([{ at: 0, value: 1 }], null, null, 100, 30).band).toBeNull();
    expect(trendShape([{ at: 0, value: 80 }], 60, null, 100, 30).band?.y).toBe(3);
    const below = trendShape([{ at: 0, value: 12 }], null, 5, 100, 30).band!;
    expect(below.y + below.height).toBeCloseTo(27);
  });

  test('a single value stands at the end', () => {
    const [point] = trendShape([{ at: 5, value: 2 }], null, null, 100, 30).points;
    expect(point).toEqual({ x: 95, y: 15 });
  });
});
