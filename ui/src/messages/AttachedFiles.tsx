/** What is attached and not sent: each file with its size, what speaks against it, and the way to leave it out. */
import { IconButton } from '../components/Button';
import { Icon } from '../components/icons';
import type { Attached, Refusal } from '../host/transfers';
import { m } from '../paraglide/messages';
import { FileCard } from './FileCard';
import { aboutFile, dangerWords, fileFailureWords, kindIcon, refusalWords, studyWords } from './fileWords';
import { bytes } from '../i18n/format';
import styles from './Files.module.css';
import { useObjectUrl, useTransfers } from './useTransfers';

export function AttachedFiles({ conversation, refocus }: { conversation: string; refocus: () => void }) {
  const transfers = useTransfers();
  const attached = transfers.attached(conversation);
  const refusals = transfers.refusals(conversation);
  if (attached.length === 0 && refusals.length === 0) return null;
  return (
    <div className={styles['attached']}>
      {attached.length > 0 && (
        <ul className={styles['attachedList']} aria-label={m.file_attached()} data-testid="attached">
          {attached.map((one) => (
            <li key={one.id}>
              <AttachedFile
                one={one}
                remove={() => {
                  transfers.detach(conversation, one.id);
                  refocus();
                }}
              />
            </li>
          ))}
        </ul>
      )}
      {refusals.length > 0 && (
        <div className={styles['refusals']} role="status" data-testid="refusals">
          <Icon name="warn" size="s" />
          <div>
            {refusals.map((refusal) => (
              <p key={keyOf(refusal)}>{refusalWords(refusal)}</p>
            ))}
          </div>
          <IconButton
            icon="close"
            size="small"
            label={m.action_close()}
            onPress={() => {
              transfers.dismissRefusals(conversation);
              refocus();
            }}
          />
        </div>
      )}
    </div>
  );
}

const keyOf = (refusal: Refusal): string => ('name' in refusal ? `${refusal.why} ${refusal.name}` : refusal.why);

function AttachedFile(props: { one: Attached; remove: () => void }) {
  return props.one.kind === 'images' && props.one.study !== null ? <AttachedStudy {...props} study={props.one.study} /> : <PlainFile {...props} />;
}

/** What was found out about images before they are sent. */
function AttachedStudy({ one, study, remove }: { one: Attached; study: NonNullable<Attached['study']>; remove: () => void }) {
  const name = study === 'looking' ? m.study_looking() : studyWords(study.label);
  const failure = one.failure === null ? null : fileFailureWords(one.failure);
  const about = study === 'looking' ? m.study_looking_about() : [m.study_series({ count: study.label.series }), study.bodyPart ?? '', bytes(study.size)].filter((word) => word !== '').join(' · ');
  return (
    <FileCard
      icon="image"
      name={name}
      {...(study === 'looking' ? { progress: null } : {})}
      tone={failure ? 'danger' : 'plain'}
      mark={failure ? 'danger' : undefined}
      about={failure ? `${one.failure?.code === 'other-patient' ? m.study_mixed() : failure.what} ${failure.act}` : about}
      actions={<IconButton icon="close" size="small" label={m.file_remove({ name })} onPress={remove} data-testid={`detach-${one.id}`} />}
      data-testid={`attached-${one.id}`}
      data-state={study === 'looking' ? 'looking' : 'study'}
    />
  );
}

function PlainFile({ one, remove }: { one: Attached; remove: () => void }) {
  // Only what was found to be a picture is drawn.
  const address = useObjectUrl(one.picture === null ? null : one.file, one.file.type);
  const about = aboutFile(one.kind, one.file.size);
  const failure = one.failure === null ? null : fileFailureWords(one.failure);
  const warning = one.danger !== null ? dangerWords(one.danger) : one.mismatch ? m.file_mismatch_own() : null;
  return (
    <FileCard
      icon={kindIcon(one.kind)}
      {...(address === null ? {} : { picture: <img className={styles['thumb']} src={address} alt="" /> })}
      name={one.name}
      tone={failure ? 'danger' : warning === null ? 'plain' : 'warn'}
      mark={failure ? 'danger' : warning === null ? undefined : 'warn'}
      about={failure ? `${about}. ${failure.what} ${failure.act}` : warning === null ? about : `${about}. ${warning} ${m.file_send_anyway()}`}
      actions={<IconButton icon="close" size="small" label={m.file_remove({ name: one.name })} onPress={remove} data-testid={`detach-${one.id}`} />}
      data-testid={`attached-${one.id}`}
    />
  );
}
