/** Whose screen is being seen, for whoever looks at something else: this person's own, so that they never forget it, and another's. */
import { useMemo } from 'react';
import { Button } from '../components/Button';
import { Icon } from '../components/icons';
import { Spinner } from '../components/Spinner';
import type { OwnMediaView, RoundPersonView } from '../host/contract';
import { m } from '../paraglide/messages';
import styles from './Sharing.module.css';
import { sharers } from './tiles';
import { roundNames, sharedWords } from './words';

/** This person shows a screen or a window: what, and how it ends. */
export function SharingLine({ screen, other, stop }: { screen: OwnMediaView; other: () => void; stop: () => void }) {
  if (screen.state !== 'on' && screen.state !== 'opening') return null;
  const what = screen.state === 'on' ? sharedWords(screen.device) : m.round_sharing_opening();
  return (
    <div className={styles['own']} data-testid="round-sharing">
      {screen.state === 'on' ? <Icon name="screenShare" size="s" /> : <Spinner size={16} />}
      <span className={styles['words']}>
        <b title={what}>{what}</b>
        <span>{m.round_sharing_all()}</span>
      </span>
      {screen.state === 'on' && (
        <Button size="small" onPress={other} data-testid="share-other">
          {m.round_share_other()}
        </Button>
      )}
      <Button size="small" icon="close" onPress={stop} data-testid="stop-sharing">
        {m.round_sharing_end()}
      </Button>
    </div>
  );
}

/** Others show their screens, and this person is elsewhere: the way to them. */
export function SharedLine({ people, see }: { people: readonly RoundPersonView[]; see: () => void }) {
  const name = useMemo(() => roundNames(people), [people]);
  const [first] = sharers(people).filter((one) => !one.here);
  if (first === undefined) return null;
  return (
    <div className={styles['others']} data-testid="round-shared">
      <Icon name="screenShare" size="s" />
      <span className={styles['words']}>{m.round_shares({ name: name(first) })}</span>
      <Button size="small" look="primary" onPress={see} data-testid="see-shared">
        {m.round_shares_see()}
      </Button>
    </div>
  );
}
