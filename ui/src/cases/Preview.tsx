/** What a list knows about the line in focus, beside it. */
import type { ReactNode } from 'react';
import { Button, IconButton } from '../components/Button';
import type { CaseRowView, IdentityView, TaskView } from '../host/contract';
import { useNow } from '../i18n/clock';
import { ageAndGender, date, day, listName, time } from '../i18n/format';
import { m } from '../paraglide/messages';
import { completenessWords, decisionWords, diagnosisWords, organWord, ruleWord, sideWord, stageWords } from './caseWords';
import styles from './Preview.module.css';

export function CasePreview({ row, open, close }: { row: CaseRowView; open: () => void; close: () => void }) {
  const now = useNow(60_000);
  const decision = decisionWords(row.decision);
  const complete = completenessWords(row.completeness);
  return (
    <Beside identity={row.identity} name={listName(row.identity)} close={close} testId="case-preview">
      <dl className={styles['list']}>
        <div>
          <dt>{m.cases_column_diagnosis()}</dt>
          <dd>{diagnosisWords(row)}</dd>
          <dd className={styles['quiet']}>{[row.icd10, organWord(row.organ, row.icd10), sideWord(row.side)].filter((word) => word !== null && word !== '').join(' · ')}</dd>
        </div>
        <div>
          <dt>{row.tnm?.edition != null ? m.case_tnm_edition({ edition: row.tnm.edition }) : m.case_tnm()}</dt>
          <dd>{stageWords(row)}</dd>
          {row.tnm?.date != null && <dd className={styles['quiet']}>{date(row.tnm.date)}</dd>}
        </div>
        {row.question !== null && (
          <div>
            <dt>{m.case_question()}</dt>
            <dd data-testid="preview-question">{row.question}</dd>
          </div>
        )}
        {row.slot && (
          <div>
            <dt>{m.cases_column_board()}</dt>
            <dd>{m.cases_slot({ number: row.slot.number, day: day(row.slot.start, now), time: time(row.slot.start) })}</dd>
          </div>
        )}
        {row.completeness.state === 'missing' ? (
          <div>
            <dt>{m.cases_missing()}</dt>
            {row.completeness.rules.map((rule) => (
              <dd key={rule}>{ruleWord(rule)}</dd>
            ))}
          </div>
        ) : (
          complete && (
            <div>
              <dt>{m.cases_column_state()}</dt>
              <dd>{complete.text}</dd>
            </div>
          )
        )}
        {decision && (
          <div>
            <dt>{m.kind_board()}</dt>
            <dd>{decision.text}</dd>
          </div>
        )}
        {row.similar.length > 0 && (
          <div>
            <dt>{m.cases_similar_names()}</dt>
            {row.similar.map((other) => (
              <dd key={other.name}>{other.birthDate === null ? other.name : `${other.name} · *${date(other.birthDate)}`}</dd>
            ))}
          </div>
        )}
      </dl>
      <Button look="primary" onPress={open}>
        {m.cases_open_case()}
      </Button>
    </Beside>
  );
}

/** A task: what is asked, about whom, by when. */
export function TaskPreview({ task, open, close }: { task: TaskView; open: () => void; close: () => void }) {
  const now = useNow(60_000);
  return (
    <Beside identity={task.identity} name={task.title} close={close} testId="task-preview">
      <dl className={styles['list']}>
        <div>
          <dt>{m.today_task()}</dt>
          <dd>{task.title}</dd>
        </div>
        {task.decided !== null && (
          <div>
            <dt>{m.cases_column_board()}</dt>
            <dd>{date(task.decided)}</dd>
          </div>
        )}
        <div>
          <dt>{m.today_task_due()}</dt>
          <dd>{task.due === null ? m.today_task_no_due() : `${day(task.due, now)}, ${date(task.due)}`}</dd>
        </div>
      </dl>
      {task.patient !== null && (
        <Button look="primary" onPress={open}>
          {task.decided === null ? m.cases_open_case() : m.today_task_open_decision()}
        </Button>
      )}
    </Beside>
  );
}

function Beside({ identity, name, close, testId, children }: { identity: IdentityView | null; name: string; close: () => void; testId: string; children: ReactNode }) {
  return (
    <aside className={styles['preview']} aria-label={m.cases_preview({ name })} data-testid={testId}>
      <div className={styles['head']}>
        <div className={styles['grow']}>
          <div className={styles['name']}>{identity === null ? m.today_task_nobody() : listName(identity)}</div>
          {identity !== null && (
            <div className={styles['quiet']}>
              {[identity.birthDate === null ? m.identity_no_birth_date() : `*${date(identity.birthDate)}`, ageAndGender(identity), identity.number ?? ''].filter((word) => word !== '').join(' · ')}
            </div>
          )}
        </div>
        <IconButton icon="close" size="small" label={m.action_close()} onPress={close} />
      </div>
      {children}
    </aside>
  );
}
