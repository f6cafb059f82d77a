/** Recommendations as rows: kind and who is responsible, then what and why. Tab goes row by row. */

import { useEffect, useRef } from 'react';
import { Button } from '../components/Button';
import { EmptyLine } from '../components/Empty';
import { Kbd } from '../components/Kbd';
import { Menu, type MenuEntry } from '../components/Menu';
import { Select } from '../components/Select';
import type { DraftView, MeasureView, PersonChoiceView } from '../host/contract';
import { m } from '../paraglide/messages';
import { MEASURES, options } from './codes';
import { Plus } from './Plus';
import { changeMeasure, moveMeasure, removeMeasure, type Edit, type Undoable } from './edits';
import styles from './MeasureRows.module.css';
import { TextArea } from './TextArea';

export type MeasureRowsView = {
  draft: DraftView;
  people: readonly PersonChoiceView[];
  /** Absent when this person may not write. */
  edits: { edit: (edit: Edit) => void; apply: (undoable: Undoable | undefined) => void; add: () => void } | undefined;
};

export function MeasureRows({ draft, people, edits }: MeasureRowsView) {
  const list = useRef<HTMLOListElement>(null);
  useFocusOfNewRow(list, draft.measures);
  return (
    <section aria-labelledby="decision-measures">
      <div className={styles['head']}>
        <h2 className={styles['title']} id="decision-measures">
          {m.decision_measures()}
        </h2>
        {edits !== undefined && (
          <Button size="small" onPress={edits.add} data-testid="add-measure">
            <Plus />
            {m.decision_add_measure()} <Kbd keys="mod+enter" />
          </Button>
        )}
      </div>
      {draft.measures.length === 0 && <EmptyLine icon="info">{m.decision_no_measures()}</EmptyLine>}
      <ol ref={list}>
        {draft.measures.map((measure, index) => (
          <Row key={measure.id} draft={draft} measure={measure} number={index + 1} people={people} edits={edits} />
        ))}
      </ol>
    </section>
  );
}

function Row({
  draft,
  measure,
  number,
  people,
  edits,
}: { measure: MeasureView; number: number } & MeasureRowsView) {
  const { id } = measure;
  const change = (values: Partial<MeasureView>) => edits?.edit(changeMeasure(id, values));
  const readOnly = edits === undefined;
  const label = m.decision_measure_number({ number });
  return (
    <li className={styles['row']} data-measure={id} aria-label={label} data-testid={`measure-${String(number)}`}>
      <span className={styles['number']}>{number}</span>
      <div className={styles['kind']}>
        <Select
          label={`${label}: ${m.decision_measure_kind()}`}
          value={measure.code ?? ''}
          options={[{ id: '', label: m.decision_choose_kind() }, ...options(MEASURES)]}
          readOnly={readOnly}
          onChange={(code) => change({ code: code === '' ? null : code })}
          testId={`measure-code-${String(number)}`}
        />
        <Select
          label={`${label}: ${m.decision_responsible()}`}
          value={measure.responsible ?? ''}
          options={[{ id: '', label: m.decision_nobody() }, ...personOptions(people)]}
          readOnly={readOnly}
          onChange={(role) => change({ responsible: role === '' ? null : role })}
          quiet
          testId={`measure-responsible-${String(number)}`}
        />
      </div>
      <div className={styles['words']}>
        <TextArea
          label={`${label}: ${m.decision_measure_text()}`}
          labelHidden
          rows={1}
          value={measure.text}
          readOnly={readOnly}
          onChange={(text) => change({ text })}
          testId={`measure-text-${String(number)}`}
        />
        <TextArea
          label={m.decision_reason()}
          beside
          rows={1}
          value={measure.reason}
          readOnly={readOnly}
          onChange={(reason) => change({ reason })}
          testId={`measure-reason-${String(number)}`}
        />
      </div>
      {edits !== undefined && <RowMenu label={label} draft={draft} id={id} apply={edits.apply} />}
    </li>
  );
}

function RowMenu({
  label,
  draft,
  id,
  apply,
}: {
  label: string;
  draft: DraftView;
  id: string;
  apply: (undoable: Undoable | undefined) => void;
}) {
  const up = moveMeasure(draft, id, -1);
  const down = moveMeasure(draft, id, 1);
  const entries: MenuEntry[] = [
    ...(up === undefined
      ? []
      : [{ id: 'up', label: m.decision_move_up(), keys: 'alt+arrowup', run: () => apply(up) }]),
    ...(down === undefined
      ? []
      : [{ id: 'down', label: m.decision_move_down(), keys: 'alt+arrowdown', run: () => apply(down) }]),
    { id: 'remove', label: m.decision_remove(), run: () => apply(removeMeasure(draft, id)) },
  ];
  return (
    <Menu
      label={label}
      placement="bottom end"
      trigger={
        <Button look="quiet" size="small" aria-label={m.decision_row_actions({ row: label })}>
          <span className={styles['more']} aria-hidden>
            …
          </span>
        </Button>
      }
      entries={entries}
    />
  );
}

/** Names; the speciality is added only where two people have the same one. */
export function personOptions(people: readonly PersonChoiceView[]): { id: string; label: string }[] {
  return people.map(({ role, name, specialty }) => {
    const same = people.filter((one) => one.name === name).length > 1;
    return { id: role, label: same && specialty !== null ? `${name} · ${specialty}` : name };
  });
}

/** A row that has just been added is where the typing goes on. */
function useFocusOfNewRow(list: { current: HTMLOListElement | null }, measures: readonly MeasureView[]): void {
  const known = useRef(new Set(measures.map(({ id }) => id)));
  useEffect(() => {
    const fresh = measures.filter(({ id }) => !known.current.has(id));
    known.current = new Set(measures.map(({ id }) => id));
    const only = fresh.length === 1 ? fresh[0] : undefined;
    // A row that somebody else has written arrives with its text; the focus stays where it is.
    if (only === undefined || only.text !== '') return;
    list.current?.querySelector<HTMLElement>(`[data-measure="${only.id}"] button`)?.focus();
  }, [list, measures]);
}
