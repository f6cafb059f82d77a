import { describe, expect, test } from 'vitest';
import { claimedKind, dangerOf, formOf, judged, nameParts } from './fileKinds';

const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const png = bytes('\u0089PNG\r\n\u001a\n\0\0\0\rIHDR');
const pdf = bytes('%PDF-1.7\n');
const program = bytes('MZ\u0090\0');

describe('what a file says that it is', () => {
  test('is its last ending, whatever stands before it', () => {
    expect([claimedKind('Befund.pdf.exe', 'application/pdf'), claimedKind('CT.ZIP', null), claimedKind('Befund', 'application/pdf'), claimedKind('Befund.xyz', 'image/png')]).toEqual(['program', 'archive', 'pdf', 'other']);
  });

  test.each([
    ['Setup.msi', 'program'],
    ['Vorlage.docm', 'macro'],
    ['Skizze.svg', 'page'],
    ['brief.html', 'page'],
    ['Befund.pdf', null],
    ['Brief.docx', null],
  ])('%s is dangerous as %s', (name, danger) => {
    expect(dangerOf(claimedKind(name, null))).toBe(danger);
  });

  test('without an ending a page or a drawing is found by its media type', () => {
    expect([claimedKind('Skizze', 'image/svg+xml'), claimedKind('Seite', 'text/html')]).toEqual(['page', 'page']);
  });
});

// First bytes after the WHATWG's MIME Sniffing Standard, §6.
test.each([
  [png, { kind: 'image', type: 'image/png' }],
  [bytes('\u00ff\u00d8\u00ff\u00e0'), { kind: 'image', type: 'image/jpeg' }],
  [bytes('GIF89a'), { kind: 'image', type: 'image/gif' }],
  [bytes('RIFF\0\0\0\0WEBPVP'), { kind: 'image', type: 'image/webp' }],
  [bytes('RIFF\0\0\0\0WAVEfmt '), { kind: 'audio', type: 'audio/wav' }],
  [bytes('\0\0\0\u0018ftypmp42'), { kind: 'video', type: 'video/mp4' }],
  [bytes('\u001aE\u00df\u00a3'), { kind: 'video', type: 'video/webm' }],
  [bytes('OggS\0'), { kind: 'audio', type: 'audio/ogg' }],
  [bytes('ID3\u0003'), { kind: 'audio', type: 'audio/mpeg' }],
  [pdf, { kind: 'pdf', type: 'application/pdf' }],
  [program, 'program'],
  [bytes('\u007fELF'), 'program'],
  [bytes('#!/bin/sh'), 'program'],
  [bytes('<svg xmlns="http://www.w3.org/2000/svg">'), null],
  [bytes('<!doctype html>'), null],
  [bytes('PK\u0003\u0004'), null],
])('a form is known by its first bytes: %#', (head, form) => {
  expect(formOf(head)).toEqual(form);
});

describe('what becomes of a file that is here', () => {
  test('a picture and a PDF are shown under the type of their bytes', () => {
    expect(judged('Bild.jpg', 'image/jpeg', png)).toEqual({ shown: { kind: 'image', type: 'image/png' }, mismatch: false, danger: null });
    expect(judged('Befund.pdf', null, pdf).shown?.kind).toBe('pdf');
  });

  test('a drawing in XML and a page are never shown, whatever they say', () => {
    const svg = bytes('<svg onload="alert(1)">');
    expect(judged('Skizze.svg', 'image/svg+xml', svg).shown).toBeNull();
    expect(judged('Bild.png', 'image/png', svg).shown).toBeNull();
    expect(judged('Bild', 'image/png', bytes('<html>')).shown).toBeNull();
  });

  test('a program in disguise is named', () => {
    expect(judged('Befund.pdf', 'application/pdf', program)).toEqual({ shown: null, mismatch: true, danger: 'program' });
  });

  test('a name that says something else than the content is only saved', () => {
    expect(judged('Befund.pdf', 'application/pdf', png)).toEqual({ shown: null, mismatch: true, danger: null });
    expect(judged('Bild.html', 'text/html', png)).toEqual({ shown: null, mismatch: true, danger: 'page' });
  });
});

test('a name is cut before its ending', () => {
  expect([nameParts('Befund.pdf'), nameParts('.bashrc'), nameParts('CT'), nameParts('Befund vom 3. November')]).toEqual([
    { stem: 'Befund', ending: '.pdf' },
    { stem: '.bashrc', ending: '' },
    { stem: 'CT', ending: '' },
    { stem: 'Befund vom 3', ending: '. November' },
  ]);
});
