import { useEffect, useId, useRef, useState } from 'react';
import { Chip } from '../components/Chip';
import { Dialog } from '../components/Dialog';
import { Icon, type IconName } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { SearchFoot, SearchLine } from '../components/SearchLine';
import { partValue } from '../components/PartView';
import type { CaseRowView, CasesView, ConversationRowView } from '../host/contract';
import { useDesk } from '../host/desk';
import { ask } from '../host/host';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { date, day, fold, listName, time } from '../i18n/format';
import { activeCommands, type Command } from '../keys/keys';
import { conversationTitle } from '../messages/caseOf';
import { m } from '../paraglide/messages';
import { useKnownIdentity } from './known';
import styles from './Palette.module.css';
import { ranked } from './paletteView';
import { usePlace, usePlaces } from './place';

interface Choice {
  id: string;
  icon: IconName;
  name: string;
  detail: string;
  warning?: string | undefined;
  after?: string | undefined;
  keys?: string | undefined;
  run: () => void;
}

interface ChoiceGroup {
  title: string;
  choices: Choice[];
}

const mostCases = 6;
const mostConversations = 4;
const hidden = new Set(['palette', 'undo', 'next-region', 'previous-region', 'list-next', 'list-previous', 'list-first', 'list-last', 'list-open', 'list-leave', 'document-leave', 'message-send', 'message-leave', 'message-edit-last', 'round-talk', 'round-people-leave']);

/** Strg K: cases, what can be done here, and everything else. Each command shows its key. */
export function Palette({ onClose }: { onClose: () => void }) {
  const desk = useDesk();
  const places = usePlaces();
  const place = usePlace();
  const chat = useStore(desk.chat);
  const here = useKnownIdentity(place.screen === 'case' ? place.patient : null);
  const now = useNow(60_000);
  const [query, setQuery] = useState('');
  const [view, setView] = useState<CasesView | null>(null);
  const [current, setCurrent] = useState(0);
  // What was possible when the palette opened: the dialog itself must not change the list.
  const [commands] = useState(() => activeCommands().filter(({ command }) => !hidden.has(command.id)));
  const list = useRef<HTMLDivElement>(null);
  const ids = useId();

  useEffect(() => {
    let wanted = true;
    const timer = window.setTimeout(
      () => {
        ask(desk.host, { type: 'open-cases', query: query.trim() }, 'cases').then(
          (value) => wanted && setView(value),
          () => wanted && setView(null),
        );
      },
      query === '' ? 0 : 80,
    );
    return () => {
      wanted = false;
      window.clearTimeout(timer);
    };
  }, [desk, query]);

  const rows = view ? (partValue(view.rows) ?? []) : [];
  const caseChoice = (row: CaseRowView): Choice => ({
    id: `case-${row.patient}`,
    icon: 'cases',
    name: listName(row.identity),
    detail: [
      row.identity.birthDate === null ? m.identity_no_birth_date() : date(row.identity.birthDate),
      row.identity.number ?? '',
    ]
      .filter((word) => word !== '')
      .join(' · '),
    warning: row.similar.length > 0 ? m.palette_similar() : undefined,
    after: row.slot ? m.palette_on_board({ day: day(row.slot.start, now), time: time(row.slot.start) }) : undefined,
    run: () => places.openCase(row.patient, 'overview', rows.map((one) => one.patient)),
  });
  const commandChoice = ({ command, run }: { command: Command; run: { current: (event: KeyboardEvent) => void } }): Choice => ({
    id: command.id,
    icon: commandIcon(command),
    name: command.label(),
    detail: '',
    keys: command.keys[0],
    run: () => run.current(new KeyboardEvent('keydown')),
  });
  const rooms = chat.state === 'here' ? chat.value.conversations.filter((row) => row.membership.state !== 'invited') : [];
  const roomChoice = (row: ConversationRowView): Choice => ({
    id: `conversation-${row.id}`,
    icon: 'chat',
    name: conversationTitle(row),
    detail: row.unread > 0 ? m.chat_unread({ count: row.unread }) : '',
    run: () => places.go({ screen: 'messages', conversation: row.id }),
  });
  const matching = ranked(query, commands, ({ command }) => command.label());
  const groups: ChoiceGroup[] = [
    { title: m.frame_cases(), choices: (query.trim() === '' ? rows : ranked(query, rows, (row) => `${row.identity.family ?? ''} ${row.identity.given ?? ''} ${row.identity.number ?? ''}`).concat(rows)).filter((row, at, all) => all.indexOf(row) === at).slice(0, mostCases).map(caseChoice) },
    { title: m.frame_chat(), choices: query.trim() === '' ? [] : ranked(query, rooms, (row) => `${conversationTitle(row)} ${row.name}`).slice(0, mostConversations).map(roomChoice) },
    { title: here ? m.palette_in_case() : m.palette_here(), choices: matching.filter(({ command }) => command.group !== 'everywhere').map(commandChoice) },
    { title: m.palette_go(), choices: matching.filter(({ command }) => command.group === 'everywhere').map(commandChoice) },
  ].filter((group) => group.choices.length > 0);
  const choices = groups.flatMap((group) => group.choices);
  const at = Math.min(current, Math.max(0, choices.length - 1));

  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at, query]);

  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    // Once the dialog has given the focus back, so that what was chosen may take it.
    window.setTimeout(() => choice.run(), 0);
  };
  return (
    <Dialog title={m.command_palette()} titleHidden width={660} high onClose={onClose} testId="palette">
      <SearchLine
        label={m.frame_search()}
        value={query}
        onChange={(typed) => {
          setQuery(typed);
          setCurrent(0);
        }}
        listId={`${ids}-list`}
        count={choices.length}
        at={at}
        move={setCurrent}
        choose={(index) => choose(choices[index])}
        testId="palette-input"
      >
        {here && <Chip>{m.palette_case({ name: here.family ?? listName(here) })}</Chip>}
      </SearchLine>
      <div className={styles['list']} id={`${ids}-list`} role="listbox" aria-label={m.palette_results()} ref={list} tabIndex={-1}>
        {groups.map((group) => (
          <div key={group.title} role="group" aria-label={group.title}>
            <div className={styles['group']} aria-hidden>
              {group.title}
            </div>
            {group.choices.map((choice) => {
              const index = choices.indexOf(choice);
              return (
                <div
                  key={choice.id}
                  id={`${ids}-list-${index}`}
                  role="option"
                  aria-selected={index === at}
                  className={styles['option']}
                  onPointerMove={() => setCurrent(index)}
                  onClick={() => choose(choice)}
                  data-testid={`palette-${choice.id}`}
                >
                  <Icon name={choice.icon} />
                  <span className={styles['name']}>
                    <Marked text={choice.name} query={query} />
                  </span>
                  <span className={styles['detail']}>
                    {choice.detail}
                    {choice.warning !== undefined && <span className={styles['warn']}> · {choice.warning}</span>}
                    {choice.after !== undefined && ` · ${choice.after}`}
                  </span>
                  {choice.keys !== undefined ? <Kbd keys={choice.keys} /> : index === at ? <Kbd keys="enter" /> : null}
                </div>
              );
            })}
          </div>
        ))}
        {choices.length === 0 && <p className={styles['none']}>{m.palette_none({ query })}</p>}
      </div>
      <SearchFoot>
        <span>
          <Kbd keys="arrowup" />
          <Kbd keys="arrowdown" /> {m.palette_hint_choose()}
        </span>
        <span>
          <Kbd keys="enter" /> {m.cases_hint_open()}
        </span>
        <span className={styles['grow']} />
        <span>
          <Kbd keys="?" /> {m.palette_hint_keys()}
        </span>
      </SearchFoot>
    </Dialog>
  );
}

/** The typed beginning of a name, in bold. */
function Marked({ text, query }: { text: string; query: string }) {
  const length = query.trim().length;
  if (length === 0 || fold(text.slice(0, length)) !== fold(query.trim())) return text;
  return (
    <>
      <b>{text.slice(0, length)}</b>
      {text.slice(length)}
    </>
  );
}

function commandIcon(command: Command): IconName {
  const icons: Record<string, IconName> = {
    today: 'home',
    cases: 'cases',
    chat: 'chat',
    rounds: 'camera',
    'round-microphone': 'microphone',
    'round-camera': 'camera',
    'round-share': 'screenShare',
    'round-hand': 'hand',
    'round-call': 'bell',
    settings: 'settings',
    'settings-media': 'camera',
    theme: 'sun',
    lock: 'locked',
    help: 'keyboard',
    messages: 'bell',
    'case-images': 'image',
    'case-decision': 'sign',
    'case-overview': 'target',
    'case-documents': 'document',
    'case-laboratory': 'flask',
    'case-timeline': 'activity',
    'cases-search': 'search',
    'list-preview': 'book',
  };
  return icons[command.id] ?? 'next';
}
