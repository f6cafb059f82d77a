import { cleanup, render, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import { auenwald } from '../stories/people';
import { PatientBanner } from './PatientBanner';

afterEach(cleanup);

const banner = () => screen.getByRole('region', { name: 'Patient' });

describe('the patient banner', () => {
  test('carries name, birth date and numbers in one line', () => {
    render(<PatientBanner identity={auenwald} tumour="Lunge re." />);
    expect(within(banner()).getByRole('heading', { name: 'AUENWALD, Gernot' })).toBeTruthy();
    for (const text of ['*14.03.1957', '69 J. · m', 'X110\u00a0127\u00a0457', 'TH-204417', 'Lunge re.']) expect(banner().textContent).toContain(text);
  });

  test('is there before the record is, and says so', () => {
    render(<PatientBanner identity={null} />);
    expect(banner().textContent).toBe('Fall wird geöffnet');
  });

  test('names the person who is easily confused', () => {
    render(<PatientBanner identity={auenwald} similar={[{ name: 'Auerwald, Gernot', birthDate: '1955-03-14' }]} />);
    expect(screen.getByTitle('Auerwald, Gernot · *14.03.1955').textContent).toBe('Namensähnlich: Auerwald, Gernot');
  });

  test('without entries says that nothing is known, never that there are no allergies', () => {
    render(<PatientBanner identity={auenwald} allergies={{ state: 'empty' }} />);
    expect(banner().textContent).toContain('Keine Angaben zu Allergien');
    expect(banner().textContent).not.toContain('Keine Allergien');
  });

  test('repeats the statement of the record that none are known', () => {
    render(<PatientBanner identity={auenwald} allergies={{ state: 'ready', more: false, value: [{ text: 'Keine Allergien bekannt', noneKnown: true }] }} />);
    expect(banner().textContent).toContain('Keine Allergien bekannt');
  });

  test('a refused query about allergies is a warning, not a reassurance', () => {
    render(<PatientBanner identity={auenwald} allergies={{ state: 'denied' }} />);
    expect(banner().textContent).toContain('Allergien nicht abrufbar');
  });

  test('a patient without name and birth date is shown as such', () => {
    render(<PatientBanner identity={{ ...auenwald, family: null, given: null, birthDate: null, age: null }} />);
    expect(banner().textContent).toContain('Ohne Namen');
    expect(banner().textContent).toContain('Geburtsdatum fehlt');
  });

  test('says that a patient has died', () => {
    render(<PatientBanner identity={{ ...auenwald, deceased: '2026-11-20' }} />);
    expect(banner().textContent).toContain('verstorben 20.11.2026');
  });
});
