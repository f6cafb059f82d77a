/** The desktop shell as host. The only file that knows Tauri. */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Event, Reply } from './contract';
import { workerPictures } from '../rounds/pictureDoor';
import { socketDoor } from './fileDoor';
import { asFailure, type Host } from './host';

export function tauriHost(): Host {
  return {
    door: socketDoor,
    pictures: workerPictures,
    saves: true,
    async call(request) {
      try {
        return await invoke<Reply>('call', { request });
      } catch (thrown) {
        throw asFailure(thrown);
      }
    },
    listen(hear) {
      let ended = false;
      let stop: (() => void) | undefined;
      void listen<Event>('desk', (message) => {
        if (!ended) hear(message.payload);
      }).then((unlisten) => {
        if (ended) unlisten();
        else stop = unlisten;
      });
      return () => {
        ended = true;
        stop?.();
      };
    },
  };
}
