/** Which language the page speaks. Switching redraws everything from the root and keeps what was typed. */
import type { Language } from '../host/contract';
import { overwriteGetLocale } from '../paraglide/runtime';

let current: Language = 'de';
overwriteGetLocale(() => current);

/** Called by the root while it renders, before any component asks for a word. */
export function speak(language: Language): void {
  current = language;
}

export function language(): Language {
  return current;
}

/** The language with its country, for `Intl` and for React Aria. */
export function localeTag(): 'de-DE' | 'en-GB' {
  return current === 'de' ? 'de-DE' : 'en-GB';
}
