import { Fragment } from 'react';
import { Kbd } from '../components/Kbd';
import { fold } from '../i18n/format';
import { m } from '../paraglide/messages';
import { allCommands, type Command, type CommandGroup } from './keys';
import styles from './KeyTable.module.css';

const groupWord: Record<CommandGroup, () => string> = {
  everywhere: m.keys_group_everywhere,
  lists: m.keys_group_lists,
  case: m.keys_group_case,
  tools: m.keys_group_tools,
  images: m.keys_group_images,
  windows: m.keys_group_windows,
  decision: m.keys_group_decision,
  messages: m.keys_group_messages,
  round: m.keys_group_round,
};

const order: readonly CommandGroup[] = ['everywhere', 'lists', 'case', 'tools', 'images', 'windows', 'decision', 'messages', 'round'];

/** One line for what is called the same: four arrows that move the same cursor, one key for two screens. */
function lines(commands: readonly Command[]): [string, string[]][] {
  const found = new Map<string, Set<string>>();
  for (const command of commands) {
    const label = command.label();
    found.set(label, new Set([...(found.get(label) ?? []), ...command.keys]));
  }
  return [...found].map(([label, keys]) => [label, [...keys]]);
}

/** Every key of the program, by where it works. */
export function KeyTable({ query }: { query: string }) {
  const wanted = fold(query.trim());
  const shown = allCommands().filter((command) => command.keys.length > 0).filter((command) => wanted === '' || fold(command.label()).includes(wanted) || command.keys.includes(query.trim().toLowerCase()));
  const groups = order.map((group) => ({ group, lines: lines(shown.filter((command) => command.group === group)) })).filter((one) => one.lines.length > 0);
  if (groups.length === 0) return <p className={styles['none']}>{m.keys_none({ query })}</p>;
  return (
    <div className={styles['columns']} data-testid="key-table">
      {groups.map(({ group, lines: own }) => (
        <section key={group} className={styles['group']}>
          <h3 className={styles['title']}>{groupWord[group]()}</h3>
          <dl>
            {own.map(([label, all]) => (
              <div className={styles['line']} key={label}>
                <dt>{label}</dt>
                <dd className={styles['keys']}>
                  {all.map((keys, at) => (
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
