import { useCallback, useState } from 'react';
import type { Failure, RoundStep } from '../host/contract';
import { useDesk } from '../host/desk';
import { asFailure } from '../host/host';

/** Asks something about the round; what was refused is kept until the next step, to be said in its place. */
export function useStep(): { take: (round: RoundStep) => Promise<boolean>; failure: Failure | null; forget: () => void } {
  const { host } = useDesk();
  const [failure, setFailure] = useState<Failure | null>(null);
  const take = useCallback(
    async (round: RoundStep) => {
      setFailure(null);
      try {
        await host.call({ type: 'round', round });
        return true;
      } catch (thrown) {
        setFailure(asFailure(thrown));
        return false;
      }
    },
    [host],
  );
  const forget = useCallback(() => setFailure(null), []);
  return { take, failure, forget };
}
