/** Whether the window is in front and its page to be seen: only then has somebody read what is on it. */
import { useSyncExternalStore } from 'react';

function subscribe(hear: () => void): () => void {
  window.addEventListener('focus', hear);
  window.addEventListener('blur', hear);
  document.addEventListener('visibilitychange', hear);
  return () => {
    window.removeEventListener('focus', hear);
    window.removeEventListener('blur', hear);
    document.removeEventListener('visibilitychange', hear);
  };
}

export const inFront = () => document.visibilityState === 'visible' && document.hasFocus();

export function useWindowFocus(): boolean {
  return useSyncExternalStore(subscribe, inFront);
}
