/** What keeps this person from being heard or from hearing, and what helps: a line in the round, elsewhere a word with the rest behind it. */
import { useEffect, useRef, useState } from 'react';
import { Button as Plain } from 'react-aria-components';
import { announce } from '../components/announce';
import { Button, IconButton } from '../components/Button';
import { Icon, type IconName } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { Menu } from '../components/Menu';
import type { RoundAdvice, RoundStep, RoundView } from '../host/contract';
import { failureWords } from '../i18n/failure';
import { m } from '../paraglide/messages';
import styles from './Advice.module.css';
import { DevicesDialog } from './Before';
import { useFocusKept } from './useFocusKept';
import { useStep } from './useStep';
import { adviceWords, isOn } from './words';

/** The most urgent one: two at a time would be read by nobody. While the way is being mended nothing of it holds. */
export function adviceOf(round: RoundView | null): RoundAdvice | undefined {
  return round?.phase.phase === 'in' ? round.advice[0] : undefined;
}

/** Each is told once, as long as it holds: neither when its number changes nor when a more urgent one has gone. */
export function useAdviceWords(round: RoundView | null): void {
  const told = useRef<ReadonlySet<RoundAdvice['advice']>>(new Set());
  const advice = adviceOf(round);
  useEffect(() => {
    const holds = new Set(round?.advice.map((one) => one.advice));
    const before = new Set([...told.current].filter((one) => holds.has(one)));
    told.current = before;
    if (round === null || advice === undefined || before.has(advice.advice)) return;
    told.current = before.add(advice.advice);
    const { what, act } = adviceWords(advice, isOn(round.camera));
    announce(`${what} ${act}`.trim());
  }, [round, advice]);
  // What was pressed goes with what it was about.
  useFocusKept(round && (advice?.advice ?? 'none'), other);
}

const other = (last: string, next: string) => last !== next;

interface Act {
  id: string;
  label: string;
  icon: IconName;
  keys?: string;
  run: () => void;
}

/** What can be done about it here. */
function actOf({ advice }: RoundAdvice, { camera }: RoundView, step: (what: RoundStep) => void, choose: () => void): Act | null {
  switch (advice) {
    case 'speaks-while-muted':
      return { id: 'microphone-on', label: m.round_microphone_on(), icon: 'microphone', keys: 'mod+d', run: () => step({ step: 'set-microphone', on: true }) };
    case 'microphone-silent':
      return { id: 'other-device', label: m.round_devices_choose(), icon: 'devices', run: choose };
    case 'sends-with-loss':
    case 'narrow-way':
      return isOn(camera) ? { id: 'camera-off', label: m.round_camera_off(), icon: 'cameraOff', keys: 'mod+e', run: () => step({ step: 'set-camera', on: false }) } : null;
    case 'echo':
    case 'microphone-clips':
    case 'hears-with-loss':
    case 'few-pictures':
      return null;
    default: {
      const unknown: never = advice;
      return unknown;
    }
  }
}

const iconOf = ({ advice }: RoundAdvice): IconName => (advice === 'speaks-while-muted' ? 'microphoneOff' : 'warn');

/** Under the pictures, in a place that is kept free for it: they stay where they are when it comes and goes. */
export function AdviceLine({ round }: { round: RoundView }) {
  const { take, failure, forget } = useStep();
  const [devices, setDevices] = useState(false);
  const advice = adviceOf(round);
  const refused = failure && failureWords(failure);
  const words = advice && adviceWords(advice, isOn(round.camera));
  const act = advice && actOf(advice, round, (what) => void take(what), () => setDevices(true));
  return (
    <div className={styles['place']}>
      {refused ? (
        <div className={styles['line']} data-testid="advice-failure">
          <Icon name="danger" size="s" />
          <span className={styles['words']}>
            <b>{refused.what}</b> {refused.act}
          </span>
          <IconButton icon="close" size="small" label={m.action_close()} onPress={forget} />
        </div>
      ) : (
        advice &&
        words && (
          <div className={styles['line']} data-testid="round-advice">
            <Icon name={iconOf(advice)} size="s" />
            <span className={styles['words']}>
              <b>{words.what}</b> {words.act}
            </span>
            {act && (
              <Button size="small" onPress={act.run} data-testid={`advice-${act.id}`}>
                {act.label}
                {act.keys !== undefined && <Kbd keys={act.keys} />}
              </Button>
            )}
          </div>
        )
      )}
      {devices && <DevicesDialog close={() => setDevices(false)} />}
    </div>
  );
}

/** In the bar, where something else is read: nothing moves for it, and it stands in the place of what can wait. */
export function AdviceChip({ round, advice, step, choose, see, way }: { round: RoundView; advice: RoundAdvice; step: (what: RoundStep) => void; choose: () => void; see: () => void; way: () => void }) {
  const { short, what, act: helps } = adviceWords(advice, isOn(round.camera));
  const act = actOf(advice, round, step, choose);
  return (
    <Menu
      label={what}
      placement="top start"
      head={{ name: what, detail: helps }}
      trigger={
        <Plain className={styles['chip'] ?? ''} data-testid="advice-chip">
          <Icon name={iconOf(advice)} size="xs" />
          <span className={styles['short']} title={short}>
            {short}
          </span>
          <Icon name="down" size="xs" />
        </Plain>
      }
      entries={[...(act === null ? [] : [act]), { id: 'way', label: m.round_way_own(), icon: 'signal', keys: 'mod+shift+n', run: way }, { id: 'see-round', label: m.round_to(), icon: 'camera', run: see }]}
    />
  );
}
