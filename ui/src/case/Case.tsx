/** A case: banner, tabs, and what each of them shows. */
import { type ComponentType, lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { announce } from '../components/announce';
import { Button } from '../components/Button';
import { FailureNotice } from '../components/FailureNotice';
import { Kbd } from '../components/Kbd';
import { partValue } from '../components/PartView';
import { KeptNotice } from '../components/KeptNotice';
import { RetryContext, useRetry } from '../components/retry';
import { Skeleton } from '../components/Skeleton';
import { useKnownIdentity, useKnownRow } from '../frame/known';
import { PatientBanner } from '../frame/PatientBanner';
import { usePlaces } from '../frame/place';
import { tumourLine } from '../cases/caseWords';
import type { CaseTab, CaseView } from '../host/contract';
import { isChatOffered, useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { bannerName, time } from '../i18n/format';
import type { Stage } from '../imaging/stage';
import { conversationsOf } from '../messages/caseOf';
import { defineCommand, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { CaseRoundButton } from '../rounds/RoundButton';
import { bannerTumour, lacksSomething } from './caseView';
import styles from './case.module.css';
import { Dock, DockButton } from './Dock';
import { dockOpen, kindOf } from './dockWidth';
import { Documents } from './Documents';
import { Laboratory } from './Laboratory';
import { Overview } from './Overview';
import { Timeline } from './Timeline';

const imagingModules = import.meta.glob<{ ImagesTab: ComponentType<{ patient: string; company?: (stage: Stage) => ReactNode }> }>('../imaging/ImagesTab.tsx');
const decisionModules = import.meta.glob<{ DecisionTab: ComponentType<{ patient: string }> }>('../decision/DecisionTab.tsx');
const loadImages = Object.values(imagingModules)[0];
const loadDecision = Object.values(decisionModules)[0];
const ImagesTab = loadImages && lazy(async () => ({ default: (await loadImages()).ImagesTab }));
const DecisionTab = loadDecision && lazy(async () => ({ default: (await loadDecision()).DecisionTab }));

// With the images, and not before.
const Together = lazy(async () => ({ default: (await import('../rounds/Together')).Together }));

const imagesCommand = defineCommand({ id: 'case-images', keys: ['b'], label: () => m.command_images(), group: 'case' });
const decisionCommand = defineCommand({ id: 'case-decision', keys: ['d'], label: () => m.command_decision(), group: 'case' });
const overviewCommand = defineCommand({ id: 'case-overview', keys: ['alt+1'], label: () => m.case_tab_overview(), group: 'case', whileTyping: true });
const documentsCommand = defineCommand({ id: 'case-documents', keys: ['alt+3'], label: () => m.case_tab_documents(), group: 'case', whileTyping: true });
const laboratoryCommand = defineCommand({ id: 'case-laboratory', keys: ['alt+4'], label: () => m.case_tab_laboratory(), group: 'case', whileTyping: true });
const timelineCommand = defineCommand({ id: 'case-timeline', keys: ['alt+5'], label: () => m.case_tab_timeline(), group: 'case', whileTyping: true });

const dockCommand = defineCommand({ id: 'case-dock', keys: ['mod+j'], label: () => m.dock_toggle(), group: 'case', whileTyping: true });

const newerCommand = defineCommand({ id: 'case-newer', keys: ['f5'], label: () => m.command_newer(), group: 'case', whileTyping: true });

const tabs: readonly CaseTab[] = ['overview', 'images', 'documents', 'laboratory', 'timeline', 'decision'];

const tabWord: Record<CaseTab, () => string> = {
  overview: m.case_tab_overview,
  images: m.case_tab_images,
  documents: m.case_tab_documents,
  laboratory: m.case_tab_laboratory,
  timeline: m.case_tab_timeline,
  decision: m.case_tab_decision,
};

function count(view: CaseView, tab: CaseTab): number | null {
  switch (tab) {
    case 'images':
      return partValue(view.studies)?.length ?? null;
    case 'documents':
      return partValue(view.documents)?.length ?? null;
    case 'decision':
      return partValue(view.decisions)?.length ?? (view.decisions.state === 'empty' ? 0 : null);
    case 'overview':
    case 'laboratory':
    case 'timeline':
      return null;
    default: {
      const unknown: never = tab;
      return unknown;
    }
  }
}

export function Case({ patient, tab }: { patient: string; tab: CaseTab }) {
  const desk = useDesk();
  const places = usePlaces();
  const load = useStore(desk.caseView);
  const identity = useKnownIdentity(patient);
  const row = useKnownRow(patient);
  const [document, setDocument] = useState<string | null>(null);
  useEffect(() => {
    desk.openCase(patient);
    setDocument(null);
  }, [desk, patient]);
  const who = identity ? bannerName(identity) : '';
  useEffect(() => {
    if (who !== '') announce(m.case_announce({ name: who }), 'assertive');
  }, [who]);

  const company = useCallback(
    (stage: Stage) => (
      <Suspense fallback={null}>
        <Together stage={stage} patient={patient} />
      </Suspense>
    ),
    [patient],
  );

  const to = (next: CaseTab) => places.go({ screen: 'case', patient, tab: next });
  useCommand(imagesCommand, () => to('images'), { enabled: ImagesTab !== undefined });
  useCommand(decisionCommand, () => to('decision'), { enabled: DecisionTab !== undefined });
  useCommand(overviewCommand, () => to('overview'));
  useCommand(documentsCommand, () => to('documents'));
  useCommand(laboratoryCommand, () => to('laboratory'));
  useCommand(timelineCommand, () => to('timeline'));

  const view = load.state === 'here' && load.value.patient === patient ? load.value : null;
  const read = (id: string) => {
    setDocument(id);
    to('documents');
  };
  const retry = () => desk.openCase(patient);
  const until = useRetry(view !== null && lacksSomething(view), retry);
  const newer = view?.newer ?? null;
  useEffect(() => {
    if (newer !== null) announce(m.case_newer({ time: time(newer) }), 'polite');
  }, [newer]);
  useCommand(newerCommand, retry, { enabled: newer !== null });
  const chat = useStore(desk.chat);
  const docks = useStore(dockOpen);
  const dockable = isChatOffered(chat);
  const kind = kindOf(tab);
  const talks = chat.state === 'here' && conversationsOf(chat.value, patient).length > 0;
  // Decided when the case is opened: a dock that opened by itself later would move what is being read.
  const [opens] = useState(talks && window.innerWidth >= 1100);
  const docked = dockable && (docks[kind] ?? (opens && kind === 'reading'));
  const toggleDock = () => dockOpen.set({ ...docks, [kind]: !docked });
  useCommand(dockCommand, toggleDock, { enabled: dockable });
  const body = (shown: CaseTab) => {
    if (shown === 'images') return ImagesTab && <ImagesTab patient={patient} company={company} />;
    if (shown === 'decision') return DecisionTab && <DecisionTab patient={patient} />;
    if (load.state === 'failed') {
      return (
        <div className={styles['fallback']}>
          <FailureNotice failure={load.failure} retry={retry} />
        </div>
      );
    }
    if (!view) {
      return (
        <div className={styles['fallback']}>
          <Skeleton what={m.case_what()} rows={6} retry={retry} />
        </div>
      );
    }
    switch (shown) {
      case 'overview':
        return <Overview view={view} row={row} open={to} read={read} retry={retry} />;
      case 'documents':
        return <Documents view={view} chosen={document} choose={setDocument} retry={retry} />;
      case 'laboratory':
        return <Laboratory view={view} retry={retry} />;
      case 'timeline':
        return <Timeline view={view} read={read} openImages={() => to('images')} retry={retry} />;
      default: {
        const unknown: never = shown;
        return unknown;
      }
    }
  };
  return (
    <>
      <PatientBanner
        identity={identity}
        tumour={view ? bannerTumour(view) : row ? tumourLine(row) : undefined}
        similar={view?.similar ?? row?.similar}
        allergies={view?.allergies}
      />
      {view && <KeptNotice freshness={view.freshness} asOf={view.asOf} retry={retry} />}
      <div className={styles['beside']}>
        <Tabs className={styles['tabs'] ?? ''} selectedKey={tab} onSelectionChange={(key) => to(key as CaseTab)}>
          <div className={styles['tabRow']}>
            <TabList className={styles['tabList'] ?? ''} aria-label={m.case_tabs()}>
              {tabs
                .filter((one) => (one === 'images' ? ImagesTab : one === 'decision' ? DecisionTab : true))
                .map((one) => {
                  const many = view ? count(view, one) : null;
                  return (
                    <Tab key={one} id={one} className={styles['tab'] ?? ''} data-testid={`tab-${one}`}>
                      {tabWord[one]()}
                      {many !== null && <em>{many}</em>}
                    </Tab>
                  );
                })}
            </TabList>
            <div className={styles['tabAside']}>
              {newer !== null && (
                // In the place of the time, so that nothing moves under the reader.
                <Button className={styles['newer']} size="small" icon="reload" onPress={retry} data-testid="case-newer">
                  {m.case_newer_take({ time: time(newer) })}
                  <Kbd keys="f5" />
                </Button>
              )}
              {view && newer === null && view.freshness.state === 'current' && tab !== 'images' && <span title={m.case_as_of_title()}>{m.case_as_of({ time: time(view.asOf) })}</span>}
              {!docked && <CaseRoundButton patient={patient} />}
              {dockable && <DockButton patient={patient} open={docked} toggle={toggleDock} />}
              {tab !== 'images' && ImagesTab && (
                <Button look="primary" size="small" icon="image" onPress={() => to('images')} data-testid="open-images">
                  {m.command_images()}
                  <Kbd keys="b" />
                </Button>
              )}
            </div>
          </div>
          {tabs.map((one) => (
            <TabPanel key={one} id={one} className={styles['panel'] ?? ''}>
              <Suspense
                fallback={
                  <div className={styles['fallback']}>
                    <Skeleton what={tabWord[one]()} />
                  </div>
                }
              >
                <RetryContext value={until}>{body(one)}</RetryContext>
              </Suspense>
            </TabPanel>
          ))}
        </Tabs>
        {docked && <Dock key={patient} patient={patient} name={row?.slot ? m.dock_name_slot({ number: row.slot.number }) : m.dock_name()} close={toggleDock} />}
      </div>
    </>
  );
}
