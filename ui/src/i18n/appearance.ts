import { useLayoutEffect } from 'react';
import type { SettingsView } from '../host/contract';

/** Theme, language and font size, written on the document's root. */
export function useAppearance({ theme, language, fontSize }: Pick<SettingsView, 'theme' | 'language' | 'fontSize'>): void {
  useLayoutEffect(() => {
    const root = document.documentElement;
    root.dataset['theme'] = theme === 'office' ? 'light' : 'dark';
    root.lang = language;
    root.style.fontSize = `${fontSize}%`;
  }, [theme, language, fontSize]);
}
