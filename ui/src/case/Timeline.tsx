import { useState } from 'react';
import { Button as Plain, ToggleButton } from 'react-aria-components';
import { Button } from '../components/Button';
import { classes } from '../components/classes';
import { Empty } from '../components/Empty';
import { Gaps } from '../components/Gaps';
import { Icon } from '../components/icons';
import { PartView } from '../components/PartView';
import { kindIcon, kindWord } from '../components/timelineKind';
import type { CaseView, TimelineEntryView, TimelineKind } from '../host/contract';
import { useNow } from '../i18n/clock';
import { calendarDays, date, day, dayShort, period } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './case.module.css';
import { course, doseText } from './caseView';
import { Section } from './Section';

/** The course: newest first, one kind or all of them, periods as bars above. */
export function Timeline({ view, read, openImages, retry }: { view: CaseView; read: (document: string) => void; openImages: () => void; retry: () => void }) {
  const [kind, setKind] = useState<TimelineKind | null>(null);
  return (
    <div className={styles['scroll']}>
      <div className={styles['narrowPage']}>
        {view.timeline.state === 'ready' && <Gaps gaps={view.gaps} retry={retry} />}
        <PartView part={view.timeline} rows={8} words={{ what: m.case_what_timeline(), empty: m.case_empty_timeline() }} retry={retry}>
          {(entries) => {
            const kinds = [...new Set(entries.map((entry) => entry.kind))];
            const shown = kind === null ? entries : entries.filter((entry) => entry.kind === kind);
            const { dated, undated } = course(shown);
            return (
              <>
                <div className={styles['filters']} role="group" aria-label={m.timeline_filter()}>
                  {kinds.map((one) => (
                    <ToggleButton key={one} className={styles['filter'] ?? ''} isSelected={kind === one} onChange={(on) => setKind(on ? one : null)}>
                      <Icon name={kindIcon[one]} size="xs" />
                      {kindWord[one]()}
                    </ToggleButton>
                  ))}
                </div>
                <Periods entries={shown} />
                <Section title={m.case_tab_timeline()}>
                  {dated.length === 0 && undated.length === 0 ? (
                    <Empty icon="search" title={m.timeline_filter_empty()} actions={<Button onPress={() => setKind(null)}>{m.timeline_all()}</Button>} />
                  ) : (
                    <TimelineList entries={dated} read={read} openImages={openImages} long />
                  )}
                </Section>
                {undated.length > 0 && (
                  <Section title={m.timeline_undated()}>
                    <TimelineList entries={undated} read={read} openImages={openImages} long />
                  </Section>
                )}
              </>
            );
          }}
        </PartView>
      </div>
    </div>
  );
}

export function TimelineList({ entries, read, openImages, long }: { entries: readonly TimelineEntryView[]; read: (document: string) => void; openImages: () => void; long: boolean }) {
  const now = useNow(60_000);
  return (
    <ol className={styles['timeline']}>
      {entries.map((entry, at) => (
        <li className={styles['entry']} key={`${at} ${entry.start ?? ''} ${entry.title}`}>
          <span className={styles['entryDate']}>{entryDate(entry, now, long)}</span>
          <span className={classes(styles['entryIcon'], entry.kind === 'board' && styles['entryIconBoard'])} title={kindWord[entry.kind]()}>
            <Icon name={kindIcon[entry.kind]} size="xs" />
          </span>
          <div>
            <EntryTitle entry={entry} read={read} openImages={openImages} />
            <div className={styles['entryDetail']}>
              <span className="visually-hidden">{kindWord[entry.kind]()} </span>
              {[entry.end !== null && entry.end !== entry.start ? period(entry.start, entry.end) : '', entry.detail ?? '', ...entry.doses.map(doseText), entry.stopped ? m.case_stopped() : ''].filter((word) => word !== '').join(' · ')}
            </div>
          </div>
        </li>
      ))}
    </ol>
  );
}

function EntryTitle({ entry, read, openImages }: { entry: TimelineEntryView; read: (document: string) => void; openImages: () => void }) {
  const { document, study } = entry;
  const open = document !== null ? () => read(document) : study !== null ? openImages : null;
  if (!open) return <div className={styles['entryTitle']}>{entry.title}</div>;
  return (
    <Plain className={styles['entryLink'] ?? ''} onPress={open}>
      {entry.title}
    </Plain>
  );
}

function entryDate(entry: TimelineEntryView, now: Date, long: boolean): string {
  if (entry.start === null) return '';
  if (entry.start.length >= 10 && calendarDays(now, new Date(entry.start)) === 0) return day(entry.start, now);
  return long ? date(entry.start) : dayShort(entry.start, now);
}

/** Therapies as bars over true time. */
function Periods({ entries }: { entries: readonly TimelineEntryView[] }) {
  const now = useNow(60_000);
  const periods = entries.filter((entry) => entry.start !== null && (entry.kind === 'systemic' || entry.kind === 'radiotherapy') && entry.end !== entry.start);
  if (periods.length === 0) return null;
  const begin = (entry: TimelineEntryView) => new Date(entry.start ?? '').getTime();
  const end = (entry: TimelineEntryView) => (entry.end === null ? now.getTime() : new Date(entry.end).getTime());
  const from = Math.min(...periods.map(begin));
  const span = Math.max(now.getTime() - from, 1);
  return (
    <Section title={m.timeline_periods()}>
      <div className={styles['bars']} role="list">
        {periods.map((entry) => (
          <div className={styles['barRow']} role="listitem" key={`${entry.title} ${entry.start ?? ''}`}>
            <span className={styles['barName']} title={entry.title}>
              {entry.title}
            </span>
            <span className={styles['barTrack']} title={period(entry.start, entry.end)}>
              <span
                className={classes(styles['bar'], entry.end === null && styles['barOpen'])}
                style={{ left: `${((begin(entry) - from) / span) * 100}%`, width: `${((end(entry) - begin(entry)) / span) * 100}%` }}
              />
              <span className="visually-hidden">{period(entry.start, entry.end)}</span>
            </span>
          </div>
        ))}
      </div>
      <div className={styles['barScale']} aria-hidden>
        <span>{date(new Date(from).toISOString())}</span>
        <span>{m.format_today()}</span>
      </div>
    </Section>
  );
}
