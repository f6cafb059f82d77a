/** The time, as an argument: stories and tests set it, the program lets it run. */
import { createContext, useContext, useEffect, useState } from 'react';

export const ClockContext = createContext<() => Date>(() => new Date());

/** The time now, redrawn every `everyMillis`. */
export function useNow(everyMillis: number): Date {
  const read = useContext(ClockContext);
  const [now, setNow] = useState(read);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(read()), everyMillis);
    return () => window.clearInterval(timer);
  }, [read, everyMillis]);
  return now;
}
