/** Comparing what two devices show: the question of the other side, and the dialog in which it goes on. */
import { useEffect, useState } from 'react';
import { Bar } from '../components/Bar';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Notice } from '../components/Notice';
import { Spinner } from '../components/Spinner';
import type { ComparisonView, Failure, TrustStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';
import { sasEmoji } from './sasEmoji';
import styles from './trust.module.css';
import { counterpartName, endWords } from './trustWords';

/** What is under way, on every screen. The question of somebody else waits in a line and takes nobody's focus. */
export function Comparison() {
  const { host, chat: store } = useDesk();
  const chat = useStore(store);
  const view = chat.state === 'here' ? chat.value.comparison : null;
  const [taken, setTaken] = useState<string | null>(null);
  // What ended before anybody looked at it is nothing to look at.
  const missed = view !== null && view.byThem && view.state.state === 'ended' && taken !== view.id;
  useEffect(() => {
    if (missed) void host.call({ type: 'trust', trust: { step: 'leave-verification' } }).catch(() => undefined);
  }, [host, missed]);
  if (view === null || missed) return null;
  if (view.byThem && view.state.state === 'asked' && taken !== view.id) return <Question view={view} take={() => setTaken(view.id)} />;
  return <ComparisonDialog view={view} />;
}

function Question({ view, take }: { view: ComparisonView; take: () => void }) {
  const { host } = useDesk();
  const [pending, setPending] = useState(false);
  const name = counterpartName(view.with);
  const answer = (step: 'accept-verification' | 'leave-verification') => {
    setPending(true);
    if (step === 'accept-verification') take();
    void host.call({ type: 'trust', trust: { step } }).catch(() => setPending(false));
  };
  return (
    <Bar
      icon="shield"
      testId="comparison-asked"
      spoken
      action={
        <span className={styles['barButtons']}>
          <Button size="small" look="primary" isPending={pending} onPress={() => answer('accept-verification')} data-testid="comparison-accept">
            {m.trust_compare()}
          </Button>
          <Button size="small" onPress={() => answer('leave-verification')} data-testid="comparison-refuse">
            {m.chat_refuse()}
          </Button>
        </span>
      }
    >
      {view.with.who === 'device' ? m.trust_asked_device({ name }) : m.trust_asked_person({ name })}
    </Bar>
  );
}

function ComparisonDialog({ view }: { view: ComparisonView }) {
  const { host } = useDesk();
  const [pending, setPending] = useState<'same' | 'other' | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [numbers, setNumbers] = useState(false);
  const name = counterpartName(view.with);
  const ask = (trust: TrustStep, what: 'same' | 'other' | null = null) => {
    setPending(what);
    setFailure(null);
    host.call({ type: 'trust', trust }).then(
      () => setPending(null),
      (thrown: unknown) => {
        setPending(null);
        setFailure(asFailure(thrown));
      },
    );
  };
  const leave = () => ask({ step: 'leave-verification' });
  const { state } = view;
  const over = state.state === 'done' || state.state === 'ended';
  return (
    <Dialog
      title={view.with.who === 'device' ? m.trust_title_device() : m.trust_title_person({ name })}
      width={600}
      onClose={leave}
      testId="comparison"
      foot={
        state.state === 'comparing' ? (
          <>
            <Button look="danger" isPending={pending === 'other'} onPress={() => ask({ step: 'compare-verification', same: false }, 'other')} data-testid="comparison-other">
              {m.trust_other()}
            </Button>
            <Button look="primary" icon="check" isPending={pending === 'same'} onPress={() => ask({ step: 'compare-verification', same: true }, 'same')} data-testid="comparison-same">
              {m.trust_same()}
            </Button>
          </>
        ) : (
          <Button look={over ? 'primary' : 'plain'} onPress={leave} data-testid="comparison-leave">
            {over ? m.action_close() : m.action_cancel()}
          </Button>
        )
      }
    >
      {failure && <FailureNotice failure={failure} />}
      <div className={styles['text']} aria-live="polite">
        <Content view={view} name={name} numbers={numbers} turn={() => setNumbers(!numbers)} />
      </div>
    </Dialog>
  );
}

function Content({ view, name, numbers, turn }: { view: ComparisonView; name: string; numbers: boolean; turn: () => void }) {
  const { state } = view;
  switch (state.state) {
    case 'asked':
    case 'agreeing':
      return <Waiting>{m.trust_agreeing()}</Waiting>;
    case 'waiting':
      return (
        <>
          <Waiting>{view.with.who === 'device' ? m.trust_waiting_device() : m.trust_waiting_person({ name })}</Waiting>
          <p>{view.with.who === 'device' ? m.trust_how_device() : m.trust_how_person()}</p>
        </>
      );
    case 'confirming':
      return <Waiting>{view.with.who === 'device' ? m.trust_confirming_device() : m.trust_confirming_person({ name })}</Waiting>;
    case 'comparing': {
      const emoji = state.emoji;
      return (
        <>
          <p>{view.with.who === 'device' ? m.trust_look_device() : m.trust_look_person({ name })}</p>
          {emoji !== null && !numbers ? (
            <ol className={styles['emoji']} data-testid="comparison-emoji">
              {emoji.map((place, at) => {
                const entry = sasEmoji[place];
                return (
                  entry && (
                    <li key={at}>
                      <span className={styles['picture']} aria-hidden>
                        {entry.picture}
                      </span>
                      <span>{entry.name()}</span>
                    </li>
                  )
                );
              })}
            </ol>
          ) : (
            <p className={styles['numbers']} data-testid="comparison-numbers">
              {state.numbers.map((one) => (
                <span key={one}>{one}</span>
              ))}
            </p>
          )}
          {emoji !== null && (
            <div>
              <Button look="link" onPress={turn} data-testid="comparison-turn">
                {numbers ? m.trust_pictures() : m.trust_numbers()}
              </Button>
            </div>
          )}
          <p className={styles['quiet']}>{m.trust_minute()}</p>
        </>
      );
    }
    case 'done':
      return (
        <Notice tone="ok" icon="shield" title={view.with.who === 'device' ? m.trust_done_device() : m.trust_done_person({ name })}>
          {view.with.who === 'device' ? m.trust_done_device_text() : m.trust_done_person_text()}
        </Notice>
      );
    case 'ended': {
      const words = endWords(state.end, name);
      return (
        <Notice tone={state.end === 'mismatch' ? 'danger' : 'plain'} title={words.what}>
          {words.next}
        </Notice>
      );
    }
    default: {
      const unknown: never = state;
      return unknown;
    }
  }
}

function Waiting({ children }: { children: string }) {
  return (
    <p className={styles['waiting']}>
      <Spinner onSolid={false} />
      <span>{children}</span>
    </p>
  );
}
