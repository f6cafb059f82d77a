/** Dates, numbers and names as `docs` of the screens ask: German first, Europe/Berlin, no-break space before units. */
import type { IdentityView, TnmView } from '../host/contract';
import { m } from '../paraglide/messages';
import { language, localeTag } from './language';

const timeZone = 'Europe/Berlin';
const noBreak = '\u00a0';
const dayMillis = 86_400_000;

const calendar = new Intl.DateTimeFormat('en', { timeZone, calendar: 'gregory', year: 'numeric', month: 'numeric', day: 'numeric' });
const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${localeTag()} ${JSON.stringify(options)}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(localeTag(), { timeZone, ...options });
  formats.set(key, made);
  return made;
}

function parts(date: Date): { year: number; month: number; day: number } {
  // By part and not by form: the order of a locale's date differs between the engines of the web views.
  const found = calendar.formatToParts(date);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(found.find((one) => one.type === type)?.value);
  return { year: part('year'), month: part('month'), day: part('day') };
}

/** Days from `from` to `to` by the calendar of Berlin. */
export function calendarDays(from: Date, to: Date): number {
  const a = parts(from);
  const b = parts(to);
  return Math.round((Date.UTC(b.year, b.month - 1, b.day) - Date.UTC(a.year, a.month - 1, a.day)) / dayMillis);
}

/** True when the text names a day without a time: such a date is never shifted by a time zone. */
function isDateOnly(iso: string): boolean {
  return !iso.includes('T');
}

/** 24.11.2026; 11.2026 or 2026 when the record knows no more. */
export function date(iso: string | null | undefined): string {
  if (iso === null || iso === undefined || iso === '') return '';
  if (!isDateOnly(iso)) {
    const at = new Date(iso);
    if (Number.isNaN(at.getTime())) return iso;
    return dayText(parts(at));
  }
  const [year, month, day] = iso.split('-').map(Number);
  if (year === undefined || Number.isNaN(year)) return iso;
  if (month === undefined) return String(year);
  if (day === undefined) return language() === 'de' ? `${two(month)}.${year}` : `${monthShort(month)} ${year}`;
  return dayText({ year, month, day });
}

function dayText({ year, month, day }: { year: number; month: number; day: number }): string {
  return language() === 'de' ? `${two(day)}.${two(month)}.${year}` : `${day} ${monthShort(month)} ${year}`;
}

/** 2026-11-24: the day by the calendar of Berlin, as dates are compared. */
export function isoDay(at: Date): string {
  const { year, month, day } = parts(at);
  return `${year}-${two(month)}-${two(day)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function monthShort(month: number): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, month - 1, 15))).slice(0, 3);
}

/** 15:08. */
export function time(iso: string): string {
  return format({ hour: '2-digit', minute: '2-digit', hour12: false }).format(new Date(iso));
}

/** 15:08:12. */
export function timeExact(iso: string): string {
  return format({ hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(new Date(iso));
}

/** 24.11.2026, 15:08. */
export function dateTime(iso: string): string {
  return isDateOnly(iso) ? date(iso) : `${date(iso)}, ${time(iso)}`;
}

/** The moment of a day and a time by the clock of Berlin, with its offset; null where the clock jumps over it. */
export function instant(dayIso: string, clockText: string): string | null {
  const wanted = Date.parse(`${dayIso}T${clockText}:00Z`);
  if (Number.isNaN(wanted)) return null;
  // The offset before and the one after a change of the clock are the only ones that come into question.
  for (const hours of [1, 2]) {
    const at = new Date(wanted - hours * 3_600_000);
    const { year, month, day } = parts(at);
    if (`${year}-${two(month)}-${two(day)}` === dayIso && time(at.toISOString()) === clockText) return `${dayIso}T${clockText}:00+0${hours}:00`;
  }
  return null;
}

/** The day after a moment, by the calendar of Berlin: 2026-11-25. */
export function dayAfter(at: Date): string {
  const { year, month, day } = parts(new Date(at.getTime() + dayMillis));
  return `${year}-${two(month)}-${two(day)}`;
}

/** "heute", "gestern", "Di 24.11." within 14 days, else the date. */
export function day(iso: string, now: Date): string {
  const at = isDateOnly(iso) && iso.length === 10 ? new Date(`${iso}T12:00:00Z`) : new Date(iso);
  if (isDateOnly(iso) && iso.length < 10) return date(iso);
  const distance = calendarDays(now, at);
  if (distance === 0) return m.format_today();
  if (distance === -1) return m.format_yesterday();
  if (distance === 1) return m.format_tomorrow();
  if (Math.abs(distance) <= 14) {
    const { month, day: dayOfMonth } = parts(at);
    const weekday = format({ weekday: 'short' }).format(at).replace('.', '');
    return language() === 'de' ? `${weekday} ${two(dayOfMonth)}.${two(month)}.` : `${weekday} ${dayOfMonth} ${monthShort(month)}`;
  }
  return date(iso);
}

/** 24.11. in a list of one year; with the year when it differs from the year of `now`. */
export function dayShort(iso: string, now: Date): string {
  if (isDateOnly(iso) && iso.length < 10) return date(iso);
  const at = isDateOnly(iso) ? new Date(`${iso}T12:00:00Z`) : new Date(iso);
  const { year, month, day: dayOfMonth } = parts(at);
  if (year !== parts(now).year) return date(iso);
  return language() === 'de' ? `${two(dayOfMonth)}.${two(month)}.` : `${dayOfMonth} ${monthShort(month)}`;
}

/** Time for today, else the day: for lists of changes. */
export function moment(iso: string, now: Date): string {
  if (isDateOnly(iso)) return day(iso, now);
  return calendarDays(now, new Date(iso)) === 0 ? time(iso) : day(iso, now);
}

/** Time for today, the weekday within a week, else the day: for a narrow list. */
export function listMoment(iso: string, now: Date): string {
  const at = new Date(iso);
  const distance = calendarDays(at, now);
  if (distance === 0) return time(iso);
  if (distance > 0 && distance < 7) return format({ weekday: 'short' }).format(at).replace('.', '');
  return dayShort(iso, now);
}

/** "Heute, 24. November", "Freitag, 20. November": above what happened on a day. */
export function dayHeading(iso: string, now: Date): string {
  const at = isDateOnly(iso) ? new Date(`${iso}T12:00:00Z`) : new Date(iso);
  const distance = calendarDays(now, at);
  const date = format({ day: 'numeric', month: 'long' }).format(at);
  if (distance === 0) return m.format_heading_today({ date });
  if (distance === -1) return m.format_heading_yesterday({ date });
  if (parts(at).year !== parts(now).year) return longDate(at);
  return format({ weekday: 'long', day: 'numeric', month: 'long' }).format(at);
}

/** Dienstag, 24. November 2026. */
export function longDate(at: Date): string {
  return format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** A period, open ends included. */
export function period(start: string | null, end: string | null): string {
  if (start === null && end === null) return '';
  if (end === null || end === start) return date(start);
  if (start === null) return m.format_until({ date: date(end) });
  return m.format_range({ from: date(start), to: date(end) });
}

/** A number as the laboratory sent it, digits kept, in the reader's notation: "12.80" → "12,80". */
export function digits(text: string): string {
  const minus = text.startsWith('-') ? '\u2212' : '';
  const bare = text.replace(/^-/u, '');
  const [whole = '', fraction] = bare.split('.');
  if (!/^\d+$/u.test(whole)) return text;
  const group = language() === 'de' ? '.' : ',';
  const point = language() === 'de' ? ',' : '.';
  const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/gu, group) : whole;
  return `${minus}${grouped}${fraction === undefined ? '' : point + fraction}`;
}

const numbers = new Map<string, Intl.NumberFormat>();

/** A plain number. */
export function number(value: number, fractionDigits?: number): string {
  // Making a format takes longer than a picture may wait for its eight numbers.
  const key = `${localeTag()} ${String(fractionDigits)}`;
  const known = numbers.get(key);
  const made =
    known ??
    new Intl.NumberFormat(localeTag(), {
      maximumFractionDigits: fractionDigits ?? 6,
      ...(fractionDigits === undefined ? {} : { minimumFractionDigits: fractionDigits }),
    });
  if (known === undefined) numbers.set(key, made);
  return made.format(value).replace('-', '\u2212');
}

/** A part of one as a whole number of percent. */
export function percent(part: number): string {
  return `${number(Math.round(part * 100))}\u00a0%`;
}

/** 0,4 %, 12 %: as exact as a part of one is worth reading. */
export function percentExact(part: number): string {
  const value = Math.round(part * 1000) / 10;
  return `${number(value, value < 10 ? 1 : 0)}${noBreak}%`;
}

/** 142 MB, 1,4 GB: decimal, as disks are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${number(value, at >= 3 ? 1 : 0)}${noBreak}${units[at] ?? ''}`;
}

/** 0,9 von 1,4 GB: both in the unit of the whole, and never all of it before it is all. */
export function bytesOf(count: number, total: number): string {
  const at = total >= 1e9 ? 3 : total >= 1e6 ? 2 : total >= 1e3 ? 1 : 0;
  const step = 1000 ** at;
  const places = at > 0 && (at === 3 || total < 10 * step) ? 1 : 0;
  const part = Math.floor((count / step) * 10 ** places) / 10 ** places;
  return m.format_bytes_of({ part: number(part, places), total: `${number(total / step, places)}${noBreak}${['B', 'kB', 'MB', 'GB'][at] ?? ''}` });
}

/** 6,2 MB/s. */
export function rate(bytesASecond: number): string {
  const [step, name] = bytesASecond >= 1e9 ? [1e9, 'GB/s'] : bytesASecond >= 1e6 ? [1e6, 'MB/s'] : [1e3, 'kB/s'];
  const value = bytesASecond / step;
  return `${number(value, value < 100 && step > 1e3 ? 1 : 0)}${noBreak}${name}`;
}

/** 640 kbit/s, 1,2 Mbit/s: as networks are measured. */
export function bitRate(bitsASecond: number): string {
  const kilo = Math.round(bitsASecond / 1e3);
  return kilo < 1000 ? `${number(kilo)}${noBreak}kbit/s` : `${number(bitsASecond / 1e6, 1)}${noBreak}Mbit/s`;
}

/** "13,5–17,2", "> 60", "< 5". */
export function range(low: string | null, high: string | null): string {
  if (low !== null && high !== null) return `${digits(low)}–${digits(high)}`;
  if (low !== null) return `>${noBreak}${digits(low)}`;
  if (high !== null) return `<${noBreak}${digits(high)}`;
  return '';
}

/** Units as they are read here: µ is U+00B5, and counts in UCUM become the usual words. */
export function unit(text: string): string {
  const plain = text.replaceAll('\u03bc', '\u00b5');
  const usual: Record<string, string> = {
    '10*3/uL': '/nl',
    '10*9/L': '/nl',
    '10*6/uL': '/pl',
    '10*12/L': '/pl',
    'g/dL': 'g/dl',
    'mg/dL': 'mg/dl',
    'mg/L': 'mg/l',
    'g/L': 'g/l',
    'ug/L': '\u00b5g/l',
    'ng/mL': 'ng/ml',
    'umol/L': '\u00b5mol/l',
    'mmol/L': 'mmol/l',
    'mL/min/{1.73_m2}': 'ml/min/1,73\u00a0m²',
    'U/L': 'U/l',
    L: 'l',
    'mmol/(min.kPa)': 'mmol/(min·kPa)',
    'm[IU]/L': 'mIU/l',
    '{INR}': '',
    '1': '',
  };
  return usual[plain] ?? plain;
}

/** "1:24" hours and minutes, "4:38" minutes and seconds under an hour. */
export function clock(millis: number): { text: string; hours: boolean } {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds >= 3600) return { text: `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}`, hours: true };
  return { text: `${Math.floor(seconds / 60)}:${two(seconds % 60)}`, hours: false };
}

/** "Auenwald, Gernot" for lists. */
export function listName(identity: IdentityView): string {
  const words = [identity.family, identity.given].filter((word): word is string => word !== null && word !== '');
  return words.length === 0 ? m.identity_no_name() : words.join(', ');
}

/** "AUENWALD, Gernot" for the banner. */
export function bannerName(identity: IdentityView): string {
  if (identity.family === null) return listName(identity);
  return [identity.family.toLocaleUpperCase('de'), identity.given].filter((word) => word !== null && word !== '').join(', ');
}

/** "m", "w", "d". */
export function gender(code: string | null): string {
  switch (code) {
    case 'male':
      return m.identity_male();
    case 'female':
      return m.identity_female();
    case 'other':
      return m.identity_diverse();
    default:
      return '';
  }
}

/** "69 m". */
export function ageAndGender(identity: IdentityView): string {
  return [identity.age === null ? '' : String(identity.age), gender(identity.gender)].filter((word) => word !== '').join(noBreak);
}

/** "X110 127 457". */
export function kvnr(text: string): string {
  return /^[A-Z]\d{9}$/u.test(text) ? `${text.slice(0, 4)}${noBreak}${text.slice(4, 7)}${noBreak}${text.slice(7)}` : text;
}

/** "cT2b cN3 cM0 · IIIB". */
export function tnm(view: TnmView | null): string {
  if (!view) return '';
  return [view.text, view.stage].filter((word): word is string => word !== null && word !== '').join(' · ');
}

/** Letters without their marks, for comparing: "Müller" is "muller". */
export function fold(text: string): string {
  return text.toLocaleLowerCase('de').replaceAll('ß', 'ss').normalize('NFD').replaceAll(/\p{M}/gu, '').replaceAll('ı', 'i');
}

/** The other way of writing without marks: "Müller" is "mueller". */
export function foldLong(text: string): string {
  return fold(text.toLocaleLowerCase('de').normalize('NFC').replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue'));
}
