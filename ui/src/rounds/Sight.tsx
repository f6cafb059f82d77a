/** The check of the camera: how the others are going to see this person, as their tile cuts it out. */
import { useEffect, useRef, useState } from 'react';
import { bytesOf } from '../case/documentBytes';
import { Icon } from '../components/icons';
import type { OwnMediaView } from '../host/contract';
import { useDesk } from '../host/desk';
import { ask } from '../host/host';
import { m } from '../paraglide/messages';
import { check } from './again';
import styles from './Sight.module.css';
import { stoppedWords } from './words';

/** The program ends a check that nobody looks at. */
const everyMillis = 150;

export function Sight() {
  const { host } = useDesk();
  const image = useRef<HTMLImageElement>(null);
  const [camera, setCamera] = useState<OwnMediaView>({ state: 'opening' });
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    const picture = pictureIn(image.current);
    const stop = check(
      host,
      async (goesOn) => {
        try {
          const view = await ask(host, { type: 'round', round: { step: 'check-camera' } }, 'round-sight');
          if (!goesOn()) return;
          picture.put(view.picture);
          if (view.picture === null) setDrawn(false);
          setCamera((before) => (JSON.stringify(before) === JSON.stringify(view.camera) ? before : view.camera));
        } catch {
          // A desk that has just locked checks nothing; what fails otherwise is said when the round is entered.
        }
      },
      everyMillis,
    );
    return () => {
      stop();
      picture.put(null);
    };
  }, [host]);
  const words = camera.state === 'stopped' ? stoppedWords('camera', camera.why) : null;
  const shown = drawn && words === null;
  return (
    <div className={styles['sight']} data-testid="sight">
      <img ref={image} className={styles['picture']} alt={m.round_sight_picture()} hidden={!shown} onLoad={() => setDrawn(true)} onError={() => setDrawn(false)} />
      {shown ? (
        <span className={styles['word']}>{m.round_sight()}</span>
      ) : (
        <span className={styles['said']} role="status" data-testid="sight-said">
          <Icon name={words === null ? 'camera' : 'cameraOff'} />
          {words === null ? (
            <span>{m.round_camera_opening()}</span>
          ) : (
            <>
              <b>{words.what}</b>
              <span>{words.act}</span>
            </>
          )}
        </span>
      )}
    </div>
  );
}

/** Pictures one after the other, each as an address that the page may draw: its policy allows none within an address. */
function pictureIn(image: HTMLImageElement | null): { put: (jpeg: string | null) => void } {
  let last: string | null = null;
  let address: string | null = null;
  return {
    put(jpeg) {
      if (image === null || jpeg === last) return;
      last = jpeg;
      const before = address;
      address = jpeg === null ? null : URL.createObjectURL(new Blob([bytesOf(jpeg)], { type: 'image/jpeg' }));
      if (address === null) image.removeAttribute('src');
      else image.src = address;
      if (before !== null) URL.revokeObjectURL(before);
    },
  };
}
