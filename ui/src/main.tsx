/** Starts the page: finds the program behind it, asks for the first view, draws. */
import { createRoot } from 'react-dom/client';
import './tokens.css';
import './base.css';
import { App } from './App';
import type { StartView } from './host/contract';
import { createDesk } from './host/desk';
import { collectFaults, reportFaultsTo } from './host/faults';
import { asFailure, ask, type Host } from './host/host';
import { httpHost } from './host/http';
import { relay } from './host/relay';
import { StartFailed } from './session/StartFailed';

collectFaults();

async function chooseHost(): Promise<Host> {
  if ('__TAURI_INTERNALS__' in window) return (await import('./host/tauri')).tauriHost();
  return httpHost();
}

const element = document.getElementById('root');
if (!element) throw new Error('index.html has no root');
const root = createRoot(element);

/** The first view. An event that comes meanwhile may be older or newer than the answer: then it is asked again. */
async function firstView(host: Host): Promise<StartView> {
  let heard = 0;
  const stop = host.listen(() => {
    heard += 1;
  });
  try {
    let view = await ask(host, { type: 'start' }, 'started');
    for (let again = 0; heard > 0 && again < 3; again += 1) {
      heard = 0;
      view = await ask(host, { type: 'start' }, 'started');
    }
    return view;
  } finally {
    stop();
  }
}

async function start(host: Host): Promise<void> {
  try {
    const view = await firstView(host);
    root.render(<App desk={createDesk(host, view)} place={view.place} />);
  } catch (thrown) {
    // As the computer is set, until the person's own settings can be read.
    const language = navigator.language.startsWith('en') ? 'en' : 'de';
    const theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'reading-room' : 'office';
    root.render(<StartFailed failure={asFailure(thrown)} look={{ language, theme, fontSize: 100 }} retry={() => void start(host)} />);
  }
}

const host = relay(await chooseHost());
reportFaultsTo(host);
await start(host);
