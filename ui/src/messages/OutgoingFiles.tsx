/** Files that are being sent, below the lines of a conversation. */
import { Button, IconButton } from '../components/Button';
import { usePerson } from '../host/desk';
import type { ConversationView, OutgoingView } from '../host/contract';
import { claimedKind } from '../host/fileKinds';
import type { Upload } from '../host/transfers';
import { bytesOf } from '../i18n/format';
import { m } from '../paraglide/messages';
import { FileCard } from './FileCard';
import { aboutFile, fileFailureWords, kindIcon, progressWords, studyWords } from './fileWords';
import styles from './Files.module.css';
import timeline from './Timeline.module.css';
import { useLasting, useTransfers } from './useTransfers';

export function OutgoingFiles({ view }: { view: ConversationView }) {
  const transfers = useTransfers();
  const person = usePerson();
  const own = view.members.find((member) => member.own);
  if (view.outgoing.length === 0) return null;
  return (
    <section className={timeline['message']} aria-label={m.file_outgoing()} data-testid="outgoing">
      <div className={timeline['side']} aria-hidden>
        <span className={timeline['avatar']}>{own?.initials ?? person?.initials ?? ''}</span>
      </div>
      <div className={timeline['content']}>
        <div className={timeline['heading']}>
          <b>{m.chat_you()}</b>
        </div>
        <ul className={styles['cards']}>
          {view.outgoing.map((one) => (
            <li key={one.id}>
              <OutgoingFile conversation={view.id} one={one} upload={transfers.upload(one.id)} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

/** What is sent, in words: a study by what it is. */
const nameOf = (one: OutgoingView): string => (one.study !== null ? studyWords(one.study) : one.name === '' ? m.study_any() : one.name);

/** A study from the archive: first its images come here, then they go. */
function HeldStudy({ conversation, one }: { conversation: string; one: OutgoingView }) {
  const transfers = useTransfers();
  const name = nameOf(one);
  const cancel = <IconButton icon="close" size="small" label={m.file_cancel({ name })} onPress={() => void transfers.cancel(conversation, one.id)} data-testid={`cancel-${one.id}`} />;
  const shared = { icon: 'image' as const, name, 'data-testid': `outgoing-${one.id}` };
  switch (one.state.state) {
    case 'gathering': {
      const { done, of } = one.state;
      return <FileCard {...shared} data-state="gathering" progress={of === 0 ? null : done / of} about={of === 0 ? m.study_gathering() : m.study_gathering_of({ done, of })} actions={cancel} />;
    }
    case 'waiting':
    case 'sending': {
      const sent = one.state.state === 'sending' ? one.state.sent : 0;
      const part = one.size === 0 ? 0 : sent / one.size;
      return <FileCard {...shared} data-state="going" data-percent={Math.floor(part * 100)} aside={bytesOf(sent, one.size)} progress={part} about={m.file_sent_encrypted()} actions={cancel} />;
    }
    case 'failed': {
      const words = fileFailureWords(one.state.failure);
      return (
        <FileCard
          {...shared}
          data-state="failed"
          tone="danger"
          mark="danger"
          about={
            <>
              <b>{m.chat_not_sent()}</b> {words.what} {words.act}
            </>
          }
          actions={
            <>
              {one.size > 0 && (
                <Button size="small" icon="reload" aria-label={m.file_retry_named({ name })} onPress={() => void transfers.resumeHeld(conversation, one.id)} data-testid={`retry-${one.id}`}>
                  {m.chat_send_again()}
                </Button>
              )}
              {cancel}
            </>
          }
        />
      );
    }
    default: {
      const unknown: never = one.state;
      return unknown;
    }
  }
}

function OutgoingFile(props: { conversation: string; one: OutgoingView; upload: Upload | undefined }) {
  return props.one.held ? <HeldStudy {...props} /> : <PageFile {...props} />;
}

function PageFile({ conversation, one, upload }: { conversation: string; one: OutgoingView; upload: Upload | undefined }) {
  const transfers = useTransfers();
  const kind = claimedKind(one.name, null);
  const name = nameOf(one);
  const sent = one.state.state === 'sending' ? one.state.sent : (upload?.sent ?? 0);
  const failure = one.state.state === 'failed' ? one.state.failure : (upload?.failure ?? null);
  const state = upload?.paused === true ? 'paused' : failure !== null || upload === undefined ? 'failed' : 'going';
  const lasting = useLasting(state === 'going' && upload ? upload.since : null);
  const part = one.size === 0 ? 0 : sent / one.size;
  const cancel = (
    <IconButton icon="close" size="small" label={m.file_cancel({ name })} onPress={() => void transfers.cancel(conversation, one.id)} data-testid={`cancel-${one.id}`} />
  );
  const shared = { icon: one.study === null ? kindIcon(kind) : ('image' as const), name, 'data-testid': `outgoing-${one.id}`, 'data-state': state, 'data-percent': Math.floor(part * 100) };
  switch (state) {
    case 'going':
      return (
        <FileCard
          {...shared}
          aside={bytesOf(sent, one.size)}
          progress={part}
          about={lasting ? [progressWords(sent, one.size, upload?.pace.rate(performance.now()) ?? null), m.file_sent_encrypted()].join(' · ') : aboutFile(kind, one.size)}
          actions={
            <>
              <IconButton icon="pause" size="small" look="plain" label={m.file_pause({ name })} onPress={() => transfers.pause(one.id)} data-testid={`pause-${one.id}`} />
              {cancel}
            </>
          }
        />
      );
    case 'paused':
      return (
        <FileCard
          {...shared}
          tone="warn"
          mark="pause"
          about={m.file_paused({ safe: bytesOf(sent, one.size) })}
          actions={
            <>
              <Button size="small" icon="play" aria-label={m.file_resume_named({ name })} onPress={() => void transfers.resume(conversation, one.id)} data-testid={`resume-${one.id}`}>
                {m.file_resume()}
              </Button>
              {cancel}
            </>
          }
        />
      );
    case 'failed': {
      const words = failure === null || upload === undefined ? { what: m.file_not_here(), act: m.file_not_here_act() } : fileFailureWords(failure);
      return (
        <FileCard
          {...shared}
          tone="danger"
          mark="danger"
          about={
            <>
              <b>{m.chat_not_sent()}</b> {words.what} {sent > 0 && m.file_safe({ safe: bytesOf(sent, one.size) })} {words.act}
            </>
          }
          actions={
            <>
              {upload && (
                <Button size="small" icon="reload" aria-label={m.file_retry_named({ name })} onPress={() => void transfers.resume(conversation, one.id)} data-testid={`retry-${one.id}`}>
                  {m.chat_send_again()}
                </Button>
              )}
              {cancel}
            </>
          }
        />
      );
    }
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}
