/** The study of a message: what it is, and the way into the viewer. */
import type { ReactNode } from 'react';
import { Button as Plain } from 'react-aria-components';
import { Button, IconButton } from '../components/Button';
import type { StudyLabelView } from '../host/contract';
import { bytes, bytesOf } from '../i18n/format';
import { m } from '../paraglide/messages';
import { FileCard } from './FileCard';
import { progressWords, studyWords } from './fileWords';
import { type FileBody, useFile, useSaving } from './ReceivedFile';
import styles from './Files.module.css';
import { type MessageLine, showsImages } from './timeline';
import { useLasting, useSmallPicture } from './useTransfers';

interface Props {
  conversation: string;
  line: MessageLine;
  body: FileBody;
  study: StudyLabelView;
  current: boolean;
  show: (line: MessageLine) => void;
}

export function ReceivedStudy(props: Props) {
  return showsImages(props.line) ? <WithImages {...props} /> : <StudyCard {...props} />;
}

/** With some of its images, which come by themselves. */
function WithImages(props: Props) {
  const { conversation, line, study, show } = props;
  const { address, unusable, refuse } = useSmallPicture(conversation, line);
  if (unusable) return <StudyCard {...props} />;
  return (
    <StudyCard
      {...props}
      side={
        // The button beside it does the same, and is the one that is reached by keys.
        <Plain className={styles['side'] ?? ''} aria-label={m.study_open_named({ name: studyWords(study) })} excludeFromTabOrder onPress={() => show(line)} data-testid={`images-${line.id}`}>
          {address !== null && <img src={address} alt="" onError={refuse} data-testid={`images-picture-${line.id}`} />}
        </Plain>
      }
    />
  );
}

function StudyCard({ conversation, line, body, study, current, show, side }: Props & { side?: ReactNode }) {
  const file = useFile(conversation, line, body);
  const { received, stop } = file;
  const { save, dialog } = useSaving(body.name, null, file);
  const loading = received?.state === 'loading' ? received : null;
  const lasting = useLasting(loading?.since ?? null);
  const name = studyWords(study);
  const stopsTab = { excludeFromTabOrder: !current };
  const total = loading?.total ?? body.size;
  const about = [m.study_series({ count: study.series }), body.size === null ? '' : bytes(body.size)].filter((word) => word !== '').join(' · ');
  return (
    <>
      <FileCard
        icon="image"
        side={side}
        name={name}
        data-testid={`study-${line.id}`}
        {...(loading === null || total === null ? {} : { aside: bytesOf(loading.moved, total), progress: Math.min(1, loading.moved / Math.max(1, total)) })}
        about={loading !== null && lasting ? progressWords(loading.moved, total, loading.pace.rate(performance.now())) : about}
        actions={
          <>
            <Button size="small" look="primary" icon="image" aria-label={m.study_open_named({ name })} isDisabled={line.event === null} onPress={() => show(line)} {...stopsTab} data-primary="" data-testid={`open-study-${line.id}`}>
              {m.study_open()}
            </Button>
            {loading === null ? (
              <IconButton icon="save" size="small" label={m.file_save_named({ name })} onPress={save} {...stopsTab} data-testid={`save-${line.id}`} />
            ) : (
              <IconButton icon="close" size="small" label={m.file_stop({ name })} onPress={stop} {...stopsTab} data-testid={`stop-${line.id}`} />
            )}
          </>
        }
      />
      {dialog}
    </>
  );
}
