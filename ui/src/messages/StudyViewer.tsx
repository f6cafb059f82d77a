/**
 * The study of a message in front of everything, under the name that its images carry. It never stands under the banner
 * of a case: whoever sent it may have sent another person's.
 */
import { useCallback, useEffect } from 'react';
import { Dialog as Base, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import { Chip } from '../components/Chip';
import { FailureNotice } from '../components/FailureNotice';
import { Icon } from '../components/icons';
import { Notice } from '../components/Notice';
import { Skeleton } from '../components/Skeleton';
import type { ReceivedStudyView, StudyLabelView } from '../host/contract';
import { useDesk } from '../host/desk';
import { ask } from '../host/host';
import { useStore } from '../host/store';
import { bannerName, bytesOf, date } from '../i18n/format';
import { MessageImages } from '../imaging/ImagesTab';
import { otherPerson } from '../imaging/words';
import { m } from '../paraglide/messages';
import { Progress } from './FileCard';
import { fileFailureWords, studyWords } from './fileWords';
import styles from './StudyViewer.module.css';
import front from './Viewer.module.css';

export function StudyViewer({ conversation, message, study, sender, close }: { conversation: string; message: string; study: StudyLabelView; sender: string | null; close: () => void }) {
  const desk = useDesk();
  const load = useStore(desk.receivedStudy);
  const open = useCallback(() => desk.openReceivedStudy(conversation, message), [desk, conversation, message]);
  useEffect(() => {
    open();
    return () => desk.closeReceivedStudy();
  }, [desk, open]);
  const view = load.state === 'here' && load.value.message === message ? load.value : null;
  return (
    <ModalOverlay isOpen onOpenChange={(stays) => !stays && close()} className={front['scrim'] ?? ''}>
      <Modal className={front['modal'] ?? ''} data-testid="study-viewer">
        <Base className={front['dialog'] ?? ''}>
          <div className={front['head']}>
            <Person view={view} study={study} />
            <span className={styles['grow']} />
            <Chip tone="warn" icon="chat" testId="study-from">
              {sender === null ? m.study_from_own() : m.study_from_message({ name: sender })}
            </Chip>
            <IconButton icon="close" label={m.action_close()} onPress={close} data-testid="study-close" />
          </div>
          {view && <Compared view={view} />}
          {load.state === 'failed' ? (
            <div className={styles['aside']}>
              <FailureNotice failure={load.failure} retry={open} />
            </div>
          ) : view === null ? (
            <div className={styles['aside']}>
              <Skeleton what={m.imaging_images()} rows={4} {...(load.state === 'waiting' ? { since: load.since } : {})} retry={open} />
            </div>
          ) : (
            <Inside view={view} study={study} retry={open} />
          )}
        </Base>
      </Modal>
    </ModalOverlay>
  );
}

/** Whom the images name, in the place of a banner. */
function Person({ view, study }: { view: ReceivedStudyView | null; study: StudyLabelView }) {
  const person = view?.patient ?? null;
  return (
    <div className={styles['person']} data-testid="study-person">
      <Heading slot="title" level={2} className={styles['name'] ?? ''}>
        {person === null ? studyWords(study) : bannerName(person)}
      </Heading>
      {person !== null && (
        <p className={styles['facts']}>
          <span>{person.birthDate === null ? m.identity_no_birth_date() : `*${date(person.birthDate)}`}</span>
          {person.number !== null && <span>{`${m.identity_number()} ${person.number}`}</span>}
          <span>{studyWords(study)}</span>
        </p>
      )}
    </div>
  );
}

/** How the images stand to the case of the conversation. */
function Compared({ view }: { view: ReceivedStudyView }) {
  const whom = view.case === null ? '' : otherPerson(view.case);
  const missing = [view.damaged > 0 ? m.study_damaged({ count: view.damaged }) : '', view.leftOut > 0 ? m.study_left_out({ count: view.leftOut }) : ''].filter((word) => word !== '');
  const grade = view.comparison?.grade;
  return (
    <div className={styles['notices']}>
      {grade === 'other' && (
        <Notice tone="danger" icon="danger" title={m.study_other_person()}>
          <span data-testid="study-other">{m.study_other_person_what({ person: whom })}</span>
        </Notice>
      )}
      {grade === 'unclear' && (
        <Notice tone="warn" icon="warn" title={m.study_unclear()}>
          {m.study_unclear_what({ person: whom })}
        </Notice>
      )}
      {(grade === 'same' || grade === 'spelling') && (
        <p className={styles['same']} data-testid="study-same">
          <Icon name="ok" size="s" />
          {grade === 'same' ? m.study_same({ person: whom }) : m.study_spelling({ person: whom })}
        </p>
      )}
      {view.state.state === 'ready' && view.comparison === null && (
        <p className={styles['same']}>
          <Icon name="info" size="s" />
          {m.study_no_case()}
        </p>
      )}
      {missing.length > 0 && (
        <div data-testid="study-missing">
          <Notice tone="warn" icon="warn" title={m.study_incomplete()}>
            {missing.join(' ')}
          </Notice>
        </div>
      )}
    </div>
  );
}

function Inside({ view, study, retry }: { view: ReceivedStudyView; study: StudyLabelView; retry: () => void }) {
  const { host } = useDesk();
  const { message } = view;
  const openSeries = useCallback((_study: string, series: string) => ask(host, { type: 'open-received-series', message, series }, 'series'), [host, message]);
  switch (view.state.state) {
    case 'fetching': {
      const { moved, total } = view.state;
      return (
        <div className={styles['aside']} role="status">
          <div className={styles['wait']}>
            <Progress part={total === null || total === 0 ? null : Math.min(1, moved / total)} label={m.file_progress({ name: studyWords(study) })} />
            <p>{[total === null ? '' : bytesOf(moved, total), m.file_checked_first()].filter((word) => word !== '').join(' · ')}</p>
          </div>
        </div>
      );
    }
    case 'failed': {
      const { failure } = view.state;
      const words = failure.code === 'other-patient' ? { what: m.study_mixed(), act: m.study_mixed_act() } : fileFailureWords(failure);
      return (
        <div className={styles['aside']} data-testid="study-failed">
          <Notice
            tone="danger"
            title={m.file_not_shown()}
            actions={
              <Button size="small" icon="reload" onPress={retry}>
                {m.action_retry()}
              </Button>
            }
          >
            {words.what} {words.act}
          </Notice>
        </div>
      );
    }
    case 'ready':
      return (
        <div className={styles['images']}>
          <MessageImages view={view.images} openSeries={openSeries} />
        </div>
      );
    default: {
      const unknown: never = view.state;
      return unknown;
    }
  }
}
