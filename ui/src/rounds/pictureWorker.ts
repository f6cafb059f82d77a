/** The worker of pictures: they come, are decoded and drawn here, and the page's own thread never touches one. */
import type { Fit } from '../host/pictures';
import type { Socket } from '../imaging/socketPipe';
import { toRgba } from './i420';
import { type Drawn, PictureRoom, type StartDecoding, type Surface } from './pictureRoom';

export type ToPictures =
  | { type: 'door'; address: string }
  | { type: 'show'; place: number; track: number; canvas: OffscreenCanvas; fit: Fit }
  | { type: 'view'; place: number; width: number; height: number; visible: boolean }
  | { type: 'hide'; place: number }
  | { type: 'close' };

export type FromPictures = { type: 'need-door' } | { type: 'opened' };

/** The part of a dedicated worker's global scope that is used. */
interface Scope {
  onmessage: ((event: MessageEvent<ToPictures>) => void) | null;
  postMessage: (message: FromPictures) => void;
  close: () => void;
}

const scope = globalThis as unknown as Scope;

const config: VideoDecoderConfig = { codec: 'vp8', optimizeForLatency: true };

const startDecoding: StartDecoding = ({ output, failed }) => {
  const decoder = new VideoDecoder({
    output: (frame) => output({ image: frame, width: frame.displayWidth, height: frame.displayHeight, close: () => frame.close() }),
    error: failed,
  });
  decoder.configure(config);
  return {
    decode: ({ key, time, bytes }) => decoder.decode(new EncodedVideoChunk({ type: key ? 'key' : 'delta', timestamp: time, data: bytes })),
    waiting: () => decoder.decodeQueueSize,
    close: () => {
      if (decoder.state !== 'closed') decoder.close();
    },
  };
};

async function canDecode(): Promise<boolean> {
  if (typeof VideoDecoder === 'undefined' || typeof EncodedVideoChunk === 'undefined') return false;
  return VideoDecoder.isConfigSupported(config).then(
    ({ supported }) => supported === true,
    () => false,
  );
}

function surfaceOf(canvas: OffscreenCanvas): Surface {
  const context = canvas.getContext('2d', { alpha: false });
  let drawnOn = false;
  return {
    resize(width, height) {
      canvas.width = width;
      canvas.height = height;
    },
    draw({ image, width, height }, fit) {
      if (!context || width === 0 || height === 0) return;
      const scale = Math[fit === 'cover' ? 'max' : 'min'](canvas.width / width, canvas.height / height);
      const [w, h] = [width * scale, height * scale];
      // Whoever shows a screen shows writing.
      context.imageSmoothingQuality = fit === 'contain' ? 'high' : 'low';
      if (fit === 'contain') context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
      drawnOn = true;
    },
    kept() {
      if (!drawnOn || canvas.width === 0 || canvas.height === 0) return null;
      const copy = new OffscreenCanvas(canvas.width, canvas.height);
      copy.getContext('2d')?.drawImage(canvas, 0, 0);
      return { image: copy, width: copy.width, height: copy.height };
    },
  };
}

const sheet = new OffscreenCanvas(1, 1);

const room = canDecode().then(
  (able) =>
    new PictureRoom({
      connect: (address) => new WebSocket(address) as unknown as Socket,
      after(milliseconds, then) {
        const timer = setTimeout(then, milliseconds);
        return () => clearTimeout(timer);
      },
      startDecoding: able ? startDecoding : undefined,
      pixels({ bytes, width, height }): Drawn {
        const data = new ImageData(width, height);
        toRgba(bytes, width, height, data.data);
        sheet.width = width;
        sheet.height = height;
        sheet.getContext('2d')?.putImageData(data, 0, 0);
        return { image: sheet, width, height, close: () => undefined };
      },
      needDoor: () => scope.postMessage({ type: 'need-door' }),
      opened: () => scope.postMessage({ type: 'opened' }),
    }),
);

// In their order, also those that came before it was known what can be decoded.
scope.onmessage = ({ data }) => void room.then((here) => hear(here, data));

function hear(here: PictureRoom, data: ToPictures): void {
  switch (data.type) {
    case 'door':
      here.enter(data.address);
      return;
    case 'show':
      here.show(data.place, data.track, surfaceOf(data.canvas), data.fit);
      return;
    case 'view':
      here.view(data.place, data.width, data.height, data.visible);
      return;
    case 'hide':
      here.hide(data.place);
      return;
    case 'close':
      here.close();
      scope.close();
      return;
    default: {
      const unknown: never = data;
      return unknown;
    }
  }
}
