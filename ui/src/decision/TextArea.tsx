/**
 * Text of several lines that grows with its content, so that nothing typed is out of sight. "/" at the beginning of
 * a word offers text blocks; the focus stays in the text meanwhile.
 */

import { useLayoutEffect, useRef, useState } from 'react';
import { Label, TextArea as AriaTextArea, TextField } from 'react-aria-components';
import { announce } from '../components/announce';
import { classes } from '../components/classes';
import { InlineList, useInlineList } from '../components/InlineList';
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
          {...list.field}
        />
        {list.open && list.view}
      </div>
    </TextField>
  );
}

/** What is offered at the caret: the blocks that fit, then keeping the text of the field. */
function useBlockList({ value, caret, readOnly, change }: { value: string; caret: number | undefined; readOnly: boolean; change: (text: string, caret: number) => void }) {
  const { blocks, keep } = useTextBlocks();
  const found = readOnly || caret === undefined ? undefined : trigger(value, caret);
  const fitting = found === undefined ? [] : matching(blocks, found.query).slice(0, 8);
  const rest = found?.query === '' && caret !== undefined ? without(value, caret, found) : '';
  const canKeep = rest !== '' && !blocks.some((one) => one.text === rest);

  const choose = (index: number) => {
    if (found === undefined || caret === undefined) return;
    const block = fitting[index];
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
    if (block === undefined) return false;
    keep(blocks.filter((one) => one !== block));
    toast({ text: m.decision_block_deleted(), undo: () => keep(blocks) });
    return true;
  };
  const list = useInlineList({ start: found?.start, text: value, count: fitting.length + (canKeep ? 1 : 0), choose, remove });
  const names = [...fitting, ...(canKeep ? [{ name: m.decision_block_keep(), text: undefined }] : [])];
  const view = (
    <InlineList
      list={list}
      label={m.decision_blocks()}
      entries={names.map(({ name, text }, index) => ({ name, text, testId: `block-${String(index)}` }))}
      hint={m.decision_block_keys()}
      empty={blocks.length === 0 ? m.decision_block_none_yet() : m.decision_block_none()}
      testId="text-blocks"
    />
  );
  return { open: list.open, field: list.field, view, key: list.key };
}
