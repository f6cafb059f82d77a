/** How sound and picture travel, for whoever is asked by their IT: what it means, what was measured, and the same to copy. */
import { useEffect, useState } from 'react';
import { copyText } from '../components/copy';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Skeleton } from '../components/Skeleton';
import type { Failure, RoundPath, RoundWayView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { bitRate, dateTime, number, percentExact, timeExact } from '../i18n/format';
import { m } from '../paraglide/messages';
import { again } from './again';
import styles from './Way.module.css';

const everyMillis = 1000;

export function WayDialog({ close }: { close: () => void }) {
  const { known, failure } = useWay();
  return (
    <Dialog
      title={m.round_way()}
      width={560}
      onClose={close}
      testId="way-dialog"
      foot={
        <>
          <span className={styles['old']} role="status" data-testid="way-old">
            {known && failure && (
              <>
                <Icon name="warn" size="s" />
                <span>{m.round_way_old({ time: timeExact(known.at) })}</span>
              </>
            )}
          </span>
          {known && (
            <Button icon="copy" onPress={() => copyText(wayText(known))} data-testid="way-copy">
              {m.action_copy()}
            </Button>
          )}
          <Button look="primary" autoFocus onPress={close} data-testid="way-close">
            {m.action_close()}
          </Button>
        </>
      }
    >
      {known ? (
        <dl className={styles['facts']} data-testid="way-facts">
          {wayFacts(known.view).map(({ name, value, text }) => (
            <div key={name} className={styles['fact']}>
              <dt>{name}</dt>
              <dd>
                {value}
                {text !== undefined && <p>{text}</p>}
              </dd>
            </div>
          ))}
        </dl>
      ) : failure ? (
        <FailureNotice failure={failure} />
      ) : (
        <Skeleton what={m.round_way()} rows={6} />
      )}
    </Dialog>
  );
}

interface Known {
  view: RoundWayView;
  /** When it was answered, ISO instant. */
  at: string;
}

/** Asked as long as it is looked at; the last answer is kept when none comes. */
function useWay(): { known: Known | null; failure: Failure | null } {
  const { host } = useDesk();
  const [way, setWay] = useState<{ known: Known | null; failure: Failure | null }>({ known: null, failure: null });
  useEffect(() => {
    const stop = again(async (goesOn) => {
      try {
        const view = await ask(host, { type: 'round', round: { step: 'open-way' } }, 'round-way');
        if (goesOn()) setWay({ known: { view, at: new Date().toISOString() }, failure: null });
      } catch (thrown) {
        if (goesOn()) setWay((before) => ({ ...before, failure: asFailure(thrown) }));
      }
    }, everyMillis);
    return () => void stop();
  }, [host]);
  return way;
}

const paths: Record<RoundPath | 'none', { word: () => string; text: () => string }> = {
  udp: { word: m.round_way_path_udp, text: m.round_way_path_udp_text },
  tcp: { word: m.round_way_path_tcp, text: m.round_way_path_tcp_text },
  relay: { word: m.round_way_path_relay, text: m.round_way_path_relay_text },
  none: { word: m.round_way_path_none, text: m.round_way_path_none_text },
};

/** What is known of it, in the order in which it is asked for. */
function wayFacts(view: RoundWayView): { name: string; value: string; text?: string }[] {
  const path = paths[view.path ?? 'none'];
  return [
    { name: m.round_way_path(), value: path.word(), text: path.text() },
    { name: m.round_way_round_trip(), value: view.roundTrip === null ? m.round_way_unknown() : `${number(view.roundTrip)}\u00a0ms` },
    { name: m.round_way_sends(), value: bitRate(view.sends) },
    { name: m.round_way_receives(), value: bitRate(view.receives) },
    { name: m.round_way_carries(), value: view.carries === 0 ? m.round_way_unknown() : bitRate(view.carries) },
    { name: m.round_way_sends_loss(), value: percentExact(view.sendsWithLoss) },
    { name: m.round_way_hears(), value: view.hearsWithLoss === null ? m.round_way_hears_nobody() : percentExact(view.hearsWithLoss) },
    { name: m.round_way_server(), value: view.server },
  ];
}

/** The same for the IT: nobody is named in it, and neither is the round, whose name may be a patient's. */
function wayText({ view, at }: Known): string {
  return [`${m.round_way_title()}, ${dateTime(at)}`, ...wayFacts(view).map(({ name, value, text }) => `${name}: ${[value, text].filter((word) => word !== undefined).join('. ')}`)].join('\n');
}
