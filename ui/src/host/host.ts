/** The one interface through which the page reaches the program. Everything else in `ui/` builds on it. */
import type { Event, Failure, FailureCode, Reply, Request } from './contract';
import type { OpenDoor } from './fileDoor';
import type { OpenPictures } from './pictures';

export interface Host {
  /** Asks the program. Rejects with a {@link Failure}. */
  call(request: Request): Promise<Reply>;
  /** Hears every event from now on; the returned function ends it. */
  listen(hear: (event: Event) => void): () => void;
  /** Opens the door by which the bytes of a file cross. */
  door: OpenDoor;
  /** The program saves files of messages itself; where it does not, the page saves what it was given. */
  saves: boolean;
  /** Opens the way by which pictures of a round come onto the page. */
  pictures: OpenPictures;
}

type Valued = Extract<Reply, { value: unknown }>;
type ValueOf<K extends Valued['type']> = Extract<Valued, { type: K }>['value'];

/** Asks and takes the answer of the expected kind; another kind is a bug of the program. */
export async function ask<K extends Valued['type']>(host: Host, request: Request, kind: K): Promise<ValueOf<K>> {
  const reply = await host.call(request);
  if (reply.type !== kind || !('value' in reply)) {
    throw failureOf(`${request.type} was answered by ${reply.type}`);
  }
  return reply.value as ValueOf<K>;
}

/** Whatever was thrown, as a failure that the page has words for. */
export function asFailure(thrown: unknown): Failure {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string') {
    const detail = 'detail' in thrown && typeof thrown.detail === 'string' ? thrown.detail : '';
    return { code: thrown.code as FailureCode, detail };
  }
  return failureOf(thrown instanceof Error ? thrown.name : typeof thrown);
}

/** A fault of the page itself. */
function failureOf(detail: string): Failure {
  return { code: 'internal', detail };
}
