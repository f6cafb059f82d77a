import { describe, expect, test } from 'vitest';
import { fitted, nearby, pageAt, stepped } from './pages';

describe('the zoom', () => {
  test('goes to the next step from a fitted page', () => {
    expect(stepped(0.91, 'in')).toBe(1);
    expect(stepped(0.91, 'out')).toBe(0.8);
  });

  test('leaves a step that it is as good as at', () => {
    expect(stepped(1.002, 'in')).toBe(1.25);
    expect(stepped(0.998, 'out')).toBe(0.8);
  });

  test('ends at its ends', () => {
    expect(stepped(4, 'in')).toBe(4);
    expect(stepped(0.25, 'out')).toBe(0.25);
  });

  // A4 is 210 mm wide: 793.7 CSS pixels.
  test('fits a page to the pane', () => {
    expect(fitted(793.7, 793.7)).toBe(1);
    expect(fitted(396.85, 793.7)).toBe(0.5);
    expect(fitted(5000, 793.7)).toBe(2);
    expect(fitted(0, 793.7)).toBe(1);
  });
});

describe('the page that is read', () => {
  const tops = [0, 1000, 2000];
  test('is the one in the middle of the pane', () => {
    expect(pageAt(tops, 0, 800)).toBe(1);
    expect(pageAt(tops, 599, 800)).toBe(1);
    expect(pageAt(tops, 600, 800)).toBe(2);
    expect(pageAt(tops, 9999, 800)).toBe(3);
  });
  test('is the first before anything is laid out', () => {
    expect(pageAt([], 0, 0)).toBe(1);
  });
});

test('a page is drawn while it or its neighbour is in sight', () => {
  const visible = new Set([3]);
  expect([1, 2, 3, 4, 5].filter((page) => nearby(visible, page))).toEqual([2, 3, 4]);
});
