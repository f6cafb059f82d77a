/** The newest study's series as small pictures, for the case's overview. */

import { useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Button as Plain } from 'react-aria-components';
import type { SeriesEntryView, StudyView } from '../host/contract';
import { useDesk, useSettings } from '../host/desk';
import { ask } from '../host/host';
import { date } from '../i18n/format';
import { m } from '../paraglide/messages';
import { Pictures } from './pictures';
import { paint } from './SeriesStrip';
import styles from './StudyPictures.module.css';
import { DoorsContext } from './useStage';

const most = 4;

export function StudyPictures({ study, open }: { study: StudyView; open: () => void }) {
  const pictures = usePictures();
  const shown = study.series.filter((one) => one.displayable).slice(0, most);
  return (
    <ul className={styles['pictures']} aria-label={m.imaging_series_of({ date: date(study.at) })} data-testid="study-pictures">
      {shown.map((series) => (
        <li key={series.series}>
          <Plain className={styles['series'] ?? ''} onPress={open} data-testid={`picture-${series.series}`}>
            <SeriesPicture series={series} pictures={pictures} />
            <span className={styles['line']}>
              <span className={styles['name']}>{series.description === '' ? series.modality : series.description}</span>
              <span className={styles['count']}>{series.instances}</span>
            </span>
          </Plain>
        </li>
      ))}
    </ul>
  );
}

function usePictures(): Pictures | undefined {
  const { host } = useDesk();
  const { bulkWay } = useSettings();
  const { openPipe } = useContext(DoorsContext);
  const [pictures, setPictures] = useState<Pictures>();
  useEffect(() => {
    const made = new Pictures(() => openPipe(() => ask(host, { type: 'open-bulk' }, 'bulk-access'), bulkWay));
    setPictures(made);
    return () => {
      made.close();
    };
  }, [host, bulkWay, openPipe]);
  return pictures;
}

const never = () => () => undefined;

function SeriesPicture({ series: { thumbnail, modality }, pictures }: { series: SeriesEntryView; pictures: Pictures | undefined }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (thumbnail !== null) pictures?.want(thumbnail);
  }, [pictures, thumbnail]);
  const picture = useSyncExternalStore(pictures?.subscribe ?? never, () => (thumbnail === null ? undefined : pictures?.get(thumbnail)));
  useEffect(() => {
    if (canvas.current !== null && picture !== undefined) paint(canvas.current, picture);
  }, [picture]);
  return (
    <span className={styles['picture']} data-painted={picture !== undefined}>
      {picture === undefined && <span aria-hidden>{modality}</span>}
      <canvas ref={canvas} width={256} height={184} aria-hidden hidden={picture === undefined} />
    </span>
  );
}
