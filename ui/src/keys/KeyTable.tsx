import { Fragment } from 'react';
import { Kbd } from '../components/Kbd';
import { fold } from '../i18n/format';
import { m } from '../paraglide/messages';
import { allCommands, type CommandGroup } from './keys';
import styles from './KeyTable.module.css';

const groupWord: Record<CommandGroup, () => string> = {
  everywhere: m.keys_group_everywhere,
  lists: m.keys_group_lists,
  case: m.keys_group_case,
  tools: m.keys_group_tools,
  images: m.keys_group_images,
  windows: m.keys_group_windows,
  decision: m.keys_group_decision,
};

const order: readonly CommandGroup[] = ['everywhere', 'lists', 'case', 'tools', 'images', 'windows', 'decision'];

/** Every key of the program, by where it works. */
export function KeyTable({ query }: { query: string }) {
  const wanted = fold(query.trim());
  const shown = allCommands().filter((command) => wanted === '' || fold(command.label()).includes(wanted) || command.keys.includes(query.trim().toLowerCase()));
  const groups = order.map((group) => ({ group, commands: shown.filter((command) => command.group === group) })).filter(({ commands }) => commands.length > 0);
  if (groups.length === 0) return <p className={styles['none']}>{m.keys_none({ query })}</p>;
  return (
    <div className={styles['columns']} data-testid="key-table">
      {groups.map(({ group, commands }) => (
        <section key={group} className={styles['group']}>
          <h3 className={styles['title']}>{groupWord[group]()}</h3>
          <dl>
            {commands.map((command) => (
              <div className={styles['line']} key={command.id}>
                <dt>{command.label()}</dt>
                <dd className={styles['keys']}>
                  {command.keys.map((keys, at) => (
                    <Fragment key={keys}>
                      {at > 0 && <span className={styles['or']}>{m.keys_or()}</span>}
                      <Kbd keys={keys} />
                    </Fragment>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
