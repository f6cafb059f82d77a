/** What "Heute" says about time. */
import { calendarDays, clock } from '../i18n/format';

/** True when something is due today or should have been done before. */
export function isPressing(due: string | null, now: Date): boolean {
  return due !== null && calendarDays(now, new Date(due)) <= 0;
}

export type BoardMoment = { state: 'far' } | { state: 'before'; text: string; hours: boolean } | { state: 'running'; minutes: number } | { state: 'over' };

/** h:mm over an hour, m:ss under it, then how long it has been running; another day has no countdown. */
export function boardMoment(start: string, end: string, now: Date): BoardMoment {
  const begins = new Date(start).getTime();
  const ends = new Date(end).getTime();
  const left = begins - now.getTime();
  if (left > 0) {
    if (calendarDays(now, new Date(start)) > 0 && left > 12 * 3_600_000) return { state: 'far' };
    return { state: 'before', ...clock(left) };
  }
  if (now.getTime() < ends) return { state: 'running', minutes: Math.floor(-left / 60_000) };
  return { state: 'over' };
}
