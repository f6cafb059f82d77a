/** The check of microphone and speaker: a meter that moves with the voice, a tone, the own voice back. */
import { useEffect, useRef, useState } from 'react';
import { Button } from '../components/Button';
import type { OwnMediaView } from '../host/contract';
import { useDesk } from '../host/desk';
import { ask } from '../host/host';
import { failureWords } from '../i18n/failure';
import { m } from '../paraglide/messages';
import { check } from './again';
import styles from './Check.module.css';
import { useStep } from './useStep';
import { stoppedWords } from './words';

/** The program ends a check that nobody looks at. */
const everyMillis = 100;
/** Softer than this nobody speaks. */
const voice = 0.08;
/** Whoever has said nothing for so long is told how it is meant. */
const silenceMillis = 6000;

export function Meter() {
  const { host } = useDesk();
  const bar = useRef<HTMLDivElement>(null);
  const [microphone, setMicrophone] = useState<OwnMediaView>({ state: 'opening' });
  const [heard, setHeard] = useState<'not-yet' | 'yes' | 'silent'>('not-yet');
  const [listens, setListens] = useState(false);
  const listen = useRef(false);
  useEffect(() => {
    listen.current = listens;
  }, [listens]);
  useEffect(() => {
    const began = performance.now();
    return check(
      host,
      async (goesOn) => {
        try {
          const view = await ask(host, { type: 'round', round: { step: 'check', listen: listen.current } }, 'round-check');
          if (!goesOn()) return;
          const level = Math.max(0, Math.min(1, view.level));
          if (bar.current !== null) {
            bar.current.style.transform = `scaleX(${level.toFixed(3)})`;
            bar.current.parentElement?.setAttribute('aria-valuenow', String(Math.round(level * 100)));
          }
          setMicrophone((before) => (JSON.stringify(before) === JSON.stringify(view.microphone) ? before : view.microphone));
          if (level > voice) setHeard('yes');
          else if (performance.now() - began > silenceMillis) setHeard((before) => (before === 'yes' ? before : 'silent'));
        } catch {
          // A desk that has just locked checks nothing; what fails otherwise is said when the round is entered.
        }
      },
      everyMillis,
    );
  }, [host]);
  const words = microphone.state === 'stopped' ? stoppedWords('microphone', microphone.why) : null;
  return (
    <div className={styles['check']} data-testid="meter">
      {words === null ? (
        <>
          <div className={styles['meter']} role="meter" aria-label={m.round_check_level()} aria-valuemin={0} aria-valuemax={100} aria-valuenow={0}>
            <div ref={bar} className={styles['level']} />
          </div>
          <Button size="small" icon="voice" aria-pressed={listens} onPress={() => setListens(!listens)} data-testid="listen">
            {listens ? m.round_check_listen_end() : m.round_check_listen()}
          </Button>
          <span className={styles['said']} role="status" data-testid="meter-said">
            {heard === 'yes' ? m.round_check_heard() : heard === 'silent' ? m.round_check_silent() : m.round_check_speak()}
          </span>
        </>
      ) : (
        <span className={styles['said']} role="status">
          <b>{words.what}</b> {words.act}
        </span>
      )}
    </div>
  );
}

export function Tone() {
  const { take, failure } = useStep();
  const [played, setPlayed] = useState(false);
  return (
    <div className={styles['check']}>
      <Button
        size="small"
        icon="music"
        onPress={() => {
          setPlayed(true);
          void take({ step: 'play-tone' });
        }}
        data-testid="play-tone"
      >
        {m.round_check_tone()}
      </Button>
      {failure !== null ? <span className={styles['said']}>{failureWords(failure).what}</span> : played && <span className={styles['said']}>{m.round_check_tone_not()}</span>}
    </div>
  );
}
