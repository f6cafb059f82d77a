/** Files in the page, as components see them. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { announce } from '../components/announce';
import { toast } from '../components/toasts';
import { useDesk } from '../host/desk';
import type { Transfers } from '../host/transfers';
import { toldWords } from './fileWords';

/** Draws anew whenever something happened to a file. */
export function useTransfers(): Transfers {
  const { transfers } = useDesk();
  useSyncExternalStore(transfers.subscribe, transfers.turn);
  return transfers;
}

/** Says aloud what was attached, and which files have come and gone. */
export function useToldFiles(): void {
  const { transfers } = useDesk();
  useEffect(
    () =>
      transfers.listen((told) => {
        // Where it lies is worth a look.
        if (told.what === 'saved') toast({ text: toldWords(told), icon: 'ok' });
        else announce(toldWords(told));
      }),
    [transfers],
  );
}

/** True once something runs for longer than half a second: what is done sooner needs no words about it. */
export function useLasting(since: number | null): boolean {
  const [lasting, setLasting] = useState(false);
  useEffect(() => {
    setLasting(false);
    if (since === null) return undefined;
    const timer = window.setTimeout(() => setLasting(true), Math.max(0, since + 500 - performance.now()));
    return () => window.clearTimeout(timer);
  }, [since]);
  return lasting && since !== null;
}

/** An address of bytes in the page, while the component is there. */
export function useObjectUrl(blob: Blob | null, type: string): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (blob === null) return undefined;
    // Of a type from the short list, whatever the sender said.
    const made = URL.createObjectURL(blob.slice(0, blob.size, type));
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
      setAddress(null);
    };
  }, [blob, type]);
  return address;
}
