/** The decision while it is written: what is decided on the left, who decides on the right. */

import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Button, IconButton } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { Segment } from '../components/Segment';
import { Select } from '../components/Select';
import { toast } from '../components/toasts';
import type { DecisionView, DraftView, MergedView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { defineCommand, stroke, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { CATEGORIES, GOALS, GUIDELINES, OCCASIONS, OUTCOMES, options, type Choice } from './codes';
import { ConflictChooser } from './ConflictChooser';
import styles from './Decision.module.css';
import { DecisionDock } from './DecisionDock';
import {
  addMeasure,
  addOpenPoint,
  changeOpenPoint,
  chooseOutcome,
  moveMeasure,
  removeOpenPoint,
  togglePresent,
  type Edit,
} from './edits';
import { WithdrawnNotice } from './MarkNotice';
import { standingMark } from './marks';
import { MeasureRows, personOptions } from './MeasureRows';
import { Plus } from './Plus';
import { SigningDialog } from './SigningDialog';
import { TextArea } from './TextArea';
import { useDraft } from './useDraft';
import { fieldWord } from './words';

const SCOPE = 'decision';

const addCommand = defineCommand({
  id: 'decision.add',
  keys: ['mod+enter'],
  label: m.decision_add_measure,
  group: 'decision',
  whileTyping: true,
});
const upCommand = defineCommand({
  id: 'decision.up',
  keys: ['alt+arrowup'],
  label: m.decision_move_up,
  group: 'decision',
  whileTyping: true,
});
const downCommand = defineCommand({
  id: 'decision.down',
  keys: ['alt+arrowdown'],
  label: m.decision_move_down,
  group: 'decision',
  whileTyping: true,
});
const signCommand = defineCommand({
  id: 'decision.sign',
  keys: ['mod+u'],
  label: m.decision_sign,
  group: 'decision',
  whileTyping: true,
});

/** Findings are at most three lines (payload `konsil-beschluss/1`). */
const FINDINGS = 3;

/** The dialog is open; `confirmed` is the hash of what was marked, which is signed without another question. */
type Signing = { confirmed: string | undefined };

function newId(): string {
  return crypto.randomUUID();
}

export function DecisionForm({ view }: { view: DecisionView }) {
  const desk = useDesk();
  const { keeper, state } = useDraft(desk, view);
  const [signing, setSigning] = useState<Signing>();
  const [failure, setFailure] = useState<ReturnType<typeof asFailure>>();
  const form = useRef<HTMLDivElement>(null);
  const draft = state.mine;
  const canWrite = view.canWrite && view.stage !== 'signing';
  const mark = standingMark(view);
  const edit = (change: Edit) => {
    keeper.edit(change);
  };
  const set = (values: Partial<DraftView>) => {
    edit((now) => ({ ...now, ...values }));
  };

  const focusedRow = () => document.activeElement?.closest<HTMLElement>('[data-measure]')?.dataset['measure'];
  const add = () => {
    const index = keeper.state().mine.measures.findIndex(({ id }) => id === focusedRow());
    keeper.apply(addMeasure(newId(), index < 0 ? keeper.state().mine.measures.length - 1 : index));
  };
  const move = (step: 1 | -1) => {
    const row = focusedRow();
    const focused = document.activeElement;
    if (row === undefined) return;
    keeper.apply(moveMeasure(keeper.state().mine, row, step));
    // Moving an element takes the focus from it.
    requestAnimationFrame(() => {
      if (focused instanceof HTMLElement) focused.focus();
    });
  };
  const canSign = view.canSign && view.conflicts.length === 0 && state.clashes.length === 0;
  const waits = mark?.state === 'waiting';
  const isMarked = mark !== undefined;
  // The button that was pressed goes with what it did; the focus follows to what stands in its place.
  const [moved, setMoved] = useState(false);
  useEffect(() => {
    setMoved(false);
  }, [isMarked]);
  const sign = () => {
    setFailure(undefined);
    keeper.flush().then(
      () => {
        setSigning({ confirmed: mark?.sha256 });
      },
      (error: unknown) => {
        setFailure(asFailure(error));
      },
    );
  };
  const withdraw = () => {
    setFailure(undefined);
    ask(desk.host, { type: 'withdraw-mark', patient: view.patient }, 'decision').then(
      (answer) => {
        setMoved(true);
        desk.takeDecision(answer);
      },
      (error: unknown) => {
        setFailure(asFailure(error));
      },
    );
  };
  // The notice of the form says what differs; there is nothing left to confirm.
  const lost = signing?.confirmed !== undefined && view.mark?.state === 'withdrawn';
  useEffect(() => {
    if (!lost) return;
    setSigning(undefined);
    // What the dialog was opened by is gone: the focus goes to the form, once the dialog is.
    window.setTimeout(() => form.current?.focus(), 0);
  }, [lost]);
  useCommand(addCommand, add, { scope: SCOPE, enabled: canWrite });
  useCommand(upCommand, () => move(-1), { scope: SCOPE, enabled: canWrite });
  useCommand(downCommand, () => move(1), { scope: SCOPE, enabled: canWrite });
  useCommand(signCommand, sign, { enabled: canSign && !waits && view.missing.length === 0 && view.stage !== 'signing' });

  /** Outside of text fields, which undo their own typing. */
  const undoKey = (event: KeyboardEvent) => {
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    const pressed = stroke(event.nativeEvent);
    const done =
      pressed === 'mod+z' ? keeper.undo() : ['mod+y', 'mod+shift+z'].includes(pressed) ? keeper.redo() : false;
    if (done) event.preventDefault();
  };

  const resolve = (choices: { field: string; keepMine: boolean }[]) => {
    const own = new Set(state.clashes.map(({ field }) => field));
    for (const choice of choices) {
      if (own.has(choice.field)) keeper.choose(choice.field, choice.keepMine);
    }
    const theirs = choices.filter(({ field }) => !own.has(field));
    if (theirs.length === 0) return;
    keeper
      .flush()
      .then(() =>
        ask(desk.host, { type: 'resolve-conflicts', patient: view.patient, choices: theirs }, 'decision'),
      )
      .then(
        (answer) => {
          desk.takeDecision(answer);
        },
        (error: unknown) => {
          setFailure(asFailure(error));
        },
      );
  };

  const removed = (word: string) => {
    toast({ text: word, undo: () => void keeper.undo() });
  };

  return (
    <div className={styles['body']} data-scope={SCOPE} ref={form} tabIndex={-1} onKeyDown={undoKey} data-testid="decision-form">
      <div className={styles['main']}>
        {failure !== undefined && <FailureNotice failure={failure} retry={mark === undefined ? sign : undefined} />}
        {view.failure !== null && failure === undefined && <FailureNotice failure={view.failure} retry={waits ? undefined : sign} />}
        <WithdrawnNotice view={view} takeFocus={() => form.current?.focus()} />
        {state.failure !== undefined && (
          <FailureNotice
            failure={state.failure}
            retry={() => {
              keeper.flush().catch(() => undefined);
            }}
          />
        )}
        {view.saveFailure !== null && state.failure === undefined && <FailureNotice failure={view.saveFailure} tone="warn" />}
        <ConflictChooser draft={draft} conflicts={[...view.conflicts, ...state.clashes.map(asConflict)]} choose={resolve} />
        <Merged merged={view.merged} draft={draft} />
        {view.stage === 'amending' && (
          <Notice tone="accent" title={m.decision_amendment()}>
            <TextArea
              label={m.decision_amendment_reason()}
              rows={1}
              required
              value={draft.amendmentReason}
              readOnly={!canWrite}
              onChange={(amendmentReason) => set({ amendmentReason })}
              testId="amendment-reason"
            />
          </Notice>
        )}
        <div className={styles['choices']}>
          <Labelled label={m.decision_category()}>
            <ChoiceSegment
              label={m.decision_category()}
              choices={CATEGORIES}
              value={draft.category}
              readOnly={!canWrite}
              onChange={(category) => set({ category })}
            />
          </Labelled>
          <Labelled label={m.decision_occasion()}>
            <Select
              label={m.decision_occasion()}
              value={draft.occasion ?? ''}
              options={[...(draft.occasion === null ? [{ id: '', label: m.decision_choose() }] : []), ...options(OCCASIONS)]}
              readOnly={!canWrite}
              onChange={(occasion) => { if (occasion !== '') set({ occasion }); }}
              width={150}
              testId="occasion"
            />
          </Labelled>
          <Labelled label={m.decision_goal()}>
            <ChoiceSegment
              label={m.decision_goal()}
              choices={GOALS}
              value={draft.goal}
              readOnly={!canWrite}
              onChange={(goal) => set({ goal })}
            />
          </Labelled>
          <Labelled label={m.decision_outcome()}>
            <ChoiceSegment
              label={m.decision_outcome()}
              choices={OUTCOMES}
              value={draft.outcome}
              readOnly={!canWrite}
              onChange={(outcome) => edit(chooseOutcome(outcome, draft.present.length))}
            />
          </Labelled>
        </div>
        {draft.outcome === 'majority' && <Vote view={view} draft={draft} set={set} readOnly={!canWrite} />}
        <MeasureRows
          draft={draft}
          people={view.people}
          edits={
            canWrite
              ? {
                  edit,
                  add,
                  apply: (undoable) => {
                    const before = keeper.state().mine.measures.length;
                    keeper.apply(undoable);
                    if (keeper.state().mine.measures.length < before) removed(m.decision_measure_removed());
                  },
                }
              : undefined
          }
        />
        <TextArea
          label={m.decision_text()}
          rows={3}
          value={draft.text}
          readOnly={!canWrite}
          onChange={(text) => set({ text })}
          testId="decision-text"
        />
        <div className={styles['halves']}>
          <OpenPoints
            view={view}
            draft={draft}
            edit={canWrite ? edit : undefined}
            add={() => keeper.apply(addOpenPoint(newId()))}
            remove={(id) => {
              keeper.apply(removeOpenPoint(keeper.state().mine, id));
              removed(m.decision_open_point_removed());
            }}
          />
          <section aria-labelledby="decision-guideline">
            <SectionHead id="decision-guideline" title={m.decision_guideline_and_representation()} />
            <div className={styles['stack']}>
              <span>
                <ChoiceSegment
                  label={m.decision_guideline()}
                  choices={GUIDELINES}
                  value={draft.guideline}
                  readOnly={!canWrite}
                  onChange={(guideline) => set({ guideline })}
                />
              </span>
              <Field
                label={draft.guideline === 'deviation' ? m.decision_guideline_reason() : m.decision_guideline_name()}
                value={draft.guidelineText}
                isReadOnly={!canWrite}
                isRequired={draft.guideline === 'deviation'}
                onChange={(guidelineText) => set({ guidelineText })}
                testId="guideline-text"
              />
              <Field
                label={m.decision_representation()}
                value={draft.representation}
                isReadOnly={!canWrite}
                onChange={(representation) => set({ representation })}
                before={<Icon name="calendar" size="s" />}
                testId="representation"
              />
            </div>
          </section>
        </div>
        <section aria-labelledby="decision-question">
          <SectionHead id="decision-question" title={m.decision_question_and_findings()} />
          <div className={styles['stack']}>
            <TextArea
              label={m.decision_question()}
              rows={2}
              value={draft.question}
              readOnly={!canWrite}
              onChange={(question) => set({ question })}
              testId="decision-question-text"
            />
            <TextArea
              label={m.decision_findings_three()}
              rows={FINDINGS}
              value={draft.findings.join('\n')}
              readOnly={!canWrite}
              onChange={(text) => set({ findings: text === '' ? [] : text.split('\n').slice(0, FINDINGS) })}
              testId="decision-findings"
            />
          </div>
        </section>
      </div>
      <DecisionDock
        view={view}
        draft={draft}
        autosave={state}
        toggle={canWrite ? (role) => edit(togglePresent(role)) : undefined}
        setQuorumReason={canWrite ? (quorumReason) => set({ quorumReason }) : undefined}
        sign={view.canSign ? sign : undefined}
        blocked={!canSign || view.missing.length > 0}
        mark={mark === undefined ? undefined : { mark, actions: { confirm: sign, withdraw } }}
        moved={moved}
      />
      {(signing !== undefined || view.stage === 'signing') && (
        <SigningDialog
          view={view}
          confirmed={signing?.confirmed}
          marked={() => {
            setMoved(true);
          }}
          close={() => {
            setSigning(undefined);
          }}
        />
      )}
    </div>
  );
}

function asConflict({ field, mine, theirs }: { field: string; mine: string; theirs: string }) {
  return { field, mine, theirs, by: null };
}

export function SectionHead({ id, title, children }: { id: string; title: string; children?: ReactNode }) {
  return (
    <div className={styles['sectionHead']}>
      <h2 id={id}>{title}</h2>
      {children}
    </div>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles['labelled']}>
      <span className={styles['label']} aria-hidden>
        {label}
      </span>
      {children}
    </div>
  );
}

function ChoiceSegment({
  label,
  choices,
  value,
  readOnly,
  onChange,
}: {
  label: string;
  choices: readonly Choice[];
  value: string | null;
  readOnly: boolean;
  onChange: (value: string) => void;
}) {
  return <Segment label={label} value={value ?? ''} options={options(choices)} readOnly={readOnly} onChange={onChange} />;
}

/** Fields that somebody else changed and that were taken over without a conflict. */
function Merged({ merged, draft }: { merged: readonly MergedView[]; draft: DraftView }) {
  if (merged.length === 0) return null;
  const byPerson = new Map<string, string[]>();
  for (const { by, field } of merged) {
    const who = by ?? m.decision_somebody();
    byPerson.set(who, [...(byPerson.get(who) ?? []), fieldWord(field, draft)]);
  }
  return (
    <Notice tone="accent" icon="person">
      {[...byPerson].map(([who, fields]) => (
        <p key={who} data-testid="merged">
          {m.decision_changed_by({ who, fields: fields.join(', ') })}
        </p>
      ))}
    </Notice>
  );
}

function Vote({
  view,
  draft,
  set,
  readOnly,
}: {
  view: DecisionView;
  draft: DraftView;
  set: (values: Partial<DraftView>) => void;
  readOnly: boolean;
}) {
  const vote = draft.vote ?? { agree: 0, disagree: 0, abstain: 0 };
  const parts = [
    { key: 'agree', label: m.decision_agree() },
    { key: 'disagree', label: m.decision_disagree() },
    { key: 'abstain', label: m.decision_abstain() },
  ] as const;
  return (
    <section aria-labelledby="decision-vote">
      <SectionHead id="decision-vote" title={m.decision_vote_and_dissent()}>
        {!readOnly && (
          <Button
            size="small"
            onPress={() => set({ dissent: [...draft.dissent, { role: '', text: '' }] })}
            data-testid="add-dissent"
          >
            <Plus />
            {m.decision_add_dissent()}
          </Button>
        )}
      </SectionHead>
      <div className={styles['votes']}>
        {parts.map(({ key, label }) => (
          <Field
            key={key}
            label={label}
            inputMode="numeric"
            value={String(vote[key])}
            isReadOnly={readOnly}
            onChange={(text) => set({ vote: { ...vote, [key]: Number(text.replaceAll(/\D/gu, '').slice(0, 3)) } })}
            testId={`vote-${key}`}
          />
        ))}
      </div>
      {draft.dissent.map((dissent, index) => (
        <div className={styles['dissent']} key={String(index)}>
          <Select
            label={m.decision_dissent_person()}
            value={dissent.role}
            options={[{ id: '', label: m.decision_choose_person() }, ...personOptions(view.people)]}
            readOnly={readOnly}
            onChange={(role) => set({ dissent: replaced(draft.dissent, index, { ...dissent, role }) })}
            width={230}
          />
          <TextArea
            label={m.decision_dissent()}
            labelHidden
            rows={1}
            value={dissent.text}
            readOnly={readOnly}
            onChange={(text) => set({ dissent: replaced(draft.dissent, index, { ...dissent, text }) })}
          />
          {!readOnly && (
            <IconButton
              size="small"
              icon="close"
              label={m.decision_remove()}
              onPress={() => set({ dissent: draft.dissent.filter((_, other) => other !== index) })}
            />
          )}
        </div>
      ))}
    </section>
  );
}

function replaced<Item>(list: readonly Item[], index: number, item: Item): Item[] {
  return list.map((one, other) => (other === index ? item : one));
}

function OpenPoints({
  view,
  draft,
  edit,
  add,
  remove,
}: {
  view: DecisionView;
  draft: DraftView;
  edit: ((edit: Edit) => void) | undefined;
  add: () => void;
  remove: (id: string) => void;
}) {
  return (
    <section aria-labelledby="decision-open-points">
      <SectionHead id="decision-open-points" title={m.decision_open_points()}>
        {edit !== undefined && (
          <Button size="small" onPress={add} data-testid="add-open-point">
            <Plus />
            {m.decision_add_open_point()}
          </Button>
        )}
      </SectionHead>
      {draft.openPoints.length === 0 && <p className={styles['none']}>{m.decision_no_open_points()}</p>}
      <ul className={styles['stack']}>
        {draft.openPoints.map((point, index) => (
          <li className={styles['openPoint']} key={point.id}>
            <Icon name="clock" size="s" />
            <TextArea
              label={m.decision_open_point_number({ number: index + 1 })}
              labelHidden
              rows={1}
              value={point.text}
              readOnly={edit === undefined}
              onChange={(text) => edit?.(changeOpenPoint(point.id, { text }))}
              testId={`open-point-${String(index + 1)}`}
            />
            <Select
              label={m.decision_owner()}
              value={point.owner ?? ''}
              options={[{ id: '', label: m.decision_nobody() }, ...personOptions(view.people)]}
              readOnly={edit === undefined}
              onChange={(owner) => edit?.(changeOpenPoint(point.id, { owner: owner === '' ? null : owner }))}
              quiet
              width={150}
            />
            {edit !== undefined && (
              <IconButton size="small" icon="close" label={m.decision_remove()} onPress={() => remove(point.id)} />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
