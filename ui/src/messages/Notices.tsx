/** Notices outside the window: their words, and where a click leads. Draws nothing itself. */
import { useEffect } from 'react';
import { usePlaces } from '../frame/place';
import { useDesk } from '../host/desk';
import { inFront } from './useWindowFocus';
import { noticeWords } from './noticeWords';

export function Notices() {
  const desk = useDesk();
  const places = usePlaces();
  useEffect(
    () =>
      desk.arrived.subscribe(() => {
        const arrival = desk.arrived.get();
        // Who looks at the window sees it there.
        if (arrival === null || inFront()) return;
        desk.host.call({ type: 'show-notice', ...noticeWords(arrival), conversation: arrival.conversation }).catch(() => undefined);
      }),
    [desk],
  );
  useEffect(
    () =>
      desk.wanted.subscribe(() => {
        const wanted = desk.wanted.get();
        if (wanted !== null && desk.session.get().state === 'signed-in') places.go({ screen: 'messages', conversation: wanted.conversation });
      }),
    [desk, places],
  );
  return null;
}
