/** Beside an open conversation: who is in it, its files, and what is set for it. */
import { useEffect, useRef, useState } from 'react';
import { Button as Press } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { Empty } from '../components/Empty';
import { Icon } from '../components/icons';
import { Segment } from '../components/Segment';
import { Spinner } from '../components/Spinner';
import type { Attention, ConversationView, Request } from '../host/contract';
import { claimedKind } from '../host/fileKinds';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { bytes, date, moment } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { People } from '../trust/People';
import { attentions, attentionWord } from './attention';
import { useConversationActs } from './ConversationMenu';
import { details, type DetailsPart, type FileLine, filesOf, opensHere, reach } from './besideConversation';
import styles from './Details.module.css';
import { FileName } from './FileCard';
import { aboutFile, kindIcon, studyWords } from './fileWords';
import { hasThumbnail, type MessageLine, showsImages } from './timeline';
import { useSmallPicture } from './useTransfers';

const toggleCommand = defineCommand({ id: 'conversation-details', keys: ['mod+j'], label: () => m.chat_details_toggle(), group: 'messages', whileTyping: true });
const leaveCommand = defineCommand({ id: 'conversation-details-leave', keys: ['escape'], label: () => m.command_step_back(), group: 'messages' });

/** How often earlier lines are asked for before it is asked whether to go on. */
const mostPages = 12;
const button = '[data-testid=details-button]';

export function openDetails(part: DetailsPart): void {
  details.set({ open: true, part });
}

/** Shows and hides it. */
export function DetailsButton() {
  const { open, part } = useStore(details);
  const toggle = () => details.set({ open: !open, part });
  useCommand(toggleCommand, toggle);
  return <IconButton icon="people" label={m.chat_details_toggle()} aria-expanded={open} onPress={toggle} data-testid="details-button" />;
}

export function Details({
  view,
  ask,
  call,
  loadEarlier,
  show,
  goTo,
}: {
  view: ConversationView;
  ask: (request: Request) => void;
  /** How somebody is called here. */
  call: (person: MessageLine['sender']) => string;
  loadEarlier: () => Promise<unknown>;
  /** Opens a file. */
  show: (line: MessageLine) => void;
  /** Leads to a message. */
  goTo: (event: string) => void;
}) {
  const { open, part } = useStore(details);
  const close = () => {
    details.set({ open: false, part });
    document.querySelector<HTMLElement>(button)?.focus();
  };
  useCommand(leaveCommand, close, { scope: 'details', enabled: open });
  const box = useRef<HTMLElement>(null);
  /** Where it lies over the lines, the message would be below it. */
  const lead = (event: string) => {
    if (box.current !== null && getComputedStyle(box.current).position === 'absolute') details.set({ open: false, part });
    goTo(event);
  };
  if (!open) return null;
  return (
    <aside className={styles['details']} aria-label={m.chat_details()} data-scope="details" ref={box} data-testid="details">
      <div className={styles['head']}>
        <Segment
          label={m.chat_details()}
          value={part}
          options={[
            { id: 'people', label: m.dock_people_count({ count: view.memberCount }) },
            { id: 'files', label: m.chat_details_files() },
            { id: 'settings', label: m.frame_settings() },
          ]}
          onChange={openDetails}
        />
        <IconButton icon="close" label={m.action_close()} onPress={close} data-testid="details-close" />
      </div>
      <div className={styles['content']}>
        {part === 'people' && <People view={view} compared={() => undefined} />}
        {part === 'files' && <Files view={view} call={call} loadEarlier={loadEarlier} show={show} goTo={lead} />}
        {part === 'settings' && <Settings view={view} ask={ask} />}
      </div>
    </aside>
  );
}

function Files({ view, call, loadEarlier, show, goTo }: Pick<Parameters<typeof Details>[0], 'view' | 'call' | 'loadEarlier' | 'show' | 'goTo'>) {
  const now = useNow(60_000);
  const files = filesOf(view.lines);
  const hunt = useHunt(view, files.length, loadEarlier);
  const known = reach(view.lines);
  const whole = view.earlier === 'none' && view.past === null;
  const searched = known === null ? '' : view.past === null ? m.chat_files_since({ day: date(known.from) }) : m.chat_files_between({ from: date(known.from), to: date(known.to) });
  return (
    <>
      {files.length === 0 && (
        <Empty icon="document" title={whole ? m.chat_files_none() : m.chat_files_none_yet()}>
          {whole ? m.chat_files_none_text() : undefined}
        </Empty>
      )}
      <ul className={styles['files']} aria-label={m.chat_details_files()}>
        {files.map((line) => (
          <FileRow key={line.id} conversation={view.id} line={line} by={line.sender.own ? m.chat_you() : call(line.sender)} at={moment(line.at, now)} show={show} goTo={goTo} />
        ))}
      </ul>
      <div className={styles['foot']} role="status" data-testid="details-searched">
        {whole ? files.length > 0 && m.chat_files_all() : searched}
        {hunt.failed && <span>{m.chat_earlier_failed()}</span>}
        {hunt.runs && (
          <span className={styles['searching']}>
            <Spinner size={16} onSolid={false} />
            {m.chat_files_searching()}
          </span>
        )}
      </div>
      {view.earlier !== 'none' && (
        <div className={styles['foot']}>
          {hunt.runs ? (
            <Button size="small" onPress={hunt.stop} data-testid="details-stop">
              {m.chat_files_stop()}
            </Button>
          ) : (
            <Button size="small" icon="search" onPress={hunt.start} data-testid="details-more">
              {m.chat_files_more()}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function FileRow({ conversation, line, by, at, show, goTo }: { conversation: string; line: FileLine; by: string; at: string; show: (line: MessageLine) => void; goTo: (event: string) => void }) {
  const { body } = line;
  const kind = claimedKind(body.name, body.mimetype);
  const name = body.study === null ? body.name : studyWords(body.study);
  const opens = opensHere(line);
  const lead = () => line.event !== null && goTo(line.event);
  const about = body.study === null ? aboutFile(kind, body.size) : body.size === null ? '' : bytes(body.size);
  const icon = body.study === null ? kindIcon(kind) : 'image';
  return (
    <li className={styles['file']} data-testid={`details-file-${line.id}`}>
      <Press className={styles['open'] ?? ''} onPress={() => (opens ? show(line) : lead())} data-testid={`details-open-${line.id}`}>
        <span className={styles['icon']} aria-hidden>
          {showsImages(line) || hasThumbnail(line) ? <Small conversation={conversation} line={line} icon={icon} /> : <Icon name={icon} />}
        </span>
        <span className={styles['words']}>
          <span className={styles['name']}>
            <FileName name={name} />
          </span>
          <span className={styles['about']}>{[by, at, about].filter((word) => word !== '').join(' · ')}</span>
        </span>
      </Press>
      {opens && <IconButton icon="chat" size="small" label={m.chat_file_message_named({ name })} onPress={lead} data-testid={`details-message-${line.id}`} />}
    </li>
  );
}

function Small({ conversation, line, icon }: { conversation: string; line: FileLine; icon: Parameters<typeof Icon>[0]['name'] }) {
  const { address, unusable, refuse } = useSmallPicture(conversation, line);
  if (unusable || address === null) return <Icon name={icon} />;
  return <img src={address} alt="" onError={refuse} />;
}

/** Asks for earlier lines, page after page, until one with a file comes, somebody stops it, or there are many without. */
function useHunt(view: ConversationView, found: number, loadEarlier: () => Promise<unknown>) {
  const [hunt, setHunt] = useState<{ found: number; pages: number } | null>(null);
  const [failed, setFailed] = useState(false);
  const asked = useRef<string | null>(null);
  const first = view.lines[0]?.id ?? '';
  useEffect(() => {
    // A page may hold nothing to show: once it was read, the same beginning may be asked from again.
    if (view.earlier === 'loading') asked.current = null;
    if (hunt === null) return;
    if (found > hunt.found || view.earlier === 'none' || hunt.pages >= mostPages) {
      setHunt(null);
    } else if (view.earlier === 'failed' && asked.current === null) {
      setHunt(null);
      setFailed(true);
    } else if (view.earlier !== 'loading' && asked.current !== first) {
      asked.current = first;
      setHunt({ ...hunt, pages: hunt.pages + 1 });
      loadEarlier().catch(() => {
        setHunt(null);
        setFailed(true);
      });
    }
  }, [hunt, found, view.earlier, first, loadEarlier]);
  const start = () => {
    setFailed(false);
    asked.current = null;
    setHunt({ found, pages: 0 });
  };
  return { runs: hunt !== null, failed, start, stop: () => setHunt(null) };
}

function Settings({ view, ask }: { view: ConversationView; ask: (request: Request) => void }) {
  const { entries, dialogs } = useConversationActs(view, ask);
  return (
    <>
      {view.membership.state === 'joined' && (
        <div className={styles['setting']}>
          <span className={styles['label']}>{m.chat_details_attention()}</span>
          <Segment<Attention>
            label={m.chat_details_attention()}
            value={view.attention}
            options={attentions.map((id) => ({ id, label: attentionWord[id]() }))}
            onChange={(attention) => ask({ type: 'set-attention', conversation: view.id, attention })}
          />
        </div>
      )}
      <div className={styles['setting']}>
        <span className={styles['label']}>{m.chat_menu()}</span>
        {entries.map((entry) => (
          <Button key={entry.id} size="small" {...(entry.icon === undefined ? {} : { icon: entry.icon })} onPress={entry.run} data-testid={`details-${entry.id}`}>
            {entry.label}
          </Button>
        ))}
      </div>
      {dialogs}
    </>
  );
}
