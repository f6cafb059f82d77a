import { useMemo } from 'react';
import { IconButton } from '../components/Button';
import { Icon, type IconName } from '../components/icons';
import { Tooltip } from '../components/Tooltip';
import type { RoundPersonView, RoundView } from '../host/contract';
import { m } from '../paraglide/messages';
import { PersonMenu } from './PersonMenu';
import { presentingOf } from './presenting';
import styles from './Rounds.module.css';
import { wayShown } from './roundsView';
import { handQueue } from './tiles';
import { declinedNames, keyWords, personStates, roundNames, watchingWords, workOf } from './words';

/** Who asks for the word, and who is here, in text: what the tiles say by shape and color stands here in words. */
export function PeopleList({ round }: { round: RoundView }) {
  const { people, declined, moderates } = round;
  const presenting = presentingOf(round);
  const name = useMemo(() => roundNames(people), [people]);
  const hands = handQueue(people);
  const refused = declinedNames(round);
  return (
    <aside className={styles['people']} aria-label={m.round_people()} data-scope="people" data-testid="round-people">
      <h2 className={styles['peopleHead']}>{m.round_people()}</h2>
      <div className={styles['peopleBody']} tabIndex={0}>
        {hands.length > 0 && (
          <>
            <h3 className={styles['section']}>{m.round_hands()}</h3>
            <ol data-testid="hands">
              {hands.map((one) => (
                <li key={one.id} className={styles['person']}>
                  <span className={styles['face']} aria-hidden>
                    {one.person.initials}
                  </span>
                  <span className={styles['personWords']}>
                    <b title={name(one)}>{`${one.hand ?? ''} · ${name(one)}`}</b>
                  </span>
                  <Icon name="hand" size="s" className={styles['handSign']} />
                </li>
              ))}
            </ol>
          </>
        )}
        <h3 className={styles['section']}>{m.round_here({ count: people.length })}</h3>
        <ul>
          {people.map((one) => {
            const shows = presenting?.person === one.id ? m.round_shows() : watchingWords(presenting, one.id);
            const states = [shows, ...personStates(one)].filter((word) => word !== null).slice(0, 2).join(' · ');
            const sign = signOf(one);
            const work = workOf(one);
            return (
              <li key={one.id} className={styles['person']}>
                <span className={styles['face']} aria-hidden>
                  {one.person.initials}
                </span>
                <span className={styles['personWords']}>
                  <b title={name(one)}>{name(one)}</b>
                  {work !== '' && <span title={work}>{work}</span>}
                  {states !== '' && <span title={states}>{states}</span>}
                </span>
                {sign && <Icon name={sign.icon} size="s" className={styles[sign.tone]} />}
                {one.here && (
                  <Tooltip text={m.round_way_own()} keys="mod+shift+n">
                    <IconButton icon="signal" size="small" label={m.round_way_own()} onPress={() => wayShown.set(true)} data-testid="way-own" />
                  </Tooltip>
                )}
                {!one.here && one.key === 'encrypted' && <PersonMenu person={one} name={name(one)} moderates={moderates} mayShow={one.shows && presenting !== null && presenting.person !== one.id && (presenting.here || moderates)} />}
              </li>
            );
          })}
        </ul>
        {declined.length > 0 && (
          <>
            <h3 className={styles['section']}>{m.round_declined()}</h3>
            <ul data-testid="round-declined">
              {declined.map((one, place) => (
                <li key={one.id} className={styles['person']}>
                  <span className={styles['face']} aria-hidden>
                    {one.initials}
                  </span>
                  <span className={styles['personWords']}>
                    <b title={refused[place]}>{refused[place]}</b>
                  </span>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </aside>
  );
}

function signOf(person: RoundPersonView): { icon: IconName; tone: 'okSign' | 'warnSign' | 'quietSign' } | null {
  if (keyWords(person.key) !== null) return person.key === 'coming' ? { icon: 'clock', tone: 'quietSign' } : { icon: 'key', tone: 'warnSign' };
  if (person.line === 'lost' || person.line === 'weak' || person.camera?.held === true) return { icon: 'warn', tone: 'warnSign' };
  if (person.speaking) return { icon: 'voice', tone: 'okSign' };
  return person.muted ? { icon: 'microphoneOff', tone: 'quietSign' } : null;
}
