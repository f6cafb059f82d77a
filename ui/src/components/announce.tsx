/** The two live regions of the page, heard also while a dialog is open. Drawn once; everyone else only speaks. */
import { useEffect } from 'react';
import { createStore, useStore } from '../host/store';
import { TopLayer } from './TopLayer';

const polite = createStore<{ text: string; count: number }>({ text: '', count: 0 });
const assertive = createStore<{ text: string; count: number }>({ text: '', count: 0 });

/** Says something to a screen reader; `assertive` only for a change of patient, a lost connection or the lock that is near. */
export function announce(text: string, urgency: 'polite' | 'assertive' = 'polite'): void {
  const store = urgency === 'polite' ? polite : assertive;
  store.set({ text, count: store.get().count + 1 });
}

/** What was said goes with `who` sits here: behind a lock it would still be read. */
export function useForgotten(who: string): void {
  useEffect(
    () => () => {
      for (const store of [polite, assertive]) store.set({ text: '', count: store.get().count + 1 });
    },
    [who],
  );
}

export function LiveRegions() {
  const quiet = useStore(polite);
  const loud = useStore(assertive);
  return (
    <TopLayer>
      <div className="visually-hidden" role="status" aria-live="polite">
        <span key={quiet.count}>{quiet.text}</span>
      </div>
      <div className="visually-hidden" aria-live="assertive">
        <span key={loud.count}>{loud.text}</span>
      </div>
    </TopLayer>
  );
}
