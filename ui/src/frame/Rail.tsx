import { Button as Plain } from 'react-aria-components';
import { Icon, Mark, type IconName } from '../components/icons';
import { Menu } from '../components/Menu';
import { Tooltip } from '../components/Tooltip';
import type { Place } from '../host/contract';
import { areRoundsOffered, isChatOffered, useDesk, usePerson } from '../host/desk';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';
import styles from './frame.module.css';
import { usePlace, usePlaces } from './place';

function RailLink({ icon, label, hint, keys, current, badge = 0, badgeWords, testId, onPress }: { icon: IconName; label?: string; hint: string; keys: string; current: boolean; badge?: number; badgeWords?: string; testId: string; onPress: () => void }) {
  return (
    <Tooltip text={hint} keys={keys}>
      <Plain className={styles['railLink'] ?? ''} aria-current={current ? 'page' : undefined} {...(label === undefined ? { 'aria-label': hint } : {})} onPress={onPress} data-testid={testId}>
        <Icon name={icon} />
        {label !== undefined && <span>{label}</span>}
        {badge > 0 && (
          <>
            <span className={styles['railBadge']} aria-hidden>
              {badge > 99 ? '99+' : badge}
            </span>
            <span className="visually-hidden">{badgeWords}</span>
          </>
        )}
      </Plain>
    </Tooltip>
  );
}

/** The rail: areas above, settings and the own person at the foot. */
export function Rail({ lock, help }: { lock: () => void; help: () => void }) {
  const place = usePlace();
  const places = usePlaces();
  const desk = useDesk();
  const person = usePerson();
  const chat = useStore(desk.chat);
  const rounds = useStore(desk.rounds);
  // Those that one could enter; the own one is at the foot of the screen.
  const running = rounds.state === 'here' ? rounds.value.running.filter((one) => one.conversation !== rounds.value.round?.conversation).length : 0;
  const to = (next: Place) => () => places.go(next);
  return (
    <nav className={styles['rail']} aria-label={m.frame_areas()}>
      <div className={styles['mark']}>
        <Mark />
      </div>
      <RailLink icon="home" label={m.frame_today()} hint={m.frame_today()} keys="g h" current={place.screen === 'today'} testId="rail-today" onPress={to({ screen: 'today' })} />
      <RailLink
        icon="cases"
        label={m.frame_cases()}
        hint={m.frame_cases()}
        keys="g f"
        current={place.screen === 'cases' || place.screen === 'case'}
        testId="rail-cases"
        onPress={to({ screen: 'cases' })}
      />
      {isChatOffered(chat) && (
        <RailLink
          icon="chat"
          label={m.frame_chat_short()}
          hint={m.frame_chat()}
          keys="g c"
          current={place.screen === 'messages'}
          badge={chat.state === 'here' ? chat.value.unread : 0}
          badgeWords={m.chat_unread({ count: chat.state === 'here' ? chat.value.unread : 0 })}
          testId="rail-chat"
          onPress={places.openChat}
        />
      )}
      {areRoundsOffered(rounds) && (
        <RailLink
          icon="camera"
          label={m.frame_rounds()}
          hint={m.frame_rounds()}
          keys="g r"
          current={place.screen === 'rounds'}
          badge={running}
          badgeWords={m.round_running_count({ count: running })}
          testId="rail-rounds"
          onPress={to({ screen: 'rounds' })}
        />
      )}
      <span className={styles['grow']} />
      <RailLink icon="settings" hint={m.frame_settings()} keys="mod+," current={place.screen === 'settings'} testId="rail-settings" onPress={to({ screen: 'settings' })} />
      {person && (
        <Menu
          label={m.frame_person_menu()}
          placement="right bottom"
          head={{ name: person.name, detail: [person.specialty, person.organization].filter((word) => word !== null).join(' · ') }}
          trigger={
            <Plain className={styles['railLink'] ?? ''} aria-label={m.frame_person({ initials: person.initials, name: person.name })} data-testid="person-menu">
              <span className={styles['avatar']}>{person.initials}</span>
            </Plain>
          }
          entries={[
            { id: 'help', label: m.command_help(), icon: 'keyboard', keys: '?', run: help },
            { id: 'lock', label: m.command_lock(), icon: 'locked', keys: 'mod+shift+x', run: lock },
            { id: 'sign-out', label: m.action_sign_out(), icon: 'signOut', run: () => void desk.host.call({ type: 'sign-out' }).catch(() => undefined) },
          ]}
        />
      )}
    </nav>
  );
}
