/** What has a key everywhere. */
import { defineCommand } from '../keys/keys';
import { m } from '../paraglide/messages';

export const everywhere = {
  palette: defineCommand({ id: 'palette', keys: ['mod+k'], label: () => m.command_palette(), group: 'everywhere', whileTyping: true }),
  help: defineCommand({ id: 'help', keys: ['?'], label: () => m.command_help(), group: 'everywhere' }),
  today: defineCommand({ id: 'today', keys: ['g h'], label: () => m.command_today(), group: 'everywhere' }),
  cases: defineCommand({ id: 'cases', keys: ['g f'], label: () => m.command_cases(), group: 'everywhere' }),
  chat: defineCommand({ id: 'chat', keys: ['g c'], label: () => m.frame_chat(), group: 'everywhere' }),
  rounds: defineCommand({ id: 'rounds', keys: ['g r'], label: () => m.frame_rounds(), group: 'everywhere' }),
  settings: defineCommand({ id: 'settings', keys: ['mod+,'], label: () => m.command_settings(), group: 'everywhere', whileTyping: true }),
  // Without a key: it is found by its name.
  media: defineCommand({ id: 'settings-media', keys: [], label: () => m.settings_media_check(), group: 'everywhere' }),
  theme: defineCommand({ id: 'theme', keys: ['mod+shift+l'], label: () => m.command_theme(), group: 'everywhere', whileTyping: true }),
  lock: defineCommand({ id: 'lock', keys: ['mod+shift+x'], label: () => m.command_lock(), group: 'everywhere', whileTyping: true }),
  messages: defineCommand({ id: 'messages', keys: ['mod+shift+m'], label: () => m.command_messages(), group: 'everywhere', whileTyping: true }),
  larger: defineCommand({ id: 'larger', keys: ['mod++', 'mod+='], label: () => m.command_larger(), group: 'everywhere', whileTyping: true }),
  smaller: defineCommand({ id: 'smaller', keys: ['mod+-'], label: () => m.command_smaller(), group: 'everywhere', whileTyping: true }),
  normalSize: defineCommand({ id: 'normal-size', keys: ['mod+0'], label: () => m.command_normal_size(), group: 'everywhere', whileTyping: true }),
  nextRegion: defineCommand({ id: 'next-region', keys: ['f6'], label: () => m.command_next_region(), group: 'everywhere', whileTyping: true }),
  previousRegion: defineCommand({ id: 'previous-region', keys: ['shift+f6'], label: () => m.command_previous_region(), group: 'everywhere', whileTyping: true }),
};
