/** Puts a text on the clipboard and says so. */
import { m } from '../paraglide/messages';
import { toast } from './toasts';

export function copyText(text: string): void {
  write(text).then(
    () => toast({ text: m.action_copied(), icon: 'copy' }),
    () => toast({ text: m.action_not_copied(), icon: 'warn' }),
  );
}

async function write(text: string): Promise<void> {
  // A page that the webview does not count as secure has no clipboard.
  if (!window.isSecureContext) throw new Error('no clipboard');
  await navigator.clipboard.writeText(text);
}
