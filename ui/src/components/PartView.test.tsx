import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import type { Part } from '../host/contract';
import { PartView } from './PartView';

afterEach(cleanup);

const words = { what: 'Laborwerte', empty: 'Keine Laborwerte freigegeben.' };

function draw(part: Part<string>, retry?: () => void) {
  return render(
    <PartView part={part} words={words} retry={retry}>
      {(value) => <p>{value}</p>}
    </PartView>,
  ).container.textContent;
}

describe('a part of a screen', () => {
  test('that is here shows itself', () => {
    expect(draw({ state: 'ready', value: 'Hb', more: false })).toBe('Hb');
  });

  test('that was cut says that there is more', () => {
    expect(draw({ state: 'ready', value: 'Hb', more: true })).toContain('Weitere Einträge sind vorhanden');
  });

  test('that is empty never looks like one that was refused', () => {
    const empty = draw({ state: 'empty' });
    const denied = draw({ state: 'denied' });
    expect(empty).toBe('Keine Laborwerte freigegeben.');
    expect(denied).toContain('keinen Zugriff');
  });

  test('that the house does not offer says so', () => {
    expect(draw({ state: 'absent' })).toBe('Laborwerte: Dieses Haus stellt das nicht bereit.');
  });

  test('that failed says what is safe and can be tried again', () => {
    const text = draw({ state: 'failed', failure: { code: 'platform-failed', detail: '500' } }, () => undefined);
    expect(text).toContain('Die Plattform hat einen Fehler gemeldet.');
    expect(text).toContain('Sicher ist:');
    expect(screen.getByRole('button', { name: 'Erneut versuchen' })).toBeTruthy();
  });

  test('that loads shows nothing at first', () => {
    expect(draw({ state: 'loading' })).toBe('');
  });
});
