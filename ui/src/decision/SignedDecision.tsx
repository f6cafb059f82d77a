/** A signed decision: who signed when, what a check in this session found, and what was decided. */

import { useEffect, useRef, useState } from 'react';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import type { DecisionView, DraftView, Failure, SignatureView, VerificationView, VersionView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { dateTime, time } from '../i18n/format';
import { m } from '../paraglide/messages';
import { CATEGORIES, MEASURES, OCCASIONS, OUTCOMES, goalWord, wordOf } from './codes';
import styles from './Decision.module.css';
import { Participants } from './DecisionDock';
import { WithdrawnNotice } from './MarkNotice';
import { checksumGroups } from './payload';
import signed from './SignedDecision.module.css';
import { SigningDialog } from './SigningDialog';
import { fieldWord } from './words';

export function SignedDecision({ view }: { view: DecisionView }) {
  const desk = useDesk();
  const [failure, setFailure] = useState<Failure>();
  const [checkedAt, setCheckedAt] = useState<string>();
  const [countersigning, setCountersigning] = useState(view.stage === 'countersigning');
  const { patient } = view;
  // Once theirs is there too, nothing is left to sign.
  const done = view.stage === 'signed' && !view.canCountersign;
  useEffect(() => {
    if (done) setCountersigning(false);
  }, [done]);

  // Checked at each opening: what an earlier session found says nothing about the record as it is.
  useEffect(() => {
    let current = true;
    ask(desk.host, { type: 'verify-decision', patient }, 'decision').then(
      (answer) => {
        if (!current) return;
        setCheckedAt(new Date().toISOString());
        desk.takeDecision(answer);
      },
      (error: unknown) => {
        if (current) setFailure(asFailure(error));
      },
    );
    return () => {
      current = false;
    };
  }, [desk, patient]);

  const amend = () => {
    setFailure(undefined);
    ask(desk.host, { type: 'amend-decision', patient }, 'decision').then(
      (answer) => {
        desk.takeDecision(answer);
      },
      (error: unknown) => {
        setFailure(asFailure(error));
      },
    );
  };

  const countersign = () => {
    setFailure(undefined);
    setCountersigning(true);
  };
  return (
    <>
      <DecisionToRead
        view={view}
        failure={failure ?? view.failure ?? undefined}
        checkedAt={checkedAt}
        amend={view.canWrite ? amend : undefined}
        countersign={view.canCountersign ? countersign : undefined}
      />
      {countersigning && (
        <SigningDialog
          view={view}
          close={() => {
            setCountersigning(false);
          }}
        />
      )}
    </>
  );
}

/** What was decided, to read. Without a signature it says that there is none. */
export function DecisionToRead({
  view,
  failure,
  checkedAt,
  amend,
  countersign,
}: {
  view: DecisionView;
  failure?: Failure | undefined;
  /** When a check of this session answered. */
  checkedAt: string | undefined;
  amend?: (() => void) | undefined;
  countersign?: (() => void) | undefined;
}) {
  const { draft, signature } = view;
  const body = useRef<HTMLDivElement>(null);
  return (
    <div className={styles['body']} data-scope="decision" ref={body} tabIndex={-1} data-testid="signed-decision">
      <div className={styles['main']}>
        {failure !== undefined && <FailureNotice failure={failure} tone="warn" />}
        <WithdrawnNotice view={view} takeFocus={() => body.current?.focus()} />
        {signature === null ? (
          <Notice title={m.decision_earlier_unsigned()} />
        ) : (
          <SignedNotice view={view} signature={signature} amend={amend} countersign={countersign} />
        )}
        <Facts draft={draft} signature={signature} />
        <Question draft={draft} />
        <section aria-labelledby="signed-measures">
          <div className={styles['sectionHead']}>
            <h2 id="signed-measures">{m.decision_measures()}</h2>
          </div>
          <ol>
            {draft.measures.map((measure, index) => (
              <li className={signed['measure']} key={measure.id}>
                <span className={signed['number']}>{index + 1}</span>
                <b>{wordOf(MEASURES, measure.code)}</b>
                <span>
                  <span className={signed['text']}>{measure.text}</span>
                  {measure.reason !== '' && <span className={signed['reason']}>{measure.reason}</span>}
                </span>
                <span className={signed['who']}>{personName(view, measure.responsible)}</span>
              </li>
            ))}
          </ol>
        </section>
        {draft.text !== '' && (
          <section aria-labelledby="signed-text">
            <div className={styles['sectionHead']}>
              <h2 id="signed-text">{m.decision_text()}</h2>
            </div>
            <p className={signed['prose']}>{draft.text}</p>
          </section>
        )}
        <Points view={view} />
        <Votes view={view} />
        {signature !== null && <Versions versions={view.versions} current={signature.revision} />}
      </div>
      <aside className={styles['dock']} aria-label={m.decision_participants()}>
        <Participants
          participants={view.participants.filter(({ role }) => draft.present.includes(role))}
          quorum={view.quorum}
          present={draft.present}
          toggle={undefined}
        />
        {draft.quorumReason !== '' && view.quorum.missing.length > 0 && (
          <p className={styles['hint']} data-testid="quorum-reason">
            {m.decision_quorum_because({ reason: draft.quorumReason })}
          </p>
        )}
        {signature !== null && (
          <>
            <Check check={signature.check} draft={draft} />
            <span className={styles['grow']} />
            <p className={styles['hint']}>
              {checkedAt === undefined ? m.decision_checking() : m.decision_checked_at({ time: time(checkedAt) })}
            </p>
          </>
        )}
      </aside>
    </div>
  );
}

function SignedNotice({
  view,
  signature,
  amend,
  countersign,
}: {
  view: DecisionView;
  signature: SignatureView;
  amend: (() => void) | undefined;
  countersign: (() => void) | undefined;
}) {
  const { check, line, others, revision } = signature;
  const { amendmentReason } = view.draft;
  const { tone, title } = verdict(check, view.draft);
  return (
    <Notice
      tone={tone}
      title={title}
      actions={
        amend === undefined && countersign === undefined ? undefined : (
          <>
            {countersign !== undefined && (
              <Button size="small" look="primary" icon="sign" onPress={countersign} data-testid="countersign">
                {m.decision_countersign()}
              </Button>
            )}
            {amend !== undefined && (
              <Button size="small" icon="pen" onPress={amend} data-testid="amend">
                {m.decision_amendment()}
              </Button>
            )}
          </>
        )
      }
    >
      <p data-testid="signed-line">{m.decision_signed_by({ name: line.by, at: dateTime(line.at) })}</p>
      {others.map((other) => (
        <p key={other.at + other.by} data-testid="countersigned-line">
          {m.decision_countersigned_by({ name: other.by, at: dateTime(other.at) })}
        </p>
      ))}
      {revision > 1 && amendmentReason !== '' && (
        <p data-testid="amended-because">{m.decision_amended_because({ reason: amendmentReason })}</p>
      )}
    </Notice>
  );
}

/** "Prüfung bestanden" is said only of a check that was made in this session. */
function verdict(
  check: VerificationView | null,
  draft: DraftView,
): { tone: 'plain' | 'ok' | 'warn' | 'danger'; title: string } {
  if (check === null) return { tone: 'plain', title: m.decision_signed() };
  switch (check.state) {
    case 'matches':
      return { tone: 'ok', title: m.decision_signed_checked() };
    case 'differs':
      return { tone: 'warn', title: m.decision_differs({ fields: fieldWords(check.fields, draft) }) };
    case 'broken':
      return { tone: 'danger', title: m.decision_broken() };
    case 'unchecked':
      return { tone: 'plain', title: m.decision_unchecked() };
  }
}

function fieldWords(fields: readonly string[], draft: DraftView): string {
  return fields.map((field) => fieldWord(field, draft)).join(', ');
}

function Facts({ draft, signature }: { draft: DraftView; signature: SignatureView | null }) {
  const words = [
    wordOf(CATEGORIES, draft.category),
    goalWord(draft.goal),
    wordOf(OUTCOMES, draft.outcome),
    wordOf(OCCASIONS, draft.occasion),
    signature === null ? '' : m.decision_version({ revision: signature.revision }),
  ].filter((word) => word !== '');
  return (
    <p className={signed['facts']}>
      {words.map((word) => (
        <span key={word}>{word}</span>
      ))}
      {signature !== null && (
        <span className={signed['checksum']} title={signature.sha256} data-testid="checksum">
          {m.decision_sealed({ checksum: checksumGroups(signature.sha256, 2) })}
        </span>
      )}
    </p>
  );
}

function Question({ draft: { question, findings } }: { draft: DraftView }) {
  if (question === '' && findings.length === 0) return null;
  return (
    <div className={styles['halves']}>
      {question !== '' && (
        <section>
          <div className={styles['sectionHead']}>
            <h2>{m.decision_question()}</h2>
          </div>
          <p className={signed['prose']} data-testid="signed-question">
            {question}
          </p>
        </section>
      )}
      {findings.length > 0 && (
        <section>
          <div className={styles['sectionHead']}>
            <h2>{m.decision_findings()}</h2>
          </div>
          <ul className={styles['stack']} data-testid="signed-findings">
            {findings.map((line, index) => (
              <li key={index}>{line}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** How it was counted, and who was of another opinion: both are signed. */
function Votes({ view }: { view: DecisionView }) {
  const { vote, dissent } = view.draft;
  if (vote === null && dissent.length === 0) return null;
  return (
    <section aria-labelledby="signed-votes">
      <div className={styles['sectionHead']}>
        <h2 id="signed-votes">{m.decision_vote_and_dissent()}</h2>
      </div>
      {vote !== null && (
        <p className={signed['prose']} data-testid="signed-vote">
          {m.decision_votes({ agree: vote.agree, disagree: vote.disagree, abstain: vote.abstain })}
        </p>
      )}
      <ul className={styles['stack']}>
        {dissent.map((one) => (
          <li className={signed['point']} key={one.role + one.text} data-testid="signed-dissent">
            <Icon name="info" size="s" />
            <span>{one.text}</span>
            <span className={signed['who']}>{personName(view, one.role)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Points({ view }: { view: DecisionView }) {
  const { openPoints, guideline, guidelineText, representation } = view.draft;
  if (openPoints.length === 0 && guideline === null && representation === '') return null;
  return (
    <div className={styles['halves']}>
      <section>
        <div className={styles['sectionHead']}>
          <h2>{m.decision_open_points()}</h2>
        </div>
        {openPoints.length === 0 && <p className={styles['none']}>{m.decision_no_open_points()}</p>}
        <ul className={styles['stack']}>
          {openPoints.map((point) => (
            <li className={signed['point']} key={point.id}>
              <Icon name="clock" size="s" />
              <span>{point.text}</span>
              <span className={signed['who']}>{personName(view, point.owner)}</span>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <div className={styles['sectionHead']}>
          <h2>{m.decision_guideline_and_representation()}</h2>
        </div>
        <ul className={styles['stack']}>
          {guideline !== null && (
            <li className={signed['point']}>
              <Icon name={guideline === 'conform' ? 'ok' : 'warn'} size="s" />
              <span>
                {guideline === 'conform'
                  ? m.decision_conforms({ guideline: guidelineText })
                  : m.decision_deviates({ reason: guidelineText })}
              </span>
            </li>
          )}
          {representation !== '' && (
            <li className={signed['point']}>
              <Icon name="calendar" size="s" />
              <span>{representation}</span>
            </li>
          )}
        </ul>
      </section>
    </div>
  );
}

function Check({ check, draft }: { check: VerificationView | null; draft: DraftView }) {
  if (check === null) return null;
  return (
    <section>
      <div className={styles['sectionHead']}>
        <h2>{m.decision_check()}</h2>
      </div>
      <ul className={styles['stack']} data-testid="check" data-state={check.state}>
        <CheckLines check={check} draft={draft} />
      </ul>
    </section>
  );
}

function CheckLines({ check, draft }: { check: VerificationView; draft: DraftView }) {
  switch (check.state) {
    case 'matches':
      return (
        <>
          <CheckLine ok>{m.decision_check_unchanged()}</CheckLine>
          <CheckLine ok>{m.decision_check_same()}</CheckLine>
        </>
      );
    case 'differs':
      return (
        <>
          <CheckLine ok>{m.decision_check_unchanged()}</CheckLine>
          <CheckLine ok={false}>{m.decision_differs({ fields: fieldWords(check.fields, draft) })}</CheckLine>
        </>
      );
    case 'broken':
      return <CheckLine ok={false}>{m.decision_broken()}</CheckLine>;
    case 'unchecked':
      return (
        <li>
          <FailureNotice failure={check.failure} tone="warn" />
        </li>
      );
  }
}

function CheckLine({ ok, children }: { ok: boolean; children: string }) {
  return (
    <li className={ok ? signed['passed'] : signed['failed']}>
      <Icon name={ok ? 'ok' : 'warn'} size="s" />
      <span>{children}</span>
    </li>
  );
}

function Versions({ versions, current }: { versions: readonly VersionView[]; current: number }) {
  if (versions.length === 0) return null;
  return (
    <section aria-labelledby="signed-versions">
      <div className={styles['sectionHead']}>
        <h2 id="signed-versions">{m.decision_versions()}</h2>
      </div>
      {versions.map((version, index) => (
        <details className={signed['version']} key={version.revision}>
          <summary>
            <b>{m.decision_version({ revision: version.revision })}</b>{' '}
            {m.decision_signed_by({ name: version.line.by, at: dateTime(version.line.at) })}
          </summary>
          <p className={signed['replaced']}>
            {m.decision_replaced_by({ revision: versions[index - 1]?.revision ?? current })}
            {version.reason === null ? '' : ` · ${version.reason}`}
          </p>
          <p className={signed['prose']}>{version.text}</p>
        </details>
      ))}
    </section>
  );
}

function personName({ people, participants }: DecisionView, role: string | null): string {
  if (role === null) return '';
  return people.find((one) => one.role === role)?.name ?? participants.find((one) => one.role === role)?.name ?? role;
}
