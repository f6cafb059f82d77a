/** The case on one page, in the order in which a board asks. */
import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import { Button as Plain } from 'react-aria-components';
import { Button } from '../components/Button';
import { Chip } from '../components/Chip';
import { classes } from '../components/classes';
import { Gaps } from '../components/Gaps';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { PartView, partValue, type PartWords } from '../components/PartView';
import type { CaseRowView, CaseTab, CaseView, DiagnosisEntryView, ListSource, Part, StudyEntryView, TherapyView } from '../host/contract';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { useNow } from '../i18n/clock';
import { date, dateTime, day, dayShort, period, time } from '../i18n/format';
import { ruleWord } from '../cases/caseWords';
import { m } from '../paraglide/messages';
import styles from './case.module.css';
import { comorbidities, findingText, furtherTumours, functionSeries, newestLabTime, newestValue, overviewLab, pictured, primaryTumour, valueWithUnit } from './caseView';
import { documentIcon } from './Documents';
import { LabTable } from './LabTable';
import { Section } from './Section';
import { TimelineList } from './Timeline';

interface Props {
  view: CaseView;
  row: CaseRowView | null;
  open: (tab: CaseTab) => void;
  read: (document: string) => void;
  retry: () => void;
}

const StudyPictures = lazy(async () => ({ default: (await import('../imaging/StudyPictures')).StudyPictures }));

const mostLab = 6;
const mostEntries = 8;
const mostDocuments = 6;

/** What has a place of its own on this screen, which says by itself that it is missing. */
const ownPlace: ReadonlySet<ListSource> = new Set<ListSource>(['diagnoses', 'documents', 'studies', 'decisions', 'procedures']);

export function Overview({ view, row, open, read, retry }: Props) {
  return (
    <div className={styles['scroll']} data-testid="overview">
      <div className={styles['overview']}>
        <div className={`${styles['wide']} ${styles['column']}`}>
          <Question view={view} retry={retry} />
          <Facts view={view} />
      <Gaps gaps={view.gaps.filter(({ source }) => !ownPlace.has(source))} retry={retry} />
        </div>
        <div className={styles['column']}>
          <Studies view={view} open={open} retry={retry} />
          <Lab view={view} open={open} retry={retry} />
        </div>
        <div className={styles['column']}>
          <Course view={view} open={open} read={read} retry={retry} />
          <DocumentRows view={view} row={row} open={open} read={read} retry={retry} />
        </div>
      </div>
    </div>
  );
}

function Question({ view, retry }: { view: CaseView; retry: () => void }) {
  const now = useNow(60_000);
  return (
    <section data-testid="question">
      <div className={styles['questionRow']}>
        <div className={styles['grow']}>
          <h2 className={styles['sectionTitle']}>{m.case_question()}</h2>
          <PartView part={view.question} rows={2} words={{ what: m.case_question(), empty: m.case_empty_question() }} retry={retry}>
            {(question) => (
              <>
                <p className={styles['question']}>{question.text}</p>
                {question.notes.map((note) => (
                  <p className={styles['questionNote']} key={note}>
                    {note}
                  </p>
                ))}
                <p className={styles['byline']}>
                  {[question.by, question.organization, question.at === null ? null : m.case_registered({ date: date(question.at) })].filter((word) => word !== null).join(' · ')}
                </p>
              </>
            )}
          </PartView>
        </div>
        {view.slot && (
          <Chip tone="accent" icon="board">
            {m.case_slot({ day: day(view.slot.start, now), time: time(view.slot.start), number: view.slot.number })}
          </Chip>
        )}
      </div>
    </section>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles['fact']}>
      <dt>{label}</dt>
      {children}
    </div>
  );
}

function Main({ children }: { children: ReactNode }) {
  return <dd className={styles['factMain']}>{children}</dd>;
}

function More({ children }: { children: ReactNode }) {
  return <dd className={styles['factMore']}>{children}</dd>;
}

/** One cell of the facts: its value, or the one line that says why there is none. */
function FactPart<T>({ part, words, children }: { part: Part<T>; words: PartWords; children: (value: T) => ReactNode }) {
  switch (part.state) {
    case 'ready':
      return <>{children(part.value)}</>;
    case 'loading':
      return <More>{m.state_loading_short()}</More>;
    case 'empty':
      return <More>{words.empty}</More>;
    case 'absent':
      return <More>{words.absent ?? m.state_absent({ what: words.what })}</More>;
    case 'denied':
      return (
        <More>
          <Icon name="locked" size="xs" /> {m.state_denied({ what: words.what })}
        </More>
      );
    case 'failed':
      return (
        <More>
          <Icon name="warn" size="xs" /> {m.state_failed_short({ what: words.what })}
        </More>
      );
    default: {
      const unknown: never = part;
      return unknown;
    }
  }
}

function Facts({ view }: { view: CaseView }) {
  const primary = primaryTumour(view);
  const further = furtherTumours(view);
  const others = comorbidities(view);
  const functions = functionSeries(view);
  const therapies = partValue(view.therapies);
  const anyFailed = [view.diagnoses, view.tnm, view.ecog, view.findings, view.therapies, view.medication].some((part) => part.state === 'failed');
  const diagnosisWords = { what: m.case_what_diagnoses(), empty: m.case_empty_diagnoses() };
  return (
    <section data-testid="facts">
      <dl className={styles['facts']}>
        <Fact label={m.case_diagnosis()}>
          <FactPart part={view.diagnoses} words={diagnosisWords}>
            {() =>
              primary ? (
                <>
                  <Main>{[primary.text, primary.grading === null ? null : `G${primary.grading}`].filter((word) => word !== null).join(', ')}</Main>
                  <More>
                    <span title={primary.icd10Text ?? undefined}>{diagnosisDetail(primary)}</span>
                  </More>
                  {further.map((one) => (
                    <More key={one.id}>{[one.text, one.icd10].filter((word) => word !== null).join(' · ')}</More>
                  ))}
                </>
              ) : (
                <More>{m.case_empty_diagnoses()}</More>
              )
            }
          </FactPart>
        </Fact>
        <Fact label={partValue(view.tnm)?.[0]?.edition == null ? m.case_tnm() : m.case_tnm_edition({ edition: partValue(view.tnm)?.[0]?.edition ?? '' })}>
          <FactPart part={view.tnm} words={{ what: m.case_tnm(), empty: m.case_empty_tnm() }}>
            {([newest, ...older]) =>
              newest ? (
                <>
                  <Main>{newest.text}</Main>
                  <More>{[newest.stage === null ? null : m.case_stage({ stage: newest.stage }), newest.date === null ? null : date(newest.date)].filter((word) => word !== null).join(' · ')}</More>
                  {older.slice(0, 2).map((one) => (
                    <More key={`${one.text} ${one.date ?? ''}`}>{m.case_before({ text: [one.text, one.date === null ? null : date(one.date)].filter((word) => word !== null).join(', ') })}</More>
                  ))}
                </>
              ) : (
                <More>{m.case_empty_tnm()}</More>
              )
            }
          </FactPart>
        </Fact>
        <Fact label={m.case_ecog()}>
          <FactPart part={view.ecog} words={{ what: m.case_ecog(), empty: m.case_empty_ecog() }}>
            {([newest]) =>
              newest && (
                <>
                  <Main>{newest.value}</Main>
                  <More>{newest.date === null ? m.case_no_date() : date(newest.date)}</More>
                </>
              )
            }
          </FactPart>
        </Fact>
        <Fact label={m.case_function()}>
          <FactPart part={view.laboratory} words={{ what: m.case_what_laboratory(), empty: m.case_empty_laboratory() }}>
            {() => {
              const shown = functions.map((series) => ({ series, value: newestValue(series) }));
              if (shown.length === 0) return <More>{m.case_empty_function()}</More>;
              return shown.map(({ series, value }, at) => {
                if (!value) return null;
                const text = `${series.name} ${valueWithUnit(series, value)}`;
                return at === 0 ? (
                  <Main key={series.name}>{text}</Main>
                ) : (
                  <More key={series.name}>
                    {text} · {date(value.at)}
                  </More>
                );
              });
            }}
          </FactPart>
        </Fact>
        <Fact label={m.case_findings()}>
          <FactPart part={view.findings} words={{ what: m.case_findings(), empty: m.case_empty_findings() }}>
            {([newest, ...others]) =>
              newest && (
                <>
                  <Main>{findingText(newest)}</Main>
                  {others.length > 0 && <More>{others.slice(0, 6).map(findingText).join(' · ')}</More>}
                  <More>{newest.date === null ? m.case_no_date() : date(newest.date)}</More>
                </>
              )
            }
          </FactPart>
        </Fact>
        <Fact label={m.case_comorbidities()}>
          <FactPart part={view.diagnoses} words={diagnosisWords}>
            {() => <Names texts={others.map((one) => ({ text: one.text, more: one.icd10 }))} none={m.case_empty_comorbidities()} />}
          </FactPart>
        </Fact>
        <Fact label={m.case_therapies()}>
          <FactPart part={view.therapies} words={{ what: m.case_therapies(), empty: m.case_empty_therapies() }}>
            {() => <Therapies therapies={therapies ?? []} />}
          </FactPart>
        </Fact>
        <Fact label={m.case_medication()}>
          <FactPart part={view.medication} words={{ what: m.case_medication(), empty: m.case_empty_medication() }}>
            {() => (
              <Names
                texts={(partValue(view.medication) ?? []).filter((one) => !one.stopped).map((one) => ({ text: one.text, more: one.dose }))}
                none={m.case_empty_medication()}
              />
            )}
          </FactPart>
        </Fact>
      </dl>
      {anyFailed && (
        <div className={styles['complete']}>
          <Notice tone="warn">{m.case_partly()}</Notice>
        </div>
      )}
    </section>
  );
}

function diagnosisDetail(entry: DiagnosisEntryView): string {
  return [
    entry.icd10,
    entry.morphology === null ? null : m.case_morphology({ code: entry.morphology }),
    entry.date === null ? null : m.case_diagnosed({ date: date(entry.date) }),
  ]
    .filter((word) => word !== null)
    .join(' · ');
}

/** The first name large, the others in one line; what belongs to a name stands behind it. */
function Names({ texts, none }: { texts: { text: string; more: string | null }[]; none: string }) {
  const [first, ...others] = texts;
  if (!first) return <More>{none}</More>;
  const whole = (one: { text: string; more: string | null }) => [one.text, one.more].filter((word) => word !== null).join('\u00a0· ');
  return (
    <>
      <Main>{first.text}</Main>
      {first.more !== null && <More>{first.more}</More>}
      {others.map((one) => (
        <More key={one.text}>{whole(one)}</More>
      ))}
    </>
  );
}

function Therapies({ therapies }: { therapies: TherapyView[] }) {
  const [first, ...others] = therapies;
  if (!first) return <More>{m.case_empty_therapies()}</More>;
  return (
    <>
      <Main>{first.text}</Main>
      <More>{[period(first.start, first.end), first.stopped ? m.case_stopped() : ''].filter((word) => word !== '').join(' · ')}</More>
      {others.slice(0, 3).map((one) => (
        <More key={`${one.text} ${one.start ?? ''}`}>
          {[one.text, period(one.start, one.end), one.stopped ? m.case_stopped() : ''].filter((word) => word !== '').join(' · ')}
        </More>
      ))}
      {others.length > 3 && <More>{m.case_more_entries({ count: others.length - 3 })}</More>}
    </>
  );
}

function Studies({ view, open, retry }: { view: CaseView; open: (tab: CaseTab) => void; retry: () => void }) {
  const desk = useDesk();
  const load = useStore(desk.images);
  const images = load.state === 'here' && load.value.patient === view.patient ? load.value : null;
  const { patient } = view;
  // Asking for the images asks the archive, which alone knows what can be opened, and makes ready what is opened next.
  const listed = (partValue(view.studies)?.length ?? 0) > 0;
  useEffect(() => {
    if (listed) desk.openImages(patient);
  }, [desk, patient, listed]);
  const newest = images === null ? undefined : pictured(images.studies);
  return (
    <Section
      title={m.case_imaging()}
      testId="studies"
      aside={newest === undefined ? undefined : [newest.description, newest.at === null ? null : date(newest.at), newest.institution].filter((word) => word !== null && word !== '').join(' · ')}
    >
      {newest !== undefined && (
        <Suspense>
          <StudyPictures study={newest} open={() => open('images')} />
        </Suspense>
      )}
      <PartView part={view.studies} rows={3} words={{ what: m.case_what_studies(), empty: m.case_empty_studies() }} retry={retry}>
        {(studies) => (
          <ul className={styles['studies']}>
            {studies.map((study) => (
              <li key={study.study} className={study.refused ? styles['refused'] : undefined}>
                <StudyRow study={study} open={() => open('images')} />
              </li>
            ))}
          </ul>
        )}
      </PartView>
    </Section>
  );
}

function StudyRow({ study, open }: { study: StudyEntryView; open: () => void }) {
  if (study.refused) {
    return (
      <Notice tone="danger" title={m.case_study_refused()}>
        {m.case_study_refused_text({ date: study.at === null ? m.case_no_date() : date(study.at) })}
      </Notice>
    );
  }
  const words = (
    <>
      <span className={styles['modality']} aria-hidden>
        {study.modalities.slice(0, 2).join('/')}
      </span>
      <span>
        <span className={styles['studyTitle']}>{study.description}</span>
        <br />
        <span className={styles['studyDetail']}>
          {[study.at === null ? m.case_no_date() : date(study.at), study.instances === null ? null : m.case_images({ count: study.instances })].filter((word) => word !== null).join(' · ')}
        </span>
      </span>
    </>
  );
  if (study.available === false) {
    return (
      <div className={styles['study']}>
        {words}
        <Chip tone="outline">{m.case_study_unavailable()}</Chip>
      </div>
    );
  }
  if (study.available === null) {
    return (
      <div className={styles['study']} data-testid={`study-unknown-${study.study}`}>
        {words}
        <span className={styles['studyDetail']}>{m.case_study_unknown()}</span>
      </div>
    );
  }
  return (
    <Plain className={styles['study'] ?? ''} onPress={open} data-testid={`study-${study.study}`}>
      {words}
      <Icon name="next" size="s" />
    </Plain>
  );
}

function Lab({ view, open, retry }: { view: CaseView; open: (tab: CaseTab) => void; retry: () => void }) {
  const all = partValue(view.laboratory) ?? [];
  const shown = overviewLab(all, mostLab);
  const newest = newestLabTime(all);
  return (
    <Section
      title={m.case_tab_laboratory()}
      testId="laboratory"
      aside={
        newest === null ? undefined : (
          <>
            {dateTime(newest)}
            {all.length > shown.length && (
              <>
                {' · '}
                <Button look="link" size="small" onPress={() => open('laboratory')}>
                  {m.case_some_of({ shown: shown.length, all: all.length })}
                </Button>
              </>
            )}
          </>
        )
      }
    >
      <PartView part={view.laboratory} rows={5} words={{ what: m.case_what_laboratory(), empty: m.case_empty_laboratory() }} retry={retry}>
        {() => <LabTable series={shown} dates={false} />}
      </PartView>
    </Section>
  );
}

function Course({ view, open, read, retry }: { view: CaseView; open: (tab: CaseTab) => void; read: (document: string) => void; retry: () => void }) {
  const entries = partValue(view.timeline) ?? [];
  return (
    <Section
      title={m.case_tab_timeline()}
      testId="timeline"
      aside={
        entries.length > mostEntries ? (
          <Button look="link" size="small" onPress={() => open('timeline')}>
            {m.case_some_of({ shown: mostEntries, all: entries.length })}
          </Button>
        ) : undefined
      }
    >
      <PartView part={view.timeline} rows={6} words={{ what: m.case_what_timeline(), empty: m.case_empty_timeline() }} retry={retry}>
        {() => <TimelineList entries={entries.slice(0, mostEntries)} read={read} openImages={() => open('images')} long={false} />}
      </PartView>
    </Section>
  );
}

function DocumentRows({ view, row, open, read, retry }: Props) {
  const now = useNow(60_000);
  const documents = partValue(view.documents) ?? [];
  return (
    <Section
      title={m.case_documents()}
      testId="documents"
      aside={
        documents.length > mostDocuments ? (
          <Button look="link" size="small" onPress={() => open('documents')}>
            {m.case_some_of({ shown: mostDocuments, all: documents.length })}
          </Button>
        ) : (
          documents.length || undefined
        )
      }
    >
      <PartView part={view.documents} rows={4} words={{ what: m.case_what_documents(), empty: m.case_empty_documents() }} retry={retry}>
        {() => (
          <ul className={styles['rows']}>
            {documents.slice(0, mostDocuments).map((document) => (
              <li key={document.id}>
                <Plain className={styles['rowButton'] ?? ''} onPress={() => read(document.id)}>
                  <span className={styles['rowIcon']}>
                    <Icon name={documentIcon(document)} size="s" />
                  </span>
                  <span className={styles['rowWords']}>{[document.title, document.author].filter((word) => word !== null).join(' · ')}</span>
                  <span className={styles['rowAside']}>{document.at === null ? '' : dayShort(document.at, now)}</span>
                </Plain>
              </li>
            ))}
          </ul>
        )}
      </PartView>
      {row?.completeness.state === 'complete' && (
        <p className={classes(styles['complete'], styles['completeOk'])}>
          <Icon name="ok" size="s" />
          {m.case_complete_for_board()}
        </p>
      )}
      {row?.completeness.state === 'missing' && (
        <p className={classes(styles['complete'], styles['completeWarn'])} data-testid="missing">
          <Icon name="warn" size="s" />
          {row.completeness.rules.map(ruleWord).join(' · ')}
        </p>
      )}
    </Section>
  );
}
