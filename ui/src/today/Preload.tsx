/** "alle vorladen": the images of the next board, fetched before anybody opens them. */
import { useEffect, useRef, useState } from 'react';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import type { BoardSessionView, Failure, PreloadCaseState, PreloadView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { listName } from '../i18n/format';
import { m } from '../paraglide/messages';
import { preloadLine, preloadNotes, preloadSaid, type PreloadLine } from './preloadWords';
import styles from './Preload.module.css';

export interface Preloading {
  view: PreloadView;
  line: PreloadLine | null;
  /** Why it did not begin. */
  failure: Failure | null;
  press: () => void;
}

/** How far the images of this agenda are; null while that is not known. */
export function usePreload(board: BoardSessionView): Preloading | null {
  const desk = useDesk();
  const view = useStore(desk.preload);
  const now = useNow(60_000);
  const [failure, setFailure] = useState<Failure | null>(null);
  const agenda = board.agenda.map((row) => row.patient).join(' ');
  useEffect(() => desk.openPreload(), [desk, board.id, agenda]);
  const own = view?.session === board.id ? view : null;
  const before = useRef<PreloadView['state']['state'] | null>(null);
  useEffect(() => {
    if (own === null) return;
    const said = before.current === null ? null : preloadSaid(own, before.current, new Date());
    before.current = own.state.state;
    if (said !== null) announce(said);
  }, [own]);
  if (own === null) return null;
  const line = preloadLine(own, now);
  const press = () => {
    setFailure(null);
    const taken = line?.action?.does === 'stop' ? desk.stopPreload() : desk.startPreload();
    taken.catch((thrown: unknown) => setFailure(asFailure(thrown)));
  };
  return { view: own, line, failure, press };
}

const icons = { plain: null, ok: 'ok', warn: 'warn', offline: 'offline' } as const;

export function PreloadStatus({ line, press }: { line: PreloadLine; press: () => void }) {
  const icon = icons[line.tone];
  const words = useRef<HTMLSpanElement>(null);
  const pressed = useRef(false);
  const ended = line.action === null;
  // Whoever pressed the button is left where it was when it goes.
  useEffect(() => {
    if (ended && pressed.current && document.activeElement === document.body) words.current?.focus();
  }, [ended]);
  return (
    <span className={styles['line']} data-tone={line.tone} data-testid="preload">
      {icon !== null && <Icon name={icon} size="xs" />}
      {line.words !== '' && (
        <span ref={words} tabIndex={-1} className={styles['words']}>
          {line.words}
        </span>
      )}
      {line.part !== null && <Progress part={line.part} />}
      {line.action !== null && (
        <Button
          look="link"
          size="small"
          onPress={() => {
            pressed.current = true;
            press();
          }}
          data-testid="preload-button"
        >
          {line.action.words}
        </Button>
      )}
    </span>
  );
}

function Progress({ part }: { part: number }) {
  return (
    <span className={styles['progress']} role="progressbar" aria-label={m.today_preload_label()} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(part * 100)}>
      <span className={styles['progressDone']} style={{ transform: `scaleX(${part})` }} />
    </span>
  );
}

/** What the line is too short for: what to do, and what single cases lack. */
export function PreloadNotes({ preloading: { view, line, failure, press }, board }: { preloading: Preloading; board: BoardSessionView }) {
  const cases = view.cases.map((row) => ({ row, notes: preloadNotes(row), named: board.agenda.find((entry) => entry.patient === row.patient) })).filter(({ notes }) => notes.length > 0);
  if (failure !== null) return <FailureNotice failure={failure} retry={press} tone="warn" />;
  if (cases.length === 0 && (line?.advice ?? null) === null) return null;
  return (
    <div className={styles['notes']} data-testid="preload-notes">
      {line?.advice != null && <p>{line.advice}</p>}
      {cases.length > 0 && (
        <ul>
          {cases.map(({ row, notes, named }) => (
            <li key={row.patient}>
              {named && <b className={styles['name']}>{listName(named.identity)}</b>} {notes.join(' ')}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Whether the images of an agenda's line lie here. */
export function PreloadMark({ state }: { state: PreloadCaseState | undefined }) {
  if (state !== 'here' && state !== 'coming') return null;
  const words = state === 'here' ? m.today_preload_here() : m.today_preload_coming();
  return (
    <span className={styles['mark']} title={words} data-state={state}>
      <Icon name={state === 'here' ? 'image' : 'save'} size="xs" />
      <span className="visually-hidden">{words}</span>
    </span>
  );
}
