/** Short messages at the lower left, with undo where something was removed. Errors are never toasts. */
import { useEffect, useState } from 'react';
import { createStore, useStore } from '../host/store';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { announce } from './announce';
import { Button, IconButton } from './Button';
import { Icon, type IconName } from './icons';
import { Kbd } from './Kbd';
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
  const [held, setHeld] = useState(false);
  const undoable = toasts.findLast((one) => one.undo !== undefined);
  useCommand(
    undoCommand,
    () => {
      undoable?.undo?.();
      if (undoable) dismiss(undoable.id);
    },
    { enabled: undoable !== undefined },
  );
  const oldest = toasts[0];
  useEffect(() => {
    if (held || !oldest) return undefined;
    const timer = window.setTimeout(() => dismiss(oldest.id), Math.max(0, oldest.at + stayMillis - Date.now()));
    return () => window.clearTimeout(timer);
  }, [held, oldest]);
  if (toasts.length === 0) return null;
  return (
    <section
      className={styles['toasts']}
      aria-label={m.frame_messages()}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toasts.map((one) => (
        <div className={styles['toast']} key={one.id} data-testid="toast">
          <Icon name={one.icon ?? 'ok'} size="s" />
          <span className={styles['words']}>{one.text}</span>
          {one.undo && (
            <Button
              look="link"
              onPress={() => {
                one.undo?.();
                dismiss(one.id);
              }}
            >
              {m.action_undo()}
              {one === undoable && <Kbd keys="mod+z" />}
            </Button>
          )}
          <IconButton icon="close" size="small" label={m.action_close()} onPress={() => dismiss(one.id)} />
        </div>
      ))}
    </section>
  );
}
