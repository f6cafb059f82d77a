import { expect, test } from 'vitest';
import { Pace, restSeconds } from './pace';

test('a rate is known once something was seen to move for a while', () => {
  const pace = new Pace();
  expect(pace.rate(0)).toBeNull();
  pace.note(0, 0);
  pace.note(500, 1_000_000);
  expect(pace.rate(500)).toBeNull();
  pace.note(2000, 4_000_000);
  expect(pace.rate(2000)).toBe(2_000_000);
});

test('what stands still becomes slower, and what is long ago does not count', () => {
  const still = new Pace();
  still.note(0, 0);
  still.note(2000, 4_000_000);
  expect(still.rate(10_000)).toBe(500_000);
  const faster = new Pace();
  for (let second = 0; second <= 10; second += 1) faster.note(second * 1000, second * 1000);
  for (let second = 11; second <= 30; second += 1) faster.note(second * 1000, 10_000 + (second - 10) * 1_000_000);
  expect(faster.rate(30_000)).toBe(1_000_000);
});

test('an attempt that begins anew is measured anew', () => {
  const pace = new Pace();
  pace.note(0, 0);
  pace.note(1000, 9_000_000);
  pace.note(2000, 0);
  expect(pace.rate(2000)).toBeNull();
  pace.note(3000, 1_000_000);
  expect(pace.rate(3000)).toBe(1_000_000);
});

test('the rest is in whole seconds and never none while something is missing', () => {
  expect([restSeconds(900, 1000, 10), restSeconds(999, 1000, 1000), restSeconds(5, null, 10), restSeconds(5, 10, null)]).toEqual([10, 1, null, null]);
});
