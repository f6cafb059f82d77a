/** Where the person is: a closed union, restored after a crash, and remembered by the program. */
import { createContext, useContext } from 'react';
import type { CaseTab, Place } from '../host/contract';
import type { Desk } from '../host/desk';
import { createStore, type Store, useStore } from '../host/store';

export interface Places {
  place: Store<Place>;
  /** Patients in the order of the list one came from: for "next case". */
  order: Store<readonly string[]>;
  /** The list one came from: the way back. */
  origin: Store<'today' | 'cases'>;
  go(place: Place): void;
  openCase(patient: string, tab?: CaseTab, order?: readonly string[]): void;
  /** "Nachrichten", with the conversation that was open there last. */
  openChat: () => void;
}

export function createPlaces(desk: Desk, start: Place): Places {
  const place = createStore(start);
  const order = createStore<readonly string[]>([]);
  const origin = createStore<'today' | 'cases'>('cases');
  let conversation: string | null = start.screen === 'messages' ? start.conversation : null;
  const go = (next: Place) => {
    const before = place.get();
    if (before.screen === 'today' || before.screen === 'cases') origin.set(before.screen);
    if (next.screen === 'messages') conversation = next.conversation;
    place.set(next);
    desk.host.call({ type: 'remember-place', place: next }).catch(() => undefined);
  };
  return {
    place,
    order,
    origin,
    go,
    openCase(patient, tab = 'overview', list) {
      if (list) order.set(list);
      go({ screen: 'case', patient, tab });
    },
    openChat: () => go({ screen: 'messages', conversation }),
  };
}

export const PlacesContext = createContext<Places | null>(null);

export function usePlaces(): Places {
  const places = useContext(PlacesContext);
  if (!places) throw new Error('no places around this component');
  return places;
}

export function usePlace(): Place {
  return useStore(usePlaces().place);
}
