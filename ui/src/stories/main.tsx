/**
 * The story page. Without a name it lists all stories; with `?story=ID` it draws one, in the theme, language and
 * size of the other parameters; `door=ADDRESS` takes the pictures of a round from a socket in place of still ones.
 */
import { createRoot } from 'react-dom/client';
import '../tokens.css';
import '../base.css';
import { App } from '../App';
import type { Language, Theme } from '../host/contract';
import { createDesk } from '../host/desk';
import { collectFaults, reportFaultsTo } from '../host/faults';
import { memoryHost } from '../host/memory';
import { ClockContext } from '../i18n/clock';
import { workerPictures } from '../rounds/pictureDoor';
import { now } from './people';
import type { Story } from './story';

collectFaults();

const modules = import.meta.glob<{ stories: Story[] }>('../**/*.story.tsx', { eager: true });
const stories = Object.values(modules).flatMap((module) => module.stories);
const parameters = new URLSearchParams(location.search);
const story = stories.find((one) => one.id === parameters.get('story'));
const element = document.getElementById('root');
if (!element) throw new Error('stories.html has no root');
const root = createRoot(element);

declare global {
  interface Window {
    /** What the checks walk through. */
    __stories: { id: string; keys: readonly string[] }[];
  }
}
window.__stories = stories.map(({ id, keys }) => ({ id, keys: keys ?? [] }));

const clock = () => now;

if (story) {
  const settings = {
    ...story.fixture.start.settings,
    theme: (parameters.get('theme') ?? story.fixture.start.settings.theme) as Theme,
    language: (parameters.get('language') ?? story.fixture.start.settings.language) as Language,
    fontSize: Number(parameters.get('size') ?? story.fixture.start.settings.fontSize),
  };
  const fixture = { ...story.fixture, start: { ...story.fixture.start, settings } };
  const door = parameters.get('door');
  const still = memoryHost(door === null ? fixture : { ...fixture, answer: (request) => (request.type === 'round' && request.round.step === 'open-pictures' ? { type: 'picture-door', value: { socket: door } } : fixture.answer?.(request)) });
  const host = door === null ? still : { ...still, pictures: workerPictures };
  reportFaultsTo(host);
  const desk = createDesk(host, fixture.start);
  story.prepare?.(desk);
  // The list is known when a case is open, as it is when somebody came from there.
  if (fixture.start.place.screen === 'case') desk.openCases('');
  root.render(
    <ClockContext value={clock}>
      {story.draw ? story.draw() : <App desk={desk} place={fixture.start.place} />}
    </ClockContext>,
  );
} else {
  document.documentElement.dataset['theme'] = 'light';
  document.body.style.overflow = 'auto';
  root.render(
    <ul>
      {stories.map(({ id }) => (
        <li key={id}>
          {(['office', 'reading-room'] as const).map((theme) => (
            <a key={theme} href={`?story=${id}&theme=${theme}`} style={{ padding: 8 }}>
              {id} {theme}
            </a>
          ))}
        </li>
      ))}
    </ul>,
  );
}
