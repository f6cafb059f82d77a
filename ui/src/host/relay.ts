/** One listener at the host for as many as want to hear: no event is lost while another listener is being set up. */
import type { Event } from './contract';
import type { Host } from './host';

export function relay(host: Host): Host {
  const hearers = new Set<(event: Event) => void>();
  host.listen((event) => {
    for (const hear of [...hearers]) hear(event);
  });
  return {
    call: (request) => host.call(request),
    door: (address, hear) => host.door(address, hear),
    saves: host.saves,
    pictures: host.pictures,
    listen(hear) {
      hearers.add(hear);
      return () => {
        hearers.delete(hear);
      };
    },
  };
}
