/** What is asked for as long as somebody looks at it. */
import type { Host } from '../host/host';

/**
 * Looks, and looks again so long after each answer: two questions are never under way at the same time. What it
 * returns ends that, and is done once the last question was answered. `look` catches what it throws.
 */
export function again(look: (goesOn: () => boolean) => Promise<void>, everyMillis: number): () => Promise<void> {
  let over = false;
  let timer = 0;
  const goesOn = () => !over;
  const once = async () => {
    await look(goesOn);
    if (over) return;
    timer = window.setTimeout(() => {
      asked = once();
    }, everyMillis);
  };
  let asked = once();
  return () => {
    over = true;
    window.clearTimeout(timer);
    return asked;
  };
}

/** Begins what ends when the window is hidden, and begins it again when it is seen. */
export function whileSeen(begin: () => () => void): () => void {
  let end: (() => void) | null = null;
  const turn = () => {
    if (document.visibilityState === 'hidden') {
      end?.();
      end = null;
    } else end ??= begin();
  };
  document.addEventListener('visibilitychange', turn);
  turn();
  return () => {
    document.removeEventListener('visibilitychange', turn);
    end?.();
    end = null;
  };
}

/** How many look at a check. */
const looking = new WeakMap<Host, number>();

/**
 * The same for a check of microphone and camera. The program has one of both: whoever looks last ends it. Behind a
 * hidden window nothing is open: its timers go on, only slower.
 */
export function check(host: Host, look: (goesOn: () => boolean) => Promise<void>, everyMillis: number): () => void {
  const change = (by: 1 | -1) => {
    const count = (looking.get(host) ?? 0) + by;
    looking.set(host, count);
    return count;
  };
  return whileSeen(() => {
    change(1);
    const stop = again(look, everyMillis);
    return () => {
      // A question that is on its way is answered first: it would open the device once more.
      void stop().finally(() => {
        if (change(-1) === 0) host.call({ type: 'round', round: { step: 'end-check' } }).catch(() => undefined);
      });
    };
  });
}
