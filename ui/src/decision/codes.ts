/** The closed lists of a decision with their words (oBDS 18.2, 19.1); `ther` is no board's and is not offered. */

import { m } from '../paraglide/messages';

export type Choice = { id: string; label: () => string };

export const CATEGORIES: readonly Choice[] = [
  { id: 'praeth', label: m.decision_category_praeth },
  { id: 'postop', label: m.decision_category_postop },
  { id: 'postth', label: m.decision_category_postth },
];

export const OCCASIONS: readonly Choice[] = [
  { id: 'ED', label: m.decision_occasion_ed },
  { id: 'LR', label: m.decision_occasion_lr },
  { id: 'M', label: m.decision_occasion_m },
  { id: 'TV', label: m.decision_occasion_tv },
  { id: 'S', label: m.decision_occasion_s },
];

export const GOALS: readonly Choice[] = [
  { id: 'curative', label: m.decision_goal_curative },
  { id: 'palliative', label: m.decision_goal_palliative },
];

export const OUTCOMES: readonly Choice[] = [
  { id: 'consensus', label: m.decision_outcome_consensus },
  { id: 'majority', label: m.decision_outcome_majority },
];

export const GUIDELINES: readonly Choice[] = [
  { id: 'conform', label: m.decision_guideline_conform },
  { id: 'deviation', label: m.decision_guideline_deviation },
];

/** "Ziel kurativ": the goal within a line of facts. */
export function goalWord(goal: string | null): string {
  switch (goal) {
    case null:
      return '';
    case 'curative':
      return m.decision_goal_is_curative();
    case 'palliative':
      return m.decision_goal_is_palliative();
    default:
      return goal;
  }
}

/** The most frequent first, as a board asks for them. */
export const MEASURES: readonly Choice[] = [
  { id: 'OP', label: m.decision_measure_op },
  { id: 'ST', label: m.decision_measure_st },
  { id: 'CH', label: m.decision_measure_ch },
  { id: 'IM', label: m.decision_measure_im },
  { id: 'ZS', label: m.decision_measure_zs },
  { id: 'HO', label: m.decision_measure_ho },
  { id: 'CI', label: m.decision_measure_ci },
  { id: 'CZ', label: m.decision_measure_cz },
  { id: 'CIZ', label: m.decision_measure_ciz },
  { id: 'IZ', label: m.decision_measure_iz },
  { id: 'SZ', label: m.decision_measure_sz },
  { id: 'AS', label: m.decision_measure_as },
  { id: 'WW', label: m.decision_measure_ww },
  { id: 'WS', label: m.decision_measure_ws },
  { id: 'KW', label: m.decision_measure_kw },
  { id: 'SO', label: m.decision_measure_so },
];

/** The word of a code; a code that is not in the list is shown as it is. */
export function wordOf(choices: readonly Choice[], id: string | null): string {
  if (id === null) return '';
  return choices.find((choice) => choice.id === id)?.label() ?? id;
}

export function options(choices: readonly Choice[]): { id: string; label: string }[] {
  return choices.map(({ id, label }) => ({ id, label: label() }));
}
