import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { Field } from '../components/Field';
import { CodeForIt, useNoted } from '../components/FailureNotice';
import { Icon, Mark } from '../components/icons';
import { Notice } from '../components/Notice';
import { Select } from '../components/Select';
import { Spinner } from '../components/Spinner';
import type { Failure, Language, PlatformView, SessionView } from '../host/contract';
import { useDesk, useSettings } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { codeForIt, failureWords } from '../i18n/failure';
import { m } from '../paraglide/messages';
import { Art } from './Art';
import styles from './session.module.css';

/** Both halves of the sign-in page. */
export function SessionPage({ title, lead, support, children }: { title: string; lead?: string; support?: PlatformView | null; children: ReactNode }) {
  const desk = useDesk();
  const settings = useSettings();
  const phone = support?.supportPhone ?? null;
  return (
    <div className={styles['split']}>
      <main className={styles['main']}>
        <div className={styles['brand']}>
          <Mark />
          <span className={styles['brandName']}>{m.app_name()}</span>
          <Select<Language>
            label={m.settings_language()}
            quiet
            value={settings.language}
            options={[
              { id: 'de', label: m.settings_language_de() },
              { id: 'en', label: m.settings_language_en() },
            ]}
            onChange={(language) => desk.changeSettings({ language })}
            testId="sign-in-language"
          />
        </div>
        <div className={styles['middle']}>
          <h1 className={styles['title']}>{title}</h1>
          {lead !== undefined && <p className={styles['lead']}>{lead}</p>}
          {children}
        </div>
        <p className={styles['foot']}>
          {phone === null ? m.session_version({ version: desk.version }) : m.session_version_support({ version: desk.version, phone })}
        </p>
      </main>
      <Art />
    </div>
  );
}

type Discovery = { state: 'none' } | { state: 'looking'; shown: boolean } | { state: 'found'; platform: PlatformView } | { state: 'failed'; failure: Failure };

/** The platform behind an address, looked for 400 ms after the last key. */
function useDiscovery(address: string, attempt: number): Discovery {
  const desk = useDesk();
  const [discovery, setDiscovery] = useState<Discovery>({ state: 'none' });
  useEffect(() => {
    const wanted = address.trim();
    setDiscovery({ state: 'none' });
    if (wanted.length < 3) return undefined;
    let current = true;
    let slow: number | undefined;
    const timer = window.setTimeout(() => {
      setDiscovery({ state: 'looking', shown: false });
      slow = window.setTimeout(() => current && setDiscovery({ state: 'looking', shown: true }), 300);
      ask(desk.host, { type: 'discover', address: wanted }, 'platform').then(
        (platform) => {
          window.clearTimeout(slow);
          if (current) setDiscovery({ state: 'found', platform });
        },
        (thrown: unknown) => {
          window.clearTimeout(slow);
          if (current) setDiscovery({ state: 'failed', failure: asFailure(thrown) });
        },
      );
    }, 400);
    return () => {
      current = false;
      window.clearTimeout(timer);
      window.clearTimeout(slow);
    };
  }, [desk, address, attempt]);
  return discovery;
}

export function SignedOut({ session }: { session: Extract<SessionView, { state: 'signed-out' }> }) {
  const desk = useDesk();
  const [address, setAddress] = useState(session.address ?? '');
  const [attempt, setAttempt] = useState(0);
  const [starting, setStarting] = useState(false);
  const [refused, setRefused] = useState<Failure | null>(null);
  const discovery = useDiscovery(address, attempt);
  const platform = discovery.state === 'found' ? discovery.platform : null;

  const signIn = () => {
    if (starting || address.trim() === '') return;
    setStarting(true);
    setRefused(null);
    desk.host
      .call({ type: 'sign-in', address: address.trim() })
      .catch((thrown: unknown) => setRefused(asFailure(thrown)))
      .finally(() => setStarting(false));
  };

  const ended = refused ?? session.failure;
  const serious = ended ?? (discovery.state === 'failed' && discovery.failure.code !== 'address-unreadable' ? discovery.failure : null);
  return (
    <SessionPage title={m.session_title()} lead={m.session_lead()} support={platform}>
      <form
        className={styles['form']}
        onSubmit={(event) => {
          event.preventDefault();
          signIn();
        }}
      >
        {!session.addressFixed && (
          <Field
            label={m.session_address()}
            value={address}
            onChange={setAddress}
            large
            autoFocus
            testId="sign-in-address"
            error={discovery.state === 'failed' && discovery.failure.code === 'address-unreadable' ? failureWords(discovery.failure).act : undefined}
            after={
              discovery.state === 'found' ? (
                <span className={styles['found']} role="status">
                  <Icon name="ok" size="s" />
                  {m.session_found()}
                </span>
              ) : discovery.state === 'looking' && discovery.shown ? (
                <span className={styles['looking']} role="status">
                  <Spinner size={14} onSolid={false} />
                  {m.session_looking()}
                </span>
              ) : null
            }
          />
        )}
        {platform && (
          <div className={styles['card']} data-testid="sign-in-platform">
            <span className={styles['badge']} aria-hidden>
              {initials(platform.name)}
            </span>
            <div className={styles['cardWords']}>
              <div className={styles['cardName']}>{platform.name}</div>
              <div className={styles['cardDetail']}>{m.session_platform_detail({ host: platform.host, signIn: platform.signInHost })}</div>
            </div>
            <span className={styles['cardOk']}>
              <Icon name="ok" />
            </span>
          </div>
        )}
        {session.addressFixed && <Notice icon="locked">{m.settings_fixed()}</Notice>}
        <div className={styles['submit']}>
          <Button look="primary" size="large" wide type="submit" iconAfter="out" isPending={starting} isDisabled={address.trim() === ''} autoFocus={session.addressFixed} data-testid="sign-in-button">
            {m.session_sign_in()}
          </Button>
        </div>
      </form>
      {serious && (
        <SignInFault
          failure={serious}
          phone={platform?.supportPhone ?? null}
          retry={() => {
            setRefused(null);
            if (discovery.state === 'failed') setAttempt(attempt + 1);
            else signIn();
          }}
        />
      )}
    </SessionPage>
  );
}

/** A fault of the sign-in: what happened, what is safe, and what can be done as numbered steps. */
function SignInFault({ failure, phone, retry }: { failure: Failure; phone: string | null; retry: () => void }) {
  const words = failureWords(failure);
  const code = codeForIt(failure);
  useNoted(failure, code);
  return (
    <div className={styles['fault']} data-testid="sign-in-failure">
      <Notice tone="danger" title={words.what}>
        <b>{m.failure_safe_is()}</b> {words.safe}
      </Notice>
      <p className={styles['doTitle']}>{m.failure_what_to_do()}</p>
      <ol className={styles['steps']}>
        <li>
          <span className={styles['stepNumber']}>1</span>
          <span className={styles['stepWords']}>{words.act}</span>
          <Button size="small" onPress={retry}>
            {m.action_retry()}
          </Button>
        </li>
        <li>
          <span className={styles['stepNumber']}>2</span>
          <span className={styles['stepWords']}>
            {phone === null ? m.failure_call_it() : m.failure_call_it_at({ phone })}
            <br />
            <CodeForIt code={code} />
          </span>
        </li>
      </ol>
    </div>
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
}
