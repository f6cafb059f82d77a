/** A stage for as long as a patient's images are on the page; where the reader was is remembered. */

import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { flushSync } from 'react-dom';
import type { SeriesView, SettingsView } from '../host/contract';
import { noteForLog } from '../host/faults';
import { asFailure, ask, type Host } from '../host/host';
import { openBulkPipe } from './bulk';
import type { StageSnapshot } from './snapshot';
import { Stage } from './stage';
import type { StageMemory } from './stageMemory';
import type { StageParts } from './stageParts';
import { createViewer } from './viewer';

/** What differs between the program and a story. */
export type StageDoors = Pick<StageParts, 'createViewer' | 'openPipe'>;

/** Stories and tests put a drawing part without a GPU here. */
export const DoorsContext = createContext<StageDoors>({ createViewer, openPipe: openBulkPipe });

/** By patient, the last few of them; only identifiers of series and how they were shown. */
const memories = new Map<string, StageMemory>();
const REMEMBERED = 5;

/** Makes a series ready for a viewport. */
export type OpenSeries = (study: string, series: string) => Promise<SeriesView>;

/** `openSeries` stands in the place of the archive, and stays the same function. */
export function useStage(host: Host, patient: string, settings: SettingsView, openSeries?: OpenSeries): Stage | undefined {
  const doors = useContext(DoorsContext);
  const { bulkWay } = settings;
  const drawing = settings.drawing === 'auto' && settings.computedGraphics ? 'processor' : settings.drawing;
  const [stage, setStage] = useState<Stage>();
  useEffect(() => {
    const made = new Stage({
      ...doors,
      bulkWay,
      drawing,
      desk: {
        openSeries: openSeries ?? ((study, series) => ask(host, { type: 'open-series', patient, study, series }, 'series')),
        closeSeries: (handle) => {
          host.call({ type: 'close-series', handle }).catch(() => undefined);
        },
        openBulk: () => ask(host, { type: 'open-bulk' }, 'bulk-access'),
      },
      schedule: (draw) => {
        requestAnimationFrame(draw);
      },
      after: (milliseconds, then) => {
        const timer = setTimeout(then, milliseconds);
        return () => {
          clearTimeout(timer);
        };
      },
      flush: flushSync,
      failureOf: asFailure,
      reportFault: noteForLog,
    });
    const memory = memories.get(patient);
    if (memory !== undefined) made.recall(memory);
    setStage(made);
    return () => {
      memories.delete(patient);
      memories.set(patient, made.memory());
      for (const oldest of [...memories.keys()].slice(0, -REMEMBERED)) memories.delete(oldest);
      made.close();
      setStage(undefined);
    };
  }, [host, patient, bulkWay, drawing, doors, openSeries]);
  return stage;
}

export function useSnapshot(stage: Stage): StageSnapshot {
  return useSyncExternalStore(stage.subscribe, stage.snapshot);
}
