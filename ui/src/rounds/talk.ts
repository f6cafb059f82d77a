/** Talking while keys are held. */
import { useEffect, useRef } from 'react';
import { defineCommand, isMac, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';

/** On a Mac too: ⌘ Leertaste is the system's. */
export const talkKeys = isMac ? 'ctrl+space' : 'mod+space';

export const talkCommand = defineCommand({ id: 'round-talk', keys: [talkKeys], label: () => m.round_talk(), group: 'round', whileTyping: true });

/** Heard as long as the keys are held, and no longer when the window is left with them down. */
export function useTalking(on: boolean, set: (on: boolean) => void): void {
  const release = useRef<(() => void) | null>(null);
  useCommand(talkCommand, (event) => {
    if (event.repeat || on || release.current) return;
    set(true);
    const end = () => {
      window.removeEventListener('keyup', up, true);
      window.removeEventListener('blur', end);
      release.current = null;
      set(false);
    };
    const up = (raised: KeyboardEvent) => {
      if (raised.key !== ' ' && raised.key !== 'Control') return;
      // A focused button would take the key that comes up for a press.
      if (raised.key === ' ') raised.preventDefault();
      end();
    };
    window.addEventListener('keyup', up, true);
    window.addEventListener('blur', end);
    release.current = end;
  }, { overDialog: true });
  useEffect(() => () => release.current?.(), []);
}
