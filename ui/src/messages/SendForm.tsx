/** What can be sent besides words and files: an appointment, a question to the board, a recommendation, an invitation, a document of the case. */
import { type ReactNode, type SyntheticEvent, useCallback, useEffect, useId, useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import type { MenuEntry } from '../components/Menu';
import { PartView } from '../components/PartView';
import { Skeleton } from '../components/Skeleton';
import type { ConversationView, Failure, FormStep, IdentityView, ShareableDecisionView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { date, dayAfter, listName } from '../i18n/format';
import { m } from '../paraglide/messages';
import { caseOf } from './caseOf';
import styles from './Forms.module.css';
import { typedAppointment, type TypedAppointment } from './formWords';

export type NewForm = 'appointment' | 'question' | 'recommendation' | 'invitation' | 'document';

/** Characters of a question at most. */
const longestQuestion = 2000;

/** What can be sent here; what is about a case needs one that this person may open. */
export function formEntries(view: ConversationView, choose: (form: NewForm) => void): MenuEntry[] {
  if (view.encryption.state !== 'encrypted' || view.membership.state !== 'joined') return [];
  const appointment: MenuEntry = { id: 'form-appointment', label: m.form_appointment_send(), icon: 'calendar', run: () => choose('appointment') };
  if (caseOf(view) === null) return [appointment];
  return [
    appointment,
    { id: 'form-question', label: m.form_question(), icon: 'board', run: () => choose('question') },
    { id: 'form-recommendation', label: m.form_recommendation_send(), icon: 'sign', run: () => choose('recommendation') },
    { id: 'form-document', label: m.form_document_send(), icon: 'document', run: () => choose('document') },
    { id: 'form-invitation', label: m.form_invitation_send(), icon: 'cases', run: () => choose('invitation') },
  ];
}

interface Props {
  conversation: string;
  close: () => void;
}

export function SendForm({ form, known, ...rest }: Props & { form: NewForm; known: { patient: string; identity: IdentityView } | null }): ReactNode {
  const about = known === null ? null : m.chat_case_title({ name: listName(known.identity) });
  switch (form) {
    case 'appointment':
      return <AppointmentDialog {...rest} />;
    case 'question':
      return <QuestionDialog {...rest} about={about} />;
    case 'recommendation':
      return <RecommendationDialog {...rest} about={about} />;
    case 'invitation':
      return <InvitationDialog {...rest} about={about} />;
    case 'document':
      return known === null ? null : <DocumentDialog {...rest} about={about} patient={known.patient} />;
    default: {
      const unknown: never = form;
      return unknown;
    }
  }
}

/** Sends once; the dialog stays until the program has it safe. */
function useSending({ conversation, close }: Props) {
  const { host } = useDesk();
  const [pending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const send = (step: FormStep) => {
    if (pending) return;
    setPending(true);
    setFailure(null);
    host.call({ type: 'form', conversation, step }).then(close, (thrown: unknown) => {
      setPending(false);
      setFailure(asFailure(thrown));
    });
  };
  return { send, pending, failure };
}

function Foot({ close, send, pending, disabled = false, autoFocus = false }: { close: () => void; send: () => void; pending: boolean; disabled?: boolean; autoFocus?: boolean }) {
  return (
    <>
      <Button onPress={close}>{m.action_cancel()}</Button>
      <Button look="primary" icon="send" isPending={pending} isDisabled={disabled} autoFocus={autoFocus} onPress={send} data-testid="form-send">
        {m.form_send()}
      </Button>
    </>
  );
}

function AppointmentDialog(props: Props) {
  const now = useNow(60_000);
  const { send, pending, failure } = useSending(props);
  const [typed, setTyped] = useState<TypedAppointment>(() => ({ day: date(dayAfter(now)), from: '15:00', to: '15:30' }));
  const [tried, setTried] = useState(false);
  const found = typedAppointment(typed, now);
  const wrong: Partial<TypedAppointment> = tried && 'wrong' in found ? found.wrong : {};
  const go = () => {
    setTried(true);
    if (!('wrong' in found)) send({ step: 'propose-appointment', ...found });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    go();
  };
  const change = (field: keyof TypedAppointment) => (value: string) => setTyped((before) => ({ ...before, [field]: value }));
  return (
    <Dialog title={m.form_appointment_send()} width={480} onClose={props.close} testId="form-dialog" foot={<Foot close={props.close} send={go} pending={pending} />}>
      <p className={styles['lead']}>{m.form_appointment_about()}</p>
      {failure && <FailureNotice failure={failure} />}
      <form className={styles['fields']} onSubmit={submit}>
        <Field label={m.form_day()} hint={m.form_day_hint()} error={wrong.day} value={typed.day} onChange={change('day')} autoFocus testId="form-day" />
        <Field label={m.form_from()} error={wrong.from} value={typed.from} onChange={change('from')} testId="form-from" />
        <Field label={m.form_to()} error={wrong.to} value={typed.to} onChange={change('to')} testId="form-to" />
        {/* Enter in a field sends. */}
        <button type="submit" hidden tabIndex={-1} aria-hidden />
      </form>
    </Dialog>
  );
}

function QuestionDialog({ about, ...props }: Props & { about: string | null }) {
  const { send, pending, failure } = useSending(props);
  const [question, setQuestion] = useState('');
  const id = useId();
  const go = () => send({ step: 'ask-board', question: question.trim() });
  return (
    <Dialog title={m.form_question()} width={560} onClose={props.close} testId="form-dialog" foot={<Foot close={props.close} send={go} pending={pending} disabled={question.trim() === ''} />}>
      {about !== null && <p className={styles['of']}>{about}</p>}
      <p className={styles['lead']}>{m.form_question_about()}</p>
      {failure && <FailureNotice failure={failure} />}
      <label className={styles['label']} htmlFor={id}>
        {m.form_question_text()}
      </label>
      <textarea id={id} className={styles['area']} rows={5} maxLength={longestQuestion} autoFocus value={question} onChange={(event) => setQuestion(event.target.value)} data-testid="form-question" />
    </Dialog>
  );
}

function InvitationDialog({ about, ...props }: Props & { about: string | null }) {
  const { send, pending, failure } = useSending(props);
  return (
    <Dialog title={m.form_invitation_send()} width={480} onClose={props.close} testId="form-dialog" foot={<Foot close={props.close} send={() => send({ step: 'invite-to-case' })} pending={pending} autoFocus />}>
      {about !== null && <p className={styles['of']}>{about}</p>}
      <p className={styles['lead']}>{m.form_invitation_about()}</p>
      {failure && <FailureNotice failure={failure} />}
    </Dialog>
  );
}

function RecommendationDialog({ about, ...props }: Props & { about: string | null }) {
  const { host } = useDesk();
  const { conversation, close } = props;
  const { send, pending, failure } = useSending(props);
  const [decisions, setDecisions] = useState<readonly ShareableDecisionView[] | null>(null);
  const [unread, setUnread] = useState<Failure | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const read = useCallback(() => {
    setUnread(null);
    host.call({ type: 'form', conversation, step: { step: 'list-decisions' } }).then(
      (reply) => setDecisions(reply.type === 'shareable' ? reply.value.decisions : []),
      (thrown: unknown) => setUnread(asFailure(thrown)),
    );
  }, [host, conversation]);
  useEffect(read, [read]);
  return (
    <Dialog title={m.form_recommendation_send()} width={560} onClose={close} testId="form-dialog">
      {about !== null && <p className={styles['of']}>{about}</p>}
      <p className={styles['lead']}>{m.form_recommendation_about()}</p>
      {failure && <FailureNotice failure={failure} />}
      {unread && <FailureNotice failure={unread} retry={read} />}
      {decisions === null && unread === null && <Skeleton what={m.form_decision()} rows={2} />}
      {decisions?.length === 0 && (
        <Empty icon="sign" title={m.form_recommendation_none()}>
          {m.form_recommendation_none_text()}
        </Empty>
      )}
      {decisions !== null && decisions.length > 0 && (
        <ul className={styles['list']}>
          {decisions.map((decision) => {
            const title = decision.title ?? m.form_decision_untitled();
            return (
              <li key={decision.id} className={styles['decision']}>
                <div className={styles['decisionWords']}>
                  <b>{title}</b>
                  <p className={styles['about']}>{date(decision.created)}</p>
                </div>
                <Button
                  size="small"
                  icon="send"
                  isPending={pending && chosen === decision.id}
                  isDisabled={pending && chosen !== decision.id}
                  aria-label={m.form_decision_share_named({ title, date: date(decision.created) })}
                  onPress={() => {
                    setChosen(decision.id);
                    send({ step: 'share-decision', decision: decision.id });
                  }}
                  data-testid={`share-${decision.id}`}
                >
                  {m.form_share()}
                </Button>
              </li>
            );
          })}
        </ul>
      )}
    </Dialog>
  );
}

function DocumentDialog({ about, patient, ...props }: Props & { about: string | null; patient: string }) {
  const desk = useDesk();
  const load = useStore(desk.caseView);
  const { send, pending, failure } = useSending(props);
  const [chosen, setChosen] = useState<string | null>(null);
  const read = () => desk.openCase(patient);
  useEffect(() => desk.openCase(patient), [desk, patient]);
  const view = load.state === 'here' && load.value.patient === patient ? load.value : null;
  return (
    <Dialog title={m.form_document_send()} width={560} onClose={props.close} testId="form-dialog">
      {about !== null && <p className={styles['of']}>{about}</p>}
      <p className={styles['lead']}>{m.form_document_about()}</p>
      {failure && <FailureNotice failure={failure} />}
      {load.state === 'failed' && <FailureNotice failure={load.failure} retry={read} />}
      {view === null && load.state !== 'failed' && <Skeleton what={m.case_what_documents()} rows={3} />}
      {view !== null && (
        <PartView part={view.documents} rows={3} words={{ what: m.case_what_documents(), empty: m.case_empty_documents() }} retry={read}>
          {(documents) => (
            <ul className={styles['list']}>
              {documents.map((document) => (
                <li key={document.id} className={styles['decision']}>
                  <div className={styles['decisionWords']}>
                    <b>{document.title}</b>
                    <p className={styles['about']}>{[document.at === null ? '' : date(document.at), document.author ?? '', document.organization ?? ''].filter((word) => word !== '').join(' · ')}</p>
                  </div>
                  <Button
                    size="small"
                    icon="send"
                    isPending={pending && chosen === document.id}
                    isDisabled={pending && chosen !== document.id}
                    aria-label={m.form_document_send_named({ title: document.title })}
                    onPress={() => {
                      setChosen(document.id);
                      send({ step: 'share-document', document: document.id });
                    }}
                    data-testid={`send-document-${document.id}`}
                  >
                    {m.form_send()}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </PartView>
      )}
    </Dialog>
  );
}
