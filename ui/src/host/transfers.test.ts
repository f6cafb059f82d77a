import { waitFor } from '@testing-library/react';
import { describe, expect, test, vi } from 'vitest';
import type { FileHeard, Request } from './contract';
import type { DoorHearer } from './fileDoor';
import { Transfers } from './transfers';

interface Opened {
  address: string;
  hear: DoorHearer;
  said: (FileHeard | ArrayBuffer)[];
  closed: boolean;
}

function setUp(answer: (request: Request) => Promise<{ attachment: string | null; socket: string }> = async (request) => {
  await Promise.resolve();
  return { attachment: 'name' in request ? `id-${String(request.name)}` : 'attachment' in request ? request.attachment : null, socket: 'ws://door' };
}) {
  const doors: Opened[] = [];
  const asked: Request[] = [];
  let time = 0;
  const transfers = new Transfers({
    ask(request) {
      asked.push(request);
      return answer(request);
    },
    async call(request) {
      asked.push(request);
      await Promise.resolve();
    },
    open(address, hear) {
      const opened: Opened = { address, hear, said: [], closed: false };
      doors.push(opened);
      return {
        say: (word) => opened.said.push(word),
        close: () => {
          opened.closed = true;
        },
      };
    },
    saves: true,
    now: () => time,
  });
  const types = () => asked.map((request) => request.type);
  return {
    transfers,
    doors,
    asked,
    types,
    pass(milliseconds: number) {
      time += milliseconds;
    },
  };
}

const room = '!raum';
const file = (name: string, text = 'Befund', type = '') => new File([text], name, { type, lastModified: 1 });
const wanted = (message: string, name = 'Befund.pdf') => ({ conversation: room, message, name, mimetype: null, quiet: false });

describe('what is attached', () => {
  test('is listed with its kind, and an empty file or a folder is refused by name', () => {
    const { transfers } = setUp();
    transfers.attach(room, [file('Befund.pdf'), new File([], 'leer.txt'), file('Setup.exe')], { folders: ['MRT'] });
    expect(transfers.attached(room).map(({ name, kind, danger }) => [name, kind, danger])).toEqual([
      ['Befund.pdf', 'pdf', null],
      ['Setup.exe', 'program', 'program'],
    ]);
    expect(transfers.refusals(room)).toEqual([
      { why: 'folder', name: 'MRT' },
      { why: 'empty', name: 'leer.txt' },
    ]);
  });

  test('says before sending that the server does not take it', () => {
    const { transfers } = setUp();
    transfers.attach(room, [file('gross.zip', 'x'.repeat(11)), file('klein.zip', 'x'.repeat(10))], { largest: 10 });
    expect(transfers.attached(room).map((one) => one.failure)).toEqual([{ code: 'file-too-large', detail: '10' }, null]);
  });

  test('is not listed twice', () => {
    const { transfers } = setUp();
    const befund = file('Befund.pdf');
    transfers.attach(room, [befund]);
    transfers.attach(room, [befund]);
    expect(transfers.attached(room).length).toBe(1);
  });

  test('stays with its reason when the program does not take it, and the others go', async () => {
    const { transfers, doors } = setUp(async (request) => {
      await Promise.resolve();
      if ('name' in request && request.name === 'gross.zip') throw { code: 'file-too-large', detail: '100' };
      return { attachment: 'a', socket: 'ws://door' };
    });
    transfers.attach(room, [file('gross.zip'), file('Befund.pdf')]);
    await transfers.send(room);
    expect(transfers.attached(room).map(({ name, failure }) => [name, failure?.code])).toEqual([['gross.zip', 'file-too-large']]);
    expect(doors.length).toBe(1);
  });
});

describe('a file that is sent', () => {
  async function begun() {
    const set = setUp();
    set.transfers.attach(room, [file('Befund.pdf', 'abcdefgh')]);
    await set.transfers.send(room);
    return { ...set, door: set.doors[0]! };
  }

  test('gives what is asked for, with its place before it in eight bytes, little endian', async () => {
    const { door } = await begun();
    door.hear.said({ type: 'read', offset: 2, length: 3 });
    door.hear.said({ type: 'read', offset: 5, length: 3 });
    await waitFor(() => expect(door.said.length).toBe(2));
    expect(door.said.map((word) => [...new Uint8Array(word as ArrayBuffer)])).toEqual([
      [2, 0, 0, 0, 0, 0, 0, 0, 99, 100, 101],
      [5, 0, 0, 0, 0, 0, 0, 0, 102, 103, 104],
    ]);
  });

  test('that has become shorter cannot be read any more', async () => {
    const { door } = await begun();
    door.hear.said({ type: 'read', offset: 6, length: 5 });
    await waitFor(() => expect(door.said).toEqual([{ type: 'unreadable' }]));
  });

  test('is held by closing the door and goes on by another one', async () => {
    const { transfers, door, doors, types } = await begun();
    transfers.pause('id-Befund.pdf');
    expect([door.closed, transfers.upload('id-Befund.pdf')?.paused]).toEqual([true, true]);
    await transfers.resume(room, 'id-Befund.pdf');
    expect(types()).toEqual(['begin-attachment', 'resume-attachment']);
    expect([doors.length, transfers.upload('id-Befund.pdf')?.paused]).toEqual([2, false]);
  });

  test('goes on by itself when the network is back, unless it is held', async () => {
    const { transfers, types } = await begun();
    const view = (id: string) => ({ id, name: 'Befund.pdf', size: 8, study: null, held: false, anew: false, state: { state: 'failed', failure: { code: 'platform-unreachable', detail: '' } } }) as const;
    transfers.backOnline(room, [view('id-Befund.pdf'), view('of an earlier page')]);
    expect(types()).toEqual(['begin-attachment', 'resume-attachment']);
    await waitFor(() => expect(transfers.upload('id-Befund.pdf')?.paused).toBe(false));
    transfers.pause('id-Befund.pdf');
    transfers.backOnline(room, [view('id-Befund.pdf')]);
    expect(types().length).toBe(2);
  });

  test('is forgotten when it is done, and told', async () => {
    const { transfers, door } = await begun();
    const told = vi.fn();
    transfers.listen(told);
    door.hear.said({ type: 'done', size: 8 });
    await waitFor(() => expect(told).toHaveBeenCalledWith({ what: 'sent', name: 'Befund.pdf', conversation: room }));
    expect(transfers.upload('id-Befund.pdf')).toBeUndefined();
  });

  test('leaves nothing behind when it is given up', async () => {
    const { transfers, door, types } = await begun();
    await transfers.cancel(room, 'id-Befund.pdf');
    expect([door.closed, transfers.upload('id-Befund.pdf'), types().at(-1)]).toEqual([true, undefined, 'cancel-attachment']);
  });
});

describe('a file that comes', () => {
  async function asked() {
    const set = setUp();
    set.transfers.fetch(wanted('m1'));
    await waitFor(() => expect(set.doors.length).toBe(1));
    const door = set.doors[0]!;
    door.hear.opened();
    door.hear.said({ type: 'file', name: 'Befund.pdf', mimetype: null, size: 9 });
    const piece = (text: string) => door.hear.piece(new TextEncoder().encode(text).buffer);
    return { ...set, door, piece, state: () => set.transfers.received(room, 'm1')?.state };
  }

  test('is here only after the last word, and each piece is paid for', async () => {
    const { transfers, door, piece, state } = await asked();
    piece('%PDF-');
    piece('1.7\n');
    expect([state(), door.said]).toEqual([
      'loading',
      [
        { type: 'credit', bytes: 4_194_304 },
        { type: 'credit', bytes: 5 },
        { type: 'credit', bytes: 4 },
      ],
    ]);
    door.hear.said({ type: 'done', size: 9 });
    await waitFor(() => expect(state()).toBe('here'));
    const received = transfers.received(room, 'm1');
    expect(received?.state === 'here' ? [await received.blob.text(), received.shown?.kind] : []).toEqual(['%PDF-1.7\n', 'pdf']);
  });

  test('that is not what was sent is thrown away', async () => {
    const { transfers, door, piece } = await asked();
    piece('%PDF-1.7\n');
    door.hear.said({ type: 'failed', failure: { code: 'file-altered', detail: '' } });
    await waitFor(() => expect(transfers.received(room, 'm1')).toEqual({ state: 'failed', failure: { code: 'file-altered', detail: '' } }));
  });

  test('that is shorter than its last word says is thrown away', async () => {
    const { transfers, door, piece } = await asked();
    piece('%PDF-');
    door.hear.said({ type: 'done', size: 9 });
    await waitFor(() => expect(transfers.received(room, 'm1')).toEqual({ state: 'failed', failure: { code: 'file-altered', detail: 'length' } }));
  });

  test('ends with a cut line, and may be asked for again', async () => {
    const { transfers, door, doors, state } = await asked();
    door.hear.gone();
    await waitFor(() => expect(state()).toBe('failed'));
    transfers.fetch(wanted('m1'));
    await waitFor(() => expect(doors.length).toBe(2));
  });

  test('is not wanted any more once it was stopped', async () => {
    const { transfers, door, piece } = await asked();
    transfers.stop(room, 'm1');
    piece('%PDF-');
    expect([door.closed, transfers.received(room, 'm1')]).toEqual([true, undefined]);
  });

  test('waits while two others come', async () => {
    const { transfers, doors } = setUp();
    for (const message of ['m1', 'm2', 'm3']) transfers.fetch(wanted(message));
    await waitFor(() => expect(doors.length).toBe(2));
    expect(['m1', 'm2', 'm3'].map((message) => transfers.received(room, message)?.state)).toEqual(['loading', 'loading', 'waiting']);
    transfers.stop(room, 'm1');
    await waitFor(() => expect(doors.length).toBe(3));
  });
});

describe('a file that the program saves', () => {
  async function asked(name = 'CT.zip', warned = false) {
    const set = setUp();
    const told: string[] = [];
    set.transfers.listen((one) => told.push('name' in one ? `${one.what} ${one.name}` : one.what));
    set.transfers.fetch({ ...wanted('m1', name), save: { warned } });
    await waitFor(() => expect(set.doors.length).toBe(1));
    const door = set.doors[0]!;
    door.hear.opened();
    door.hear.said({ type: 'file', name, mimetype: null, size: 2_000_000_000 });
    const head = (text: string) => door.hear.piece(new TextEncoder().encode(text).buffer);
    return { ...set, door, head, told, state: () => set.transfers.received(room, 'm1') };
  }

  test('says how far it is and never comes to the page', async () => {
    const { door, head, told, state, types } = await asked();
    door.hear.said({ type: 'moved', bytes: 500_000_000 });
    const loading = state();
    expect(loading?.state === 'loading' ? [loading.moved, loading.total] : []).toEqual([500_000_000, 2_000_000_000]);
    head('PK\u0003\u0004');
    await waitFor(() => expect(door.said).toEqual([{ type: 'keep' }]));
    door.hear.said({ type: 'saved', name: 'CT (1).zip' });
    await waitFor(() => expect(told).toEqual(['saved CT (1).zip']));
    expect([state(), door.closed, types()]).toEqual([undefined, true, ['save-attachment']]);
  });

  test('is asked about when only its content says that it is a program', async () => {
    const { transfers, door, head, told, state } = await asked('Befund.pdf');
    head('MZ\u0090\u0000');
    await waitFor(() => expect(state()).toEqual({ state: 'asking', danger: 'program' }));
    expect(door.said).toEqual([]);
    transfers.keep(room, 'm1');
    await waitFor(() => expect(door.said).toEqual([{ type: 'keep' }]));
    door.hear.said({ type: 'saved', name: 'Befund.pdf' });
    await waitFor(() => expect(told).toEqual(['saved Befund.pdf']));
  });

  test('is not saved when the person does not want it after all', async () => {
    const { transfers, door, head, state } = await asked('Befund.pdf');
    head('MZ\u0090\u0000');
    await waitFor(() => expect(state()?.state).toBe('asking'));
    transfers.stop(room, 'm1');
    expect([door.closed, door.said, state()]).toEqual([true, [], undefined]);
  });

  test('that did not find room says so and may be saved again', async () => {
    const { transfers, door, doors, state } = await asked();
    door.hear.said({ type: 'failed', failure: { code: 'disk-full', detail: '' } });
    await waitFor(() => expect(state()).toEqual({ state: 'failed', failure: { code: 'disk-full', detail: '' } }));
    transfers.fetch({ ...wanted('m1', 'CT.zip'), save: { warned: false } });
    await waitFor(() => expect(doors.length).toBe(2));
  });
});

test('nothing stays in the page when the desk is locked', async () => {
  const { transfers, doors } = setUp();
  transfers.attach(room, [file('Befund.pdf')]);
  await transfers.send(room);
  transfers.attach(room, [file('Brief.pdf')]);
  transfers.fetch(wanted('m1'));
  await waitFor(() => expect(doors.length).toBe(2));
  transfers.forget();
  expect(doors.map((door) => door.closed)).toEqual([true, true]);
  expect([transfers.attached(room), transfers.upload('id-Befund.pdf'), transfers.received(room, 'm1')]).toEqual([[], undefined, undefined]);
  doors[1]!.hear.piece(new ArrayBuffer(4));
  doors[1]!.hear.said({ type: 'done', size: 4 });
  await Promise.resolve();
  expect(transfers.received(room, 'm1')).toBeUndefined();
});
