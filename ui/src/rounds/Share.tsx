/** Which screen or window the others are to see. Nothing is chosen beforehand: showing the wrong one cannot be taken back. */
import { useCallback, useEffect, useId, useState } from 'react';
import { Header, ListBox, ListBoxItem, ListBoxSection } from 'react-aria-components';
import { bytesOf } from '../case/documentBytes';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { Skeleton } from '../components/Skeleton';
import type { Failure, RoundSurfacesView, RoundSurfaceView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import styles from './Share.module.css';
import { useStep } from './useStep';
import { hinderedWords } from './words';

export function ShareDialog({ close }: { close: () => void }) {
  const { view, failure, searching, search } = useSurfaces();
  const { take, failure: refused } = useStep();
  const [wanted, setWanted] = useState<string | null>(null);
  const [pending, setPending] = useState(false);
  // What is gone when it was searched for again is no longer chosen.
  const chosen = view?.surfaces.find((one) => one.id === wanted)?.id ?? null;
  const some = view !== null && view.surfaces.length > 0;
  const share = (surface: string) => {
    if (pending) return;
    setPending(true);
    void take({ step: 'share-surface', surface }).then((done) => (done ? close() : setPending(false)));
  };
  return (
    <Dialog
      title={m.round_share_title()}
      width={780}
      onClose={close}
      testId="share-dialog"
      foot={
        <>
          <span className={styles['missing']}>
            {view !== null && (
              <>
                {some && <span>{m.round_share_missing()}</span>}
                <Button look="link" size="small" icon="reload" isPending={searching} onPress={search} data-testid="surfaces-again">
                  {m.round_devices_again()}
                </Button>
              </>
            )}
          </span>
          <Button onPress={close}>{some ? m.action_cancel() : m.action_close()}</Button>
          {some && (
            <Button look="primary" isPending={pending} isDisabled={chosen === null} onPress={() => chosen !== null && share(chosen)} data-testid="share-do">
              {m.round_share_do()}
            </Button>
          )}
        </>
      }
    >
      <div className={styles['body']}>
        {refused && (
          <div ref={intoSight}>
            <FailureNotice failure={refused} />
          </div>
        )}
        {failure && <FailureNotice failure={failure} retry={search} />}
        {view !== null ? <Found view={view} chosen={chosen} choose={setWanted} share={share} /> : failure === null && <Skeleton what={m.round_share_title()} rows={4} retry={search} />}
      </div>
    </Dialog>
  );
}

/** The list may be scrolled to its end. */
function intoSight(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}

function useSurfaces() {
  const { host } = useDesk();
  const [view, setView] = useState<RoundSurfacesView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [searching, setSearching] = useState(false);
  const search = useCallback(() => {
    setFailure(null);
    setSearching(true);
    ask(host, { type: 'round', round: { step: 'open-surfaces' } }, 'round-surfaces')
      .then(setView, (thrown: unknown) => setFailure(asFailure(thrown)))
      .finally(() => setSearching(false));
  }, [host]);
  useEffect(search, [search]);
  return { view, failure, searching, search };
}

interface Choosing {
  chosen: string | null;
  choose: (surface: string) => void;
  share: (surface: string) => void;
}

function Found({ view: { surfaces, hindered }, ...choosing }: Choosing & { view: RoundSurfacesView }) {
  const words = hindered === null ? null : hinderedWords(hindered);
  const said = words?.what ?? (surfaces.length === 0 ? m.round_share_none() : '');
  useEffect(() => {
    if (said !== '') announce(said);
  }, [said]);
  if (words !== null) {
    return (
      <div data-testid="share-hindered">
        <Notice tone="warn" title={words.what}>
          <p>
            <b>{m.failure_safe_is()}</b> {words.safe}
          </p>
          <p>{words.act}</p>
        </Notice>
      </div>
    );
  }
  if (surfaces.length === 0) {
    return (
      <Empty icon="monitor" title={m.round_share_none()}>
        {m.round_share_none_text()}
      </Empty>
    );
  }
  return <Surfaces surfaces={surfaces} {...choosing} />;
}

/** Windows come first: they show less than a whole screen. */
function Surfaces({ surfaces, chosen, choose, share }: Choosing & { surfaces: readonly RoundSurfaceView[] }) {
  const seen = useId();
  const screens = surfaces.filter((one) => !one.window);
  const groups = [
    { id: 'windows', title: m.round_share_windows(), list: surfaces.filter((one) => one.window).map((surface) => ({ surface, words: surface.name ?? m.round_share_untitled() })) },
    { id: 'screens', title: m.round_share_screens(), list: screens.map((surface, place) => ({ surface, words: screens.length === 1 ? m.round_share_screen() : m.round_share_screen_number({ number: place + 1 }) })) },
  ].filter(({ list }) => list.length > 0);
  return (
    <>
      <p className={styles['seen']} id={seen}>
        <Icon name="warn" size="s" />
        <span>{m.round_share_seen()}</span>
      </p>
      <ListBox
        aria-label={m.round_share_title()}
        aria-describedby={seen}
        className={styles['list'] ?? ''}
        layout="grid"
        selectionMode="single"
        disallowEmptySelection
        autoFocus="first"
        selectedKeys={chosen === null ? [] : [chosen]}
        onSelectionChange={(keys) => {
          const found = surfaces.find((one) => keys !== 'all' && keys.has(one.id));
          if (found) choose(found.id);
        }}
        data-testid="surfaces"
      >
        {groups.map(({ id, title, list }) => (
          <ListBoxSection key={id} id={id} className={styles['group'] ?? ''}>
            <Header className={styles['head'] ?? ''}>{title}</Header>
            {list.map(({ surface, words }) => (
              <ListBoxItem
                key={surface.id}
                id={surface.id}
                textValue={words}
                className={styles['choice'] ?? ''}
                onDoubleClick={() => share(surface.id)}
                onKeyDown={(event) => {
                  // The first press of Enter chooses, and only another one shares: what opened the dialog may have been Enter too.
                  if (event.key === 'Enter' && !event.repeat && surface.id === chosen) share(surface.id);
                  else event.continuePropagation();
                }}
                data-testid={`surface-${surface.id}`}
              >
                <span className={styles['picture']}>
                  <Preview jpeg={surface.preview} window={surface.window} />
                  {surface.id === chosen && <Icon name="ok" className={styles['chosen']} />}
                </span>
                <span className={styles['name']} title={words}>
                  {words}
                </span>
                {!surface.window && <span className={styles['size']}>{`${surface.width} × ${surface.height}`}</span>}
              </ListBoxItem>
            ))}
          </ListBoxSection>
        ))}
      </ListBox>
    </>
  );
}

/** How it looks, as an address that the page may draw: its policy allows no pictures within an address. */
function Preview({ jpeg, window }: { jpeg: string | null; window: boolean }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (jpeg === null) return undefined;
    const made = URL.createObjectURL(new Blob([bytesOf(jpeg)], { type: 'image/jpeg' }));
    setAddress(made);
    return () => {
      setAddress(null);
      URL.revokeObjectURL(made);
    };
  }, [jpeg]);
  if (address === null) return <Icon name={window ? 'program' : 'monitor'} size="l" />;
  return <img src={address} alt="" onError={() => setAddress(null)} />;
}
