/** The tiles of a round: all of them of one size, or one large above a strip. */
import { type CSSProperties, useEffect, useMemo, useRef, useState } from 'react';
import { IconButton } from '../components/Button';
import type { RoundPersonView } from '../host/contract';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import styles from './Rounds.module.css';
import type { Look } from './roundsView';
import { type Shown, Tile } from './Tile';
import { gridOf, noOrder, orderTiles, pageSize, type TileOrder } from './tiles';
import { roundNames } from './words';

const nextCommand = defineCommand({ id: 'round-next-page', keys: ['pagedown'], label: () => m.round_page_next(), group: 'round' });
const previousCommand = defineCommand({ id: 'round-previous-page', keys: ['pageup'], label: () => m.round_page_previous(), group: 'round' });

interface One {
  id: string;
  person: RoundPersonView;
  shows: Shown;
}

const stripSize = 6;

export function Gallery({ people, look, away }: { people: readonly RoundPersonView[]; look: Look; away: boolean }) {
  const [held, setHeld] = useState(false);
  const order = useTileOrder(people, look === 'gallery' ? pageSize : 1, held);
  const [page, setPage] = useState(0);
  const name = useMemo(() => roundNames(people), [people]);
  const tiles = useMemo(() => {
    const byId = new Map(people.map((one) => [one.id, one]));
    const cameras = order.ids.map((id) => byId.get(id)).filter((one) => one !== undefined);
    // What somebody shows of their screen is what the round is about.
    return [...cameras.filter((one) => one.screen !== null).map((person): One => ({ id: `${person.id} screen`, person, shows: 'screen' })), ...cameras.map((person): One => ({ id: person.id, person, shows: 'camera' }))];
  }, [people, order]);
  const large = look === 'spotlight' ? tiles[0] : undefined;
  const small = large ? tiles.slice(1) : tiles;
  const size = large ? stripSize : pageSize;
  const pages = Math.max(1, Math.ceil(small.length / size));
  const at = Math.min(page, pages - 1);
  const shown = small.slice(at * size, (at + 1) * size);
  // All pages have the shape of the first one, so that nothing grows on the last.
  const { columns, rows } = gridOf(pages > 1 ? size : shown.length);
  useCommand(nextCommand, () => setPage(Math.min(at + 1, pages - 1)), { scope: 'tiles', enabled: pages > 1 });
  useCommand(previousCommand, () => setPage(Math.max(at - 1, 0)), { scope: 'tiles', enabled: pages > 1 });
  const drawn = (one: One, isSmall: boolean) => <Tile key={one.id} person={one.person} name={name(one.person)} shows={one.shows} away={away} small={isSmall} />;
  return (
    <div className={styles['tiles']} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)} data-scope="tiles" data-testid="tiles">
      {large ? (
        <>
          <div className={styles['largeBox']}>
            <ul className={styles['large']} aria-label={m.round_spotlight()}>
              {drawn(large, false)}
            </ul>
          </div>
          {shown.length > 0 && (
            <ul className={styles['strip']} aria-label={m.round_people()}>
              {shown.map((one) => drawn(one, true))}
            </ul>
          )}
        </>
      ) : (
        <div className={styles['galleryBox']}>
          <ul className={styles['gallery']} style={{ '--columns': columns, '--rows': rows } as CSSProperties} aria-label={m.round_gallery()} data-testid="gallery">
            {shown.map((one) => drawn(one, false))}
          </ul>
        </div>
      )}
      {pages > 1 && (
        <div className={styles['pager']}>
          <IconButton icon="back" size="small" label={m.round_page_previous()} isDisabled={at === 0} onPress={() => setPage(at - 1)} data-testid="page-previous" />
          <span>{m.round_page({ page: at + 1, pages })}</span>
          <IconButton icon="next" size="small" label={m.round_page_next()} isDisabled={at === pages - 1} onPress={() => setPage(at + 1)} data-testid="page-next" />
        </div>
      )}
    </div>
  );
}

/** The order, brought up to date with every view and, while somebody speaks, every second. */
function useTileOrder(people: readonly RoundPersonView[], front: number, held: boolean): TileOrder {
  const [order, setOrder] = useState(() => orderTiles(noOrder, people, performance.now(), { front, held: false }));
  const latest = useRef({ people, front, held });
  useEffect(() => {
    latest.current = { people, front, held };
    setOrder((before) => orderTiles(before, people, performance.now(), { front, held }));
  }, [people, front, held]);
  useEffect(() => {
    const timer = window.setInterval(() => setOrder((before) => orderTiles(before, latest.current.people, performance.now(), latest.current)), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return order;
}
