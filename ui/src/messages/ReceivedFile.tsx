/** The file of a message: shown where it may be, saved where somebody wants it. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Button as Plain } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { Dialog } from '../components/Dialog';
import type { IconName } from '../components/icons';
import { toast } from '../components/toasts';
import type { MessageBodyView } from '../host/contract';
import { claimedKind, type Danger, dangerOf, mayBeShown } from '../host/fileKinds';
import type { Received } from '../host/transfers';
import { bytes, bytesOf } from '../i18n/format';
import { m } from '../paraglide/messages';
import { FileCard, FileName } from './FileCard';
import { aboutFile, dangerWords, fileFailureWords, kindIcon, progressWords } from './fileWords';
import { ReceivedStudy } from './ReceivedStudy';
import styles from './Files.module.css';
import { saveBlob } from './saveFile';
import { comesByItself, hasThumbnail, type MessageLine } from './timeline';
import { useLasting, useObjectUrl, useSmallPicture, useTransfers, useUnasked } from './useTransfers';

export type FileBody = Extract<MessageBodyView, { type: 'file' }>;

interface Props {
  conversation: string;
  line: MessageLine;
  body: FileBody;
  /** Whether its buttons are tab stops. */
  current: boolean;
  show: (line: MessageLine) => void;
}

/** The file of a message, and what happens when it is asked for. */
export function useFile(conversation: string, line: MessageLine, body: FileBody, quiet = false) {
  const transfers = useTransfers();
  const received = transfers.received(conversation, line.id);
  const fetch = () => transfers.fetch({ conversation, message: line.id, name: body.name, mimetype: body.mimetype, quiet });
  const stop = () => transfers.stop(conversation, line.id);
  const keep = () => transfers.keep(conversation, line.id);
  /** By the program, past the page; none where the page saves what it has. */
  const saveBelow = transfers.saves ? (warned: boolean) => transfers.fetch({ conversation, message: line.id, name: body.name, mimetype: body.mimetype, quiet: false, save: { warned } }) : null;
  return { received, fetch, stop, keep, saveBelow };
}

/** Saving: asked for once, carried out when all is there, and after a warning where the file can do harm. */
export function useSaving(name: string, claimed: Danger | null, { received, fetch, stop, keep, saveBelow }: ReturnType<typeof useFile>): { save: () => void; dialog: ReactNode } {
  const [wish, setWish] = useState<'none' | 'asking' | 'saving'>('none');
  const danger = (received?.state === 'here' || received?.state === 'asking' ? received.danger : null) ?? claimed;
  const here = received?.state === 'here' ? received : null;
  useEffect(() => {
    if (wish !== 'saving' || here === null) return;
    // Only its content says that it is a program: asked once more.
    if (here.danger !== null && claimed === null && !asked.current) {
      asked.current = true;
      setWish('asking');
      return;
    }
    setWish('none');
    saveBlob(here.blob, name);
    toast({ text: m.file_saved({ name }), icon: 'ok' });
  }, [wish, here, name, claimed]);
  const failed = received?.state === 'failed';
  useEffect(() => {
    if (failed) setWish('none');
  }, [failed]);
  const asked = useRef(false);
  const begin = (warned: boolean) => {
    // What the page has or is getting it saves itself.
    if (saveBelow !== null && (received === undefined || received.state === 'failed')) {
      setWish('none');
      saveBelow(warned);
    } else {
      setWish('saving');
      fetch();
    }
  };
  const go = () => {
    asked.current = true;
    if (received?.state === 'asking') {
      setWish('none');
      keep();
    } else {
      begin(true);
    }
  };
  const leave = () => {
    setWish('none');
    if (received?.state === 'asking') stop();
  };
  const save = () => {
    asked.current = false;
    if (danger === null) begin(false);
    else setWish('asking');
  };
  const dialog =
    (wish === 'asking' || received?.state === 'asking') && danger !== null ? (
      <Dialog
        title={m.file_danger_title()}
        width={500}
        onClose={leave}
        testId="danger-dialog"
        foot={
          <>
            <Button onPress={leave} autoFocus data-testid="danger-leave">
              {m.file_danger_leave()}
            </Button>
            <Button look="danger" icon="save" onPress={go} data-testid="danger-save">
              {m.file_danger_save()}
            </Button>
          </>
        }
      >
        <p className={styles['dialogName']}>
          <FileName name={name} />
        </p>
        <p>{dangerWords(danger)}</p>
        <p>{m.file_danger_ask()}</p>
      </Dialog>
    ) : null;
  return { save, dialog };
}

export function ReceivedFile(props: Props) {
  if (props.body.study !== null) return <ReceivedStudy {...props} study={props.body.study} />;
  return hasThumbnail(props.line) ? <SmallFirst {...props} /> : <PlainFile {...props} />;
}

/** A picture with a small one: that comes by itself, all of it when it is asked for. */
function SmallFirst(props: Props) {
  const { conversation, line, body, current, show } = props;
  const file = useFile(conversation, line, body);
  const { save, dialog } = useSaving(body.name, null, file);
  const { address, unusable, refuse } = useSmallPicture(conversation, line);
  // All of it is here or on its way, or there is nothing small to show.
  if (file.received !== undefined || unusable) {
    return (
      <>
        <PlainFile {...props} />
        {file.received?.state !== 'asking' && dialog}
      </>
    );
  }
  return (
    <>
      <div className={styles['frame']} data-testid={`file-${line.id}`} data-state="small">
        <Plain className={styles['framePicture'] ?? ''} aria-label={m.file_enlarge({ name: body.name })} excludeFromTabOrder={!current} onPress={() => show(line)} data-primary="" data-testid={`show-${line.id}`}>
          {address !== null && <img src={address} alt={m.file_picture({ name: body.name })} onError={refuse} data-testid={`picture-${line.id}`} />}
        </Plain>
        <FrameFoot
          body={body}
          actions={
            <Button size="small" icon="save" aria-label={m.file_save_named({ name: body.name })} onPress={save} excludeFromTabOrder={!current} data-testid={`save-${line.id}`}>
              {m.file_save()}
            </Button>
          }
        />
      </div>
      {dialog}
    </>
  );
}

function PlainFile({ conversation, line, body, current, show }: Props) {
  const kind = claimedKind(body.name, body.mimetype);
  const danger = dangerOf(kind);
  const itself = comesByItself(line);
  const file = useFile(conversation, line, body);
  const { received, fetch, stop } = file;
  const { save, dialog } = useSaving(body.name, danger, file);
  const quietly = useFile(conversation, line, body, true);
  useUnasked(itself, received, quietly.fetch, quietly.stop);
  const since = received?.state === 'loading' ? received.since : null;
  const lasting = useLasting(since);
  const stopsTab = { excludeFromTabOrder: !current };
  const saveButton = (
    <Button size="small" icon="save" aria-label={m.file_save_named({ name: body.name })} onPress={save} {...stopsTab} data-testid={`save-${line.id}`}>
      {m.file_save()}
    </Button>
  );
  const shared = { icon: kindIcon(kind), name: body.name, 'data-testid': `file-${line.id}`, 'data-state': received?.state ?? 'away' };
  const showButton = (
    <Button size="small" look="primary" icon={kindIcon(kind)} aria-label={m.file_show_named({ name: body.name })} onPress={() => show(line)} {...stopsTab} data-primary="" data-testid={`show-${line.id}`}>
      {m.file_show()}
    </Button>
  );

  let card: ReactNode;
  const state = received?.state ?? 'away';
  if (received?.state === 'here') {
    card = <Here received={received} {...{ body, line, current, show, shared, saveButton, showButton }} />;
  } else if (received?.state === 'failed') {
    const words = fileFailureWords(received.failure);
    card = (
      <FileCard
        {...shared}
        tone="danger"
        mark="danger"
        about={
          <>
            <b>{received.failure.code === 'file-altered' ? m.file_not_shown() : m.file_not_loaded()}</b> {words.what} {words.act}
          </>
        }
        actions={
          <Button size="small" icon="reload" aria-label={m.file_load_again_named({ name: body.name })} onPress={fetch} {...stopsTab} data-primary="" data-testid={`again-${line.id}`}>
            {m.action_retry()}
          </Button>
        }
      />
    );
  } else if (itself) {
    // As high as the picture that comes, so that nothing moves when it does.
    card = (
      <div className={styles['frame']} data-testid={`file-${line.id}`} data-state={state}>
        <div className={styles['frameWait']}>{lasting && received?.state === 'loading' ? progressWords(received.moved, received.total ?? body.size, received.pace.rate(performance.now())) : ''}</div>
        <FrameFoot body={body} />
      </div>
    );
  } else if (received?.state === 'waiting' || received?.state === 'loading') {
    const moved = received.state === 'loading' ? received.moved : 0;
    const total = (received.state === 'loading' ? received.total : null) ?? body.size;
    const speed = received.state === 'loading' ? received.pace.rate(performance.now()) : null;
    card = (
      <FileCard
        {...shared}
        aside={total === null ? (moved === 0 ? undefined : bytes(moved)) : bytesOf(moved, total)}
        progress={total === null || total === 0 ? null : Math.min(1, moved / total)}
        about={lasting ? [progressWords(moved, total, speed), m.file_checked_first()].filter((word) => word !== '').join(' · ') : aboutFile(kind, body.size)}
        data-percent={total === null || total === 0 ? 0 : Math.floor((moved / total) * 100)}
        actions={<IconButton icon="close" size="small" label={m.file_stop({ name: body.name })} onPress={stop} {...stopsTab} data-testid={`stop-${line.id}`} />}
      />
    );
  } else {
    card = (
      <FileCard
        {...shared}
        tone={danger === null ? 'plain' : 'warn'}
        mark={danger === null ? undefined : 'warn'}
        about={danger === null ? aboutFile(kind, body.size) : `${aboutFile(kind, body.size)}. ${dangerWords(danger)}`}
        actions={
          <>
            {mayBeShown(kind) && showButton}
            {saveButton}
          </>
        }
      />
    );
  }
  return (
    <>
      {card}
      {dialog}
    </>
  );
}

function FrameFoot({ body, actions }: { body: FileBody; actions?: ReactNode }) {
  return (
    <div className={styles['frameFoot']}>
      <FileName name={body.name} />
      {body.size !== null && <span className={styles['frameSize']}>{bytes(body.size)}</span>}
      {actions}
    </div>
  );
}

/** A file that is here and was found to be what was sent. */
function Here({
  received,
  body,
  line,
  current,
  show,
  shared,
  saveButton,
  showButton,
}: {
  received: Extract<Received, { state: 'here' }>;
  body: FileBody;
  line: MessageLine;
  current: boolean;
  show: (line: MessageLine) => void;
  shared: { icon: IconName; name: string; 'data-testid': string; 'data-state': string };
  saveButton: ReactNode;
  showButton: ReactNode;
}) {
  const { shown, mismatch, danger } = received;
  const inside = shown?.kind === 'image' || shown?.kind === 'audio' || shown?.kind === 'video' ? shown : null;
  const address = useObjectUrl(inside === null ? null : received.blob, inside?.type ?? '');
  const [refused, setRefused] = useState(false);
  if (inside?.kind === 'image' && !refused) {
    return (
      <div className={styles['frame']} data-testid={shared['data-testid']} data-state={shared['data-state']}>
        <Plain className={styles['framePicture'] ?? ''} aria-label={m.file_enlarge({ name: body.name })} excludeFromTabOrder={!current} onPress={() => show(line)} data-primary="" data-testid={`show-${line.id}`}>
          {address !== null && <img src={address} alt={m.file_picture({ name: body.name })} onError={() => setRefused(true)} data-testid={`picture-${line.id}`} />}
        </Plain>
        <FrameFoot body={body} actions={saveButton} />
      </div>
    );
  }
  const kind = claimedKind(body.name, body.mimetype);
  const about = mismatch ? m.file_mismatch() : danger !== null ? dangerWords(danger) : refused ? m.file_not_playable() : aboutFile(kind, received.blob.size);
  const warns = mismatch || danger !== null || refused;
  return (
    <FileCard
      {...shared}
      tone={warns ? 'warn' : 'plain'}
      mark={warns ? 'warn' : 'ok'}
      about={warns ? about : m.file_here({ about })}
      actions={
        <>
          {shown?.kind === 'pdf' && showButton}
          {saveButton}
        </>
      }
    >
      {inside?.kind === 'audio' && !refused && address !== null && <audio className={styles['audio']} controls preload="metadata" src={address} aria-label={m.file_play({ name: body.name })} onError={() => setRefused(true)} tabIndex={current ? 0 : -1} />}
      {inside?.kind === 'video' && !refused && address !== null && <video className={styles['video']} controls preload="metadata" src={address} aria-label={m.file_play({ name: body.name })} onError={() => setRefused(true)} tabIndex={current ? 0 : -1} />}
    </FileCard>
  );
}
