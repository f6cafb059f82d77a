/** The screen "Bilder": series strip, tools and viewports of one patient. */

import { memo, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { announce } from '../components/announce';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Notice } from '../components/Notice';
import { Button } from '../components/Button';
import { useRetry } from '../components/retry';
import { Skeleton } from '../components/Skeleton';
import { toast } from '../components/toasts';
import type { ImagesView, StudyView } from '../host/contract';
import { useDesk, useSettings } from '../host/desk';
import { useStore } from '../host/store';
import { date } from '../i18n/format';
import { language } from '../i18n/language';
import { stroke, useCommand } from '../keys/keys';
import { m } from '../paraglide/messages';
import { ActiveWindow } from './ActiveWindow';
import styles from './ImagesTab.module.css';
import { IMAGES_SCOPE, IMAGING_KEYS, type ImagingAction, type ImagingKey, type PictureAction } from './keys';
import { viewportCount, type Layout } from './layouts';
import type { ImageName, Measurements, Point } from './measurements';
import { tablePresets } from './overlay';
import { SeriesStrip } from './SeriesStrip';
import type { StageSnapshot, ViewportSnapshot } from './snapshot';
import type { Stage } from './stage';
import { ToolRow } from './ToolRow';
import { isMeasuring, type Tool } from './tools';
import { useMeasurements } from './useMeasurements';
import { type OpenSeries, useSnapshot, useStage } from './useStage';
import { ViewportPane } from './ViewportPane';
import { imageWord, otherPerson, probeWord } from './words';

/** What else belongs over the images, as their stage is. */
export type Company = (stage: Stage) => ReactNode;

export function ImagesTab({ patient, company }: { patient: string; company?: Company }) {
  const desk = useDesk();
  const images = useStore(desk.images);
  useEffect(() => {
    desk.openImages(patient);
  }, [desk, patient]);
  const retry = () => {
    desk.openImages(patient);
  };

  const until = useRetry(images.state === 'here' && images.value.patient === patient && images.value.failure !== null, retry);

  switch (images.state) {
    case 'waiting':
      return (
        <Page>
          <Skeleton what={m.imaging_images()} since={images.since} rows={4} retry={retry} />
        </Page>
      );
    case 'failed':
      return (
        <Page>
          <FailureNotice failure={images.failure} retry={retry} />
        </Page>
      );
    case 'here': {
      const view = images.value;
      // Another patient's studies are never drawn, not even for the moment in which the case changes.
      if (view.patient !== patient) return <Page />;
      if (view.studies.length === 0) {
        return (
          <Page>
            {view.failure !== null && <FailureNotice failure={view.failure} retry={retry} until={until} tone="warn" />}
            {view.failure === null && view.loading && <Skeleton what={m.imaging_images()} rows={4} />}
            {view.failure === null && !view.loading && (
              <Empty icon="image" title={m.imaging_none()}>
                {m.imaging_none_why()}
              </Empty>
            )}
          </Page>
        );
      }
      return <Images key={patient} view={view} retry={retry} until={until} company={company} />;
    }
  }
}

function Page({ children }: { children?: ReactNode }) {
  return <div className={styles['page']}>{children}</div>;
}

function Images({ view, retry, until, company }: { view: ImagesView; retry: () => void; until: number | null; company: Company | undefined }) {
  const desk = useDesk();
  const settings = useSettings();
  const stage = useStage(desk.host, view.patient, settings);
  if (stage === undefined) return <Page />;
  return <Area key={stage.key} stage={stage} view={view} retry={retry} until={until} imageText={settings.imageTextSize} company={company} />;
}

/** Images of a message: read like those of the archive; what is measured on them is kept nowhere. */
export function MessageImages({ view, openSeries }: { view: ImagesView; openSeries: OpenSeries }) {
  const desk = useDesk();
  const settings = useSettings();
  const stage = useStage(desk.host, view.patient, settings, openSeries);
  if (stage === undefined) return <Page />;
  return <Area key={stage.key} stage={stage} view={view} retry={nothing} until={null} imageText={settings.imageTextSize} inDialog />;
}

function nothing(): void {
  // What came in a message cannot be asked for again.
}

function Area({
  stage,
  view,
  retry,
  until,
  imageText,
  inDialog = false,
  company,
}: {
  stage: Stage;
  view: ImagesView;
  retry: () => void;
  until: number | null;
  imageText: number;
  /** In front of a screen that is another patient's, or nobody's. */
  inDialog?: boolean;
  company?: Company | undefined;
}) {
  const desk = useDesk();
  const snapshot = useSnapshot(stage);
  const [tool, setTool] = useState<Tool>('window');
  const [text, setText] = useState(true);
  const [measurements, change] = useMeasurements(view.patient, !inDialog);
  useEffect(() => {
    stage.pointing.setMeasurements(measurements);
  }, [stage, measurements]);
  useFirstSeries(stage, view);
  useRefusals(stage, view);
  useAnnouncedImage(snapshot);

  const panes = useRef<HTMLDivElement>(null);
  const { active } = snapshot;
  const current = snapshot.viewports.find(({ id }) => id === active);
  const studies = useMemo(() => new Map(view.studies.map((study) => [study.study, study])), [view.studies]);


  const measured = (viewport: number, from: Point, to: Point, held: string | undefined) => {
    const pane = stage.snapshot().viewports.find(({ id }) => id === viewport);
    const length = stage.pointing.length(viewport, from, to);
    if (length === undefined || length.value === 0 || pane?.series === undefined || pane.state === undefined) return;
    const { value, unit } = length;
    const { series } = pane;
    const image = imageOf(pane);
    if (image === undefined) return;
    change({
      type: held === undefined ? 'add' : 'change',
      measurement: { kind: 'length', id: held ?? crypto.randomUUID(), series, ...image, from, to, value, unit },
    });
  };

  const probed = (viewport: number, at: Point) => {
    const pane = stage.snapshot().viewports.find(({ id }) => id === viewport);
    const image = imageOf(pane);
    if (pane?.series === undefined || image === undefined) return;
    const word = probeWord(stage.pointing.read(viewport, at));
    if (word === '') return;
    announce(word);
    change({
      type: 'add',
      measurement: { kind: 'probe', id: crypto.randomUUID(), series: pane.series, ...image, at, text: word },
    });
  };

  const chooseTool = (next: Tool) => {
    stage.pointing.drop();
    setTool(next);
  };

  const act = (action: ImagingAction) => {
    switch (action.type) {
      case 'tool':
        chooseTool(action.tool);
        return;
      case 'overlay':
        setText(!text);
        return;
      case 'point':
        setPoint(stage, active, tool, measured, probed);
        return;
      case 'delete':
        if (measurements.selected === undefined) return;
        change({ type: 'delete-selected' });
        toast({ text: m.imaging_deleted(), undo: () => { change({ type: 'undo' }); } });
        return;
      case 'undo':
      case 'redo':
        change({ type: action.type });
        return;
      case 'copy':
        copySelected(measurements, snapshot);
        return;
      case 'series':
        neighbour(stage, view, current?.series, active, action.step);
        return;
      default:
        onStage(stage, active, action);
    }
  };

  // What does not change from image to image is not drawn again with each of them; another language makes it anew.
  const words = language();
  const actNow = useLatest(act);
  const chooseToolNow = useLatest(chooseTool);
  const chooseLayout = useCallback(
    (layout: Layout) => {
      stage.setLayout(layout);
    },
    [stage],
  );
  // The same element each time: another one would draw the row again.
  const windowLabel = useMemo(() => <ActiveWindow stage={stage} alone={!text} />, [stage, text]);
  const drawn = current?.series !== undefined;
  const picture = useMemo(
    () =>
      drawn
        ? {
            invert: () => stage.invert(active),
            flip: () => stage.flip(active, 'horizontal'),
            rotate: () => stage.rotate(active, 1),
            reset: () => stage.reset(active),
            preset: (digit: number) => stage.preset(active, digit),
          }
        : undefined,
    [stage, active, drawn],
  );
  const choose = useLatest((study: string, series: string) => {
    const to = stage.active;
    stage.show(to, study, series);
    // The next key is meant for the picture.
    panes.current?.querySelector<HTMLElement>(`[data-testid=viewport-${String(to + 1)}]`)?.focus();
  });

  return (
    <div
      className={styles['area']}
      data-scope={IMAGES_SCOPE}
      data-testid="images"
      data-bulk={snapshot.way}
      data-drawn={snapshot.drawn}
      onKeyDown={(event) => {
        const pressed = stroke(event);
        const found = IMAGING_KEYS.find(({ focused, command }) => focused === true && command.keys.includes(pressed));
        if (found === undefined) return;
        event.preventDefault();
        act(found.action);
      }}
    >
      <Keys act={actNow} measuring={isMeasuring(tool) && current?.phase.phase === 'ready'} scope={inDialog ? 'dialog' : IMAGES_SCOPE} />
      <ToolRow
        key={words}
        tool={tool}
        layout={snapshot.layout}
        window={windowLabel}
        presets={current?.view?.presets}
        tables={current?.view === undefined ? undefined : tablePresets(current.view, current.state?.index ?? 0)}
        chooseTool={chooseToolNow}
        chooseLayout={chooseLayout}
        picture={picture}
      />
      <div className={styles['problems']}>
        <Persons
          studies={view.studies}
          confirm={(study) => {
            void desk.host.call({ type: 'confirm-identity', patient: view.patient, study }).then(retry, retry);
          }}
        />
        <Problems snapshot={snapshot} view={view} retry={retry} until={until} retryPipe={() => stage.retryPipe()} />
      </div>
      <div className={styles['columns']}>
        <SeriesStrip
          key={words}
          stage={stage}
          studies={view.studies}
          loading={view.loading}
          choose={choose}
        />
        <div className={styles['images']}>
          <Canvas stage={stage} gpu={snapshot.gpu} />
          <div ref={panes} className={styles['panes']} style={{ ['--image-text' as string]: `${String(imageText / 16)}rem` }}>
            {snapshot.viewports.map((viewport) => (
              <ViewportPane
                key={viewport.id}
                stage={stage}
                viewport={viewport}
                count={viewportCount(snapshot.layout)}
                active={viewport.id === active}
                study={viewport.study === undefined ? undefined : studies.get(viewport.study)}
                tool={tool}
                text={text}
                measurements={measurements.list}
                measured={measured}
                probed={probed}
                select={(id) => { change({ type: 'select', id }); }}
                dropped={(id, series) => {
                  const study = view.studies.find((one) => one.series.some((entry) => entry.series === series));
                  if (study !== undefined) stage.show(id, study.study, series);
                }}
              />
            ))}
          </div>
          {company?.(stage)}
        </div>
      </div>
    </div>
  );
}

/** The latest of what a rendering made, behind a function that stays the same. For events only. */
function useLatest<Arguments extends unknown[]>(run: (...given: Arguments) => void): (...given: Arguments) => void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  return useCallback((...given: Arguments) => {
    latest.current(...given);
  }, []);
}

/** The keys of the images, bound while they are on the page. */
const Keys = memo(function Keys({ act, measuring, scope }: { act: (action: ImagingAction) => void; measuring: boolean; scope: string }) {
  return IMAGING_KEYS.filter(({ focused }) => focused !== true).map((key) => (
    <Key key={key.command.id} binding={key} act={act} measuring={measuring} scope={scope} />
  ));
});

function Key({
  binding,
  act,
  measuring,
  scope,
}: {
  binding: ImagingKey;
  act: (action: ImagingAction) => void;
  measuring: boolean;
  scope: string;
}) {
  useCommand(
    binding.command,
    () => {
      act(binding.action);
    },
    { scope, enabled: binding.measuring !== true || measuring },
  );
  return null;
}

/** The one canvas of all viewports; made anew when the graphics device was lost, and when something else draws. */
function Canvas({ stage, gpu }: { stage: Stage; gpu: StageSnapshot['gpu'] }) {
  const [generation, setGeneration] = useState(0);
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (gpu === 'lost') setGeneration((before) => before + 1);
  }, [gpu]);
  useEffect(() => {
    const element = canvas.current;
    const parent = element?.parentElement;
    if (element == null || parent == null) return undefined;
    const measureSize = () => {
      const { width, height } = parent.getBoundingClientRect();
      const ratio = window.devicePixelRatio;
      // The drawing part takes the canvas' own size at its start.
      if (generation === 0 || element.width === 0) {
        element.width = Math.round(width * ratio);
        element.height = Math.round(height * ratio);
      }
      stage.resize(width, height, ratio);
    };
    measureSize();
    const observer = new ResizeObserver(measureSize);
    observer.observe(parent);
    void stage.attach(element);
    return () => {
      observer.disconnect();
    };
  }, [stage, generation]);
  return <canvas key={generation} ref={canvas} className={styles['canvas']} aria-hidden data-testid="canvas" />;
}

function Problems({
  snapshot,
  view,
  retry,
  until,
  retryPipe,
}: {
  snapshot: StageSnapshot;
  view: ImagesView;
  retry: () => void;
  until: number | null;
  retryPipe: () => void;
}) {
  return (
    <>
      {view.failure !== null && <FailureNotice failure={view.failure} retry={retry} until={until} tone="warn" />}
      {snapshot.gpu === 'failed' && (
        <Notice tone="danger" title={m.imaging_no_gpu()}>
          {m.imaging_no_gpu_what()}
        </Notice>
      )}
      {snapshot.pipe === 'failed' && (
        <Notice
          tone="danger"
          title={m.imaging_no_pipe()}
          actions={
            <Button size="small" icon="reload" onPress={retryPipe}>
              {m.imaging_reconnect()}
            </Button>
          }
        >
          {m.imaging_no_pipe_what()}
        </Notice>
      )}
    </>
  );
}

/** Studies that carry other personal data: refused, or shown only after somebody has looked at both. */
function Persons({ studies, confirm }: { studies: readonly StudyView[]; confirm: (study: string) => void }) {
  return studies.map(({ study, description, at, identity }) => {
    const about = [date(at), description].filter((word) => word !== '').join(' · ');
    if (identity.grade === 'other') {
      return (
        <div key={study} data-testid={`refused-${study}`}>
          <Notice tone="danger" icon="locked" title={`${m.imaging_other_person()}: ${about}`}>
            {m.imaging_other_person_what({ person: otherPerson(identity.other) })}
          </Notice>
        </div>
      );
    }
    if (identity.grade !== 'unclear' || identity.confirmed) return null;
    return (
      <Notice
        key={study}
        tone="warn"
        title={`${m.imaging_unclear()}: ${about}`}
        actions={
          <Button size="small" data-testid={`confirm-${study}`} onPress={() => confirm(study)}>
            {m.imaging_confirm()}
          </Button>
        }
      >
        {m.imaging_unclear_what({
          person: otherPerson(identity.other),
          number: identity.other.number ?? m.imaging_no_number(),
        })}
      </Notice>
    );
  });
}

/** Shows the newest study's first picture, once, if the reader was not here before and nobody else shows them one. */
function useFirstSeries(stage: Stage, view: ImagesView): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || stage.followed() !== undefined || stage.memory().viewports.length > 0) return;
    const study = view.studies.find((one) => allowed(one) && one.series.some(({ displayable }) => displayable));
    const series = study?.series.find(({ displayable }) => displayable);
    if (study === undefined || series === undefined) return;
    done.current = true;
    stage.show(0, study.study, series.series);
  }, [stage, view]);
}

function allowed({ identity }: StudyView): boolean {
  return identity.grade === 'same' || identity.grade === 'spelling' || (identity.grade === 'unclear' && identity.confirmed);
}

/** A study that turns out to be another person's disappears from every viewport, and is not followed into. */
function useRefusals(stage: Stage, view: ImagesView): void {
  useEffect(() => {
    const refused = view.studies.filter((study) => !allowed(study));
    stage.setRefused(new Set(refused.map(({ study }) => study)));
    stage.findAgain(new Set(view.studies.map(({ study }) => study)));
  }, [stage, view]);
}

const SPOKEN_EVERY_MILLISECONDS = 500;

/** Says the image's number after scrolling, at most twice a second. */
function useAnnouncedImage({ viewports, active }: StageSnapshot): void {
  const corner = viewports.find(({ id }) => id === active)?.corner;
  const spoken = corner === undefined ? '' : imageWord(corner.image);
  const last = useRef(spoken);
  useEffect(() => {
    if (spoken === last.current) return undefined;
    const timer = window.setTimeout(() => {
      const first = last.current === '';
      last.current = spoken;
      if (!first && spoken !== '') announce(spoken);
    }, SPOKEN_EVERY_MILLISECONDS);
    return () => {
      window.clearTimeout(timer);
    };
  }, [spoken]);
}

/** Enter with a measuring tool: the cursor appears, then sets points. */
function setPoint(
  stage: Stage,
  viewport: number,
  tool: Tool,
  measured: (viewport: number, from: Point, to: Point, held: string | undefined) => void,
  probed: (viewport: number, at: Point) => void,
): void {
  const point = stage.pointing.cursor(viewport);
  if (point === undefined) {
    stage.pointing.moveCursor(viewport, 0, 0);
    return;
  }
  if (tool === 'probe') {
    probed(viewport, point);
    return;
  }
  if (stage.pointing.pending(viewport) === undefined) {
    stage.pointing.begin(viewport, point);
    return;
  }
  const length = stage.pointing.end(viewport);
  if (length !== undefined) measured(viewport, length.from, length.to, length.held);
}

function onStage(stage: Stage, viewport: number, action: PictureAction): void {
  switch (action.type) {
    case 'step':
      stage.step(viewport, action.images);
      return;
    case 'edge':
      stage.edge(viewport, action.end);
      return;
    case 'viewport':
      stage.moveActive(action.step);
      return;
    case 'preset':
      stage.preset(viewport, action.digit);
      return;
    case 'layout':
      stage.setLayout(action.layout);
      return;
    case 'zoom':
      stage.zoom(viewport, action.factor);
      return;
    case 'window':
      stage.changeWindow(viewport, action.center, action.width);
      return;
    case 'rotate':
      stage.rotate(viewport, action.quarters);
      return;
    case 'flip':
      stage.flip(viewport, action.axis);
      return;
    case 'cursor':
      stage.pointing.moveCursor(viewport, action.columns, action.rows);
      return;
    case 'fit':
      stage.fit(viewport);
      return;
    case 'one-to-one':
      stage.oneToOne(viewport);
      return;
    case 'reset':
      stage.reset(viewport);
      return;
    case 'invert':
      stage.invert(viewport);
  }
}

/** The image on screen by its own name. */
function imageOf(pane: ViewportSnapshot | undefined): ImageName | undefined {
  const image = pane?.state === undefined ? undefined : pane.view?.frames[pane.state.index];
  return image === undefined ? undefined : { instance: image.instance, frame: image.frame };
}

function copySelected({ selected }: Measurements, { viewports }: StageSnapshot): void {
  const shape = viewports.flatMap(({ shapes }) => shapes).find(({ id }) => id === selected);
  if (shape !== undefined) void navigator.clipboard.writeText(shape.text);
}

/** The next or previous series that can be shown, within the studies that may be shown. */
function neighbour(
  stage: Stage,
  view: ImagesView,
  series: string | undefined,
  viewport: number,
  step: 1 | -1,
): void {
  const all = view.studies
    .filter(allowed)
    .flatMap((study) => study.series.filter(({ displayable }) => displayable).map((entry) => [study, entry] as const));
  const at = all.findIndex(([, entry]) => entry.series === series);
  const next = all[at < 0 ? 0 : at + step];
  if (next !== undefined) stage.show(viewport, next[0].study, next[1].series);
}
