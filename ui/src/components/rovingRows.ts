/** One tab stop for a list; arrows, J and K, Pos1 and Ende, and the first letters of a name move inside it. */
import { type KeyboardEvent as ReactKeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { fold } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';

const next = defineCommand({ id: 'list-next', keys: ['j', 'arrowdown'], label: () => m.command_list_next(), group: 'lists' });
const previous = defineCommand({ id: 'list-previous', keys: ['k', 'arrowup'], label: () => m.command_list_previous(), group: 'lists' });
const first = defineCommand({ id: 'list-first', keys: ['home'], label: () => m.command_list_first(), group: 'lists' });
const last = defineCommand({ id: 'list-last', keys: ['end'], label: () => m.command_list_last(), group: 'lists' });
const open = defineCommand({ id: 'list-open', keys: ['enter'], label: () => m.command_list_open(), group: 'lists' });

/** The keys that move in lists, for a list that finds its lines by another way. */
export const listMoves = { next, previous, first, last };

interface RovingRows {
  current: number;
  container: RefObject<HTMLElement | null>;
  rowProps: (at: number) => { tabIndex: number; 'data-row': number; onFocus: () => void };
  onKeyDown: (event: ReactKeyboardEvent) => void;
  focus: (at: number) => void;
}

export function useRovingRows(options: { count: number; scope: string; names: readonly string[]; open: (at: number) => void; start?: number; reveal?: (at: number) => void; asleep?: boolean }): RovingRows {
  const { count, scope, names } = options;
  const [wanted, setWanted] = useState(options.start ?? 0);
  const container = useRef<HTMLElement | null>(null);
  const typed = useRef({ text: '', at: 0 });
  const current = count === 0 ? 0 : Math.min(wanted, count - 1);

  const focus = (at: number) => {
    if (count === 0) return;
    const to = Math.max(0, Math.min(count - 1, at));
    setWanted(to);
    // A list that draws only what is in sight draws the line first.
    options.reveal?.(to);
    container.current?.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus();
  };
  /** The first press of a moving key enters the list where it stands. */
  const inside = () => container.current?.contains(document.activeElement) === true && document.activeElement instanceof HTMLElement && document.activeElement.dataset['row'] !== undefined;
  // Of two lists of a screen one answers while focus is in neither.
  const enabled = { scope, enabled: count > 0 && options.asleep !== true };
  useCommand(next, () => focus(inside() ? current + 1 : current), enabled);
  useCommand(previous, () => focus(inside() ? current - 1 : current), enabled);
  useCommand(first, () => focus(0), enabled);
  useCommand(last, () => focus(count - 1), enabled);
  useCommand(open, () => options.open(current), enabled);

  useEffect(() => {
    setWanted((before) => Math.min(before, Math.max(0, count - 1)));
  }, [count]);

  return {
    current,
    container,
    focus,
    rowProps: (at) => ({ tabIndex: at === current ? 0 : -1, 'data-row': at, onFocus: () => setWanted(at) }),
    onKeyDown(event) {
      // Type-ahead by Umschalt and a letter: plain letters are commands.
      if (!event.shiftKey || event.key.length !== 1 || !/\p{L}/u.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      const fresh = event.timeStamp - typed.current.at > 900;
      typed.current = { text: fold((fresh ? '' : typed.current.text) + event.key), at: event.timeStamp };
      const found = names.findIndex((name) => fold(name).startsWith(typed.current.text));
      if (found >= 0) {
        event.preventDefault();
        focus(found);
      }
    },
  };
}
