/** The measurements of a patient: with their undo as long as the page lives, and kept by the program beyond it. */

import { type Dispatch, useEffect, useReducer, useRef } from 'react';
import { toast } from '../components/toasts';
import { type Desk, useDesk } from '../host/desk';
import { ask } from '../host/host';
import { m } from '../paraglide/messages';
import { MeasurementKeeper } from './measurementKeeper';
import { measure, NO_MEASUREMENTS, type MeasurementAction, type Measurements } from './measurements';

/** Steps that can be undone after a change of the tab, by patient; forgotten when the desk is locked or left. */
const open = new WeakMap<Desk, Map<string, Measurements>>();

function openOf(desk: Desk): Map<string, Measurements> {
  const known = open.get(desk);
  if (known !== undefined) return known;
  const made = new Map<string, Measurements>();
  open.set(desk, made);
  desk.session.subscribe(() => {
    if (desk.session.get().state !== 'signed-in') made.clear();
  });
  return made;
}

/** Without `keep` nothing is read or kept beyond the page. */
export function useMeasurements(patient: string, keep = true): [Measurements, Dispatch<MeasurementAction>] {
  const desk = useDesk();
  const [measurements, change] = useReducer(measure, patient, (whose) => openOf(desk).get(whose) ?? NO_MEASUREMENTS);
  const keeper = useRef<MeasurementKeeper>(undefined);
  useEffect(() => {
    if (!keep) return undefined;
    const { host } = desk;
    let current = true;
    let read = false;
    let told = false;
    const made = new MeasurementKeeper({
      read: async () => (await ask(host, { type: 'open-measurements', patient }, 'measurements')).measurements,
      write: async (series, list) => {
        await host.call({ type: 'keep-measurements', patient, series, measurements: list });
      },
      loaded: (kept) => {
        read = true;
        if (current) change({ type: 'load', kept });
      },
      failed: () => {
        // Said once until it is well again; the desk that was just locked refuses as well, and that is no fault.
        if (told || desk.session.get().state !== 'signed-in') return;
        told = true;
        toast({ text: read ? m.imaging_measurements_unsafe() : m.imaging_measurements_unread(), icon: 'warn' });
      },
      written: () => {
        told = false;
      },
    });
    keeper.current = made;
    void made.load();
    return () => {
      current = false;
    };
  }, [desk, patient, keep]);
  useEffect(() => {
    if (desk.session.get().state === 'signed-in') openOf(desk).set(patient, measurements);
    keeper.current?.want(measurements.list);
  }, [desk, patient, measurements]);
  return [measurements, change];
}
