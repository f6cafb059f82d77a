import { expect, test } from 'vitest';
import { boardMoment, isPressing } from './todayView';

const start = '2026-11-24T15:00:00+01:00';
const end = '2026-11-24T15:40:00+01:00';
const at = (time: string) => boardMoment(start, end, new Date(`2026-11-24T${time}+01:00`));

test('what is due today or was due before presses, and what is due tomorrow does not', () => {
  const now = new Date(start);
  expect(['2026-11-23', '2026-11-24', '2026-11-25', null].map((due) => isPressing(due, now))).toEqual([true, true, false, false]);
});

test('over an hour before, hours and minutes are left', () => {
  expect(at('13:36:00')).toEqual({ state: 'before', text: '1:24', hours: true });
});

test('under an hour before, minutes and seconds are left', () => {
  expect(at('14:59:30')).toEqual({ state: 'before', text: '0:30', hours: false });
});

test('after the start it runs, with the minutes so far', () => {
  expect(at('15:03:59')).toEqual({ state: 'running', minutes: 3 });
});

test('after the end it is over', () => {
  expect(at('15:40:00')).toEqual({ state: 'over' });
});

test('a board of next week has no countdown', () => {
  expect(boardMoment('2026-12-01T15:00:00+01:00', '2026-12-01T15:40:00+01:00', new Date(start))).toEqual({ state: 'far' });
});
