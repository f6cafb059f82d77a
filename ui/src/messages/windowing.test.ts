import { describe, expect, test } from 'vitest';
import { anchorAt, handedOver, isAtEnd, offsetsOf, placed, type Row, rowAt, segments, visible } from './windowing';

const firm = (...ids: string[]): Row[] => ids.map((id) => ({ id, hold: 'firm' }));
const loose = (id: string): Row => ({ id, hold: 'loose' });
/** Lines of 50 pixels, unless said otherwise. */
const offsets = (rows: readonly Row[], heights: Record<string, number> = {}) => offsetsOf(rows, new Map(Object.entries(heights)), () => 50);
const numbered = (count: number) => firm(...Array.from({ length: count }, (_, at) => `m${at}`));

describe('the part of a list that is drawn', () => {
  test('begins each line where the ones before it end, measured or guessed', () => {
    expect([...offsets(firm('a', 'b', 'c'), { b: 20 })]).toEqual([0, 50, 70, 120]);
  });

  test('is what is in sight and a margin, and never more than there is', () => {
    const all = offsets(numbered(100));
    expect(visible(all, 1000, 200, 100)).toEqual([18, 27]);
    expect(visible(all, 0, 200, 100)).toEqual([0, 7]);
    expect(visible(all, 99_999, 200, 100)).toEqual([99, 100]);
    expect(visible(offsets([]), 0, 200, 100)).toEqual([0, 0]);
  });

  test('of ten thousand lines is a handful', () => {
    const all = offsets(numbered(10_000));
    const [from, to] = visible(all, 250_000, 800, 700);
    expect(to - from).toBeLessThan(50);
    expect(rowAt(all, 250_000)).toBe(5000);
  });

  test('leaves the space of the lines between that are not drawn', () => {
    const { drawn, rest } = segments([4, 6], [1], offsets(numbered(10)));
    // 50 before line 1, then lines 2 and 3, then 6 to 9.
    expect(drawn).toEqual([
      { at: 1, gap: 50 },
      { at: 4, gap: 100 },
      { at: 5, gap: 0 },
    ]);
    expect(rest).toBe(200);
  });
});

describe('the line being read', () => {
  const lines = numbered(40);

  test('stays where it is when earlier lines come', () => {
    const anchor = anchorAt(lines, offsets(lines), 510, 300)!;
    expect(anchor).toEqual({ id: 'm11', edge: 'top', distance: 40 });
    const after = [...firm('e1', 'e2', 'e3'), ...lines];
    // Three lines of 50 before it.
    expect(placed(anchor, after, offsets(after))).toBe(660);
  });

  test('stays where it is when a line above it turns out higher than guessed', () => {
    const anchor = anchorAt(lines, offsets(lines), 510, 300)!;
    expect(placed(anchor, lines, offsets(lines, { m3: 130 }))).toBe(590);
  });

  test('stays where it is when new lines come below', () => {
    const anchor = anchorAt(lines, offsets(lines), 510, 300)!;
    const after = [...lines, ...firm('n1')];
    expect(placed(anchor, after, offsets(after))).toBe(510);
  });

  test('is never a separator, which may move to another place', () => {
    const rows = [loose('day'), ...firm('a', 'b')];
    const anchor = anchorAt(rows, offsets(rows), 0, 300)!;
    expect(anchor.id).toBe('a');
    // The day begins with an earlier message now; "a" stays 50 below the upper edge.
    const after = [loose('day'), ...firm('x', 'y', 'a', 'b')];
    expect(placed(anchor, after, offsets(after))).toBe(100);
  });

  test('that is the first one is held by its lower edge, since its heading may go', () => {
    const rows = [loose('earlier'), ...firm('a', 'b')];
    const anchor = anchorAt(rows, offsets(rows), 0, 300)!;
    expect(anchor).toEqual({ id: 'a', edge: 'bottom', distance: 100 });
    const after = [loose('earlier'), ...firm('x', 'a', 'b')];
    // "a" has lost 20 pixels of heading; "b" stays at 100: 50 + 50 + 30 − 100.
    expect(placed(anchor, after, offsets(after, { a: 30 }))).toBe(30);
  });

  test('that fills the window is held by its upper edge, so that a reaction below it moves nothing', () => {
    const rows = firm('a', 'long', 'b');
    const anchor = anchorAt(rows, offsets(rows, { long: 2000 }), 600, 300)!;
    expect(anchor).toEqual({ id: 'long', edge: 'top', distance: -550 });
    expect(placed(anchor, rows, offsets(rows, { long: 2034 }))).toBe(600);
  });

  test('hands its place to a neighbor when it goes', () => {
    const anchor = anchorAt(lines, offsets(lines), 510, 300)!;
    const after = lines.filter((row) => row.id !== 'm11');
    const next = handedOver(anchor, lines, offsets(lines), after)!;
    expect(next).toEqual({ id: 'm12', edge: 'top', distance: 90 });
    expect(placed(anchor, after, offsets(after))).toBeNull();
    // What was below moves up by the line that is gone, and by nothing else.
    expect(placed(next, after, offsets(after))).toBe(460);
  });
});

test('the end is in sight within the rounding of a screen', () => {
  expect(isAtEnd(700, 300, 1000)).toBe(true);
  expect(isAtEnd(697, 300, 1000)).toBe(true);
  expect(isAtEnd(680, 300, 1000)).toBe(false);
});
