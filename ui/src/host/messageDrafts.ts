/**
 * What was typed into a conversation and not sent: kept by the program at every pause in typing and when the
 * conversation is left, one request at a time for each, and again until it is taken.
 */
import type { TypedView } from './contract';
import { plain, sameTyped } from './typed';

const PAUSE_MILLISECONDS = 300;
const RETRY_MILLISECONDS = 3000;

export interface DraftParts {
  keep: (conversation: string, typed: TypedView) => Promise<unknown>;
  /** Runs once after so many milliseconds; the returned function prevents it. */
  after: (milliseconds: number, then: () => void) => () => void;
}

/** What the composer of a conversation is about, kept while the conversation is not on the screen. */
export type ComposerMode =
  | { kind: 'new' }
  | { kind: 'reply'; event: string; name: string; text: string }
  /** `aside` is what was being written before. */
  | { kind: 'edit'; message: string; typed: TypedView; aside: TypedView };

interface Draft {
  typed: TypedView;
  /** What the program has; `undefined` when that is not known. */
  kept: TypedView | undefined;
  inFlight: boolean;
  failed: boolean;
  stopTimer: (() => void) | undefined;
}

export class MessageDrafts {
  readonly #parts: DraftParts;
  readonly #drafts = new Map<string, Draft>();
  readonly #modes = new Map<string, ComposerMode>();
  readonly #hearers = new Set<() => void>();

  constructor(parts: DraftParts) {
    this.#parts = parts;
  }

  readonly subscribe = (hear: () => void): (() => void) => {
    this.#hearers.add(hear);
    return () => {
      this.#hearers.delete(hear);
    };
  };

  /** What the composer shows when a conversation is opened: what is not kept yet is younger than what the program has. */
  begin(conversation: string, kept: TypedView | null): TypedView {
    const draft = this.#drafts.get(conversation);
    if (draft && (draft.inFlight || !isKept(draft))) return draft.typed;
    const typed = kept ?? plain('');
    this.#drafts.set(conversation, { typed, kept: typed, inFlight: false, failed: false, stopTimer: undefined });
    return typed;
  }

  typed(conversation: string, typed: TypedView): void {
    const draft = this.#draft(conversation);
    draft.typed = typed;
    this.#later(conversation, draft, PAUSE_MILLISECONDS);
  }

  /** The conversation is left, or the text was sent: what is not kept yet is kept at once. */
  flush(conversation: string): void {
    const draft = this.#drafts.get(conversation);
    if (draft) this.#keep(conversation, draft);
  }

  /** The text was sent. What was typed since is not lost. */
  sent(conversation: string, text: string): void {
    const draft = this.#draft(conversation);
    if (draft.typed.text.trim() !== text.trim()) return;
    draft.typed = plain('');
    this.#keep(conversation, draft);
  }

  /** Whether the program has refused to keep the text so far. */
  failed(conversation: string): boolean {
    return this.#drafts.get(conversation)?.failed ?? false;
  }

  mode(conversation: string): ComposerMode {
    return this.#modes.get(conversation) ?? { kind: 'new' };
  }

  setMode(conversation: string, mode: ComposerMode): void {
    if (mode.kind === 'new') this.#modes.delete(conversation);
    else this.#modes.set(conversation, mode);
  }

  /** Nothing stays in the page but what the program has not taken yet. */
  forget(): void {
    this.#modes.clear();
    for (const [conversation, draft] of this.#drafts) {
      if (!draft.inFlight && isKept(draft)) this.#drafts.delete(conversation);
    }
  }

  #draft(conversation: string): Draft {
    const known = this.#drafts.get(conversation);
    if (known) return known;
    const draft: Draft = { typed: plain(''), kept: undefined, inFlight: false, failed: false, stopTimer: undefined };
    this.#drafts.set(conversation, draft);
    return draft;
  }

  #later(conversation: string, draft: Draft, milliseconds: number): void {
    draft.stopTimer?.();
    draft.stopTimer = this.#parts.after(milliseconds, () => this.#keep(conversation, draft));
  }

  #keep(conversation: string, draft: Draft): void {
    draft.stopTimer?.();
    draft.stopTimer = undefined;
    // The answer finds what is new.
    if (draft.inFlight || isKept(draft)) return;
    const { typed } = draft;
    draft.inFlight = true;
    this.#parts.keep(conversation, typed).then(
      () => {
        draft.inFlight = false;
        draft.kept = typed;
        this.#mark(draft, false);
        if (!sameTyped(draft.typed, typed) && draft.stopTimer === undefined) this.#keep(conversation, draft);
      },
      () => {
        draft.inFlight = false;
        // Whether the program has it is not known.
        draft.kept = undefined;
        this.#mark(draft, true);
        this.#later(conversation, draft, RETRY_MILLISECONDS);
      },
    );
  }

  #mark(draft: Draft, failed: boolean): void {
    if (draft.failed === failed) return;
    draft.failed = failed;
    for (const hear of [...this.#hearers]) hear();
  }
}

function isKept({ typed, kept }: Draft): boolean {
  return kept !== undefined && sameTyped(typed, kept);
}
