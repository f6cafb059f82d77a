/** Who took part, whether the rule is met, what is missing, and the way to the signature. */

import { useId } from 'react';
import { CheckboxButton, CheckboxField } from 'react-aria-components';
import { Button } from '../components/Button';
import { Chip } from '../components/Chip';
import { Kbd } from '../components/Kbd';
import { Notice } from '../components/Notice';
import type { DecisionView, DraftView, ParticipantView, QuorumView } from '../host/contract';
import { timeExact } from '../i18n/format';
import { m } from '../paraglide/messages';
import { isSafe, type Autosave } from './autosave';
import styles from './Decision.module.css';
import { MarkedNotice, type MarkActions } from './MarkNotice';
import type { StandingMark } from './marks';
import { TextArea } from './TextArea';
import { missingWord } from './words';

export type DecisionDockView = {
  view: DecisionView;
  draft: DraftView;
  autosave: Autosave;
  /** Absent when this person may not write. */
  toggle: ((role: string) => void) | undefined;
  setQuorumReason: ((reason: string) => void) | undefined;
  /** Absent when this person may not sign. */
  sign: (() => void) | undefined;
  blocked: boolean;
  /** Stands in the place of the way to the signature. */
  mark: { mark: StandingMark; actions: MarkActions } | undefined;
  /** The person has just marked it or taken that back: the focus goes where the button was. */
  moved: boolean;
};

export function DecisionDock({ view, draft, autosave, toggle, setQuorumReason, sign, blocked, mark, moved }: DecisionDockView) {
  const missingId = useId();
  return (
    <aside className={styles['dock']} aria-label={m.decision_participants()}>
      <div className={styles['attendance']} tabIndex={toggle === undefined ? 0 : undefined}>
        <Participants participants={view.participants} quorum={view.quorum} present={draft.present} toggle={toggle} />
        {view.quorum.missing.length > 0 && (setQuorumReason !== undefined || draft.quorumReason !== '') && (
          <Notice tone="warn" title={m.decision_without({ specialties: view.quorum.missing.join(', ') })}>
            <TextArea
              label={m.decision_quorum_reason()}
              rows={1}
              value={draft.quorumReason}
              readOnly={setQuorumReason === undefined}
              onChange={(reason) => setQuorumReason?.(reason)}
              testId="quorum-reason"
            />
          </Notice>
        )}
      </div>
      {mark !== undefined && <MarkedNotice mark={mark.mark} actions={mark.actions} focused={moved} />}
      {mark === undefined && (
        <>
          <Notice tone={autosave.failure === undefined ? 'warn' : 'danger'} title={m.decision_not_signed()}>
            {toggle !== undefined && <p data-testid="saved">{savedWord(autosave)}</p>}
            {toggle !== undefined && view.savedThere === null && autosave.savedAt !== null && <p>{m.decision_waits()}</p>}
            {view.savedThere !== null && <p>{m.decision_saved_there({ time: timeExact(view.savedThere) })}</p>}
          </Notice>
          {toggle !== undefined && view.missing.length > 0 && (
            <div className={styles['missing']} id={missingId} data-testid="missing">
              <p>{m.decision_missing()}</p>
              <ul>
                {view.missing.map((key) => (
                  <li key={key}>{missingWord(key)}</li>
                ))}
              </ul>
            </div>
          )}
          {sign !== undefined && (
            <div className={styles['sign']}>
              <Button
                look="primary"
                size="large"
                wide
                icon="sign"
                isDisabled={blocked}
                autoFocus={moved}
                onPress={sign}
                aria-describedby={missingId}
                data-testid="sign"
              >
                {m.decision_sign()}
              </Button>
              <p className={styles['hint']}>
                {m.decision_sign_hint()} <Kbd keys="mod+u" />
              </p>
            </div>
          )}
        </>
      )}
    </aside>
  );
}

/** Said only of what is safe: while something is on its way, the former time would be a lie. */
function savedWord(autosave: Autosave): string {
  if (autosave.failure !== undefined) return m.decision_not_saved();
  if (!isSafe(autosave)) return m.decision_saving();
  return autosave.savedAt === null ? m.decision_nothing_typed() : m.decision_saved({ time: timeExact(autosave.savedAt) });
}

export function Participants({
  participants,
  quorum,
  present,
  toggle,
}: {
  participants: readonly ParticipantView[];
  quorum: QuorumView;
  present: readonly string[];
  toggle: ((role: string) => void) | undefined;
}) {
  const complete = quorum.met === quorum.of;
  return (
    <section>
      <div className={styles['sectionHead']}>
        <h2>{m.decision_participants()}</h2>
        {quorum.of > 0 && (
          <Chip tone={complete ? 'ok' : 'warn'} icon={complete ? 'ok' : 'warn'} testId="quorum">
            {m.decision_quorum_of({ met: quorum.met, of: quorum.of })}
          </Chip>
        )}
      </div>
      <ul className={styles['participants']}>
        {participants.map((person) => (
          <li key={person.role}>
            <Participant person={person} present={present.includes(person.role)} toggle={toggle} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Participant({
  person,
  present,
  toggle,
}: {
  person: ParticipantView;
  present: boolean;
  toggle: ((role: string) => void) | undefined;
}) {
  const about = [person.specialty, person.moderator ? m.decision_moderator() : null].filter((word) => word !== null);
  const words = (
    <>
      <span className={styles['initials']} aria-hidden>
        {initials(person.name)}
      </span>
      <span className={styles['person']} title={person.organization ?? undefined}>
        <b>{person.family}</b> <span>{about.join(' · ')}</span>
      </span>
      <span className={present ? styles['there'] : styles['away']}>
        {present && <CheckMark />}
      </span>
    </>
  );
  if (toggle === undefined) {
    return (
      <div className={styles['participant']}>
        {words}
        <span className="visually-hidden">{present ? m.decision_present() : m.decision_absent()}</span>
      </div>
    );
  }
  return (
    <CheckboxField
      isSelected={present}
      aria-label={m.decision_present_person({ name: person.name })}
      onChange={() => {
        toggle(person.role);
      }}
    >
      <CheckboxButton className={styles['participant'] ?? ''} data-testid={`present-${person.role}`}>
        {words}
      </CheckboxButton>
    </CheckboxField>
  );
}

function CheckMark() {
  return (
    <svg width={16} height={16} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth={1.7} aria-hidden>
      <path d="m4 10.500 4 4 8-9" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

/** First letters of given and family name, titles left out. */
function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => /^\p{Lu}/u.test(word) && !/\.$|^(?:PD|MD)$/u.test(word));
  return [words[0], words.at(-1)].map((word) => word?.charAt(0) ?? '').join('');
}
