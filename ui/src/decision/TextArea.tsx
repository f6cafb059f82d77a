/**
 * Text of several lines that grows with its content, so that nothing typed is out of sight. "/" at the beginning of
 * a word offers text blocks; the focus stays in the text meanwhile.
 */

import { type KeyboardEvent, useId, useLayoutEffect, useRef, useState } from 'react';
import { Label, TextArea as AriaTextArea, TextField } from 'react-aria-components';
import { announce } from '../components/announce';
import { classes } from '../components/classes';
import { toast } from '../components/toasts';
import { m } from '../paraglide/messages';
import { inserted, keeping, matching, trigger, without } from './textBlocks';
import styles from './TextArea.module.css';
import { useTextBlocks } from './useTextBlocks';

export function TextArea({
  label,
  labelHidden,
  beside,
  value,
  rows,
  readOnly,
  required,
  onChange,
  testId,
}: {
  label: string;
  labelHidden?: boolean;
  /** The label stands before the text, on its line. */
  beside?: boolean;
  value: string;
  rows: number;
  readOnly?: boolean;
  required?: boolean;
  onChange: (value: string) => void;
  testId?: string;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [caret, setCaret] = useState<number>();
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${String(element.scrollHeight + 2)}px`;
  }, [value]);
  // The caret after an insertion: the value comes back from the draft first.
  const goal = useRef<number>(undefined);
  useLayoutEffect(() => {
    if (goal.current === undefined) return;
    area.current?.setSelectionRange(goal.current, goal.current);
    goal.current = undefined;
  }, [value]);
  const list = useBlockList({ value, caret, readOnly: readOnly === true, change: (text, at) => {
    goal.current = at;
    setCaret(undefined);
    onChange(text);
  } });
  const follow = () => {
    const element = area.current;
    if (element !== null) setCaret(element.selectionStart === element.selectionEnd ? element.selectionStart : undefined);
  };
  return (
    <TextField
      className={classes(styles['field'], beside === true && styles['beside'])}
      value={value}
      onChange={(text) => {
        onChange(text);
        follow();
      }}
      isReadOnly={readOnly === true}
      isRequired={required === true}
      {...(labelHidden === true ? { 'aria-label': label } : {})}
    >
      {labelHidden !== true && <Label className={styles['label'] ?? ''}>{label}</Label>}
      <div className={styles['whole']}>
        <AriaTextArea
          ref={area}
          rows={rows}
          className={styles['area'] ?? ''}
          data-testid={testId}
          onKeyDown={list.key}
          onSelect={follow}
          onBlur={() => setCaret(undefined)}
          {...(list.open ? { 'aria-autocomplete': 'list' as const, 'aria-controls': list.id, 'aria-activedescendant': list.active } : {})}
        />
        {list.open && list.view}
      </div>
    </TextField>
  );
}

/** What is offered at the caret: the blocks that fit, then keeping the text of the field. */
function useBlockList({ value, caret, readOnly, change }: { value: string; caret: number | undefined; readOnly: boolean; change: (text: string, caret: number) => void }) {
  const { blocks, keep } = useTextBlocks();
  const id = useId();
  const [at, setAt] = useState(0);
  // Esc closes it for this slash; the next one opens it anew.
  const [closed, setClosed] = useState<number>();
  const found = readOnly || caret === undefined ? undefined : trigger(value, caret);
  if (found === undefined && closed !== undefined) setClosed(undefined);
  const open = found !== undefined && closed !== found.start;
  const fitting = open ? matching(blocks, found.query).slice(0, 8) : [];
  const rest = open && found.query === '' && caret !== undefined ? without(value, caret, found) : '';
  const canKeep = rest !== '' && !blocks.some((one) => one.text === rest);
  const count = fitting.length + (canKeep ? 1 : 0);
  const active = Math.min(at, Math.max(0, count - 1));
  const optionId = (index: number) => `${id}-${String(index)}`;

  const choose = (index: number) => {
    if (found === undefined || caret === undefined) return;
    const block = fitting[index];
    setAt(0);
    if (block !== undefined) {
      const next = inserted(value, caret, found, block.text);
      change(next.text, next.caret);
      announce(block.name);
      return;
    }
    const next = keeping(blocks, rest);
    keep(next);
    const typed = inserted(value, caret, found, '');
    change(typed.text, typed.caret);
    toast({ text: m.decision_block_kept({ name: next.at(-1)?.name ?? '' }), undo: () => keep(blocks) });
  };
  const remove = (index: number) => {
    const block = fitting[index];
    if (block === undefined) return;
    keep(blocks.filter((one) => one !== block));
    toast({ text: m.decision_block_deleted(), undo: () => keep(blocks) });
  };
  const key = (event: KeyboardEvent) => {
    if (!open) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (step !== 0 && count > 0) setAt((active + step + count) % count);
    else if (event.key === 'Enter' && count > 0 && !event.shiftKey) choose(active);
    else if (event.key === 'Delete' && active < fitting.length) remove(active);
    else if (event.key === 'Escape') setClosed(found.start);
    else return;
    event.preventDefault();
  };
  const option = (index: number, name: string, text?: string) => (
    <li
      key={index}
      id={optionId(index)}
      role="option"
      aria-selected={index === active}
      className={styles['option']}
      data-testid={`block-${String(index)}`}
      // The text keeps the focus.
      onMouseDown={(event) => {
        event.preventDefault();
        choose(index);
      }}
      onMouseMove={() => setAt(index)}
    >
      <span className={styles['optionName']}>{name}</span>
      {text !== undefined && text !== name && <span className={styles['optionText']}>{text}</span>}
    </li>
  );
  const view = (
    <div className={styles['blocks']} data-testid="text-blocks">
      {count === 0 ? (
        <p className={styles['hint']} role="status">
          {blocks.length === 0 ? m.decision_block_none_yet() : m.decision_block_none()}
        </p>
      ) : (
        <>
          <ul id={id} role="listbox" aria-label={m.decision_blocks()}>
            {fitting.map(({ name, text }, index) => option(index, name, text))}
            {canKeep && option(fitting.length, m.decision_block_keep())}
          </ul>
          <p className={styles['hint']}>{m.decision_block_keys()}</p>
        </>
      )}
    </div>
  );
  return { open, id: count > 0 ? id : undefined, active: count > 0 ? optionId(active) : undefined, view, key };
}
