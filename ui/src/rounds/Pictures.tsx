/** Pictures on the page: one way for all of them as long as a round goes on, and a canvas for each. */
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react';
import { useDesk } from '../host/desk';
import { ask } from '../host/host';
import type { Fit, PictureWall } from '../host/pictures';
import styles from './Tile.module.css';
import { goesOn, useRound } from './roundsView';

const WallContext = createContext<PictureWall | null>(null);

/** Opens the way while a round goes on. */
export function Pictures({ children }: { children: ReactNode }) {
  const { host } = useDesk();
  const open = goesOn(useRound());
  const [wall, setWall] = useState<PictureWall | null>(null);
  useEffect(() => {
    if (!open) return undefined;
    const opened = host.pictures(async () => (await ask(host, { type: 'round', round: { step: 'open-pictures' } }, 'picture-door')).socket);
    setWall(opened);
    return () => {
      setWall(null);
      opened.close();
    };
  }, [host, open]);
  return <WallContext value={wall}>{children}</WallContext>;
}

/** What a track shows. It asks for pictures in the size in which they are seen, and for none while they are not. */
export function Picture({ track, fit = 'cover' }: { track: number; fit?: Fit }) {
  const wall = useContext(WallContext);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const frame = box.current;
    if (!wall || !frame) return undefined;
    // A canvas is handed to the worker once and for all: each place has its own.
    const canvas = document.createElement('canvas');
    canvas.className = styles['canvas'] ?? '';
    frame.append(canvas);
    const place = wall.show(track, canvas, fit);
    let size = { width: 0, height: 0 };
    let inSight = true;
    const tell = () => place.view(size.width, size.height, inSight && document.visibilityState === 'visible');
    const sizes = new ResizeObserver(() => {
      const { width, height } = frame.getBoundingClientRect();
      size = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
      tell();
    });
    sizes.observe(frame);
    const sight = new IntersectionObserver(([entry]) => {
      inSight = entry?.isIntersecting === true;
      tell();
    });
    sight.observe(frame);
    document.addEventListener('visibilitychange', tell);
    return () => {
      sizes.disconnect();
      sight.disconnect();
      document.removeEventListener('visibilitychange', tell);
      place.close();
      canvas.remove();
    };
  }, [wall, track, fit]);
  return <span className={styles['picture']} ref={box} aria-hidden />;
}
