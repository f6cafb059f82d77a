/**
 * What the tools say of the active viewport's window. One that is drawn along is said by the picture's corner, in the same
 * frame; each number here would lay out the whole page anew, since this row stands in it.
 */

import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Stage } from './stage';
import { steady } from './steady';
import { WindowLabel } from './ToolRow';

/** Milliseconds without another one. */
const STANDS = 150;

/** The active viewport's window. Its numbers stand here once it stands, or at once where the corner does not say them. */
export function ActiveWindow({ stage, alone }: { stage: Pick<Stage, 'snapshot' | 'subscribe'>; alone: boolean }) {
  const read = useMemo(
    () =>
      steady(
        () => {
          const { viewports, active } = stage.snapshot();
          return viewports.find(({ id }) => id === active)?.corner?.window;
        },
        (a, b) => JSON.stringify(a) === JSON.stringify(b),
      ),
    [stage],
  );
  const now = useSyncExternalStore(stage.subscribe, read);
  const [stood, setStood] = useState(now);
  useEffect(() => {
    const timer = window.setTimeout(() => setStood(now), STANDS);
    return () => window.clearTimeout(timer);
  }, [now]);
  return <WindowLabel window={now} numbers={alone || stood === now} />;
}
