/** A part of a screen that loads and fails by itself: one line for each of its six states. */
import { type ReactNode, useContext } from 'react';
import type { Part } from '../host/contract';
import { m } from '../paraglide/messages';
import { EmptyLine } from './Empty';
import { FailureNotice } from './FailureNotice';
import { RetryContext } from './retry';
import { Skeleton } from './Skeleton';

export interface PartWords {
  /** What is loading: "Laborwerte". */
  what: string;
  /** Why it is empty: "Keine Laborwerte freigegeben". */
  empty: string;
  /** What the platform does not offer: "Dieses Haus liefert keine Laborwerte". */
  absent?: string;
}

export function PartView<T>({
  part,
  words,
  rows,
  retry,
  children,
}: {
  part: Part<T>;
  words: PartWords;
  rows?: number;
  retry?: () => void;
  children: (value: T, more: boolean) => ReactNode;
}) {
  const until = useContext(RetryContext);
  switch (part.state) {
    case 'loading':
      return <Skeleton what={words.what} rows={rows ?? 3} retry={retry} />;
    case 'ready':
      return (
        <>
          {children(part.value, part.more)}
          {part.more && <EmptyLine icon="info">{m.state_more()}</EmptyLine>}
        </>
      );
    case 'empty':
      return <EmptyLine icon="info">{words.empty}</EmptyLine>;
    case 'denied':
      return <EmptyLine icon="locked">{m.state_denied({ what: words.what })}</EmptyLine>;
    case 'absent':
      return <EmptyLine icon="info">{words.absent ?? m.state_absent({ what: words.what })}</EmptyLine>;
    case 'failed':
      return <FailureNotice failure={part.failure} retry={retry} until={until} tone="warn" />;
    default: {
      const unknown: never = part;
      return unknown;
    }
  }
}

/** The value of a part that is here, else null: for the banner and for counts. */
export function partValue<T>(part: Part<T>): T | null {
  return part.state === 'ready' ? part.value : null;
}
