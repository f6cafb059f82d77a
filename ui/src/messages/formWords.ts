/** What structured messages say in words, and times as they are typed. */
import type { FormAnswer, FormAnsweredView } from '../host/contract';
import { calendarDays, instant, longDate, time } from '../i18n/format';
import { m } from '../paraglide/messages';

/** "Mittwoch, 25. November 2026, 15:00 bis 15:40" */
export function appointmentWords(start: string, end: string): string {
  const [first, last] = [new Date(start), new Date(end)];
  const words = { day: longDate(first), from: time(start), to: time(end) };
  return calendarDays(first, last) === 0 ? m.form_appointment_when(words) : m.form_appointment_over({ ...words, lastDay: longDate(last) });
}

export function answerWords(answer: FormAnswer): string {
  switch (answer) {
    case 'accepted':
      return m.form_said_accepted();
    case 'tentative':
      return m.form_said_tentative();
    case 'declined':
      return m.form_said_declined();
    default: {
      const unknown: never = answer;
      return unknown;
    }
  }
}

/** What the signed-in person has answered; null where nothing. */
export function ownAnswer(answers: readonly FormAnsweredView[]): FormAnswer | null {
  return answers.find((one) => one.by.own)?.answer ?? null;
}

export function isOver(end: string, now: Date): boolean {
  return Date.parse(end) < now.getTime();
}

/** A day as it is typed: 25.11.2026, 25.11.26 or 2026-11-25; null where it is none. */
export function typedDay(text: string): string | null {
  const found = /^(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})$/u.exec(text.trim()) ?? /^(?<day>\d{1,2})\.\s*(?<month>\d{1,2})\.\s*(?<year>\d{4}|\d{2})$/u.exec(text.trim());
  const { year, month, day } = found?.groups ?? {};
  if (year === undefined || month === undefined || day === undefined) return null;
  const iso = `${year.padStart(4, '20')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso) ? iso : null;
}

/** A time as it is typed: 15:00, 15.00, 9:30 or 15; null where it is none. */
export function typedTime(text: string): string | null {
  const found = /^(?<hour>\d{1,2})(?:[:.](?<minute>\d{2}))?$/u.exec(text.trim());
  const { hour, minute = '00' } = found?.groups ?? {};
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return null;
  return `${hour.padStart(2, '0')}:${minute}`;
}

export interface TypedAppointment {
  day: string;
  from: string;
  to: string;
}

/** The appointment that was typed, or what is wrong with which field. */
export function typedAppointment(typed: TypedAppointment, now: Date): { start: string; end: string } | { wrong: Partial<TypedAppointment> } {
  const [day, from, to] = [typedDay(typed.day), typedTime(typed.from), typedTime(typed.to)];
  const start = day !== null && from !== null ? instant(day, from) : null;
  const end = day !== null && to !== null ? instant(day, to) : null;
  const wrong: Partial<TypedAppointment> = {};
  if (day === null) wrong.day = m.form_day_wrong();
  if (from === null || (day !== null && start === null)) wrong.from = m.form_time_wrong();
  if (to === null || (day !== null && end === null)) wrong.to = m.form_time_wrong();
  if (start === null || end === null) return { wrong };
  if (Date.parse(end) <= Date.parse(start)) return { wrong: { to: m.form_time_order() } };
  if (Date.parse(start) < now.getTime()) return { wrong: { from: m.form_time_past() } };
  return { start, end };
}
