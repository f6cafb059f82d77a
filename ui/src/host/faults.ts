/**
 * Faults that the page catches in itself. They are counted on `window.__faults` for tests and reported to the log
 * without their messages, since a message may quote a record.
 */
import type { Host } from './host';

declare global {
  interface Window {
    __faults: string[];
  }
}

const keep = 200;

export function collectFaults(): void {
  window.__faults = [];
  const note = (line: string) => {
    if (window.__faults.length < keep) window.__faults.push(line);
    pending.push(line.slice(0, 300));
    flush?.();
  };
  window.addEventListener('error', (event) => {
    const error: unknown = event.error;
    note(`error ${error instanceof Error ? error.name : 'unknown'} ${place(event.filename)}:${event.lineno}`);
  });
  window.addEventListener('unhandledrejection', (event) => {
    const reason: unknown = event.reason;
    note(`unhandled rejection ${reason instanceof Error ? `${reason.name}${at(reason)}` : typeof reason}`);
  });
  window.addEventListener('securitypolicyviolation', (event) => {
    note(`policy ${event.effectiveDirective} ${place(event.sourceFile)}:${event.lineNumber}`);
  });
  const original = console.error.bind(console);
  console.error = (...words: unknown[]) => {
    original(...words);
    const first = words[0];
    note(`console ${first instanceof Error ? `${first.name}${at(first)}` : typeof first === 'string' ? first : typeof first}`);
  };
}

/** A line for the log that is no fault: for instance which code for IT a person was shown. */
export function noteForLog(line: string): void {
  pending.push(line);
  flush?.();
}

const pending: string[] = [];
let flush: (() => void) | undefined;

/** From here on, faults go to the program's log. */
export function reportFaultsTo(host: Host): void {
  let timer: number | undefined;
  flush = () => {
    timer ??= window.setTimeout(() => {
      timer = undefined;
      const lines = pending.splice(0, 50);
      if (lines.length > 0) host.call({ type: 'report-faults', lines }).catch(() => undefined);
    }, 500);
  };
  if (pending.length > 0) flush();
}

function place(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

function at(error: Error): string {
  const found = /([\w.-]+\.[jt]sx?)[^:\s]*:(\d+)/u.exec(error.stack ?? '');
  return found ? ` ${found[1]}:${found[2]}` : '';
}
