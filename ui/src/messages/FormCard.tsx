/** A structured message as a card: a proposed appointment, a question, a recommendation, an invitation, a document. */
import { type ReactNode, useState } from 'react';
import { Button } from '../components/Button';
import { Chip, type Tone } from '../components/Chip';
import { FailureNotice } from '../components/FailureNotice';
import { Icon, type IconName } from '../components/icons';
import { usePlaces } from '../frame/place';
import type { ConversationCaseView, DecisionCheck, Failure, FormAnswer, FormAnsweredView, MessageBodyView, SenderView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { m } from '../paraglide/messages';
import { caseWords } from './caseOf';
import styles from './Forms.module.css';
import { answerWords, appointmentWords, isOver, ownAnswer } from './formWords';
import { type FileBody, ReceivedFile } from './ReceivedFile';
import type { MessageLine } from './timeline';
import timeline from './Timeline.module.css';

type FormBody = Extract<MessageBodyView, { type: 'form' }>;

interface Props {
  conversation: string;
  line: MessageLine;
  body: FormBody;
  /** Whether its buttons are tab stops. */
  current: boolean;
  maySend: boolean;
  now: Date;
  call: (sender: SenderView) => string;
  show: (line: MessageLine) => void;
}

export function FormCard(props: Props): ReactNode {
  const { conversation, line, body, current, show } = props;
  const { form } = body;
  switch (form.form) {
    case 'appointment':
      return <Appointment {...props} start={form.start} end={form.end} answers={form.answers} />;
    case 'question':
      return (
        <Card line={line} icon="board" title={m.form_question()} of={body.case} actions={<CaseButton of={body.case} current={current} />}>
          <p className={styles['words']}>{form.text}</p>
        </Card>
      );
    case 'recommendation':
      return (
        <Card line={line} icon="sign" title={m.form_recommendation()} of={body.case} mark={<Check check={form.check} />} actions={<CaseButton of={body.case} current={current} decision />}>
          <p>{m.form_decision()}</p>
          <p className={styles['about']}>{checks[form.check].text?.()}</p>
        </Card>
      );
    case 'invitation':
      return <Card line={line} icon="cases" title={m.form_invitation()} of={body.case} actions={<CaseButton of={body.case} current={current} />} />;
    case 'document': {
      const file: FileBody | null = form.file && { type: 'file', ...form.file, study: null, picture: null, caption: [] };
      return (
        <Card line={line} icon="document" title={form.title ?? m.form_document()} of={body.case} actions={<CaseButton of={body.case} current={current} />}>
          {file === null ? <p className={styles['words']}>{body.text}</p> : <ReceivedFile conversation={conversation} line={{ ...line, body: file }} body={file} current={current} show={show} />}
        </Card>
      );
    }
    case 'answer':
      return (
        <p className={timeline['marker']} data-testid={`form-${line.id}`} data-form="answer">
          <Icon name={answerIcons[form.answer]} size="s" />
          {answerWords(form.answer)}
        </p>
      );
    case 'newer':
      return (
        <div className={timeline['text']} data-testid={`form-${line.id}`} data-form="newer">
          <p className={timeline['paragraph']}>{body.text}</p>
          <p className={timeline['marker']}>
            <Icon name="info" size="s" />
            {m.form_newer()}
          </p>
        </div>
      );
    default: {
      const unknown: never = form;
      return unknown;
    }
  }
}

function Card({
  line,
  icon,
  title,
  of,
  mark,
  actions,
  children,
}: {
  line: MessageLine;
  icon: IconName;
  title: string;
  of: ConversationCaseView | null;
  mark?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={styles['card']} data-testid={`form-${line.id}`} data-form={line.body.type === 'form' ? line.body.form.form : undefined}>
      <span className={styles['icon']}>
        <Icon name={icon} />
      </span>
      <div className={styles['body']}>
        <div className={styles['head']}>
          <b>{title}</b>
          {mark}
        </div>
        {children}
        {of && <p className={styles['about']}>{caseWords(of)}</p>}
        {actions}
      </div>
    </div>
  );
}

/** To the case, or to its decisions; nothing where this person may not open it. */
function CaseButton({ of, current, decision = false }: { of: ConversationCaseView | null; current: boolean; decision?: boolean }) {
  const places = usePlaces();
  if (of?.access.access !== 'open') return null;
  const { patient } = of.access;
  return (
    <div className={styles['actions']}>
      <Button size="small" icon={decision ? 'sign' : 'cases'} excludeFromTabOrder={!current} onPress={() => (decision ? places.openCase(patient, 'decision') : places.openCase(patient))} data-primary="" data-testid="form-open">
        {decision ? m.form_decision_open() : m.chat_case_open()}
      </Button>
    </div>
  );
}

const checks: Record<DecisionCheck, { tone: Tone; icon: IconName; word: () => string; text: (() => string) | undefined }> = {
  pending: { tone: 'plain', icon: 'clock', word: m.form_check_pending, text: undefined },
  matches: { tone: 'ok', icon: 'ok', word: m.form_check_matches, text: m.form_check_matches_text },
  replaced: { tone: 'warn', icon: 'warn', word: m.form_check_replaced, text: m.form_check_replaced_text },
  differs: { tone: 'danger', icon: 'danger', word: m.form_check_differs, text: m.form_check_differs_text },
  uncheckable: { tone: 'plain', icon: 'question', word: m.form_check_uncheckable, text: m.form_check_uncheckable_text },
};

function Check({ check }: { check: DecisionCheck }) {
  const { tone, icon, word } = checks[check];
  return (
    <Chip tone={tone} icon={icon} testId="form-check">
      {word()}
    </Chip>
  );
}

const answerIcons: Record<FormAnswer, IconName> = { accepted: 'check', tentative: 'question', declined: 'close' };
const answers: readonly { answer: FormAnswer; word: () => string; own: () => string; by: (names: { names: string }) => string }[] = [
  { answer: 'accepted', word: m.form_accept, own: m.form_own_accepted, by: m.form_accepted_by },
  { answer: 'tentative', word: m.form_tentative, own: m.form_own_tentative, by: m.form_tentative_by },
  { answer: 'declined', word: m.form_decline, own: m.form_own_declined, by: m.form_declined_by },
];

function Appointment({ conversation, line, body, current, maySend, now, call, start, end, answers: given }: Props & { start: string; end: string; answers: readonly FormAnsweredView[] }) {
  const own = ownAnswer(given);
  const over = isOver(end, now);
  const others = given.filter((one) => !one.by.own);
  return (
    <Card
      line={line}
      icon="calendar"
      title={m.form_appointment()}
      of={body.case}
      mark={over ? <Chip>{m.form_appointment_past()}</Chip> : undefined}
      actions={!line.sender.own && maySend && !over && line.event !== null ? <AnswerButtons conversation={conversation} line={line} own={own} current={current} /> : undefined}
    >
      <p className={styles['when']}>{appointmentWords(start, end)}</p>
      {own !== null && <p className={styles['own']}>{answers.find((one) => one.answer === own)?.own()}</p>}
      {answers.map(({ answer, by }) => {
        const names = others.filter((one) => one.answer === answer).map((one) => call(one.by));
        return names.length === 0 ? null : (
          <p key={answer} className={styles['about']}>
            {by({ names: names.join(', ') })}
          </p>
        );
      })}
      {given.length === 0 && line.sender.own && <p className={styles['about']}>{m.form_no_answer()}</p>}
    </Card>
  );
}

function AnswerButtons({ conversation, line, own, current }: { conversation: string; line: MessageLine; own: FormAnswer | null; current: boolean }) {
  const { host } = useDesk();
  const [pending, setPending] = useState<FormAnswer | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const answer = (chosen: FormAnswer) => {
    if (chosen === own || pending !== null) return;
    setPending(chosen);
    setFailure(null);
    host.call({ type: 'form', conversation, step: { step: 'answer', message: line.id, answer: chosen } }).then(
      () => setPending(null),
      (thrown: unknown) => {
        setPending(null);
        setFailure(asFailure(thrown));
      },
    );
  };
  return (
    <>
      <div className={styles['actions']} role="group" aria-label={m.form_answer_group()}>
        {answers.map(({ answer: one, word }) => (
          <Button
            key={one}
            size="small"
            {...(one === own ? { icon: answerIcons[one] } : {})}
            isPending={pending === one}
            aria-pressed={one === own}
            excludeFromTabOrder={!current}
            onPress={() => answer(one)}
            data-testid={`answer-${one}-${line.id}`}
          >
            {word()}
          </Button>
        ))}
      </div>
      {failure && <FailureNotice failure={failure} />}
    </>
  );
}
