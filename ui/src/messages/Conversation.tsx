/** An open conversation: what protects it and who is in it, its lines, and where one writes. */
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Button as Press } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { classes } from '../components/classes';
import { Dialog } from '../components/Dialog';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Menu } from '../components/Menu';
import { usePlaces } from '../frame/place';
import type { ConversationView, Failure, Request } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';
import { RoundButton } from '../rounds/RoundButton';
import { attentions, attentionWord } from './attention';
import { CaseBar } from './CaseBar';
import { caseOf, conversationTitle } from './caseOf';
import styles from './Chat.module.css';
import { Composer } from './Composer';
import { ConversationMenu } from './ConversationMenu';
import { DayButton } from './DayButton';
import { Details, DetailsButton, openDetails } from './Details';
import { houseOf } from './mentions';
import { callNames } from './names';
import { Timeline } from './Timeline';
import { isMessage, type MessageLine, messageText } from './timeline';
import { claimedKind, mayBeShown } from '../host/fileKinds';
import files from './Files.module.css';
import { useAttaching } from './useAttaching';
import { useComposer } from './useComposer';
import { useFileDrop } from './useFileDrop';
import { formEntries, type NewForm, SendForm } from './SendForm';
import { SendStudy } from './SendStudy';
import { StudyViewer } from './StudyViewer';
import { Versions } from './Versions';
import { Viewer } from './Viewer';
import { ChangedIdentity } from '../trust/ChangedIdentity';
import { PeopleDialog } from '../trust/People';
import { encryptionWords, oneLine, typingWords } from './words';

export function Conversation({
  view,
  takesFocus,
  recover,
  docked = false,
}: {
  view: ConversationView;
  takesFocus: RefObject<boolean>;
  recover: (() => void) | undefined;
  /** Beside its case, which says who it is about. */
  docked?: boolean;
}) {
  const desk = useDesk();
  const { host } = desk;
  const conversation = view.id;
  const composing = useComposer(view);
  const area = useRef<HTMLTextAreaElement>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [removing, setRemoving] = useState<MessageLine | null>(null);
  const call = useMemo(() => callNames(view.members), [view.members]);

  useEffect(() => {
    if (!takesFocus.current) return;
    takesFocus.current = false;
    area.current?.focus();
  }, [takesFocus]);

  const ask = useCallback(
    (request: Request) => {
      setFailure(null);
      host.call(request).catch((thrown: unknown) => setFailure(asFailure(thrown)));
    },
    [host],
  );
  // Once the menu that asked for it has given the focus back.
  const write = () => window.setTimeout(() => area.current?.focus(), 0);
  const loadEarlier = useCallback(() => host.call({ type: 'load-earlier', conversation }), [host, conversation]);
  const loadLater = useCallback(() => void host.call({ type: 'load-later', conversation }).catch(() => undefined), [host, conversation]);
  const toNow = useCallback(() => desk.openConversation(conversation), [desk, conversation]);
  const toUnread = useCallback(() => {
    setFailure(null);
    return desk.openUnread(conversation).catch((thrown: unknown) => setFailure(asFailure(thrown)));
  }, [desk, conversation]);
  const markRead = useCallback(() => void host.call({ type: 'mark-read', conversation }).catch(() => undefined), [host, conversation]);
  const invited = view.membership.state === 'invited';
  const attaching = useAttaching(view, composing, () => area.current?.focus());
  const drop = useFileDrop(attaching.take);
  const [shown, setShown] = useState<MessageLine | null>(null);
  const [changed, setChanged] = useState<MessageLine | null>(null);
  const [sends, setSends] = useState(false);
  const [form, setForm] = useState<NewForm | null>(null);
  // The archive gives images of the open case, which is the one that the dock stands beside.
  const patient = docked && view.encryption.state === 'encrypted' ? (caseOf(view)?.patient ?? null) : null;
  const showable = useMemo(() => view.lines.filter((line): line is MessageLine => isMessage(line) && line.body.type === 'file' && line.body.study === null && mayBeShown(claimedKind(line.body.name, line.body.mimetype))), [view.lines]);
  const typing = typingWords(view.typing, call);

  /** The message that is asked for beside the lines. */
  const [goal, setGoal] = useState<{ event: string } | null>(null);

  const inside = (
    <div className={styles['inside']} {...(invited ? {} : drop.handlers)} data-testid="conversation">
      {docked ? (
        <div className={styles['dockedHead']}>
          <Protection view={view} docked />
          <span className={styles['dockedTools']}>
            <DayButton view={view} />
            <RoundButton conversation={conversation} name={conversationTitle(view)} mayBegin={mayHoldRound(view)} stays />
          </span>
        </div>
      ) : (
        <ConversationHead view={view} ask={ask} />
      )}
      {!docked && <CaseBar view={view} />}
      {view.lines.some(isMessage) || view.earlier !== 'none' || view.outgoing.length > 0 ? (
        <Timeline
          // At another place it begins anew.
          key={view.past === null ? '' : (view.past.day ?? 'unread')}
          view={view}
          loadEarlier={loadEarlier}
          loadLater={loadLater}
          toNow={toNow}
          toUnread={toUnread}
          markRead={markRead}
          goal={goal}
          actions={{
            reply(line) {
              composing.reply(line, line.sender.own ? m.chat_you() : call(line.sender));
              write();
            },
            edit(line) {
              composing.edit(line);
              write();
            },
            react: (line, key) => ask({ type: 'toggle-reaction', conversation, message: line.id, key }),
            remove: setRemoving,
            retry: (line) => ask({ type: 'retry-message', conversation, message: line.id }),
            giveUp: (line) => ask({ type: 'cancel-message', conversation, message: line.id }),
            show: setShown,
            versions: setChanged,
            recover,
          }}
        />
      ) : (
        <div className={styles['fill']}>
          {/* Somebody who is invited does not know yet what was written. */}
          <Empty icon="chat" title={invited ? m.chat_invited() : m.chat_no_messages()}>
            {view.maySend ? m.chat_no_messages_text() : undefined}
          </Empty>
        </div>
      )}
      {failure && (
        <div className={styles['failure']}>
          <FailureNotice failure={failure} actions={<Button size="small" onPress={() => setFailure(null)}>{m.action_close()}</Button>} />
        </div>
      )}
      <ChangedIdentity view={view} />
      <div className={styles['typing']}>{typing}</div>
      {invited ? <Invitation view={view} /> : <Composer hints={!docked} view={view} composing={composing} area={area} attaching={attaching} forms={formEntries(view, setForm)} {...(patient === null ? {} : { sendStudy: () => setSends(true) })} />}
      {changed && <Versions conversation={conversation} line={changed} close={() => setChanged(null)} />}
      {removing && <RemoveDialog conversation={conversation} line={removing} close={() => setRemoving(null)} />}
      {form !== null && <SendForm conversation={conversation} form={form} known={caseOf(view)} close={() => setForm(null)} />}
      {sends && patient !== null && <SendStudy conversation={conversation} patient={patient} close={() => setSends(false)} />}
      {shown?.body.type === 'file' && shown.body.study !== null && (
        <StudyViewer conversation={conversation} message={shown.id} study={shown.body.study} sender={shown.sender.own ? null : call(shown.sender)} close={() => setShown(null)} />
      )}
      {shown?.body.type === 'file' && shown.body.study === null && <Viewer conversation={conversation} line={shown} others={showable} go={setShown} close={() => setShown(null)} />}
      {drop.over && (
        <div className={files['target']} data-testid="drop-target">
          <div>
            <Icon name="attach" size="l" />
            <b>{m.file_drop({ name: conversationTitle(view) })}</b>
            <p>{m.file_drop_more()}</p>
          </div>
        </div>
      )}
    </div>
  );
  if (docked) return inside;
  return (
    <div className={styles['beside']}>
      {inside}
      {!invited && <Details view={view} ask={ask} call={call} loadEarlier={loadEarlier} show={setShown} goTo={(event) => setGoal({ event })} />}
    </div>
  );
}

function ConversationHead({ view, ask }: { view: ConversationView; ask: (request: Request) => void }) {
  const places = usePlaces();
  const known = caseOf(view);
  const title = conversationTitle(view);
  return (
    <div className={styles['conversationHead']} data-testid="conversation-head">
      <span className={styles['back']}>
        <IconButton icon="back" label={m.chat_back()} onPress={() => places.go({ screen: 'messages', conversation: null })} data-testid="conversation-back" />
      </span>
      <span className={styles['avatar']} data-kind={view.kind} aria-hidden>
        {view.initials}
      </span>
      <div className={styles['headWords']}>
        <h2 className={styles['name']} title={title === view.name ? title : m.chat_case_named({ title, name: view.name })}>
          {title}
        </h2>
        <Protection view={view} />
      </div>
      <RoundButton conversation={view.id} name={title} mayBegin={mayHoldRound(view)} />
      <DayButton view={view} />
      {view.membership.state !== 'invited' && <DetailsButton />}
      <AttentionMenu view={view} ask={ask} />
      <ConversationMenu view={view} ask={ask} />
      {known && (
        <Button size="small" icon="cases" onPress={() => places.openCase(known.patient)} data-testid="conversation-open-case">
          {m.chat_case_open()}
        </Button>
      )}
    </div>
  );
}

/** A round is encrypted with keys of the members, so its conversation has to be. */
function mayHoldRound(view: ConversationView): boolean {
  return view.membership.state === 'joined' && view.encryption.state === 'encrypted';
}

/** How much of it the person wants to notice. */
function AttentionMenu({ view, ask }: { view: ConversationView; ask: (request: Request) => void }) {
  if (view.membership.state !== 'joined') return null;
  const label = m.chat_attention({ now: attentionWord[view.attention]() });
  return (
    <Menu
      label={label}
      placement="bottom end"
      trigger={<IconButton icon={view.attention === 'nothing' ? 'quiet' : 'bell'} label={label} data-testid="attention" />}
      entries={attentions.map((attention) => ({
        id: `attention-${attention}`,
        label: attentionWord[attention](),
        ...(attention === view.attention ? { icon: 'check' as const } : {}),
        run: () => ask({ type: 'set-attention', conversation: view.id, attention }),
      }))}
    />
  );
}

/** What protects it, and how many are in it. */
function Protection({ view, docked = false }: { view: ConversationView; docked?: boolean }) {
  const { words, tone, all } = encryptionWords(view.encryption);
  const [people, setPeople] = useState(false);
  return (
    <p className={styles['about']}>
      <span className={classes(styles['protection'], tone === 'warn' && styles['warn'], tone === 'ok' && styles['ok'])} title={all} data-testid="encryption">
        <Icon name={view.encryption.state === 'plain' ? 'unlocked' : view.encryption.state === 'unknown' ? 'question' : 'shield'} size="s" />
        <span>{words}</span>
      </span>
      <span aria-hidden> · </span>
      <Press className={styles['people'] ?? ''} onPress={() => (docked || view.membership.state === 'invited' ? setPeople(true) : openDetails('people'))} data-testid="conversation-people">
        {peopleWords(view)}
      </Press>
      {people && <PeopleDialog view={view} close={() => setPeople(false)} />}
    </p>
  );
}

/** How many read it, and of how many hospitals, where all of them are known. */
function peopleWords({ memberCount: count, members }: ConversationView): string {
  const houses = new Set(members.map(({ id }) => houseOf(id))).size;
  return houses > 1 && members.length === count ? m.chat_people_houses({ count, houses }) : m.chat_people({ count });
}

/** What an invitation asks, in place of the composer. */
function Invitation({ view }: { view: ConversationView }) {
  return (
    <div className={styles['invitation']}>
      <p>{m.chat_invited_text()}</p>
      <InvitationButtons conversation={view.id} name={view.name} />
    </div>
  );
}

/** Take or refuse an invitation; a refusal that failed is said in its place. */
export function InvitationButtons({ conversation, name, small = false, tabStop = true }: { conversation: string; name: string; small?: boolean; tabStop?: boolean }) {
  const { host } = useDesk();
  const [pending, setPending] = useState<'join' | 'leave' | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const answer = (what: 'join' | 'leave') => {
    setPending(what);
    setFailure(null);
    host.call({ type: what === 'join' ? 'join-conversation' : 'leave-conversation', conversation }).then(
      () => setPending(null),
      (thrown: unknown) => {
        setPending(null);
        setFailure(asFailure(thrown));
      },
    );
  };
  const size = small ? 'small' : 'normal';
  return (
    <>
      <div className={styles['invitationButtons']}>
        <Button look="primary" size={size} isPending={pending === 'join'} excludeFromTabOrder={!tabStop} aria-label={m.chat_accept_named({ name })} onPress={() => answer('join')} data-testid={`accept-${conversation}`}>
          {m.chat_accept()}
        </Button>
        <Button size={size} isPending={pending === 'leave'} excludeFromTabOrder={!tabStop} aria-label={m.chat_refuse_named({ name })} onPress={() => answer('leave')} data-testid={`refuse-${conversation}`}>
          {m.chat_refuse()}
        </Button>
      </div>
      {failure && <FailureNotice failure={failure} />}
    </>
  );
}

function RemoveDialog({ conversation, line, close }: { conversation: string; line: MessageLine; close: () => void }) {
  const { host } = useDesk();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const text = messageText(line);
  const remove = () => {
    setPending(true);
    setFailure(null);
    host.call({ type: 'redact-message', conversation, message: line.id }).then(close, (thrown: unknown) => {
      setPending(false);
      setFailure(asFailure(thrown));
    });
  };
  return (
    <Dialog
      title={m.chat_delete_title()}
      width={480}
      onClose={close}
      testId="delete-dialog"
      foot={
        <>
          <Button onPress={close} autoFocus data-testid="delete-keep">
            {m.chat_delete_keep()}
          </Button>
          <Button look="danger" icon="delete" isPending={pending} onPress={remove} data-testid="delete-for-all">
            {m.chat_delete_for_all()}
          </Button>
        </>
      }
    >
      {failure && <FailureNotice failure={failure} />}
      {text !== null && <p className={styles['deleted']}>{oneLine(text).slice(0, 240)}</p>}
      <p>{m.chat_delete_text()}</p>
    </Dialog>
  );
}
