/** The frame: rail, head, the screen, and what works on every one of them. */
import { useEffect, useRef, useState } from 'react';
import { Case } from '../case/Case';
import { Cases } from '../cases/Cases';
import { announce } from '../components/announce';
import { Bar } from '../components/Bar';
import { toast } from '../components/toasts';
import { areRoundsOffered, isChatOffered, isFixed, useDesk, useTouch } from '../host/desk';
import { useStore } from '../host/store';
import { time } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { Help } from '../keys/Help';
import { Chat } from '../messages/Chat';
import { m } from '../paraglide/messages';
import { LockWarning } from '../session/LockWarning';
import { Pictures } from '../rounds/Pictures';
import { Calls } from '../rounds/Calls';
import { RoundBar } from '../rounds/RoundBar';
import { Rounds } from '../rounds/Rounds';
import { openSection } from '../settings/section';
import { Settings } from '../settings/Settings';
import { Today } from '../today/Today';
import { Comparison } from '../trust/Comparison';
import { everywhere } from './commands';
import { ScreenGuard } from './ScreenGuard';
import styles from './frame.module.css';
import { Head } from './Head';
import { useStepOrder } from './known';
import { Messages } from './Messages';
import { Palette } from './Palette';
import { usePlace, usePlaces } from './place';
import { Rail } from './Rail';

const nextCaseCommand = defineCommand({ id: 'case-next', keys: ['mod+pagedown'], label: () => m.case_next(), group: 'case', whileTyping: true });
const previousCaseCommand = defineCommand({ id: 'case-previous', keys: ['mod+pageup'], label: () => m.case_previous(), group: 'case', whileTyping: true });

type Sheet = 'palette' | 'help' | 'messages' | null;

export function Frame() {
  const desk = useDesk();
  const places = usePlaces();
  const place = usePlace();
  const connection = useStore(desk.connection);
  const order = useStepOrder(place.screen === 'case' ? place.patient : null);
  const main = useRef<HTMLElement>(null);
  const [sheet, setSheet] = useState<Sheet>(null);
  useTouch(20_000);
  const chatOffered = isChatOffered(useStore(desk.chat));
  const roundsOffered = areRoundsOffered(useStore(desk.rounds));
  // The rail counts on every screen, and a round is on every screen.
  useEffect(() => {
    desk.openChat();
    desk.openRounds();
  }, [desk]);

  const lock = () => void desk.host.call({ type: 'lock' }).catch(() => undefined);
  const setFontSize = (fontSize: number) => {
    if (!isFixed(desk.settings.get(), 'fontSize')) desk.changeSettings({ fontSize: Math.max(90, Math.min(150, fontSize)) });
  };
  const step = (by: 1 | -1) => {
    if (place.screen !== 'case') return;
    const next = order[order.indexOf(place.patient) + by];
    if (next !== undefined && order.includes(place.patient)) places.openCase(next, place.tab, order);
  };
  const switchTheme = () => {
    const before = desk.settings.get().theme;
    if (isFixed(desk.settings.get(), 'theme')) return;
    const theme = before === 'office' ? 'reading-room' : 'office';
    desk.changeSettings({ theme });
    toast({ text: theme === 'office' ? m.toast_theme_office() : m.toast_theme_reading_room(), icon: 'sun', undo: () => desk.changeSettings({ theme: before }) });
  };

  useCommand(everywhere.palette, () => setSheet(sheet === 'palette' ? null : 'palette'), { overDialog: sheet === 'palette' });
  useCommand(everywhere.help, () => setSheet('help'));
  useCommand(everywhere.messages, () => setSheet('messages'));
  useCommand(everywhere.today, () => places.go({ screen: 'today' }));
  useCommand(everywhere.cases, () => places.go({ screen: 'cases' }));
  useCommand(everywhere.chat, places.openChat, { enabled: chatOffered });
  useCommand(everywhere.rounds, () => places.go({ screen: 'rounds' }), { enabled: roundsOffered });
  useCommand(everywhere.settings, () => places.go({ screen: 'settings' }));
  useCommand(everywhere.media, () => openSection(places, 'media'), { enabled: roundsOffered });
  useCommand(everywhere.lock, lock, { overDialog: true });
  useCommand(everywhere.theme, switchTheme, { overDialog: true });
  useCommand(everywhere.larger, () => setFontSize(desk.settings.get().fontSize + 10), { overDialog: true });
  useCommand(everywhere.smaller, () => setFontSize(desk.settings.get().fontSize - 10), { overDialog: true });
  useCommand(everywhere.normalSize, () => setFontSize(100), { overDialog: true });
  useCommand(everywhere.nextRegion, () => focusRegion(1), { overDialog: true });
  useCommand(everywhere.previousRegion, () => focusRegion(-1), { overDialog: true });
  useCommand(nextCaseCommand, () => step(1), { enabled: place.screen === 'case' && order.length > 1 });
  useCommand(previousCaseCommand, () => step(-1), { enabled: place.screen === 'case' && order.length > 1 });

  // Focus follows to the new screen, but not out of an open dialog.
  const screen = place.screen === 'case' ? `case ${place.patient}` : place.screen;
  const before = useRef(screen);
  useEffect(() => {
    if (before.current === screen) return;
    before.current = screen;
    main.current?.focus();
  }, [screen]);

  const offlineSince = connection.state === 'offline' ? connection.since : null;
  const wasOffline = useRef(offlineSince !== null);
  useEffect(() => {
    if (offlineSince !== null) announce(m.frame_offline({ time: time(offlineSince) }), 'assertive');
    else if (wasOffline.current) toast({ text: m.toast_online() });
    wasOffline.current = offlineSince !== null;
  }, [offlineSince]);

  return (
    <Pictures>
      <div className={styles['app']}>
        <Rail lock={lock} help={() => setSheet('help')} />
        <Head openPalette={() => setSheet('palette')} step={step} />
        <main className={styles['main']} ref={main} tabIndex={-1}>
          {offlineSince !== null && (
            <Bar icon="offline" testId="offline-bar">
              <b>{m.frame_offline({ time: time(offlineSince) })}</b> {m.frame_offline_text()}
            </Bar>
          )}
          <Comparison />
          <ScreenGuard key={screen}>
            {place.screen === 'today' && <Today />}
            {place.screen === 'cases' && <Cases />}
            {place.screen === 'case' && <Case patient={place.patient} tab={place.tab} />}
            {place.screen === 'messages' && <Chat conversation={place.conversation} />}
            {place.screen === 'rounds' && <Rounds />}
            {place.screen === 'settings' && <Settings />}
          </ScreenGuard>
        </main>
        <Calls onScreen={place.screen === 'rounds'} stays={place.screen === 'case'} />
        <RoundBar onScreen={place.screen === 'rounds'} />
      </div>
      <LockWarning />
      {sheet === 'palette' && <Palette onClose={() => setSheet(null)} />}
      {sheet === 'help' && <Help onClose={() => setSheet(null)} />}
      {sheet === 'messages' && <Messages onClose={() => setSheet(null)} />}
    </Pictures>
  );
}

/** What F6 goes through: rail, head, patient, the regions of the screen, a running round, an open dialog, and what stays before it. */
const regionsOfPage = 'nav, header, main, main section[role=region], main aside, main ~ section, [role=tablist], [data-scope], [role=dialog], [data-react-aria-top-layer] > section';

function focusRegion(by: 1 | -1) {
  const regions = [...document.querySelectorAll<HTMLElement>(regionsOfPage)].filter((one) => one.checkVisibility() && one.closest('[inert]') === null && focusable(one) !== null);
  const active = document.activeElement;
  const at = regions.findLastIndex((one) => one.contains(active) || one === active);
  const next = regions[(at + by + regions.length) % regions.length];
  if (next) focusable(next)?.focus();
}

function focusable(region: HTMLElement): HTMLElement | null {
  return region.querySelector<HTMLElement>('[tabindex="0"], a[href], button:not(:disabled):not([tabindex="-1"]), input:not(:disabled), textarea');
}
