/** A way to any day of a conversation. */
import { parseDate } from '@internationalized/date';
import { useRef, useState } from 'react';
import { Button as Plain, Calendar, CalendarCell, CalendarGrid, CalendarGridBody, CalendarGridHeader, CalendarHeaderCell, Heading } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Spinner } from '../components/Spinner';
import type { ConversationView, Failure } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { useNow } from '../i18n/clock';
import { date, isoDay } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './DayButton.module.css';

export function DayButton({ view }: { view: ConversationView }) {
  const [open, setOpen] = useState(false);
  if (view.membership.state === 'invited') return null;
  return (
    <>
      <IconButton icon="calendar" label={m.chat_day()} onPress={() => setOpen(true)} data-testid="to-day" />
      {open && <DayDialog view={view} close={() => setOpen(false)} />}
    </>
  );
}

type Search = { state: 'none' } | { state: 'searching'; day: string } | { state: 'nothing'; day: string } | { state: 'failed'; failure: Failure };

function DayDialog({ view, close }: { view: ConversationView; close: () => void }) {
  const desk = useDesk();
  const today = isoDay(useNow(60_000));
  // It opens where the person was, or at the newest day.
  const from = view.past?.day ?? view.lines.findLast((line) => line.type === 'day')?.date ?? today;
  const [search, setSearch] = useState<Search>({ state: 'none' });
  // An answer that is no longer waited for is not heard.
  const asked = useRef(0);
  const go = (day: string) => {
    const turn = ++asked.current;
    setSearch({ state: 'searching', day });
    desk.openDay(view.id, day).then(
      () => {
        if (turn === asked.current) close();
      },
      (thrown: unknown) => {
        if (turn !== asked.current) return;
        const failure = asFailure(thrown);
        setSearch(failure.code === 'not-found' ? { state: 'nothing', day } : { state: 'failed', failure });
      },
    );
  };
  const leave = () => {
    if (search.state === 'searching') {
      asked.current += 1;
      desk.openConversation(view.id);
    }
    close();
  };
  return (
    <Dialog title={m.chat_day()} width={360} onClose={leave} testId="day-dialog" foot={<Button onPress={leave}>{m.action_cancel()}</Button>}>
      <Calendar className={styles['calendar'] ?? ''} aria-label={m.chat_day()} autoFocus defaultFocusedValue={parseDate(from)} isDateUnavailable={(at) => at.toString() > today} onChange={(at) => go(at.toString())}>
        <header className={styles['head']}>
          <Plain slot="previous" className={styles['turn'] ?? ''}>
            <Icon name="back" size="s" />
          </Plain>
          <Heading className={styles['month'] ?? ''} />
          <Plain slot="next" className={styles['turn'] ?? ''}>
            <Icon name="next" size="s" />
          </Plain>
        </header>
        <CalendarGrid className={styles['grid'] ?? ''}>
          <CalendarGridHeader>{(day) => <CalendarHeaderCell className={styles['weekday'] ?? ''}>{day}</CalendarHeaderCell>}</CalendarGridHeader>
          <CalendarGridBody>{(at) => <CalendarCell date={at} className={styles['cell'] ?? ''} data-testid={`day-${at.toString()}`} />}</CalendarGridBody>
        </CalendarGrid>
      </Calendar>
      <div className={styles['said']} role="status">
        {search.state === 'searching' && (
          <p className={styles['searching']}>
            <Spinner size={16} onSolid={false} />
            {m.chat_day_searching({ day: date(search.day) })}
          </p>
        )}
        {search.state === 'nothing' && <p>{m.chat_day_nothing({ day: date(search.day) })}</p>}
        {search.state === 'failed' && <FailureNotice failure={search.failure} />}
      </div>
    </Dialog>
  );
}
