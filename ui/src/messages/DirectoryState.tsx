/** How the directory is doing, where it is not simply there: what it does not say keeps nobody from writing to an address. */
import { Button } from '../components/Button';
import { Notice } from '../components/Notice';
import { Spinner } from '../components/Spinner';
import type { DirectoryEntryView, DirectoryView, Part } from '../host/contract';
import type { Load } from '../host/desk';
import { m } from '../paraglide/messages';
import styles from './NewConversation.module.css';

type Trouble = 'failed' | 'denied' | 'partial' | null;

function troubleOf(load: Load<DirectoryView> | null): Trouble {
  if (load === null || load.state === 'waiting') return null;
  if (load.state === 'failed') return 'failed';
  const { services, people, partial } = load.value;
  const is = (state: Part<DirectoryEntryView[]>['state']) => services.state === state || people.state === state;
  if (is('failed')) return services.state === people.state ? 'failed' : 'partial';
  if (is('denied')) return 'denied';
  return partial ? 'partial' : null;
}

export function DirectoryState({ load, retry }: { load: Load<DirectoryView> | null; retry: () => void }) {
  const again = (
    <Button size="small" icon="reload" onPress={retry}>
      {m.action_retry()}
    </Button>
  );
  if (load?.state === 'waiting') {
    return (
      <p className={styles['asking']} data-testid="directory-asking">
        <Spinner size={14} onSolid={false} /> {m.directory_asking()}
      </p>
    );
  }
  switch (troubleOf(load)) {
    case 'failed':
      return (
        <Notice tone="warn" title={m.directory_failed()} actions={again}>
          <p>{m.directory_failed_text()}</p>
        </Notice>
      );
    case 'denied':
      return (
        <Notice tone="warn" title={m.directory_denied()}>
          <p>{m.directory_denied_text()}</p>
        </Notice>
      );
    case 'partial':
      return (
        <Notice tone="warn" title={m.directory_partial()} actions={again}>
          <p>{m.directory_partial_text()}</p>
        </Notice>
      );
    case null:
      return null;
  }
}
