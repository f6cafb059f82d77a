/** The person's text blocks: read when a decision is written, forgotten when the desk is locked or left. */
import { useEffect } from 'react';
import type { TextBlockView } from '../host/contract';
import { type Desk, useDesk } from '../host/desk';
import { ask } from '../host/host';
import { createStore, type Store, useStore } from '../host/store';
import { toast } from '../components/toasts';
import { m } from '../paraglide/messages';

interface Blocks {
  store: Store<readonly TextBlockView[]>;
  asked: boolean;
}

const known = new WeakMap<Desk, Blocks>();

function blocksOf(desk: Desk): Blocks {
  const before = known.get(desk);
  if (before) return before;
  const made: Blocks = { store: createStore<readonly TextBlockView[]>([]), asked: false };
  known.set(desk, made);
  desk.session.subscribe(() => {
    if (desk.session.get().state === 'signed-in') return;
    made.asked = false;
    made.store.set([]);
  });
  return made;
}

export function useTextBlocks(): { blocks: readonly TextBlockView[]; keep: (blocks: readonly TextBlockView[]) => void } {
  const desk = useDesk();
  const own = blocksOf(desk);
  const blocks = useStore(own.store);
  useEffect(() => {
    if (own.asked) return;
    own.asked = true;
    ask(desk.host, { type: 'open-text-blocks' }, 'text-blocks').then(
      (value) => own.store.set(value),
      () => {
        // Asked again with the next field; without blocks a text is still written.
        own.asked = false;
      },
    );
  }, [desk, own]);
  const keep = (next: readonly TextBlockView[]) => {
    const before = own.store.get();
    own.store.set(next);
    desk.host.call({ type: 'keep-text-blocks', blocks: [...next] }).catch(() => {
      own.store.set(before);
      toast({ text: m.decision_block_unsafe(), icon: 'warn' });
    });
  };
  return { blocks, keep };
}
