import { cleanup, fireEvent, render, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createDesk, DeskContext } from '../host/desk';
import { memoryHost } from '../host/memory';
import { settings, start } from '../stories/people';
import { at } from '../stories/story';
import { chat, chatView, recoveryKey } from './examples';
import { RecoveryDialog, recoveryFile } from './Recovery';

function open(fixed: string[], recoveryKeyKept: boolean) {
  const fixture = at({ screen: 'messages', conversation: null }, { start: { ...start, settings: { ...settings, fixed } }, chat: { ...chat, view: chatView({ recovery: 'set-up' }), recoveryKeyKept } });
  const close = vi.fn();
  const page = render(
    <DeskContext value={createDesk(memoryHost(fixture), fixture.start)}>
      <RecoveryDialog kind="set-up" close={close} />
    </DeskContext>,
  );
  const press = (id: string) => fireEvent.click(page.getByTestId(id));
  return { page, press, close };
}

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('a new recovery key', () => {
  test('is not closed before the person says that it is safe', async () => {
    const { page, press, close } = open([], false);
    press('recovery-make');
    await waitFor(() => page.getByTestId('recovery-key'));
    press('recovery-done');
    expect(close).not.toHaveBeenCalled();
    page.getByText('Erst wenn Sie bestätigen, dass der Schlüssel verwahrt ist, wird er geschlossen: Er wird nicht noch einmal gezeigt.');
  });

  test('that this computer keeps needs no word of the person', async () => {
    const { page, press, close } = open(['recovery-key'], true);
    press('recovery-make');
    await waitFor(() => page.getByText('Der Schlüssel ist auf diesem Computer verwahrt'));
    press('recovery-done');
    expect(close).toHaveBeenCalledOnce();
  });

  test('that this computer could not keep is the person’s to keep', async () => {
    const { page, press, close } = open(['recovery-key'], false);
    press('recovery-make');
    await waitFor(() => page.getByText('Der Schlüssel ließ sich auf diesem Computer nicht verwahren. Bewahren Sie ihn selbst auf.'));
    press('recovery-done');
    expect(close).not.toHaveBeenCalled();
  });

  test('is saved under a name that names nobody', async () => {
    const saved: { name: string; blob: Blob }[] = [];
    let last: Blob | null = null;
    vi.stubGlobal('URL', class extends URL {
      static override createObjectURL(blob: Blob) {
        last = blob;
        return 'blob:saved';
      }

      static override revokeObjectURL() {
        last = null;
      }
    });
    const click = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      if (last) saved.push({ name: this.download, blob: last });
    });
    const { page, press } = open([], false);
    press('recovery-make');
    await waitFor(() => page.getByTestId('recovery-save'));
    press('recovery-save');
    click.mockRestore();
    expect(saved.map((one) => [one.name, one.blob.size > recoveryKey.length])).toEqual([['Konsil-Wiederherstellungsschlüssel.txt', true]]);
  });
});

test('the file says what the key is for, in lines of every editor', () => {
  const lines = recoveryFile('Wiederherstellungsschlüssel für Nachrichten · A · 1', recoveryKey).split('\r\n');
  expect(lines.slice(0, 4)).toEqual(['Wiederherstellungsschlüssel für Nachrichten · A · 1', '', recoveryKey, '']);
  expect(lines[4]).toBe('Dieser Schlüssel macht Ihre älteren Nachrichten in Konsil auf einem neuen Gerät lesbar. Konsil fragt danach, wenn er gebraucht wird.');
});
