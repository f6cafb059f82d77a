/** What is shown was read a while ago: how old it is, and why. Nothing stands here while it is current. */
import type { Freshness } from '../host/contract';
import { useNow } from '../i18n/clock';
import { failureWords } from '../i18n/failure';
import { day, time } from '../i18n/format';
import { m } from '../paraglide/messages';
import { Bar } from './Bar';
import { Button } from './Button';

export function KeptNotice({ freshness, asOf, retry }: { freshness: Freshness; asOf: string; retry: () => void }) {
  const now = useNow(60_000);
  if (freshness.state === 'current') return null;
  const retried = freshness.failure !== null && (
    <Button size="small" icon="reload" onPress={retry}>
      {m.action_retry()}
    </Button>
  );
  return (
    <Bar icon="clock" testId="kept" spoken action={retried}>
      <b>{m.kept_as_of({ day: day(asOf, now), time: time(asOf) })}</b> {freshness.failure === null ? m.kept_reading() : failureWords(freshness.failure).what}
    </Bar>
  );
}
