/** How much of a conversation the person wants to notice, in words. */
import type { Attention } from '../host/contract';
import { m } from '../paraglide/messages';

export const attentions: readonly Attention[] = ['all', 'mentions', 'nothing'];

export const attentionWord: Record<Attention, () => string> = { all: m.chat_attention_all, mentions: m.chat_attention_mentions, nothing: m.chat_attention_nothing };
