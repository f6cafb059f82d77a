/** What "Heute" says about images that are fetched ahead. */
import type { PreloadCaseView, PreloadView } from '../host/contract';
import { failureWords } from '../i18n/failure';
import { bytes, bytesOf, moment, number, rate } from '../i18n/format';
import { m } from '../paraglide/messages';

/** One line: what holds, and what a press does. */
export interface PreloadLine {
  tone: 'plain' | 'ok' | 'warn' | 'offline';
  /** What holds; empty where the action says it. */
  words: string;
  /** How much of it is here, from 0 to 1, while it goes on. */
  part: number | null;
  action: { does: 'start' | 'stop'; words: string } | null;
  /** What to do about it, where a line is too short for that. */
  advice: string | null;
}

/** The line of an agenda; nothing where there is nothing to fetch. */
export function preloadLine(view: PreloadView, now: Date): PreloadLine | null {
  const { state } = view;
  const line = { words: '', part: null, action: null, advice: null };
  const start = { does: 'start', words: startWords(view) } as const;
  const stop = { does: 'stop', words: m.today_preload_stop() } as const;
  switch (state.state) {
    case 'idle':
      return view.of === 0 ? null : { ...line, tone: 'plain', action: start };
    case 'running':
      return { ...line, tone: 'plain', words: runningWords(view, state), part: part(view), action: stop };
    case 'waiting':
      return { ...line, tone: 'offline', words: joined([m.today_preload_waiting(), imageWords(view)]), part: part(view), action: stop };
    case 'done':
      if (view.of === 0) return null;
      return { ...line, tone: 'ok', words: state.at === null ? m.today_preload_done_all() : m.today_preload_done({ time: moment(state.at, now) }) };
    case 'partly':
      return { ...line, tone: 'warn', words: m.today_preload_partly({ count: state.cases }), action: start };
    case 'full': {
      const counts = { cases: state.cases, of: view.cases.length };
      if (state.disk) return { ...line, tone: 'warn', words: m.today_preload_disk(counts), action: start, advice: m.today_preload_disk_act() };
      // Nothing that a person could do here makes more room.
      return { ...line, tone: 'warn', words: m.today_preload_full(counts), advice: m.today_preload_full_act() };
    }
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}

/** What a screen reader hears when the state changes; while images come it hears nothing. */
export function preloadSaid(view: PreloadView, before: PreloadView['state']['state'], now: Date): string | null {
  const state = view.state.state;
  if (state === before) return null;
  if (state === 'running') return m.today_preload_coming();
  if (state === 'idle') return m.today_preload_stopped();
  return state === 'waiting' ? m.today_preload_waiting() : (preloadLine(view, now)?.words ?? null);
}

/** What a case lacks and why, in whole sentences. */
export function preloadNotes(row: PreloadCaseView): string[] {
  const notes: string[] = [];
  if (row.refused > 0) notes.push(m.today_preload_refused({ count: row.refused }));
  if (row.unconfirmed > 0) notes.push(m.today_preload_unconfirmed({ count: row.unconfirmed }));
  if (row.missing > 0) notes.push(m.today_preload_missing({ count: row.missing, shown: number(row.missing) }));
  else if (row.failure !== null) notes.push(m.today_preload_not_yet());
  if (row.failure !== null) notes.push(failureWords(row.failure).what);
  return notes;
}

function startWords(view: PreloadView): string {
  const size = sizeWords(view);
  if (view.images === 0) return size === null ? m.today_preload_all() : m.today_preload_all_of({ size });
  return size === null ? m.today_preload_rest() : m.today_preload_rest_of({ size });
}

/** How much is lacking: bytes where they are known, else images, else nothing. */
function sizeWords({ images, of, bytes: here, ofBytes }: PreloadView): string | null {
  if (ofBytes !== null && ofBytes > here) return m.today_preload_size({ size: bytes(ofBytes - here) });
  if (of === null || of <= images) return null;
  return m.today_preload_images({ count: of - images, shown: number(of - images) });
}

function runningWords(view: PreloadView, { rate: speed, seconds }: { rate: number | null; seconds: number | null }): string {
  // How much it is may stay unknown, where one of the cases cannot be looked at.
  if (view.ofBytes === null || view.of === null) return speed === null ? m.today_preload_counting() : joined([bytes(view.bytes), rate(speed)]);
  const left = seconds === null ? (speed === null ? '' : rate(speed)) : leftWords(seconds);
  return joined([imageWords(view), bytesOf(view.bytes, Math.max(view.bytes, view.ofBytes)), left]);
}

function leftWords(seconds: number): string {
  return seconds < 60 ? m.today_preload_left_soon() : m.today_preload_left({ minutes: Math.ceil(seconds / 60) });
}

function imageWords({ images, of }: PreloadView): string {
  return of === null ? '' : m.today_preload_progress({ images: number(images), of: number(of) });
}

function part({ images, of }: PreloadView): number | null {
  return of === null || of === 0 ? null : Math.min(1, images / of);
}

function joined(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' · ');
}
