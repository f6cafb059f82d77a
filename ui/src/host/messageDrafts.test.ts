import { expect, test } from 'vitest';
import { MessageDrafts } from './messageDrafts';
import { plain } from './typed';

/** Time that stands still until it is moved, and a program that answers when told. */
function drafts() {
  const timers = new Set<{ at: number; then: () => void }>();
  const asked: { conversation: string; text: string; answer: (ok: boolean) => Promise<void> }[] = [];
  let now = 0;
  const kept = new MessageDrafts({
    keep: (conversation, { text }) =>
      new Promise((resolve, reject) => {
        asked.push({
          conversation,
          text,
          answer: async (ok) => {
            if (ok) resolve(undefined);
            else reject(new Error('refused'));
            await Promise.resolve();
            await Promise.resolve();
          },
        });
      }),
    after: (milliseconds, then) => {
      const timer = { at: now + milliseconds, then };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const timer of [...timers].filter(({ at }) => at <= now)) {
      timers.delete(timer);
      timer.then();
    }
  };
  return { kept, pass, asked, texts: () => asked.map(({ conversation, text }) => `${conversation} ${text}`) };
}

test('a draft is kept 300 ms after typing stops', () => {
  const { kept, pass, texts } = drafts();
  kept.begin('a', null);
  kept.typed('a', plain('M'));
  pass(299);
  kept.typed('a', plain('MM'));
  pass(299);
  expect(texts()).toEqual([]);
  pass(1);
  expect(texts()).toEqual(['a MM']);
});

test('a conversation that is left keeps its draft at once', () => {
  const { kept, texts } = drafts();
  kept.begin('a', null);
  kept.typed('a', plain('MMR'));
  kept.flush('a');
  expect(texts()).toEqual(['a MMR']);
});

test('an untouched draft is not sent back', () => {
  const { kept, pass, texts } = drafts();
  expect(kept.begin('a', plain('von gestern')).text).toBe('von gestern');
  kept.flush('a');
  pass(10_000);
  expect(texts()).toEqual([]);
});

test('each conversation has its own draft, and the younger text wins over what the program had', async () => {
  const { kept, asked } = drafts();
  kept.begin('a', plain('alt'));
  kept.typed('a', plain('neu'));
  kept.flush('a');
  expect(kept.begin('b', null).text).toBe('');
  expect(kept.begin('a', plain('alt')).text).toBe('neu');
  await asked[0]?.answer(true);
  // Once it is taken, the program knows best: another window may have changed it.
  expect(kept.begin('a', plain('anderswo geändert')).text).toBe('anderswo geändert');
});

test('one request at a time; what was typed meanwhile follows', async () => {
  const { kept, pass, asked, texts } = drafts();
  kept.begin('a', null);
  kept.typed('a', plain('eins'));
  pass(300);
  kept.typed('a', plain('zwei'));
  pass(300);
  expect(texts()).toEqual(['a eins']);
  await asked[0]?.answer(true);
  expect(texts()).toEqual(['a eins', 'a zwei']);
});

test('what was refused is tried again, and said', async () => {
  const { kept, pass, asked, texts } = drafts();
  let heard = 0;
  kept.subscribe(() => {
    heard += 1;
  });
  kept.begin('a', null);
  kept.typed('a', plain('MMR'));
  pass(300);
  await asked[0]?.answer(false);
  expect([kept.failed('a'), heard]).toEqual([true, 1]);
  pass(3000);
  expect(texts()).toEqual(['a MMR', 'a MMR']);
  await asked[1]?.answer(true);
  expect(kept.failed('a')).toBe(false);
});

test('a sent text is no draft any more, but what was typed since is', () => {
  const { kept, texts } = drafts();
  kept.begin('a', plain('MMR'));
  kept.sent('a', 'MMR');
  expect(texts()).toEqual(['a ']);
  kept.begin('b', null);
  kept.typed('b', plain('MMR und mehr'));
  kept.sent('b', 'MMR');
  expect(kept.begin('b', null).text).toBe('MMR und mehr');
});

test('a lock forgets what is kept, and keeps trying the rest', async () => {
  const { kept, asked, texts } = drafts();
  kept.begin('a', plain('gesichert'));
  kept.setMode('a', { kind: 'reply', event: '$1', name: 'Sonnkaya', text: 'Befund' });
  kept.typed('b', plain('noch nicht'));
  kept.forget();
  expect(kept.mode('a')).toEqual({ kind: 'new' });
  expect(kept.begin('a', null).text).toBe('');
  kept.flush('b');
  await asked[0]?.answer(true);
  expect(texts()).toEqual(['b noch nicht']);
});

test('a draft that names somebody else is another one', () => {
  const { kept, texts } = drafts();
  const named = (person: string) => ({ text: '@Anna', named: [{ start: 0, length: 5, person }] });
  kept.begin('a', named('@anna:a.example'));
  kept.typed('a', named('@anna:a.example'));
  kept.flush('a');
  expect(texts()).toEqual([]);
  kept.typed('a', named('@anna:b.example'));
  kept.flush('a');
  expect(texts()).toEqual(['a @Anna']);
});
