/** Short messages at the lower left, before everything, with undo where something was removed. Errors are never toasts. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { createStore, useStore } from '../host/store';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { announce } from './announce';
import { Button, IconButton } from './Button';
import { Icon, type IconName } from './icons';
import { Kbd } from './Kbd';
import { TopLayer } from './TopLayer';
import styles from './toasts.module.css';

export interface ToastWords {
  text: string;
  icon?: IconName;
  /** Takes back what the message tells. */
  undo?: () => void;
}

export interface Toast extends ToastWords {
  id: number;
  at: number;
}

const shown = createStore<readonly Toast[]>([]);
/** Everything said since the program started, for "Meldungen". */
export const toastHistory = createStore<readonly Toast[]>([]);
let last = 0;
const most = 3;
const stayMillis = 6000;

export function toast(words: ToastWords): void {
  last += 1;
  const entry: Toast = { ...words, id: last, at: Date.now() };
  shown.set([...shown.get(), entry].slice(-most));
  toastHistory.set([entry, ...toastHistory.get()].slice(0, 100));
  announce(words.text);
}

function dismiss(id: number) {
  shown.set(shown.get().filter((one) => one.id !== id));
}

const undoCommand = defineCommand({ id: 'undo', keys: ['mod+z'], label: () => m.command_undo(), group: 'everywhere' });

export function Toasts() {
  const toasts = useStore(shown);
  const undoable = toasts.findLast((one) => one.undo !== undefined);
  useCommand(
    undoCommand,
    () => {
      undoable?.undo?.();
      if (undoable) dismiss(undoable.id);
    },
    // Short messages stand in front of a dialog, with their way back.
    { enabled: undoable !== undefined, overDialog: true },
  );
  if (toasts.length === 0) return null;
  return (
    <TopLayer>
      <Shown toasts={toasts} undoable={undoable} />
    </TopLayer>
  );
}

function Shown({ toasts, undoable }: { toasts: readonly Toast[]; undoable: Toast | undefined }) {
  const box = useRef<HTMLElement>(null);
  const [held, setHeld] = useState(false);
  const oldest = toasts[0];
  useEffect(() => {
    if (held || !oldest) return undefined;
    const timer = window.setTimeout(() => dismiss(oldest.id), Math.max(0, oldest.at + stayMillis - Date.now()));
    return () => window.clearTimeout(timer);
  }, [held, oldest]);
  const cameFrom = useReturn(box);
  const close = (id: number) => {
    const own = box.current?.querySelector(`[data-toast="${id}"]`);
    const neighbour = own?.nextElementSibling ?? own?.previousElementSibling;
    if (own?.contains(document.activeElement) === true) neighbour?.querySelector<HTMLElement>('button:last-of-type')?.focus();
    dismiss(id);
  };
  return (
    <section
      className={styles['toasts']}
      ref={box}
      aria-label={m.frame_messages()}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={(event) => {
        cameFrom(event.relatedTarget);
        setHeld(true);
      }}
      onBlur={() => setHeld(false)}
    >
      {toasts.map((one) => (
        <div
          className={styles['toast']}
          key={one.id}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.preventDefault();
            close(one.id);
          }}
          data-toast={one.id}
          data-testid="toast"
        >
          <Icon name={one.icon ?? 'ok'} size="s" />
          <span className={styles['words']}>{one.text}</span>
          <span className={styles['buttons']}>
            {one.undo && (
              <Button
                look="link"
                onPress={() => {
                  one.undo?.();
                  close(one.id);
                }}
              >
                {m.action_undo()}
                {one === undoable && <Kbd keys="mod+z" />}
              </Button>
            )}
            <IconButton icon="close" size="small" label={m.action_close()} onPress={() => close(one.id)} />
          </span>
        </div>
      ))}
    </section>
  );
}

/** Gives the focus back to where it was when the last of a box goes with the focus in it; hears who had it before. */
function useReturn(box: RefObject<HTMLElement | null>): (before: EventTarget | null) => void {
  const former = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    const element = box.current;
    return () => {
      if (element?.contains(document.activeElement) !== true) return;
      const back = former.current?.isConnected === true ? former.current : document.querySelector('main');
      back?.focus();
    };
  }, [box]);
  return useCallback(
    (before) => {
      if (before instanceof HTMLElement && box.current?.contains(before) !== true) former.current = before;
    },
    [box],
  );
}
