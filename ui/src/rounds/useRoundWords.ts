/** What a screen reader hears of a round: hands at once, comings and goings gathered, a loss immediately. */
import { useEffect, useRef } from 'react';
import { announce } from '../components/announce';
import type { RoundView } from '../host/contract';
import { m } from '../paraglide/messages';
import { goesOn } from './roundsView';
import { declinedNames, endWords, roundNames, stoppedWords } from './words';

const gatherMillis = 5000;

export function useRoundWords(round: RoundView | null): void {
  const before = useRef<RoundView | null>(null);
  const gathered = useRef({ came: new Map<string, string>(), went: new Map<string, string>(), timer: 0 });
  useEffect(() => {
    const last = before.current;
    before.current = round;
    const crowd = gathered.current;
    if (round === null || last?.conversation !== round.conversation) {
      crowd.came.clear();
      crowd.went.clear();
    }
    if (round === null) return;
    if (round.phase.phase === 'ended') {
      if (last?.phase.phase !== 'ended') announce(endWords(round.phase.why).what, 'assertive');
      return;
    }
    if (!goesOn(round)) return;
    if (round.phase.phase === 'reconnecting' && last?.phase.phase !== 'reconnecting') announce(m.round_reconnecting(), 'assertive');
    if (!goesOn(last)) {
      if (round.microphone.state === 'off') announce(m.round_say_in());
      return;
    }
    if (last.microphone.state !== round.microphone.state) {
      if (round.microphone.state === 'on') announce(m.round_say_microphone_on());
      else if (last.microphone.state === 'on') announce(m.round_say_microphone_off());
    }
    const [shared, sharedBefore] = [round.screen.state === 'on', last.screen.state === 'on'];
    if (shared !== sharedBefore) announce(shared ? m.round_say_share() : round.screen.state === 'stopped' ? stoppedWords('screen', round.screen.why).what : m.round_say_share_over());
    const name = roundNames(round.people);
    const [shows, showed] = [round.presenting?.person, last.presenting?.person];
    if (shows !== showed) {
      const person = round.people.find((one) => one.id === shows);
      if (person === undefined) announce(m.round_say_nobody_shows());
      else if (person.here) announce(m.round_presenting_here());
      else announce(m.round_presents({ name: name(person) }));
    }
    const names = declinedNames(round);
    const refused = names.filter((_, place) => !last.declined.some((one) => one.id === round.declined[place]?.id));
    if (refused.length > 0) announce(refused.map((one) => m.round_say_declined({ name: one })).join('. '));
    for (const one of round.people) {
      const was = last.people.find((other) => other.id === one.id);
      if (!one.here && one.hand !== null && was !== undefined && was.hand === null) announce(m.round_say_hand({ name: name(one) }));
      if (!one.here && one.screen !== null && one.key === 'encrypted' && was?.screen === null) announce(m.round_shares({ name: name(one) }));
      if (was === undefined && !crowd.went.delete(one.id)) crowd.came.set(one.id, name(one));
    }
    const nameBefore = roundNames(last.people);
    for (const one of last.people) if (!round.people.some((other) => other.id === one.id) && !crowd.came.delete(one.id)) crowd.went.set(one.id, nameBefore(one));
    if (crowd.timer !== 0 || crowd.came.size + crowd.went.size === 0) return;
    crowd.timer = window.setTimeout(() => {
      crowd.timer = 0;
      const words = [crowd.came.size > 0 ? m.round_say_joined({ names: [...crowd.came.values()].join(', ') }) : '', crowd.went.size > 0 ? m.round_say_left({ names: [...crowd.went.values()].join(', ') }) : ''];
      crowd.came.clear();
      crowd.went.clear();
      const said = words.filter((word) => word !== '').join('. ');
      if (said !== '') announce(said);
    }, gatherMillis);
  }, [round]);
  useEffect(() => {
    const crowd = gathered.current;
    return () => window.clearTimeout(crowd.timer);
  }, []);
}
