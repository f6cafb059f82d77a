/** `desk-http` as host: the same program behind a plain browser, for work on the page and for its tests. */
import type { Event, Failure, Reply } from './contract';
import { workerPictures } from '../rounds/pictureDoor';
import { socketDoor } from './fileDoor';
import { asFailure, type Host } from './host';

const retryMillis = [250, 500, 1000, 2000, 5000];

export function httpHost(): Host {
  return {
    door: socketDoor,
    pictures: workerPictures,
    saves: false,
    async call(request) {
      let answer: Response;
      try {
        answer = await fetch('/call', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(request),
        });
      } catch {
        throw { code: 'platform-unreachable', detail: 'desk' } satisfies Failure;
      }
      const body: unknown = await answer.json().catch(() => null);
      if (!answer.ok) throw asFailure(body);
      return body as Reply;
    },
    listen(hear) {
      let ended = false;
      let socket: WebSocket | undefined;
      let attempt = 0;
      let timer: number | undefined;
      const open = () => {
        socket = new WebSocket(new URL('/events', location.href.replace(/^http/u, 'ws')));
        socket.onopen = () => {
          attempt = 0;
        };
        socket.onmessage = (message: MessageEvent<string>) => {
          if (!ended) hear(JSON.parse(message.data) as Event);
        };
        socket.onclose = () => {
          if (ended) return;
          const wait = retryMillis[Math.min(attempt, retryMillis.length - 1)];
          attempt += 1;
          timer = window.setTimeout(open, wait);
        };
      };
      open();
      return () => {
        ended = true;
        window.clearTimeout(timer);
        socket?.close();
      };
    },
  };
}
