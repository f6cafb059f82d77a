/** What a message said before it was changed, and when that was. */
import { useCallback, useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Skeleton } from '../components/Skeleton';
import type { MessageVersionsView } from '../host/contract';
import { type Load, useDesk } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { dateTime } from '../i18n/format';
import { m } from '../paraglide/messages';
import { Blocks } from './Blocks';
import type { MessageLine } from './timeline';
import styles from './Versions.module.css';

export function Versions({ conversation, line, close }: { conversation: string; line: MessageLine; close: () => void }) {
  const { host } = useDesk();
  const [load, setLoad] = useState<Load<MessageVersionsView>>(() => ({ state: 'waiting', since: performance.now() }));
  const message = line.id;
  const open = useCallback(() => {
    setLoad({ state: 'waiting', since: performance.now() });
    ask(host, { type: 'open-versions', conversation, message }, 'versions').then(
      (value) => setLoad({ state: 'here', value }),
      (thrown: unknown) => setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
  }, [host, conversation, message]);
  useEffect(open, [open]);
  return (
    <Dialog title={m.chat_versions()} width={560} onClose={close} testId="versions" foot={<Button onPress={close}>{m.action_close()}</Button>}>
      {load.state === 'waiting' && <Skeleton what={m.chat_versions()} rows={3} since={load.since} />}
      {load.state === 'failed' && <FailureNotice failure={load.failure} retry={open} />}
      {load.state === 'here' && load.value.versions.length === 0 && <p>{m.chat_versions_none()}</p>}
      {load.state === 'here' && (
        <ol className={styles['versions']}>
          {/* The newest first: it is the one that is known from the line. */}
          {load.value.versions.toReversed().map((version, at) => (
            <li key={`${version.at} ${at}`} className={styles['version']}>
              <p className={styles['when']}>{at === 0 ? m.chat_versions_now({ at: dateTime(version.at) }) : dateTime(version.at)}</p>
              <Blocks blocks={version.blocks} />
            </li>
          ))}
        </ol>
      )}
    </Dialog>
  );
}
