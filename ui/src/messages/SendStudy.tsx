/** Which study of the open case goes into the conversation. */
import { useEffect, useState } from 'react';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { Empty } from '../components/Empty';
import { FailureNotice } from '../components/FailureNotice';
import { Skeleton } from '../components/Skeleton';
import type { Failure, StudyView } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';
import { useStore } from '../host/store';
import { date } from '../i18n/format';
import { m } from '../paraglide/messages';
import { imageWords } from './fileWords';
import styles from './SendStudy.module.css';

export function SendStudy({ conversation, patient, close }: { conversation: string; patient: string; close: () => void }) {
  const desk = useDesk();
  const images = useStore(desk.images);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [pending, setPending] = useState<string | null>(null);
  const retry = () => desk.openImages(patient);
  useEffect(() => desk.openImages(patient), [desk, patient]);
  const send = (study: string) => {
    setPending(study);
    setFailure(null);
    desk.host.call({ type: 'send-study', conversation, patient, study }).then(close, (thrown: unknown) => {
      setPending(null);
      setFailure(asFailure(thrown));
    });
  };
  const view = images.state === 'here' && images.value.patient === patient ? images.value : null;
  const studies = view?.studies.filter(mayGo) ?? [];
  return (
    <Dialog title={m.study_send_title()} width={560} onClose={close} testId="send-study">
      <p className={styles['about']}>{m.study_send_about()}</p>
      {failure && <FailureNotice failure={failure} />}
      {images.state === 'failed' && <FailureNotice failure={images.failure} retry={retry} />}
      {view?.failure != null && <FailureNotice failure={view.failure} retry={retry} tone="warn" />}
      {studies.length > 0 && (
        <ul className={styles['list']}>
          {studies.map((study) => (
            <li key={study.study} className={styles['study']}>
              <div className={styles['words']}>
                <b>{study.description === '' ? modalities(study) : study.description}</b>
                <p>{[date(study.at), modalities(study), imageWords(count(study))].filter((word) => word !== '').join(' · ')}</p>
              </div>
              <Button size="small" icon="send" isPending={pending === study.study} isDisabled={pending !== null} aria-label={m.study_send_named({ name: study.description })} onPress={() => send(study.study)} data-testid={`send-study-${study.study}`}>
                {m.study_send()}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {studies.length === 0 && images.state !== 'failed' && (view === null || view.loading) && <Skeleton what={m.imaging_images()} rows={3} />}
      {view !== null && !view.loading && studies.length === 0 && view.failure === null && <Empty icon="image" title={m.imaging_none()} />}
    </Dialog>
  );
}

/** Only what may be shown under this patient's name goes out under it. */
function mayGo({ identity, series }: StudyView): boolean {
  const known = identity.grade === 'same' || identity.grade === 'spelling' || (identity.grade === 'unclear' && identity.confirmed);
  return known && series.some(({ displayable }) => displayable);
}

function modalities({ series }: StudyView): string {
  return [...new Set(series.filter(({ displayable }) => displayable).map(({ modality }) => modality))].join(' + ');
}

function count({ series }: StudyView): number {
  return series.filter(({ displayable }) => displayable).reduce((sum, { instances }) => sum + instances, 0);
}
