/** The words of a round: who, in which state, why it ended, why nothing is sent. */
import type { Entering, MediaStopped, OwnMediaView, PresentingView, RoundAdvice, RoundCallView, RoundEnd, RoundKey, RoundPersonView, RoundView, SenderView } from '../host/contract';
import { failureWords } from '../i18n/failure';
import { number } from '../i18n/format';
import { callName, callNames } from '../messages/names';
import { m } from '../paraglide/messages';

/** Sent, or about to be. */
export const isOn = (media: OwnMediaView) => media.state === 'on' || media.state === 'opening';

/** How everybody in a round is called. */
export function roundNames(people: readonly RoundPersonView[]): (person: RoundPersonView) => string {
  const call = callNames(people.map((one) => one.person));
  return (one) => (one.here ? m.round_you() : one.person.own ? m.round_you_elsewhere() : call(one.person));
}

/** "Sonnkaya, Brunnengold und 3 weitere". */
export function someNames(people: readonly SenderView[], most = 3): string {
  const call = callNames(people);
  const names = people.slice(0, most).map((one) => (one.own ? m.round_you() : call(one)));
  const more = people.length - names.length;
  return more > 0 ? m.round_names_more({ names: names.join(', '), count: more }) : names.join(', ');
}

/** Who calls, and to what; a call between two needs no more than the name. */
/** `unnamed`: what a conversation is called may name a patient, and others see this screen. */
export function callWords({ direct, name, person }: RoundCallView, unnamed: boolean): string {
  if (unnamed) return m.notice_call_begun({ name: callName(person) });
  return direct ? m.round_call_direct({ name: callName(person) }) : m.round_call_group({ name: callName(person), round: name });
}

/** How everybody is called who does not come to a round: its people are called so too. */
export function declinedNames({ people, declined }: RoundView): string[] {
  return declined.map(callNames([...people.map((one) => one.person), ...declined]));
}

interface KeyWords {
  word: string;
  /** What follows from it. */
  text: string | null;
}

/** Why neither sound nor picture comes of somebody; null where both can be opened. */
export function keyWords(key: RoundKey): KeyWords | null {
  switch (key) {
    case 'coming':
      return { word: m.round_key_coming(), text: null };
    case 'encrypted':
      return null;
    case 'missing':
      return { word: m.round_key_missing(), text: m.round_key_missing_text() };
    case 'unconfirmed':
      return { word: m.round_key_unconfirmed(), text: m.round_key_unconfirmed_text() };
    case 'failed':
      return { word: m.round_key_failed(), text: m.round_key_failed_text() };
    case 'unassigned':
      return { word: m.round_key_unassigned(), text: m.round_key_unassigned_text() };
    default: {
      const unknown: never = key;
      return unknown;
    }
  }
}

/** Everything that is to be said about somebody, the weightiest first. */
/** What they are and where they work, as far as the directory says. */
export function workOf(person: RoundPersonView): string {
  return [person.speciality, person.house].filter((word) => word !== null).join(' · ');
}

export function personStates(person: RoundPersonView): string[] {
  const key = keyWords(person.key);
  return [
    key?.word,
    person.line === 'lost' ? m.round_line_lost() : undefined,
    person.line === 'weak' ? m.round_line_weak() : undefined,
    person.camera?.held === true ? m.round_held() : undefined,
    person.screen !== null && key === null ? m.round_sharing() : undefined,
    person.speaking ? m.round_speaking() : undefined,
    person.muted && key === null ? m.round_muted() : undefined,
    person.camera === null && key === null ? m.round_without_picture() : undefined,
  ].filter((word): word is string => word !== undefined);
}

/** What somebody sees of that which this person shows; null where they have not said. */
export function watchingWords(presenting: PresentingView | null, person: string): string | null {
  const seen = presenting?.watching.find((one) => one.person === person)?.seen;
  if (seen === undefined) return null;
  switch (seen.why) {
    case null:
      return m.round_sees();
    case 'loading':
      return seen.of > 0 ? m.round_sees_loading_of({ done: seen.done, of: seen.of }) : m.round_sees_loading();
    case 'no-access':
      return m.round_sees_no_access();
    case 'not-found':
      return m.round_sees_not_found();
    case 'other-patient':
      return m.round_sees_other_patient();
    case 'not-displayable':
      return m.round_sees_not_displayable();
    case 'aside':
      return m.round_sees_aside();
    default: {
      const unknown: never = seen.why;
      return unknown;
    }
  }
}

interface ThreeParts {
  what: string;
  safe: string;
  act: string;
}

export function endWords(end: RoundEnd): ThreeParts {
  switch (end.end) {
    case 'removed':
      return { what: m.round_end_removed_what(), safe: m.round_end_removed_safe(), act: m.round_end_removed_act() };
    case 'closed':
      return { what: m.round_end_closed_what(), safe: m.round_end_closed_safe(), act: m.round_end_closed_act() };
    case 'elsewhere':
      return { what: m.round_end_elsewhere_what(), safe: m.round_end_elsewhere_safe(), act: m.round_end_elsewhere_act() };
    case 'lost':
      return { what: m.round_end_lost_what(), safe: m.round_end_lost_safe(), act: m.round_end_lost_act() };
    case 'failed':
      return failureWords(end.failure);
    default: {
      const unknown: never = end;
      return unknown;
    }
  }
}

type Media = 'microphone' | 'camera' | 'screen';

interface StoppedWords extends Record<Media, () => string> {
  act: () => string;
  /** What to do about a screen, where it is something else. */
  screenAct?: () => string;
}

const stopped: Record<MediaStopped, StoppedWords> = {
  'no-device': { microphone: m.round_stopped_microphone_none, camera: m.round_stopped_camera_none, screen: m.round_stopped_screen_none, act: m.round_stopped_none_act, screenAct: m.round_stopped_screen_which_act },
  'device-busy': { microphone: m.round_stopped_microphone_busy, camera: m.round_stopped_camera_busy, screen: m.round_stopped_screen_busy, act: m.round_stopped_busy_act },
  'device-denied': { microphone: m.round_stopped_microphone_denied, camera: m.round_stopped_camera_denied, screen: m.round_stopped_screen_denied, act: m.round_stopped_denied_act, screenAct: m.round_stopped_screen_denied_act },
  'device-lost': { microphone: m.round_stopped_microphone_lost, camera: m.round_stopped_camera_lost, screen: m.round_stopped_screen_lost, act: m.round_stopped_lost_act, screenAct: m.round_stopped_screen_which_act },
  'by-server': { microphone: m.round_stopped_microphone_server, camera: m.round_stopped_camera_server, screen: m.round_stopped_screen_server, act: m.round_stopped_server_act, screenAct: m.round_stopped_screen_server_act },
  refused: { microphone: m.round_stopped_microphone_refused, camera: m.round_stopped_camera_refused, screen: m.round_stopped_screen_refused, act: m.round_stopped_refused_act },
};

const stoppedSafe: Record<Media, () => string> = { microphone: m.round_stopped_microphone_safe, camera: m.round_stopped_camera_safe, screen: m.round_stopped_screen_safe };

export function stoppedWords(what: Media, why: MediaStopped): ThreeParts {
  const { act, screenAct = act, ...words } = stopped[why];
  return { what: words[what](), safe: stoppedSafe[what](), act: (what === 'screen' ? screenAct : act)() };
}

interface AdviceWords {
  /** Where there is room for little more than a word. */
  short: string;
  what: string;
  /** What helps. */
  act: string;
}

/** What keeps this person from being heard or from hearing, and what helps; without a camera that is on, none is switched off. */
export function adviceWords(advice: RoundAdvice, camera: boolean): AdviceWords {
  const percent = 'percent' in advice ? `${number(advice.percent)}\u00a0%` : '';
  switch (advice.advice) {
    case 'speaks-while-muted':
      return { short: m.round_advice_muted_short(), what: m.round_advice_muted(), act: '' };
    case 'microphone-silent':
      return { short: m.round_advice_silent_short(), what: m.round_advice_silent(), act: m.round_advice_silent_act() };
    case 'echo':
      return { short: m.round_advice_echo_short(), what: m.round_advice_echo(), act: m.round_advice_echo_act() };
    case 'microphone-clips':
      return { short: m.round_advice_clips_short(), what: m.round_advice_clips(), act: m.round_advice_clips_act() };
    case 'sends-with-loss':
      return { short: m.round_advice_sends_short(), what: m.round_advice_sends({ percent }), act: camera ? `${m.round_advice_cable_helps()} ${m.round_advice_camera_helps()}` : m.round_advice_cable_helps() };
    case 'hears-with-loss':
      return { short: m.round_advice_hears_short(), what: m.round_advice_hears({ percent }), act: m.round_advice_cable_helps() };
    case 'narrow-way':
      return { short: m.round_advice_narrow_short(), what: m.round_advice_narrow(), act: camera ? m.round_advice_camera_helps() : m.round_advice_cable_helps() };
    case 'few-pictures':
      return { short: m.round_advice_few_short(), what: m.round_advice_few(), act: m.round_advice_cable_helps() };
    default: {
      const unknown: never = advice;
      return unknown;
    }
  }
}

/** Why nothing of this computer's screens can be shown. */
export function hinderedWords(why: MediaStopped): ThreeParts {
  const words = stoppedWords('screen', why);
  return why === 'no-device' ? { ...words, what: m.round_share_unable(), act: m.round_share_unable_act() } : words;
}

/** What this person shows, as its device in the view names it: a window's title, empty where it has none, absent for a whole screen. */
export function sharedWords(device: string | null): string {
  return device === null ? m.round_sharing_screen() : m.round_sharing_window({ title: device === '' ? m.round_share_untitled() : device });
}

export const enteringWords: Record<Entering, () => string> = {
  finding: m.round_entering_finding,
  asking: m.round_entering_asking,
  joining: m.round_entering_joining,
  connecting: m.round_entering_connecting,
};

/** 0:41, 19:02, 1:04:07: how long it goes on. */
export function elapsed(since: string, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
