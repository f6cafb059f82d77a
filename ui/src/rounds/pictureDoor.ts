/** The door of pictures from the page's side: a worker behind it, and a new address whenever it was shut. */
import type { OpenPictures } from '../host/pictures';
import type { FromPictures, ToPictures } from './pictureWorker';

const waits = [0, 500, 1000, 2000, 5000] as const;

export const workerPictures: OpenPictures = (door) => {
  const worker = new Worker(new URL('./pictureWorker.ts', import.meta.url), { type: 'module', name: 'pictures' });
  const say = (message: ToPictures, moved: Transferable[] = []) => worker.postMessage(message, moved);
  let places = 0;
  let closed = false;
  let attempt = 0;
  let timer: number | undefined;
  const ask = () => {
    const wait = waits[Math.min(attempt, waits.length - 1)];
    attempt += 1;
    timer = window.setTimeout(() => {
      door().then(
        (address) => {
          if (!closed) say({ type: 'door', address });
        },
        () => {
          if (!closed) ask();
        },
      );
    }, wait);
  };
  worker.onmessage = ({ data }: MessageEvent<FromPictures>) => {
    if (closed) return;
    if (data.type === 'opened') attempt = 1;
    else ask();
  };
  ask();
  return {
    show(track, canvas, fit) {
      places += 1;
      const place = places;
      const offscreen = canvas.transferControlToOffscreen();
      say({ type: 'show', place, track, canvas: offscreen, fit }, [offscreen]);
      return {
        view: (width, height, visible) => say({ type: 'view', place, width, height, visible }),
        close: () => say({ type: 'hide', place }),
      };
    },
    close() {
      closed = true;
      window.clearTimeout(timer);
      say({ type: 'close' });
    },
  };
};
