/** The draft on screen, kept while the form is open. */

import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { DecisionView } from '../host/contract';
import type { Desk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { DraftKeeper } from './draftKeeper';

function makeKeeper(desk: Desk, view: DecisionView): DraftKeeper {
  const { patient } = view;
  return new DraftKeeper(
    {
      save: (draft) => ask(desk.host, { type: 'save-draft', patient, draft }, 'decision'),
      failureOf: asFailure,
      answered: (answer) => {
        desk.takeDecision(answer);
      },
      now: () => Date.now(),
      after: (milliseconds, then) => {
        const timer = window.setTimeout(then, milliseconds);
        return () => {
          window.clearTimeout(timer);
        };
      },
    },
    view,
  );
}

export function useDraft(desk: Desk, view: DecisionView) {
  const [keeper] = useState(() => makeKeeper(desk, view));
  const state = useSyncExternalStore(keeper.subscribe, keeper.state);
  const known = useRef(view);
  useEffect(() => {
    if (known.current === view) return;
    known.current = view;
    keeper.changed(view);
  }, [keeper, view]);
  useEffect(() => {
    const leave = () => {
      keeper.flush().catch(() => undefined);
    };
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('pagehide', leave);
      keeper.close();
    };
  }, [keeper]);
  return { keeper, state };
}
