/** Files that are being sent, below the lines of a conversation. */
import { useRef } from 'react';
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

/** What the program has itself: a document of the case, or a study, whose images come here from the archive first. */
function HeldFile({ conversation, one }: { conversation: string; one: OutgoingView }) {
  const transfers = useTransfers();
  const name = nameOf(one);
  const cancel = <IconButton icon="close" size="small" label={m.file_cancel({ name })} onPress={() => void transfers.cancel(conversation, one.id)} data-testid={`cancel-${one.id}`} />;
  const icon = one.study === null && one.name !== '' ? kindIcon(claimedKind(one.name, null)) : ('image' as const);
  const shared = { icon, name, 'data-testid': `outgoing-${one.id}` };
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
    // Its bytes ended with the program: it is none that is held.
    case 'interrupted':
      return null;
    default: {
      const unknown: never = one.state;
      return unknown;
    }
  }
}

/** A file whose bytes nobody has any more: the person chooses it once more, or gives it up. */
function WantedFile({ conversation, one }: { conversation: string; one: OutgoingView }) {
  const transfers = useTransfers();
  const picker = useRef<HTMLInputElement>(null);
  const name = nameOf(one);
  const sent = one.state.state === 'interrupted' ? one.state.sent : 0;
  const complete = one.state.state === 'interrupted' && sent === one.size;
  const refused = transfers.notTaken(one.id);
  const what = one.state.state !== 'interrupted' ? m.file_not_here() : complete ? m.file_message_missing() : m.file_broken_off();
  const next = one.study !== null ? m.study_send_again_act() : one.state.state === 'interrupted' ? m.file_choose_again_act() : m.file_not_here_act();
  const words = refused === undefined ? { what, act: complete ? m.file_message_missing_act() : next } : fileFailureWords(refused);
  return (
    <FileCard
      icon={one.study === null ? kindIcon(claimedKind(one.name, null)) : 'image'}
      name={name}
      tone={refused === undefined ? 'warn' : 'danger'}
      mark={refused === undefined ? 'warn' : 'danger'}
      data-testid={`outgoing-${one.id}`}
      data-state="wanted"
      about={
        <>
          <b>{m.chat_not_sent()}</b> {words.what} {sent > 0 && !complete && m.file_safe({ safe: bytesOf(sent, one.size) })} {words.act}
        </>
      }
      actions={
        <>
          {complete && (
            <Button size="small" icon="reload" aria-label={m.file_retry_named({ name })} onPress={() => void transfers.resumeHeld(conversation, one.id)} data-testid={`retry-${one.id}`}>
              {m.chat_send_again()}
            </Button>
          )}
          {!complete && one.study === null && (
            <>
              <input
                ref={picker}
                type="file"
                hidden
                tabIndex={-1}
                aria-label={m.file_choose_again_named({ name })}
                data-testid={`choose-input-${one.id}`}
                onChange={({ currentTarget: input }) => {
                  const file = input.files?.[0];
                  if (file) void transfers.takeUp(conversation, one.id, one.name, file);
                  // The same file may be chosen again.
                  input.value = '';
                }}
              />
              <Button size="small" icon="attach" aria-label={m.file_choose_again_named({ name })} onPress={() => picker.current?.click()} data-testid={`choose-${one.id}`}>
                {m.file_choose_again()}
              </Button>
            </>
          )}
          <IconButton icon="close" size="small" label={m.file_cancel({ name })} onPress={() => void transfers.cancel(conversation, one.id)} data-testid={`cancel-${one.id}`} />
        </>
      }
    />
  );
}

function OutgoingFile(props: { conversation: string; one: OutgoingView; upload: Upload | undefined }) {
  const { upload, ...rest } = props;
  if (rest.one.held) return <HeldFile {...rest} />;
  return upload === undefined ? <WantedFile {...rest} /> : <PageFile {...rest} upload={upload} />;
}

function PageFile({ conversation, one, upload }: { conversation: string; one: OutgoingView; upload: Upload }) {
  const transfers = useTransfers();
  const kind = claimedKind(one.name, null);
  const name = nameOf(one);
  const sent = one.state.state === 'sending' ? one.state.sent : upload.sent;
  const failure = one.state.state === 'failed' ? one.state.failure : upload.failure;
  const state = upload.paused ? 'paused' : failure !== null ? 'failed' : 'going';
  const lasting = useLasting(state === 'going' ? upload.since : null);
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
          about={
            <>
              {one.anew && <b>{m.file_begun_anew()} </b>}
              {lasting ? [progressWords(sent, one.size, upload.pace.rate(performance.now())), m.file_sent_encrypted()].join(' · ') : aboutFile(kind, one.size)}
            </>
          }
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
      const words = failure === null ? null : fileFailureWords(failure);
      return (
        <FileCard
          {...shared}
          tone="danger"
          mark="danger"
          about={
            <>
              <b>{m.chat_not_sent()}</b> {words?.what} {sent > 0 && m.file_safe({ safe: bytesOf(sent, one.size) })} {words?.act}
            </>
          }
          actions={
            <>
              <Button size="small" icon="reload" aria-label={m.file_retry_named({ name })} onPress={() => void transfers.resume(conversation, one.id)} data-testid={`retry-${one.id}`}>
                {m.chat_send_again()}
              </Button>
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
