/** Files in the page, as components see them. */
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { announce } from '../components/announce';
import { toast } from '../components/toasts';
import { useDesk } from '../host/desk';
import type { Received, Transfers } from '../host/transfers';
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

/** Fetches what is `wanted` while its line is there. */
export function useUnasked(wanted: boolean, received: Received | undefined, fetch: () => void, stop: () => void): void {
  const begin = useRef(fetch);
  const leave = useRef(stop);
  const waits = useRef(false);
  useEffect(() => {
    waits.current = received?.state === 'waiting';
  });
  const missing = wanted && received === undefined;
  useEffect(() => {
    if (missing) begin.current();
  }, [missing]);
  useEffect(() => {
    const until = leave.current;
    // What is out of sight again before its turn is not wanted any more.
    return () => {
      if (wanted && waits.current) until();
    };
  }, [wanted]);
}

/** The small picture of a message, which is fetched once its line is there. */
export function useSmallPicture(conversation: string, line: { id: string }): { address: string | null; unusable: boolean; refuse: () => void } {
  const transfers = useTransfers();
  const small = transfers.thumbnail(conversation, line.id);
  useUnasked(
    true,
    small,
    () => transfers.fetch({ conversation, message: line.id, name: '', mimetype: 'image/*', quiet: true, small: true }),
    () => transfers.stop(conversation, line.id, true),
  );
  const seen = small?.state === 'here' && small.shown?.kind === 'image' ? { blob: small.blob, type: small.shown.type } : null;
  const address = useObjectUrl(seen?.blob ?? null, seen?.type ?? '');
  const [refused, setRefused] = useState(false);
  const unusable = refused || small?.state === 'failed' || (small?.state === 'here' && seen === null);
  return { address, unusable, refuse: () => setRefused(true) };
}
