import { waitFor } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import { chatView, steinklee } from '../messages/examples';
import { cases, today } from '../stories/lists';
import { auenwaldCase, birkenlichtCase } from '../stories/records';
import { round, rounds, running } from '../rounds/examples';
import { falkenried, settings } from '../stories/people';
import { demo } from '../stories/story';
import type { ChatView } from './contract';
import { createDesk, type Desk } from './desk';
import { asFailure } from './host';
import { type Fixture, memoryHost } from './memory';

function desk(fixture = demo) {
  const host = memoryHost(fixture);
  return { host, desk: createDesk(host, fixture.start) };
}

describe('the mirror of rounds', () => {
  const fixture = { ...demo, rounds: rounds({ running }) };

  test('keeps the event that overtook the answer', async () => {
    const { desk: page, host } = desk(fixture);
    page.openRounds();
    const younger = { offered: true, running: [], calls: [], round: round() };
    host.send({ type: 'rounds-changed', value: younger });
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.rounds.get()).toEqual({ state: 'here', value: younger });
  });

  test('holds nothing once the desk is locked, and takes nothing meanwhile', async () => {
    const { desk: page, host } = desk(fixture);
    page.openRounds();
    await waitFor(() => expect(page.rounds.get().state).toBe('here'));
    page.openRounds();
    host.send({ type: 'session-changed', value: { state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: false } });
    host.send({ type: 'rounds-changed', value: { offered: true, running, calls: [], round: null } });
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.rounds.get().state).toBe('waiting');
  });
});

describe('the mirror of a conversation', () => {
  test('takes the lines of the open one and drops those of another', async () => {
    const { desk: page, host } = desk();
    page.openConversation('!steinklee');
    await waitFor(() => expect(page.conversation.get()).toEqual({ state: 'here', value: steinklee }));
    host.send({ type: 'conversation-changed', value: { ...steinklee, id: '!auenwald' } });
    expect(page.conversation.get()).toEqual({ state: 'here', value: steinklee });
    page.closeConversation();
    host.send({ type: 'conversation-changed', value: steinklee });
    expect(page.conversation.get().state).toBe('waiting');
  });

  test('and the list of them hold nothing once the desk is locked', async () => {
    const { desk: page, host } = desk();
    page.openChat();
    page.openConversation('!steinklee');
    await waitFor(() => expect([page.chat.get().state, page.conversation.get().state]).toEqual(['here', 'here']));
    host.send({ type: 'session-changed', value: { state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: false } });
    host.send({ type: 'chat-changed', value: chatView() });
    host.send({ type: 'conversation-changed', value: steinklee });
    expect([page.chat.get().state, page.conversation.get().state]).toEqual(['waiting', 'waiting']);
  });

  test('shows the event that overtook the answer', async () => {
    const { desk: page, host } = desk();
    page.openConversation('!steinklee');
    const younger = { ...steinklee, lines: [], asOf: '2026-11-24T13:37:00+01:00' };
    host.send({ type: 'conversation-changed', value: younger });
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.conversation.get()).toEqual({ state: 'here', value: younger });
  });
});

describe('the list of conversations while chat begins anew', () => {
  const bare = (state: ChatView['state']): ChatView => chatView({ state, conversations: [], unread: 0, asOf: '2026-11-24T13:40:00+01:00' });
  const names = (page: Desk) => {
    const load = page.chat.get();
    return load.state === 'here' ? load.value.conversations.map((row) => row.id) : null;
  };
  const all = chatView().conversations.map((row) => row.id);
  const begun = async (more: Partial<Fixture> = {}) => {
    const { desk: page, host } = desk({ ...demo, ...more });
    page.openChat();
    await waitFor(() => expect(names(page)).toEqual(all));
    return { page, host };
  };

  test('stays, with what is unread, until chat is there again', async () => {
    const { page, host } = await begun();
    host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
    host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
    expect(page.chat.get()).toMatchObject({ value: { state: { state: 'connecting' }, unread: chatView().unread } });
    expect(names(page)).toEqual(all);
    host.send({ type: 'chat-changed', value: bare({ state: 'ready' }) });
    expect(names(page), 'a list that the program has is taken, also an empty one').toEqual([]);
  });

  test('stays also when it is asked for meanwhile', async () => {
    const { page, host } = await begun();
    host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
    const answered = vi.spyOn(host, 'call').mockResolvedValue({ type: 'chat', value: bare({ state: 'connecting' }) });
    page.openChat();
    expect(answered).toHaveBeenCalledWith({ type: 'open-chat' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(names(page)).toEqual(all);
  });

  test('goes where chat stopped or is no longer offered', async () => {
    for (const state of [{ state: 'absent' }, { state: 'stopped', failure: { code: 'chat-sign-in-unknown', detail: '' } }] as const) {
      const { page, host } = await begun();
      host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
      host.send({ type: 'chat-changed', value: bare(state) });
      host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
      expect(names(page), state.state).toEqual([]);
    }
  });

  test('is nobody\'s after a sign-out, and not another person\'s', async () => {
    const signedIn = demo.start.session.state === 'signed-in' ? demo.start.session : undefined;
    if (!signedIn) throw new Error('somebody is signed in');
    const another = { ...signedIn, person: { ...signedIn.person, name: 'Dr. med. Leyla Sonnkaya' } };
    const between = [[{ state: 'signed-out', address: null, addressFixed: false, failure: null }, signedIn], [another]] as const;
    for (const sessions of between) {
      const { page, host } = await begun();
      for (const session of sessions) host.send({ type: 'session-changed', value: session });
      host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
      expect(names(page)).toEqual([]);
    }
  });

  test('a conversation that is opened meanwhile comes once chat is there', async () => {
    let there = false;
    const { page, host } = await begun({ answer: (request) => (request.type === 'open-conversation' && !there ? { code: 'not-found', detail: 'there is no chat' } : undefined) });
    host.send({ type: 'chat-changed', value: bare({ state: 'connecting' }) });
    page.openConversation('!steinklee');
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.conversation.get().state).toBe('waiting');
    there = true;
    host.send({ type: 'chat-changed', value: chatView() });
    await waitFor(() => expect(page.conversation.get()).toEqual({ state: 'here', value: steinklee }));
  });
});

describe('the mirrors', () => {
  test('take the view of the case that was opened', async () => {
    const { desk: page } = desk();
    page.openCase('pat-auenwald');
    await waitFor(() => expect(page.caseView.get()).toEqual({ state: 'here', value: auenwaldCase }));
  });

  test('drop an event about another patient', () => {
    const { desk: page, host } = desk();
    page.openCase('pat-auenwald');
    host.send({ type: 'case-changed', value: birkenlichtCase });
    expect(page.caseView.get().state).toBe('waiting');
  });

  test('drop a late answer about the patient before', async () => {
    let release: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { desk: page } = desk({
      ...demo,
      answer: (request) => (request.type === 'open-case' && request.patient === 'pat-auenwald' ? late.then(() => ({ type: 'case', value: auenwaldCase })) : undefined),
    });
    page.openCase('pat-auenwald');
    page.openCase('pat-birkenlicht');
    await waitFor(() => expect(page.caseView.get().state).toBe('here'));
    release?.();
    await late;
    await Promise.resolve();
    expect(page.caseView.get()).toEqual({ state: 'here', value: birkenlichtCase });
  });

  test('keep the newer state of a case when its event overtakes the answer', async () => {
    let release: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const whole = { ...auenwaldCase, serial: 7 };
    const partial = { ...auenwaldCase, serial: 6, laboratory: { state: 'loading' } } as const;
    const { desk: page, host } = desk({ ...demo, answer: (request) => (request.type === 'open-case' ? late.then(() => ({ type: 'case', value: partial })) : undefined) });
    page.openCase('pat-auenwald');
    host.send({ type: 'case-changed', value: whole });
    release?.();
    await late;
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.caseView.get()).toEqual({ state: 'here', value: whole });
    host.send({ type: 'case-changed', value: partial });
    expect(page.caseView.get()).toEqual({ state: 'here', value: whole });
  });

  test('hold nothing of a patient once the desk is locked', async () => {
    const { desk: page, host } = desk();
    page.openToday();
    page.openCase('pat-auenwald');
    await waitFor(() => expect(page.caseView.get().state).toBe('here'));
    host.send({ type: 'session-changed', value: { state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: false } });
    expect([page.caseView, page.today, page.cases, page.images, page.decision].map((store) => store.get().state)).toEqual(['waiting', 'waiting', 'waiting', 'waiting', 'waiting']);
  });

  test('an answer that comes after the lock is not taken', async () => {
    const { desk: page, host } = desk();
    page.openToday();
    host.send({ type: 'session-changed', value: { state: 'locked', person: falkenried, since: '2026-11-24T13:02:00+01:00', waiting: false, link: null, failure: null, inRound: false } });
    await new Promise<void>((resolve) => {
      queueMicrotask(resolve);
    });
    await Promise.resolve();
    expect(page.today.get().state).toBe('waiting');
  });

  test('only the answer to the last search is shown', async () => {
    const { desk: page } = desk();
    page.openCases('auen');
    page.openCases('birk');
    await waitFor(() => expect(page.cases.get().state).toBe('here'));
    const load = page.cases.get();
    expect(load.state === 'here' && load.value.query).toBe('birk');
  });

  test('a list that follows later is taken for its own search only', async () => {
    const { desk: page, host } = desk();
    page.openCases('auen');
    await waitFor(() => expect(page.cases.get().state).toBe('here'));
    const late = { ...cases, query: 'auen', rows: { state: 'empty' } } as const;
    host.send({ type: 'cases-changed', value: { ...late, query: '' } });
    expect(page.cases.get()).not.toMatchObject({ value: { rows: { state: 'empty' } } });
    host.send({ type: 'cases-changed', value: late });
    expect(page.cases.get()).toEqual({ state: 'here', value: late });
  });

  test('a kept view that comes late does not hide the current one', async () => {
    let release: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const kept = { ...today, asOf: '2026-11-23T17:30:00Z', freshness: { state: 'kept', failure: null } } as const;
    const { desk: page, host } = desk({ ...demo, answer: (request) => (request.type === 'open-today' ? late.then(() => ({ type: 'today', value: kept })) : undefined) });
    page.openToday();
    host.send({ type: 'today-changed', value: today });
    release?.();
    await late;
    await new Promise((resolve) => setTimeout(resolve));
    expect(page.today.get()).toEqual({ state: 'here', value: today });
  });

  test('the answer about a task does not hide a board that was read since', async () => {
    let release: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    const since = { ...today, asOf: '2026-11-24T13:38:00+01:00' };
    const { desk: page, host } = desk({ ...demo, answer: (request) => (request.type === 'finish-task' ? late.then(() => ({ type: 'today', value: today })) : undefined) });
    const finished = page.finishTask('task-studie', true);
    host.send({ type: 'today-changed', value: since });
    release?.();
    await finished;
    expect(page.today.get()).toEqual({ state: 'here', value: since });
  });

  test('a failure is kept with its code', async () => {
    const { desk: page } = desk();
    page.openCase('pat-nobody');
    await waitFor(() => expect(page.caseView.get()).toMatchObject({ state: 'failed', failure: { code: 'not-found' } }));
  });

  test('a setting that is refused goes back', async () => {
    const { desk: page } = desk({ ...demo, answer: (request) => (request.type === 'change-settings' ? { code: 'disk-full', detail: '' } : undefined) });
    page.changeSettings({ theme: 'reading-room' });
    expect(page.settings.get().theme).toBe('reading-room');
    await waitFor(() => expect(page.settings.get()).toEqual(settings));
  });
});

test('whatever was thrown becomes a failure, without its message', () => {
  expect(asFailure({ code: 'conflict', detail: 'x' })).toEqual({ code: 'conflict', detail: 'x' });
  expect(asFailure(new TypeError('Gernot Auenwald'))).toEqual({ code: 'internal', detail: 'TypeError' });
});
