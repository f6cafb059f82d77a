/** What failed is asked for again by itself, and says when: sooner at first, so that a short fault is over soon. */
import { createContext, useEffect, useRef, useState } from 'react';
import { useDesk } from '../host/desk';
import { useStore } from '../host/store';
import { m } from '../paraglide/messages';

const FIRST_SECONDS = 30;
const MOST_SECONDS = 300;

/** When the parts of a screen are asked for again, on the clock of `performance.now()`; null when none is. */
export const RetryContext = createContext<number | null>(null);

/** Asks again while something `failed`. Without the platform nothing is asked: it is looked for elsewhere. */
export function useRetry(failed: boolean, retry: () => void): number | null {
  const connection = useStore(useDesk().connection);
  const wanted = failed && connection.state === 'online';
  const latest = useRef(retry);
  useEffect(() => {
    latest.current = retry;
  });
  const [until, setUntil] = useState<number | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    let pause = FIRST_SECONDS;
    let timer = 0;
    const wait = () => {
      setUntil(performance.now() + pause * 1000);
      timer = window.setTimeout(() => {
        pause = Math.min(pause * 2, MOST_SECONDS);
        latest.current();
        wait();
      }, pause * 1000);
    };
    wait();
    return () => {
      window.clearTimeout(timer);
      setUntil(null);
    };
  }, [wanted]);
  return until;
}

/** "Nächster Versuch in 24 s." It is not spoken each second. */
export function RetryLine({ until }: { until: number }) {
  const [left, setLeft] = useState(() => until - performance.now());
  useEffect(() => {
    const read = () => {
      setLeft(until - performance.now());
    };
    read();
    const timer = window.setInterval(read, 1000);
    return () => {
      window.clearInterval(timer);
    };
  }, [until]);
  return <p data-testid="retry-in">{m.state_retry_in({ seconds: Math.max(0, Math.ceil(left / 1000)) })}</p>;
}
