import { useEffect, useRef, useState } from 'react';
import { ToggleButton } from 'react-aria-components';
import { Button } from '../components/Button';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Gaps } from '../components/Gaps';
import { Icon } from '../components/icons';
import { Kbd } from '../components/Kbd';
import { KeptNotice } from '../components/KeptNotice';
import { ListSearch } from '../components/ListSearch';
import { PartView, partValue } from '../components/PartView';
import { useRovingRows } from '../components/rovingRows';
import { Skeleton } from '../components/Skeleton';
import { usePlaces } from '../frame/place';
import type { BoardNameView, CaseRowView, CasesView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { ageAndGender, date, day, listName, moment, time } from '../i18n/format';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { diagnosisWords, stageWords } from './caseWords';
import { CasePreview } from './Preview';
import { leaveCommand, previewCommand } from './previewKeys';
import styles from './Cases.module.css';
import { type Filter, filters, groups, type GroupKind, isNews, nearNames, passes } from './casesView';
import { RowState } from './RowState';

const searchCommand = defineCommand({ id: 'cases-search', keys: ['/'], label: () => m.command_search_here(), group: 'lists' });

const filterWord: Record<Filter, () => string> = {
  board: m.cases_filter_board,
  incomplete: m.cases_filter_incomplete,
  draft: m.cases_filter_draft,
  signed: m.cases_filter_signed,
};

export function Cases() {
  const desk = useDesk();
  const places = usePlaces();
  const cases = useStore(desk.cases);
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState<Filter | null>(null);
  const [preview, setPreview] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  // The list as it is without a search, for "Meinten Sie" and for how many were searched.
  const whole = useRef<CaseRowView[]>([]);

  useEffect(() => {
    const timer = window.setTimeout(() => desk.openCases(query.trim()), query === '' ? 0 : 150);
    return () => window.clearTimeout(timer);
  }, [desk, query]);

  const rows = cases.state === 'here' ? (partValue(cases.value.rows) ?? []) : [];
  const found = chosen ? rows.filter((row) => passes(row, chosen)) : rows;
  useEffect(() => {
    if (cases.state === 'here' && cases.value.query === '') whole.current = partValue(cases.value.rows) ?? [];
  }, [cases]);

  useCommand(searchCommand, () => {
    search.current?.focus();
    search.current?.select();
  });
  useCommand(leaveCommand, () => (preview ? setPreview(false) : setQuery('')), { scope: 'cases', enabled: preview || query !== '' });

  const retry = () => desk.openCases(query.trim());
  return (
    <div className={styles['screen']} data-testid="cases" data-scope="cases">
      <div className={styles['top']}>
        <h1 className={styles['title']}>{m.frame_cases()}</h1>
        <div className={styles['tools']}>
          <ListSearch
            label={m.cases_search()}
            value={query}
            onChange={setQuery}
            field={search}
            scope="cases"
            only={
              found.length === 1 && cases.state === 'here' && cases.value.query === query.trim()
                ? () => places.openCase(found[0]?.patient ?? '', 'overview', found.map((row) => row.patient))
                : undefined
            }
            className={styles['search']}
            testId="cases-search"
          />
          {filters.map((filter) => {
            const count = rows.filter((row) => passes(row, filter)).length;
            if (count === 0 && chosen !== filter) return null;
            return (
              <ToggleButton
                key={filter}
                className={styles['filter'] ?? ''}
                isSelected={chosen === filter}
                onChange={(on) => setChosen(on ? filter : null)}
                data-testid={`filter-${filter}`}
              >
                {filterWord[filter]()} <span>{count}</span>
                {chosen === filter && <Icon name="close" size="xs" />}
              </ToggleButton>
            );
          })}
          <span className={styles['grow']} />
          {cases.state === 'here' && (
            <span className={styles['count']} role="status">
              {m.cases_count({ count: found.length })}
            </span>
          )}
        </div>
      </div>
      {cases.state === 'here' && <KeptNotice freshness={cases.value.freshness} asOf={cases.value.asOf} retry={retry} />}
      {cases.state === 'waiting' && (
        <div className={`${styles['padded']} ${styles['fill']}`}>
          <Skeleton what={m.frame_cases()} rows={8} since={cases.since} retry={retry} />
        </div>
      )}
      {cases.state === 'failed' && (
        <div className={`${styles['padded']} ${styles['fill']}`}>
          <FailureNotice failure={cases.failure} retry={retry} />
        </div>
      )}
      {cases.state === 'here' && (
        <CaseList view={cases.value} query={query} setQuery={setQuery} chosen={chosen} clear={() => setChosen(null)} preview={preview} setPreview={setPreview} whole={whole.current} retry={retry} />
      )}
      <div className={styles['foot']}>
        <span>
          <Kbd keys="j" />
          <Kbd keys="k" /> {m.cases_hint_move()}
        </span>
        <span>
          <Kbd keys="space" /> {m.cases_hint_preview()}
        </span>
        <span>
          <Kbd keys="enter" /> {m.cases_hint_open()}
        </span>
        <span className={styles['grow']} />
        <span>
          <Icon name="locked" size="s" />
          {m.cases_only_yours()}
        </span>
      </div>
    </div>
  );
}

function CaseList({
  view,
  query,
  setQuery,
  chosen,
  clear,
  preview,
  setPreview,
  whole,
  retry,
}: {
  view: CasesView;
  query: string;
  setQuery: (query: string) => void;
  chosen: Filter | null;
  clear: () => void;
  preview: boolean;
  setPreview: (on: boolean) => void;
  whole: readonly CaseRowView[];
  retry: () => void;
}) {
  const rows = partValue(view.rows) ?? [];
  const shown = chosen ? rows.filter((row) => passes(row, chosen)) : rows;
  const offline = useStore(useDesk().connection).state === 'offline';
  const grouped = groups(shown, view.board, offline);
  const ordered = grouped.flatMap((group) => group.rows);
  const places = usePlaces();
  const order = ordered.map((row) => row.patient);
  const open = (at: number) => {
    const row = ordered[at];
    if (row) places.openCase(row.patient, 'overview', order);
  };
  const roving = useRovingRows({ count: ordered.length, scope: 'cases', names: ordered.map((row) => listName(row.identity)), open });
  useCommand(previewCommand, () => setPreview(!preview), { scope: 'cases', enabled: ordered.length > 0 });
  const current = ordered[roving.current];

  if (view.rows.state === 'empty' || (view.rows.state === 'ready' && rows.length === 0)) {
    return (
      <div className={styles['fill']}>
        {view.query === '' ? (
          <Empty icon="cases" title={m.cases_none()}>
            {m.cases_none_text()}
          </Empty>
        ) : (
          <NoHit query={query} whole={whole} setQuery={setQuery} />
        )}
      </div>
    );
  }
  return (
    <div className={styles['body']} data-preview={preview && current ? '' : undefined}>
      <div className={styles['scroll']}>
        {view.rows.state === 'ready' && view.gaps.length > 0 && (
          <div className={styles['padded']}>
            <Gaps gaps={view.gaps} retry={retry} />
          </div>
        )}
        <div className={view.rows.state === 'ready' ? undefined : styles['padded']}>
          <PartView part={view.rows} rows={8} words={{ what: m.frame_cases(), empty: m.cases_none() }} retry={retry}>
            {() =>
              ordered.length === 0 ? (
                <Empty icon="search" title={m.cases_filter_empty()} actions={<Button onPress={clear}>{m.cases_filter_clear()}</Button>} />
              ) : (
                <table
                  className={styles['table']}
                  role="grid"
                  aria-label={m.frame_cases()}
                  aria-rowcount={ordered.length}
                  ref={(table) => {
                    roving.container.current = table;
                  }}
                  onKeyDown={roving.onKeyDown}
                >
                  <thead>
                    <tr>
                      <th scope="col">{m.cases_column_patient()}</th>
                      <th scope="col" className={styles['less']}>
                        {m.cases_column_number()}
                      </th>
                      <th scope="col">{m.cases_column_diagnosis()}</th>
                      <th scope="col" className={styles['less']}>
                        {m.cases_column_stage()}
                      </th>
                      <th scope="col" className={styles['optional']}>
                        {m.cases_column_board()}
                      </th>
                      <th scope="col">{m.cases_column_state()}</th>
                      <th scope="col" className={styles['optional']}>
                        {m.cases_column_responsible()}
                      </th>
                      <th scope="col" className={styles['less']}>
                        {m.cases_column_changed()}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {grouped.map((group) => (
                      <GroupRows key={group.kind} kind={group.kind} rows={group.rows} board={view.board} ordered={ordered} roving={roving} open={open} />
                    ))}
                  </tbody>
                </table>
              )
            }
          </PartView>
        </div>
      </div>
      {preview && current && <CasePreview row={current} open={() => open(roving.current)} close={() => setPreview(false)} />}
    </div>
  );
}

function GroupRows({
  kind,
  rows,
  board,
  ordered,
  roving,
  open,
}: {
  kind: GroupKind;
  rows: CaseRowView[];
  board: BoardNameView | null;
  ordered: CaseRowView[];
  roving: ReturnType<typeof useRovingRows>;
  open: (at: number) => void;
}) {
  const now = useNow(60_000);
  const offline = useStore(useDesk().connection).state === 'offline';
  return (
    <>
      <tr>
        <th className={styles['group']} colSpan={8} scope="rowgroup">
          {groupTitle(kind, board, now)} <span>{rows.length}</span>
        </th>
      </tr>
      {rows.map((row) => {
        const at = ordered.indexOf(row);
        const away = offline && row.kept === null;
        return (
          <tr key={row.patient} className={styles['row']} data-away={away ? '' : undefined} {...roving.rowProps(at)} onClick={() => open(at)} data-testid={`case-row-${row.patient}`}>
            <td>
              {isNews(row) && (
                <span className={styles['news']} title={m.cases_news()}>
                  <span className="visually-hidden">{m.cases_news()}</span>
                </span>
              )}
              <span className={styles['name']} data-news={isNews(row) ? '' : undefined}>
                {listName(row.identity)}
              </span>{' '}
              <span className={styles['aside']}>{ageAndGender(row.identity)}</span>
              {away && (
                <span className={styles['away']} title={m.cases_not_here()}>
                  <Icon name="offline" size="xs" />
                  <span className="visually-hidden">{m.cases_not_here()}</span>
                </span>
              )}
              {row.similar.length > 0 && (
                <span className={styles['similar']} title={row.similar.map((other) => `${other.name} · *${date(other.birthDate)}`).join('\n')}>
                  <Icon name="warn" size="xs" />
                  <span className={styles['similarWords']}>{m.cases_similar({ birthDate: date(row.identity.birthDate), count: row.similar.length })}</span>
                </span>
              )}
            </td>
            <td className={`${styles['faint']} ${styles['less']}`}>{row.identity.number ?? (row.identity.birthDate === null ? '' : `*${date(row.identity.birthDate)}`)}</td>
            <td className={styles['cut']} title={row.diagnosis ?? undefined}>
              {row.diagnosis ?? <span className={styles['faint']}>{diagnosisWords(row)}</span>}
            </td>
            <td className={`${styles['quiet']} ${styles['less']}`}>{stageWords(row)}</td>
            <td className={`${styles['quiet']} ${styles['optional']}`}>{row.slot ? `${day(row.slot.start, now)} ${time(row.slot.start)}` : ''}</td>
            <td>
              <RowState row={row} />
            </td>
            <td className={`${styles['quiet']} ${styles['optional']}`}>{row.registeredBy}</td>
            <td className={`${styles['faint']} ${styles['less']}`}>{row.changed === null ? '' : moment(row.changed, now)}</td>
          </tr>
        );
      })}
    </>
  );
}

function groupTitle(kind: GroupKind, board: BoardNameView | null, now: Date): string {
  switch (kind) {
    case 'board':
      return board ? m.cases_group_board({ day: day(board.start, now), time: time(board.start), name: board.name }) : m.frame_cases();
    case 'open':
      return m.cases_group_open();
    case 'decided':
      return m.cases_group_decided();
    default: {
      const unknown: never = kind;
      return unknown;
    }
  }
}

function NoHit({ query, whole, setQuery }: { query: string; whole: readonly CaseRowView[]; setQuery: (query: string) => void }) {
  const near = nearNames(query, whole);
  return (
    <Empty
      icon="search"
      title={m.cases_no_hit({ query })}
      actions={
        <>
          {near.map((row) => (
            <Button key={row.patient} look="primary" size="small" onPress={() => setQuery(row.identity.family ?? '')}>
              {listName(row.identity)}
            </Button>
          ))}
          <Button size="small" onPress={() => setQuery('')}>
            {m.cases_clear_search()}
          </Button>
        </>
      }
    >
      {near.length > 0 ? m.cases_did_you_mean() : ''} {m.cases_searched_in({ count: whole.length })}
    </Empty>
  );
}
