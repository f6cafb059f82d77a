/** From the session to the screen: who is here decides what is drawn. */
import { useEffect, useState } from 'react';
import { I18nProvider } from 'react-aria-components';
import { LiveRegions, useForgotten } from './components/announce';
import { Toasts } from './components/toasts';
import { Frame } from './frame/Frame';
import { createPlaces, PlacesContext } from './frame/place';
import { useScrollBars } from './frame/scrollBars';
import type { Place } from './host/contract';
import { type Desk, DeskContext } from './host/desk';
import { useStore } from './host/store';
import { localeTag, speak } from './i18n/language';
import { useAppearance } from './i18n/appearance';
import { useKeyDispatcher } from './keys/keys';
import { Locked } from './session/Locked';
import { SignedOut } from './session/SignedOut';
import { Waiting } from './session/Waiting';
import { Notices } from './messages/Notices';

export function App({ desk, place }: { desk: Desk; place: Place }) {
  const settings = useStore(desk.settings);
  const session = useStore(desk.session);
  // Places outlive a lock: the person comes back to where they were.
  const [places] = useState(() => createPlaces(desk, place));
  speak(settings.language);
  useAppearance(settings);
  useScrollBars();
  useKeyDispatcher(settings.letterKeys);
  useDropGuard();
  useForgotten(session.state);
  return (
    <I18nProvider locale={localeTag()}>
      <DeskContext value={desk}>
        <PlacesContext value={places}>
          {session.state === 'signed-out' && <SignedOut session={session} />}
          {session.state === 'waiting' && <Waiting session={session} />}
          {session.state === 'locked' && <Locked session={session} />}
          {session.state === 'signed-in' && <Frame />}
          <Notices />
          <Toasts />
          <LiveRegions />
        </PlacesContext>
      </DeskContext>
    </I18nProvider>
  );
}

/** A file that is dropped where nothing takes it would be opened in place of the program. */
function useDropGuard(): void {
  useEffect(() => {
    const guard = (event: DragEvent) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
    };
    window.addEventListener('dragover', guard);
    window.addEventListener('drop', guard);
    return () => {
      window.removeEventListener('dragover', guard);
      window.removeEventListener('drop', guard);
    };
  }, []);
}
