/** Which section of the settings is shown. It begins with the first one each time that they are opened. */
import type { Places } from '../frame/place';
import { createStore } from '../host/store';

export type SectionId = 'person' | 'appearance' | 'media' | 'images' | 'security' | 'chat' | 'devices' | 'keyboard' | 'connection' | 'about';

export const firstSection: SectionId = 'person';

export const section = createStore<SectionId>(firstSection);

/** Opens the settings at one of them. */
export function openSection(places: Places, id: SectionId): void {
  section.set(id);
  places.go({ screen: 'settings' });
}
