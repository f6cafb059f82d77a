/** The invented people and places of the demonstration, on Tuesday 24 November 2026 at 13:36 in Berlin. */
import type { IdentityView, PersonView, PlatformView, SettingsView, StartView } from '../host/contract';
import type { Fixture } from '../host/memory';

export const now = new Date('2026-11-24T13:36:00+01:00');

export const platform: PlatformView = {
  name: 'Klinikverbund Eschenland',
  host: 'eschenland.example',
  signInHost: 'anmeldung.eschenland.example',
  supportPhone: '+49 30 23125 100',
  supportMail: 'it@eschenland.example',
};

export const falkenried: PersonView = {
  name: 'Dr. med. Amina Falkenried',
  shortName: 'Dr. Falkenried',
  gender: 'female',
  initials: 'AF',
  organization: 'Thoraxklinik Tannhalde',
  specialty: 'Pneumologie, thorakale Onkologie',
  may: ['read-cases', 'write-decision', 'sign-decision'],
};

export const settings: SettingsView = {
  theme: 'office',
  language: 'de',
  fontSize: 100,
  imageTextSize: 12,
  lockAfterMinutes: 10,
  bulkWay: 'auto',
  drawing: 'auto',
  computedGraphics: false,
  letterKeys: true,
  typingNotices: false,
  readReceipts: false,
  notices: true,
  noticeNames: false,
  fixed: [],
};

export const signedIn: Fixture['signedIn'] = { state: 'signed-in', person: falkenried, platform, locksAt: null };

export const start: StartView = {
  session: signedIn,
  settings,
  connection: { state: 'online' },
  place: { screen: 'today' },
  version: '0.1.0',
};

const identity = (family: string, given: string, birthDate: string, age: number, gender: string, kvnr: string | null, number: string): IdentityView => ({
  family,
  given,
  birthDate,
  age,
  gender,
  kvnr,
  number,
  deceased: null,
});

export const auenwald = identity('Auenwald', 'Gernot', '1957-03-14', 69, 'male', 'X110127457', 'TH-204417');
export const birkenlicht = identity('Birkenlicht', 'Selma', '1972-05-02', 54, 'female', 'B220348198', 'WB-117790');
export const steinklee = identity('Steinklee', 'Milan', '1965-08-21', 61, 'male', 'S310552871', 'WB-118803');
export const aehrenfeld = identity('Ährenfeld', 'Wilfried', '1960-02-11', 66, 'male', 'A410667323', 'EF-0102264');
export const mohnblatt = identity('Mohnblatt', 'Ayşe Nur', '1982-07-30', 44, 'female', 'M510771906', 'EF-0096417');
export const auerwald = identity('Auerwald', 'Gernot', '1955-03-14', 71, 'male', 'X110127586', 'TH-204471');
export const moosgrund = identity('Moosgrund', 'Erika', '1954-01-09', 72, 'female', null, 'TH-204502');
export const wiesenquell = identity('Wiesenquell', 'Dora', '1956-10-18', 70, 'female', null, 'TH-203310');
export const lindenfurt = identity('Lindenfurt', 'Petra', '1960-04-27', 66, 'female', null, 'TH-203004');
