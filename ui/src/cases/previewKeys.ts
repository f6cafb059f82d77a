/** The keys of the preview beside a list. */
import { defineCommand } from '../keys/keys';
import { m } from '../paraglide/messages';

export const previewCommand = defineCommand({ id: 'list-preview', keys: ['space'], label: () => m.command_preview(), group: 'lists' });
export const leaveCommand = defineCommand({ id: 'list-leave', keys: ['escape'], label: () => m.command_step_back(), group: 'lists' });
