/** What of the rounds is asked for in several places. */
import { useMemo } from 'react';
import type { RoundCallView, RoundsView, RoundView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { createStore, useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { sharers } from './tiles';

/** In it, also while the way is being mended. */
export function goesOn(round: RoundView | null): round is RoundView {
  return round !== null && (round.phase.phase === 'in' || round.phase.phase === 'reconnecting');
}

/** There is none, or it has ended: microphone, speaker and camera are free. */
export function isOver(round: RoundView | null): boolean {
  return round === null || round.phase.phase === 'ended';
}

export function roundOf(load: Load<RoundsView>): RoundView | null {
  return load.state === 'here' ? load.value.round : null;
}

/** The round that this person is in, is entering, or was in until it ended. */
export function useRound(): RoundView | null {
  return roundOf(useStore(useDesk().rounds));
}

const noCalls: readonly RoundCallView[] = [];

/** Who calls this person to a round; none once its time is over. */
export function useCalls(): readonly RoundCallView[] {
  const load = useStore(useDesk().rounds);
  const calls = load.state === 'here' ? load.value.calls : noCalls;
  const now = useNow(calls.length > 0 ? 1000 : 60_000);
  return useMemo(() => calls.filter((one) => Date.parse(one.until) > now.getTime()), [calls, now]);
}

export type Look = 'gallery' | 'spotlight';

/** How the round is looked at: kept while the person is on another screen. */
export const look = createStore<Look>('gallery');

/** The same while somebody else's screen is seen: that one at large, until the person decided. */
const lookAtScreen = createStore<Look>('spotlight');

/** Whether a screen that is shown at large has the whole area. */
export const screenAlone = createStore(false);

/** How the round is looked at, and how the person changes that. */
export function useLook(round: RoundView): [Look, (to: Look) => void] {
  const store = sharers(round.people).some((one) => !one.here) ? lookAtScreen : look;
  return [useStore(store), store.set];
}

/** What was decided about one screen does not hold for the next. */
export function forgetScreen(round: RoundView | null): void {
  if (goesOn(round) && sharers(round.people).some((one) => !one.here)) return;
  lookAtScreen.set('spotlight');
  screenAlone.set(false);
}

/** Whether the panel on the connection is open. */
export const wayShown = createStore(false);

/** Whether the people stand beside the tiles; null until somebody decided. */
export const peopleShown = createStore<boolean | null>(null);
