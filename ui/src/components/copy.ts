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
  // A webview may withhold the clipboard from a page that it does not count as secure.
  const { clipboard }: { clipboard?: Clipboard } = navigator;
  if (!clipboard) throw new Error('no clipboard');
  await clipboard.writeText(text);
}
