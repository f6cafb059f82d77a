/** The own contact as a QR code to show, and somebody else's card to take: who meets needs no directory. */
import { type ClipboardEvent, type DragEvent, useEffect, useId, useRef, useState } from 'react';
import { Button } from '../components/Button';
import { copyText } from '../components/copy';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Field } from '../components/Field';
import { Notice } from '../components/Notice';
import { Skeleton } from '../components/Skeleton';
import { toast } from '../components/toasts';
import type { CardView, Failure, OwnCardView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { m } from '../paraglide/messages';
import styles from './ContactCards.module.css';

/** A card with a portrait; more is no card. */
const largestCard = 1024 * 1024;

export function ContactCards({ write, close }: { write: (card: CardView) => void; close: () => void }) {
  return (
    <Dialog title={m.card_title()} width={720} onClose={close} testId="contact-cards">
      <div className={styles['cards']}>
        <OwnCard />
        <OthersCard write={write} close={close} />
      </div>
    </Dialog>
  );
}

/** The own contact alone, to show to somebody who is there. */
export function OwnCardDialog({ close }: { close: () => void }) {
  return (
    <Dialog title={m.card_own()} width={400} onClose={close} testId="own-card-dialog">
      <OwnCard />
    </Dialog>
  );
}

function OwnCard() {
  const { host } = useDesk();
  const [load, setLoad] = useState<Load<OwnCardView>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let current = true;
    ask(host, { type: 'open-own-card' }, 'own-card').then(
      (value) => current && setLoad({ state: 'here', value }),
      (thrown: unknown) => current && setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
    return () => {
      current = false;
    };
  }, [host, attempt]);
  const retry = () => setAttempt(attempt + 1);
  if (load.state === 'waiting') return <Skeleton what={m.card_own()} rows={4} since={load.since} retry={retry} />;
  if (load.state === 'failed') return <FailureNotice failure={load.failure} subject={m.card_own()} retry={retry} />;
  const { name, address, modules } = load.value;
  return (
    <section className={styles['own']} aria-label={m.card_own()} data-testid="own-card">
      <Code modules={modules} label={m.card_code({ name })} />
      <div className={styles['name']}>{name}</div>
      <div className={styles['address']}>{address}</div>
      <Button size="small" icon="copy" onPress={() => copyText(address)}>
        {m.card_copy()}
      </Button>
    </section>
  );
}

/** ISO/IEC 18004: dark on light in both themes, with a border of four modules, or readers do not find it. */
function Code({ modules, label }: { modules: readonly string[]; label: string }) {
  const size = modules.length + 8;
  const path = modules.flatMap((row, y) => Array.from(row, (module, x) => (module === '1' ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join('');
  return (
    <svg className={styles['code']} viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <path className={styles['light']} d={`M0 0h${size}v${size}h-${size}z`} />
      <path className={styles['dark']} d={path} />
    </svg>
  );
}

function OthersCard({ write, close }: { write: (card: CardView) => void; close: () => void }) {
  const { host } = useDesk();
  const ids = useId();
  const [typed, setTyped] = useState('');
  const [card, setCard] = useState<CardView | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [pending, setPending] = useState(false);
  const [over, setOver] = useState(false);

  const read = (text: string) => {
    setFailure(null);
    ask(host, { type: 'read-card', text }, 'card').then(setCard, (thrown: unknown) => setFailure(asFailure(thrown)));
  };
  const readFile = (file: File | undefined) => {
    if (!file) return;
    if (file.size > largestCard) setFailure({ code: 'invalid-input', detail: 'size' });
    else file.text().then(read, () => setFailure({ code: 'invalid-input', detail: 'unreadable' }));
  };
  const pasted = (event: ClipboardEvent) => {
    const file = event.clipboardData.files[0];
    const text = event.clipboardData.getData('text/plain');
    // A card has several lines, of which a field of one line would keep the first.
    if (file) readFile(file);
    else if (text.includes('\n')) read(text);
    else return;
    event.preventDefault();
  };
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) readFile(file);
    else read(event.dataTransfer.getData('text/plain'));
  };
  const accept = (then: 'write' | 'close') => {
    if (!card || pending) return;
    setPending(true);
    setFailure(null);
    host.call({ type: 'accept-contact', address: card.address }).then(
      () => {
        if (then === 'write') write(card);
        else {
          toast({ text: m.card_accepted({ name: card.name }) });
          close();
        }
      },
      (thrown: unknown) => {
        setPending(false);
        setFailure(asFailure(thrown));
      },
    );
  };
  const wrong = failure?.code === 'invalid-input';
  // What had the focus goes when a card was read or put away.
  const section = useRef<HTMLElement>(null);
  const shown = useRef(card);
  useEffect(() => {
    if (shown.current === card) return;
    shown.current = card;
    section.current?.querySelector<HTMLElement>(card === null ? 'input' : '[data-testid=card-found]')?.focus();
  }, [card]);
  return (
    <section
      ref={section}
      className={styles['others']}
      aria-labelledby={ids}
      data-over={over ? '' : undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
      data-testid="others-card"
    >
      <h3 id={ids} className={styles['title']}>
        {m.card_others()}
      </h3>
      {failure && !wrong && <FailureNotice failure={failure} />}
      {card === null ? (
        <form
          className={styles['read']}
          onPaste={pasted}
          onSubmit={(event) => {
            event.preventDefault();
            read(typed);
          }}
        >
          <p className={styles['hint']}>{m.card_others_text()}</p>
          <Field
            label={m.card_paste()}
            value={typed}
            error={wrong ? m.card_wrong() : undefined}
            onChange={(value) => {
              setTyped(value);
              setFailure(null);
            }}
            testId="card-text"
          />
          <Button type="submit" isDisabled={typed.trim() === ''} data-testid="card-read">
            {m.card_read()}
          </Button>
        </form>
      ) : (
        <div className={styles['found']} tabIndex={-1} data-testid="card-found">
          <div className={styles['name']}>{card.name}</div>
          {card.name !== card.address && <div className={styles['address']}>{card.address}</div>}
          {card.own ? (
            <Notice>{m.card_is_own()}</Notice>
          ) : (
            <>
              {/* A card is a stranger's word for who they are. */}
              <Notice>{m.card_accept_text()}</Notice>
              <div className={styles['buttons']}>
                <Button look="primary" icon="chat" isPending={pending} onPress={() => accept('write')} data-testid="card-write">
                  {m.card_accept_write()}
                </Button>
                <Button isDisabled={pending} onPress={() => accept('close')} data-testid="card-accept">
                  {m.card_accept()}
                </Button>
              </div>
            </>
          )}
          <Button look="link" onPress={() => setCard(null)} data-testid="card-refuse">
            {card.own ? m.card_another() : m.card_refuse()}
          </Button>
        </div>
      )}
    </section>
  );
}
