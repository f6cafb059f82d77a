import { describe, expect, it } from 'vitest';
import { frameKey, missingRun, mostUrgent, Outstanding, urgency } from './prefetch';

describe('the order of frames', () => {
  it('is nearest first on both sides when nobody scrolls', () => {
    expect(urgency(0, 6, 3, 0)).toEqual([3, 4, 2, 5, 1, 6, 0]);
  });

  it('goes twice as far ahead as behind while scrolling on', () => {
    expect(urgency(0, 9, 4, 1)).toEqual([4, 5, 6, 3, 7, 8, 2, 9, 1, 0]);
    expect(urgency(0, 9, 5, -1)).toEqual([5, 4, 6, 3, 2, 7, 1, 0, 8, 9]);
  });

  it('of an empty range is empty', () => {
    expect(urgency(3, 2, 0, 0)).toEqual([]);
    expect(mostUrgent([], 4, 1)).toBeUndefined();
  });

  it('finds the gap that a frame lies in', () => {
    const here = new Set([0, 1, 5, 9]);
    expect(missingRun(3, 10, (frame) => here.has(frame))).toEqual([2, 4]);
    expect(missingRun(5, 10, (frame) => here.has(frame))).toBeUndefined();
    expect(missingRun(12, 10, (frame) => here.has(frame))).toBeUndefined();
  });
});

describe('what is outstanding', () => {
  it('is replaced by a new wish for the same series', () => {
    const outstanding = new Outstanding();
    outstanding.want({ series: 1, first: 0, last: 9, near: 0 });
    outstanding.want({ series: 1, first: 5, last: 9, near: 7 });
    expect(outstanding.wants(1, 2)).toBe(false);
    expect(outstanding.next(new Set())).toEqual({ series: 1, frame: 7 });
  });

  it('comes for the series asked for last first', () => {
    const outstanding = new Outstanding();
    outstanding.want({ series: 1, first: 0, last: 2, near: 0 });
    outstanding.want({ series: 2, first: 4, last: 5, near: 5 });
    expect(outstanding.next(new Set())).toEqual({ series: 2, frame: 5 });
    expect(outstanding.next(new Set([frameKey(2, 5), frameKey(2, 4)]))).toEqual({ series: 1, frame: 0 });
  });

  it('is told to a new connection as one wish a series', () => {
    const outstanding = new Outstanding();
    outstanding.want({ series: 3, first: 0, last: 4, near: 2 });
    outstanding.done(3, 2);
    outstanding.done(3, 0);
    outstanding.want({ series: 4, first: 0, last: 0, near: 0 });
    outstanding.done(4, 0);
    expect(outstanding.asWants()).toEqual([{ series: 3, first: 1, last: 4, near: 2 }]);
  });
});
