/** The study of a message: what it is, and the way into the viewer. */
import { Button, IconButton } from '../components/Button';
import type { StudyLabelView } from '../host/contract';
import { bytes, bytesOf } from '../i18n/format';
import { m } from '../paraglide/messages';
import { FileCard } from './FileCard';
import { progressWords, studyWords } from './fileWords';
import { type FileBody, useFile, useSaving } from './ReceivedFile';
import type { MessageLine } from './timeline';
import { useLasting } from './useTransfers';

export function ReceivedStudy({
  conversation,
  line,
  body,
  study,
  current,
  show,
}: {
  conversation: string;
  line: MessageLine;
  body: FileBody;
  study: StudyLabelView;
  current: boolean;
  show: (line: MessageLine) => void;
}) {
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
