/** Studies by date with their series; Enter puts a series into the active viewport. */

import { memo, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { GridList, GridListItem } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { Chip } from '../components/Chip';
import { classes } from '../components/classes';
import { Icon } from '../components/icons';
import type { SeriesEntryView, StudyView } from '../host/contract';
import { date } from '../i18n/format';
import { m } from '../paraglide/messages';
import type { Progress } from './seriesLoads';
import styles from './SeriesStrip.module.css';
import type { Stage } from './stage';
import type { Picture } from './thumbnails';
import { steady } from './steady';
import { SERIES_DRAG_TYPE } from './ViewportPane';
import { otherPerson } from './words';

export type SeriesStripView = {
  stage: Stage;
  studies: readonly StudyView[];
  loading: boolean;
  choose: (study: string, series: string) => void;
};

/** Drawn again only when something of it has changed: scrolling changes nothing here. */
export const SeriesStrip = memo(function SeriesStrip(view: SeriesStripView) {
  const { studies, loading } = view;
  // Another person's study is never the current one of this patient.
  const newest = studies.findIndex(({ identity }) => identity.grade !== 'other');
  return (
    <nav className={styles['strip']} aria-label={m.imaging_strip()} data-testid="series-strip">
      {studies.map((study, index) => (
        <Study key={study.study} study={study} newest={index === newest} {...view} />
      ))}
      {loading && <p className={styles['loading']}>{m.imaging_studies_loading()}</p>}
    </nav>
  );
});

function Study({ study, newest, ...view }: { study: StudyView; newest: boolean } & SeriesStripView) {
  // Older studies begin folded, so that the current one is the one that is looked at.
  const [open, setOpen] = useState(newest);
  // Whoever shows images in a round, or leafs by keys, comes to a study that is folded. Looked for beside the drawing: a
  // click from one study to another would draw all entries of both before its first image.
  const { stage } = view;
  useEffect(() => {
    let before = false;
    const look = () => {
      const shown = stage.snapshot().viewports.some((viewport) => viewport.study === study.study);
      if (shown && !before) setOpen(true);
      before = shown;
    };
    look();
    return stage.subscribe(look);
  }, [stage, study.study]);
  const { identity } = study;
  return (
    <section className={styles['study']} aria-label={`${date(study.at)} ${study.description}`}>
      <div className={styles['head']}>
        <h2 className={styles['date']}>{study.at === null ? m.imaging_no_date() : date(study.at)}</h2>
        {newest && <Chip tone="outline">{m.imaging_current()}</Chip>}
        {!newest && study.series.length > 0 && (
          <IconButton
            size="small"
            icon={open ? 'down' : 'next'}
            label={open ? m.imaging_fold() : m.imaging_unfold()}
            aria-expanded={open}
            onPress={() => {
              setOpen(!open);
            }}
          />
        )}
      </div>
      <p className={styles['description']} title={study.description}>
        {study.description}
      </p>
      {identity.grade === 'other' && (
        <p className={classes(styles['mark'], styles['refused'])}>
          <Icon name="locked" size="xs" /> {m.imaging_not_shown()}
        </p>
      )}
      {identity.grade === 'unclear' && !identity.confirmed && (
        <p className={styles['mark']}>
          <Icon name="warn" size="xs" /> {m.imaging_unclear()}
        </p>
      )}
      {identity.grade === 'spelling' && (
        <p className={styles['mark']}>{m.imaging_spelling({ person: otherPerson(identity.other) })}</p>
      )}
      {open && study.series.length > 0 && <SeriesList study={study} stage={stage} choose={view.choose} />}
    </section>
  );
}

const SeriesList = memo(function SeriesList({ study, stage, choose }: { study: StudyView } & Pick<SeriesStripView, 'stage' | 'choose'>) {
  // The list makes its entries anew for other items.
  const items = useMemo(() => study.series.map((entry) => ({ ...entry, id: entry.series })), [study.series]);
  return (
    <GridList
      aria-label={m.imaging_series_of({ date: date(study.at) })}
      className={styles['list'] ?? ''}
      items={items}
      onAction={(key) => {
        choose(study.study, String(key));
      }}
    >
      {(entry) => (
        <GridListItem
          id={entry.series}
          textValue={entry.description}
          isDisabled={!entry.displayable}
          className={styles['series'] ?? ''}
          data-testid={`series-${entry.series}`}
          data-modality={entry.modality}
          data-instances={entry.instances}
        >
          <Series entry={entry} stage={stage} />
        </GridListItem>
      )}
    </GridList>
  );
});

type SeriesState = { shown: boolean; active: boolean; progress: Progress | undefined };

/** What the stage says of one series. An entry looks for itself, so that a click draws two of them and not all. */
function useSeriesState(stage: Stage, series: string): SeriesState {
  const read = useMemo(
    () =>
      steady((): SeriesState => {
        const { viewports, active, progress } = stage.snapshot();
        return {
          shown: viewports.some((viewport) => viewport.series === series),
          active: viewports.find(({ id }) => id === active)?.series === series,
          progress: progress.get(series),
        };
      }, sameState),
    [stage, series],
  );
  return useSyncExternalStore(stage.subscribe, read);
}

function sameState(a: SeriesState, b: SeriesState): boolean {
  return a.shown === b.shown && a.active === b.active && a.progress === b.progress;
}

function Series({ entry, stage }: { entry: SeriesEntryView; stage: Stage }) {
  const { shown, active, progress } = useSeriesState(stage, entry.series);
  const loading = progress !== undefined && progress.of > 0 && !progress.done;
  return (
    <div
      className={classes(styles['entry'], shown && styles['shown'], active && styles['active'])}
      data-loaded={progress?.done === true}
      draggable={entry.displayable}
      onDragStart={(event) => {
        event.dataTransfer.setData(SERIES_DRAG_TYPE, entry.series);
      }}
    >
      <div className={styles['picture']}>
        {entry.thumbnail !== null && <Thumbnail stage={stage} handle={entry.thumbnail} />}
        <span className={classes(styles['tag'], styles['modality'])}>{entry.modality}</span>
        <span className={classes(styles['tag'], styles['count'])}>{entry.instances}</span>
      </div>
      <span className={styles['name']} title={entry.description}>
        {entry.description === '' ? entry.modality : entry.description}
      </span>
      {!entry.displayable && <span className={styles['note']}>{m.imaging_not_displayable()}</span>}
      {progress !== undefined && progress.of > 0 && (
        <span className={styles['bar']}>
          <span style={{ width: `${String((100 * progress.loaded) / progress.of)}%` }} />
        </span>
      )}
      {loading && (
        <span className={styles['progress']}>
          <span>{m.imaging_loaded({ loaded: progress.loaded, of: progress.of })}</span>
          {progress.stopped ? (
            <Button look="link" size="small" onPress={() => stage.resumeLoading(entry.series)}>
              {m.imaging_resume()}
            </Button>
          ) : (
            <Button look="link" size="small" onPress={() => stage.stopLoading(entry.series)}>
              {m.imaging_stop()}
            </Button>
          )}
        </span>
      )}
      {progress !== undefined && progress.failed > 0 && (
        <span className={styles['note']}>{m.imaging_failed_images({ count: progress.failed })}</span>
      )}
    </div>
  );
}

const WIDTH = 128;
const HEIGHT = 78;

function Thumbnail({ stage, handle }: { stage: Stage; handle: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = useSyncExternalStore(stage.subscribeThumbnails, () => stage.thumbnail(handle));
  useEffect(() => {
    if (canvas.current !== null && picture !== undefined) paint(canvas.current, picture);
  }, [picture]);
  return <canvas ref={canvas} className={styles['thumbnail']} width={WIDTH * 2} height={HEIGHT * 2} aria-hidden />;
}

/** The whole picture, black around it: a cut one could hide a side mark. */
export function paint(canvas: HTMLCanvasElement, { columns, rows, rgba }: Picture): void {
  // Drawn once and by the processor: a canvas that the graphics device draws is a layer of its own, and each layer is
  // put together anew with every picture of the viewer.
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return;
  const whole = document.createElement('canvas');
  whole.width = columns;
  whole.height = rows;
  whole.getContext('2d')?.putImageData(new ImageData(rgba, columns, rows), 0, 0);
  const scale = Math.min(canvas.width / columns, canvas.height / rows);
  const [width, height] = [columns * scale, rows * scale];
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(whole, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
}
