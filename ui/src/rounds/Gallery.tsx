/** The tiles of a round: all of them of one size, or one large above a strip; a screen also alone. */
import { type CSSProperties, useEffect, useMemo, useRef, useState } from 'react';
import { IconButton } from '../components/Button';
import { useStore } from '../host/store';
import type { RoundPersonView } from '../host/contract';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import styles from './Rounds.module.css';
import { type Look, screenAlone } from './roundsView';
import { type Shown, Tile, type TileTurn } from './Tile';
import { gridOf, noOrder, orderTiles, pageSize, sharers, type TileOrder } from './tiles';
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
  const screens = useMemo(() => sharers(people), [people]);
  const alone = useStore(screenAlone);
  // Below a screen the strip is what is seen of the people.
  const places = look === 'gallery' ? pageSize - screens.length : screens.some((one) => !one.here) ? stripSize + 1 - screens.length : 1;
  const order = useTileOrder(people, Math.max(1, places), held);
  const [page, setPage] = useState(0);
  // Of several screens the one that was last asked for.
  const [front, setFront] = useState<string | null>(null);
  const name = useMemo(() => roundNames(people), [people]);
  const tiles = useMemo(() => {
    const byId = new Map(people.map((one) => [one.id, one]));
    const cameras = order.ids.map((id) => byId.get(id)).filter((one) => one !== undefined);
    const screenOf = (person: RoundPersonView): One => ({ id: `${person.id} screen`, person, shows: 'screen' });
    // What somebody shows of their screen is what the round is about.
    const shared = [...screens.filter((one) => !one.here), ...screens.filter((one) => one.here)];
    return [...shared.map(screenOf), ...cameras.map((person): One => ({ id: person.id, person, shows: 'camera' }))];
  }, [people, order, screens]);
  // At large, one's own screen would show itself within itself.
  const large = look === 'spotlight' ? (tiles.find((one) => one.id === front) ?? tiles.find((one) => one.shows === 'camera' || !one.person.here)) : undefined;
  const whole = alone && large?.shows === 'screen';
  const small = tiles.filter((one) => one !== large);
  const size = large ? stripSize : pageSize;
  const pages = Math.max(1, Math.ceil(small.length / size));
  const at = Math.min(page, pages - 1);
  const shown = small.slice(at * size, (at + 1) * size);
  // All pages have the shape of the first one, so that nothing grows on the last.
  const { columns, rows } = gridOf(pages > 1 ? size : shown.length);
  useCommand(nextCommand, () => setPage(Math.min(at + 1, pages - 1)), { scope: 'tiles', enabled: pages > 1 && !whole });
  useCommand(previousCommand, () => setPage(Math.max(at - 1, 0)), { scope: 'tiles', enabled: pages > 1 && !whole });
  const turnOf = (one: One, isSmall: boolean): TileTurn | undefined => {
    if (one.shows === 'camera' || one.person.here || large === undefined) return undefined;
    if (isSmall) return { icon: 'enlarge', label: m.round_screen_large({ name: name(one.person) }), came: false, run: () => setFront(one.id) };
    return { ...(whole ? { icon: 'reduce', label: m.round_screen_with_people() } : { icon: 'enlarge', label: m.round_screen_alone() }), came: one.id === front, run: () => screenAlone.set(!whole) };
  };
  const drawn = (one: One, isSmall: boolean) => <Tile key={one.id} person={one.person} name={name(one.person)} shows={one.shows} away={away} small={isSmall} turn={turnOf(one, isSmall)} />;
  return (
    <div className={styles['tiles']} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)} data-scope="tiles" data-testid="tiles">
      {large ? (
        <>
          <div className={styles['largeBox']}>
            <ul className={styles['large']} aria-label={m.round_spotlight()}>
              {drawn(large, false)}
            </ul>
          </div>
          {shown.length > 0 && !whole && (
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
      {pages > 1 && !whole && (
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
