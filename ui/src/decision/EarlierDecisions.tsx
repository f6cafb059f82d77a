/** The decisions of a case besides the one that is open: a line each, and one of them whole, to read. */

import { useEffect, useState } from 'react';
import { Bar } from '../components/Bar';
import { Button } from '../components/Button';
import { Chip } from '../components/Chip';
import { EmptyLine } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { Skeleton } from '../components/Skeleton';
import type { DecisionEntryView, DecisionView, EntryMeasureView, Part } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { date, dateTime } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { CATEGORIES, MEASURES, wordOf } from './codes';
import styles from './EarlierDecisions.module.css';
import page from './Decision.module.css';
import { DecisionToRead } from './SignedDecision';

const leave = defineCommand({ id: 'earlier-leave', keys: ['escape'], label: () => m.command_step_back(), group: 'decision' });

/** Folded until somebody wants it: the decision that is open stays first. */
export function EarlierDecisions({
  part,
  left,
  read,
  retry,
}: {
  part: Part<DecisionEntryView[]>;
  /** The one that was just read: the focus comes back to its line. */
  left: string | undefined;
  read: (entry: DecisionEntryView) => void;
  retry: () => void;
}) {
  switch (part.state) {
    case 'failed':
      return (
        <div className={styles['state']}>
          <FailureNotice failure={part.failure} retry={retry} tone="warn" />
        </div>
      );
    case 'denied':
      return (
        <div className={styles['state']}>
          <EmptyLine icon="locked">{m.state_denied({ what: m.decision_earlier() })}</EmptyLine>
        </div>
      );
    // The decision that is open shows that it loads, and that there is none.
    case 'loading':
    case 'empty':
    case 'absent':
      return null;
    case 'ready':
      return <List entries={part.value} more={part.more} left={left} read={read} />;
  }
}

function List({ entries, more, left, read }: { entries: readonly DecisionEntryView[]; more: boolean; left: string | undefined; read: (entry: DecisionEntryView) => void }) {
  const earlier = entries.filter((entry) => !entry.current);
  if (earlier.length === 0) return null;
  return (
    <details className={styles['earlier']} open={left !== undefined} data-testid="earlier">
      <summary className={styles['summary']}>
        <b>{m.decision_earlier()}</b> <span className={styles['count']}>{earlier.length}</span>
      </summary>
      <ul className={styles['list']} aria-label={m.case_tab_decision()}>
        {entries.map((entry) => (
          <li className={styles['entry']} key={entry.id} aria-current={entry.current ? 'true' : undefined}>
            <span className={styles['when']}>
              <b>{entry.created === null ? m.decision_earlier_undated() : date(entry.created)}</b>
              <span>{wordOf(CATEGORIES, entry.category)}</span>
              {entry.current ? <Chip tone="accent">{m.decision_earlier_open()}</Chip> : <Stage entry={entry} />}
            </span>
            <span className={styles['what']}>
              {entry.title !== null && <span className={styles['aside']}>{entry.title}</span>}
              {entry.text !== null && <span>{entry.text}</span>}
              {entry.measures.length > 0 && <span className={styles['aside']}>{entry.measures.map(measureLine).join(' · ')}</span>}
              {entry.signed !== null && (
                <span className={styles['aside']}>{m.decision_signed_by({ name: entry.signed.by, at: dateTime(entry.signed.at) })}</span>
              )}
            </span>
            {!entry.current && (
              <Button
                size="small"
                autoFocus={entry.id === left}
                aria-label={m.decision_earlier_read_of({ date: entry.created === null ? m.decision_earlier_undated() : date(entry.created) })}
                onPress={() => {
                  read(entry);
                }}
                data-testid={`read-${entry.id}`}
              >
                {m.decision_earlier_read()}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {more && <EmptyLine icon="info">{m.state_more()}</EmptyLine>}
    </details>
  );
}

function Stage({ entry }: { entry: DecisionEntryView }) {
  if (entry.status === 'revoked') return <Chip>{m.decision_earlier_revoked()}</Chip>;
  if (entry.signed !== null) return <Chip icon="sign">{m.decision_signed()}</Chip>;
  return <Chip tone="warn">{entry.status === 'draft' ? m.decision_earlier_draft() : m.decision_earlier_unsigned()}</Chip>;
}

function measureLine({ code, text }: EntryMeasureView): string {
  const kind = wordOf(MEASURES, code);
  return kind === '' || kind === text ? text : `${kind}: ${text}`;
}

/** One of them whole, checked when it is opened, as the current one is. */
export function EarlierDecision({ patient, entry, back }: { patient: string; entry: DecisionEntryView; back: () => void }) {
  const desk = useDesk();
  const [load, setLoad] = useState<Load<{ view: DecisionView; at: string }>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let current = true;
    ask(desk.host, { type: 'read-decision', patient, decision: entry.id }, 'decision').then(
      (view) => {
        if (current && view.patient === patient) setLoad({ state: 'here', value: { view, at: new Date().toISOString() } });
      },
      (error: unknown) => {
        if (current) setLoad({ state: 'failed', failure: asFailure(error) });
      },
    );
    return () => {
      current = false;
    };
  }, [desk, patient, entry.id, attempt]);
  useCommand(leave, back);
  const again = () => {
    setLoad({ state: 'waiting', since: performance.now() });
    setAttempt(attempt + 1);
  };
  const day = entry.created === null ? m.decision_earlier_undated() : date(entry.created);
  return (
    <>
      <Bar
        icon="clock"
        testId="earlier-bar"
        action={
          <Button size="small" autoFocus onPress={back} data-testid="earlier-back">
            {m.decision_back()} <Kbd keys="escape" />
          </Button>
        }
      >
        <b>{m.decision_earlier_of({ date: day })}</b> {entry.title}
      </Bar>
      {load.state === 'waiting' && (
        <div className={page['page']}>
          <Skeleton what={m.decision_decision()} since={load.since} rows={6} retry={again} />
        </div>
      )}
      {load.state === 'failed' && (
        <div className={page['page']}>
          <FailureNotice failure={load.failure} retry={again} />
        </div>
      )}
      {load.state === 'here' && <DecisionToRead view={load.value.view} checkedAt={load.value.at} />}
    </>
  );
}
