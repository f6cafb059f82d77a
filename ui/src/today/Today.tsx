import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { Button as Plain } from 'react-aria-components';
import { CasePreview } from '../cases/Preview';
import { leaveCommand, previewCommand } from '../cases/previewKeys';
import { RowState } from '../cases/RowState';
import { tumourLine } from '../cases/caseWords';
import { Button } from '../components/Button';
import { Empty, EmptyLine } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Gaps } from '../components/Gaps';
import { Icon } from '../components/icons';
import { KeptNotice } from '../components/KeptNotice';
import { PartView } from '../components/PartView';
import { useRovingRows } from '../components/rovingRows';
import { Skeleton } from '../components/Skeleton';
import { kindIcon, kindWord } from '../components/timelineKind';
import type { BoardSessionView, DraftEntryView, NewsView, TodayView } from '../host/contract';
import { areRoundsOffered, useDesk, usePerson } from '../host/desk';
import { useStore } from '../host/store';
import { usePlaces } from '../frame/place';
import { useNow } from '../i18n/clock';
import { ageAndGender, day, listName, longDate, moment, time } from '../i18n/format';
import { useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { openSection } from '../settings/section';
import { PreloadMark, PreloadNotes, PreloadStatus, usePreload } from './Preload';
import type { Preview } from './preview';
import { Tasks } from './Tasks';
import { boardMoment } from './todayView';
import styles from './Today.module.css';

export function Today() {
  const desk = useDesk();
  const today = useStore(desk.today);
  const person = usePerson();
  const now = useNow(60_000);
  useEffect(() => desk.openToday(), [desk]);
  const [previewed, setPreviewed] = useState<'agenda' | 'tasks' | null>(null);
  // The preview stands beside both columns; the list that is previewed fills it.
  const [slot, setSlot] = useState<HTMLElement | null>(null);
  const previewOf = (list: 'agenda' | 'tasks'): Preview => ({
    slot: previewed === list ? slot : null,
    toggle: () => setPreviewed(previewed === list ? null : list),
    // A preview follows the focus into the other list.
    follow: () => setPreviewed((before) => (before === null ? null : list)),
    close: () => setPreviewed(null),
  });
  useCommand(leaveCommand, () => setPreviewed(null), { enabled: previewed !== null });
  return (
    <>
      {today.state === 'here' && <KeptNotice freshness={today.value.freshness} asOf={today.value.asOf} retry={() => desk.openToday()} />}
      <div className={styles['body']} data-preview={previewed === null ? undefined : ''}>
        <div className={styles['scroll']} data-testid="today">
          <div className={styles['grid']}>
            <div className={styles['column']}>
              <div>
                <p className={styles['date']}>{longDate(now)}</p>
                <h1 className={styles['greeting']}>{person ? greeting(person.shortName, person.gender, now) : m.frame_today()}</h1>
              </div>
              {today.state === 'waiting' && <Skeleton what={m.today_what()} rows={5} since={today.since} retry={() => desk.openToday()} />}
              {today.state === 'failed' && <FailureNotice failure={today.failure} retry={() => desk.openToday()} />}
              {today.state === 'here' && (
                <>
                  <Board part={today.value.board} preview={previewOf('agenda')} />
                  <div className={styles['pair']}>
                    <Tasks part={today.value.tasks} now={now} preview={previewOf('tasks')} />
                    <Drafts drafts={today.value.drafts} now={now} />
                  </div>
                </>
              )}
            </div>
            <div className={styles['column']}>{today.state === 'here' && <News today={today.value} now={now} />}</div>
          </div>
        </div>
        <div className={styles['beside']} ref={setSlot} />
      </div>
    </>
  );
}

function greeting(shortName: string, gender: string | null, now: Date): string {
  const hour = Number(time(now.toISOString()).slice(0, 2));
  const name = gender === 'female' ? m.today_mrs({ name: shortName }) : gender === 'male' ? m.today_mr({ name: shortName }) : shortName;
  if (hour < 11) return m.today_good_morning({ name });
  return hour < 18 ? m.today_good_day({ name }) : m.today_good_evening({ name });
}

function Board({ part, preview }: { part: TodayView['board']; preview: Preview }) {
  const desk = useDesk();
  const places = usePlaces();
  if (part.state === 'empty') {
    return (
      <Empty icon="calendar" title={m.today_no_board()} actions={<Button onPress={() => places.go({ screen: 'cases' })}>{m.today_see_cases()}</Button>}>
        {m.today_no_board_text()}
      </Empty>
    );
  }
  return (
    <PartView part={part} rows={5} words={{ what: m.today_what_board(), empty: m.today_no_board() }} retry={() => desk.openToday()}>
      {(board) => (
        <>
          <BoardCard board={board} />
          <Gaps gaps={board.gaps} retry={() => desk.openToday()} />
          <Agenda board={board} preview={preview} />
        </>
      )}
    </PartView>
  );
}

function BoardCard({ board }: { board: BoardSessionView }) {
  const places = usePlaces();
  const offered = areRoundsOffered(useStore(useDesk().rounds));
  const now = useNow(1000);
  const at = boardMoment(board.start, board.end, now);
  const facts = [
    m.format_range({ from: time(board.start), to: time(board.end) }),
    m.today_cases({ count: board.agenda.length }),
    board.moderating ? m.today_moderating() : null,
    board.members > 0 ? m.today_accepted({ accepted: board.accepted, members: board.members }) : null,
  ].filter((word) => word !== null);
  return (
    <section className={styles['board']} aria-label={m.today_next_board()} data-testid="board-card">
      <div>
        <div className={styles['kicker']}>
          <Icon name="clock" size="s" />
          {at.state === 'running' ? m.today_board_now() : m.today_next_board_on({ day: day(board.start, now) })}
        </div>
        <h2 className={styles['boardName']}>{board.name}</h2>
        <p className={styles['boardFacts']}>{facts.join(' · ')}</p>
        {offered && (
          <div className={styles['boardActions']}>
            <Button icon="camera" onPress={() => openSection(places, 'media')} data-testid="check-media">
              {m.settings_media_check()}
            </Button>
          </div>
        )}
      </div>
      <div role="timer" aria-label={m.today_countdown()}>
        {at.state === 'before' && (
          <span className={styles['countdown']} data-testid="countdown">
            {at.text} <small>{at.hours ? m.unit_hours() : m.unit_minutes()}</small>
          </span>
        )}
        {at.state === 'running' && <span className={styles['running']}>{m.today_running({ minutes: at.minutes })}</span>}
        {at.state === 'over' && <span className={styles['running']}>{m.today_over()}</span>}
      </div>
    </section>
  );
}

function Agenda({ board, preview }: { board: BoardSessionView; preview: Preview }) {
  const places = usePlaces();
  const order = board.agenda.map((row) => row.patient);
  const open = (at: number) => {
    const row = board.agenda[at];
    if (row) places.openCase(row.patient, 'overview', order);
  };
  const roving = useRovingRows({ count: board.agenda.length, scope: 'agenda', names: board.agenda.map((row) => listName(row.identity)), open });
  const current = board.agenda[roving.current];
  useCommand(previewCommand, preview.toggle, { scope: 'agenda', enabled: current !== undefined });
  const preloading = usePreload(board);
  const incomplete = board.agenda.filter((row) => row.completeness.state === 'missing').length;
  return (
    <section className={styles['section']} data-scope="agenda" onFocus={preview.follow}>
      <div className={styles['sectionHead']}>
        <h2 className={styles['sectionTitle']}>{m.today_agenda()}</h2>
        <span className={styles['agendaAside']}>
          {incomplete > 0 && <span>{m.today_incomplete({ count: incomplete })}</span>}
          {preloading?.line && <PreloadStatus line={preloading.line} press={preloading.press} />}
        </span>
      </div>
      {preloading && <PreloadNotes preloading={preloading} board={board} />}
      {board.agenda.length === 0 ? (
        <EmptyLine icon="info">{m.today_agenda_empty()}</EmptyLine>
      ) : (
        <table
          className={styles['agenda']}
          role="grid"
          aria-label={m.today_agenda()}
          ref={(table) => {
            roving.container.current = table;
          }}
          onKeyDown={roving.onKeyDown}
        >
          <tbody>
            {board.agenda.map((row, at) => (
              <tr key={row.patient} {...roving.rowProps(at)} onClick={() => open(at)} data-testid={`agenda-row-${row.patient}`}>
                <td className={styles['number']}>{row.slot?.number ?? at + 1}</td>
                <td>
                  <span className={styles['name']}>{listName(row.identity)}</span> <span className={styles['nameAside']}>{ageAndGender(row.identity)}</span>
                </td>
                <td className={styles['tumour']} title={tumourLine(row)}>
                  {tumourLine(row)}
                </td>
                <td>
                  <RowState row={row} />
                </td>
                <td className={styles['mark']}>
                  <PreloadMark state={preloading?.view.cases.find((one) => one.patient === row.patient)?.state} />
                </td>
                <td className={`${styles['quiet']} ${styles['optional']}`}>{row.registeredBy}</td>
                <td className={styles['time']}>{row.slot ? time(row.slot.start) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {preview.slot && current && createPortal(<CasePreview row={current} open={() => open(roving.current)} close={preview.close} />, preview.slot)}
    </section>
  );
}

function Drafts({ drafts, now }: { drafts: DraftEntryView[]; now: Date }) {
  const places = usePlaces();
  const connection = useStore(useDesk().connection);
  if (drafts.length === 0) return null;
  return (
    <section className={styles['section']}>
      <div className={styles['sectionHead']}>
        <h2 className={styles['sectionTitle']}>{m.today_drafts()}</h2>
        <span className={styles['sectionAside']}>{drafts.length}</span>
      </div>
      <ul className={styles['drafts']}>
        {drafts.map((draft) => (
          <li key={draft.patient}>
            <Plain className={styles['entry'] ?? ''} onPress={() => places.openCase(draft.patient, 'decision')} data-testid={`draft-${draft.patient}`}>
              <span className={styles['entryIcon']}>
                <Icon name={draft.mark === 'standing' ? 'clock' : draft.mark === 'withdrawn' ? 'warn' : 'pen'} size="s" />
              </span>
              <span className={styles['entryWords']}>
                <span className={styles['entryTitle']}>{draftTitle(draft)}</span>
                <br />
                <span className={styles['entryDetail']}>
                  {listName(draft.identity)}
                  {/* Without the platform nobody can confirm anything. */}
                  {draft.mark === 'standing' && connection.state === 'online' && ` · ${m.today_draft_mark_confirm()}`}
                </span>
              </span>
              <span className={styles['entryTime']}>{moment(draft.changed, now)}</span>
            </Plain>
          </li>
        ))}
      </ul>
    </section>
  );
}

function draftTitle({ mark }: DraftEntryView): string {
  switch (mark) {
    case 'standing':
      return m.today_draft_marked();
    case 'withdrawn':
      return m.today_draft_mark_gone();
    case null:
      return m.today_draft_title();
  }
}

function News({ today, now }: { today: TodayView; now: Date }) {
  const desk = useDesk();
  const places = usePlaces();
  const since = `${day(today.newsSince, now)}, ${time(today.newsSince)}`;
  const open = (news: NewsView) => places.openCase(news.patient, news.kind === 'imaging' ? 'images' : news.kind === 'board' ? 'decision' : 'timeline');
  return (
    <section className={styles['section']}>
      <div className={styles['sectionHead']}>
        <h2 className={styles['sectionTitle']}>{m.today_news({ since })}</h2>
      </div>
      <PartView part={today.news} words={{ what: m.today_what_news(), empty: m.today_no_news() }} retry={() => desk.openToday()}>
        {(news) => (
          <ul className={styles['news']}>
            {news.map((entry) => (
              <li key={`${entry.patient} ${entry.at} ${entry.title}`}>
                <Plain className={styles['entry'] ?? ''} onPress={() => open(entry)}>
                  <span className={styles['entryIcon']} title={kindWord[entry.kind]()}>
                    <Icon name={kindIcon[entry.kind]} size="s" />
                  </span>
                  <span className={styles['entryWords']}>
                    <span className={styles['entryTitle']}>{entry.title}</span>
                    <br />
                    <span className={styles['entryDetail']}>
                      <span className="visually-hidden">{kindWord[entry.kind]()} </span>
                      {listName(entry.identity)}
                    </span>
                  </span>
                  <span className={styles['entryTime']}>{moment(entry.at, now)}</span>
                </Plain>
              </li>
            ))}
          </ul>
        )}
      </PartView>
      <Gaps gaps={today.newsGaps} retry={() => desk.openToday()} />
    </section>
  );
}
