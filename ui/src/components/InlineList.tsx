/**
 * What is offered at the caret of a text after a sign such as "/" or "@". The text keeps the focus: arrows move in the
 * list, Enter chooses, Esc closes it and leaves the text.
 */
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { classes } from './classes';
import styles from './InlineList.module.css';

/** Where the sign stands, and what was typed after it. */
export interface InlineTrigger {
  start: number;
  query: string;
}

export interface InlineEntry {
  name: string;
  /** What is said of it below its name. */
  text?: string | undefined;
  testId: string;
}

export interface Inline {
  open: boolean;
  id: string;
  active: number;
  /** What the text field says of the list while it is open. */
  field: { 'aria-autocomplete'?: 'list'; 'aria-controls'?: string; 'aria-activedescendant'?: string };
  key: (event: KeyboardEvent) => void;
  choose: (index: number) => void;
  move: (index: number) => void;
}

export function useInlineList({
  start,
  text,
  count,
  choose,
  remove,
  tab = false,
}: {
  /** Where the sign stands; undefined where nothing is offered. */
  start: number | undefined;
  /** The text that the sign stands in. */
  text: string;
  count: number;
  choose: (index: number) => void;
  /** Entf at an entry; true where it is one that can go. */
  remove?: (index: number) => boolean;
  /** Whether Tab chooses, as Enter does. */
  tab?: boolean;
}): Inline {
  const id = useId();
  const [at, setAt] = useState(0);
  // Esc closes it for this sign, whatever is typed behind it; the next one opens it anew.
  const [closed, setClosed] = useState<{ at: number; sign: string | undefined }>();
  if (closed !== undefined && text[closed.at] !== closed.sign) setClosed(undefined);
  if (start === undefined && at !== 0) setAt(0);
  const open = start !== undefined && closed?.at !== start;
  const active = Math.min(at, Math.max(0, count - 1));
  const chosen = (index: number) => {
    setAt(0);
    choose(index);
  };
  const key = (event: KeyboardEvent) => {
    if (!open || event.altKey || event.ctrlKey || event.metaKey || event.nativeEvent.isComposing) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const chooses = event.key === 'Enter' || (tab && event.key === 'Tab');
    if (step !== 0 && count > 0) setAt((active + step + count) % count);
    else if (chooses && count > 0 && !event.shiftKey) chosen(active);
    else if (event.key === 'Delete' && remove?.(active) === true) setAt(active);
    else if (event.key === 'Escape') setClosed({ at: start, sign: text[start] });
    else return;
    event.preventDefault();
  };
  const field: Inline['field'] = !open ? {} : count === 0 ? { 'aria-autocomplete': 'list' } : { 'aria-autocomplete': 'list', 'aria-controls': id, 'aria-activedescendant': optionId(id, active) };
  return { open, id, active, field, key, choose: chosen, move: setAt };
}

function optionId(id: string, index: number): string {
  return `${id}-${String(index)}`;
}

export function InlineList({
  list,
  label,
  entries,
  hint,
  empty,
  above,
  testId,
}: {
  list: Inline;
  label: string;
  entries: readonly InlineEntry[];
  /** Which keys do what. */
  hint: string;
  /** What is said where there is nothing to choose. */
  empty?: string;
  /** Above the text instead of below. */
  above?: boolean;
  testId: string;
}) {
  const active = optionId(list.id, list.active);
  useEffect(() => {
    document.getElementById(active)?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  return (
    <div className={classes(styles['list'], above === true && styles['above'])} data-testid={testId}>
      {entries.length === 0 ? (
        <p className={styles['hint']} role="status">
          {empty}
        </p>
      ) : (
        <>
          <ul id={list.id} role="listbox" aria-label={label} className={styles['options']}>
            {entries.map(({ name, text, testId: entry }, index) => (
              <li
                key={index}
                id={optionId(list.id, index)}
                role="option"
                aria-selected={index === list.active}
                className={styles['option']}
                data-testid={entry}
                // The text keeps the focus.
                onMouseDown={(event) => {
                  event.preventDefault();
                  list.choose(index);
                }}
                onMouseMove={() => list.move(index)}
              >
                <bdi className={styles['name']}>{name}</bdi>
                {text !== undefined && text !== name && <span className={styles['text']}>{text}</span>}
              </li>
            ))}
          </ul>
          <p className={styles['hint']}>{hint}</p>
        </>
      )}
    </div>
  );
}
