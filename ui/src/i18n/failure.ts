/** The texts of every failure. A code without a text, or a text without a code, does not compile. */
import type { Failure, FailureCode } from '../host/contract';
import { m } from '../paraglide/messages';

interface FailureWords {
  /** What happened: a fact. */
  what: string;
  /** What is safe. */
  safe: string;
  /** What to do, the best thing first. */
  act: string;
}

type Words = (failure: Failure) => FailureWords;

const words = {
  'address-unreadable': () => ({ what: m.failure_address_unreadable_what(), safe: m.failure_address_unreadable_safe(), act: m.failure_address_unreadable_act() }),
  'platform-not-found': () => ({ what: m.failure_platform_not_found_what(), safe: m.failure_platform_not_found_safe(), act: m.failure_platform_not_found_act() }),
  'platform-unreachable': () => ({ what: m.failure_platform_unreachable_what(), safe: m.failure_platform_unreachable_safe(), act: m.failure_platform_unreachable_act() }),
  'platform-too-new': () => ({ what: m.failure_platform_too_new_what(), safe: m.failure_platform_too_new_safe(), act: m.failure_platform_too_new_act() }),
  'certificate-not-trusted': ({ detail }) => ({ what: m.failure_certificate_not_trusted_what({ issuer: detail }), safe: m.failure_certificate_not_trusted_safe(), act: m.failure_certificate_not_trusted_act() }),
  'clock-skew': ({ detail }) => ({ what: m.failure_clock_skew_what({ minutes: detail }), safe: m.failure_clock_skew_safe(), act: m.failure_clock_skew_act() }),
  'sign-in-cancelled': () => ({ what: m.failure_sign_in_cancelled_what(), safe: m.failure_sign_in_cancelled_safe(), act: m.failure_sign_in_cancelled_act() }),
  'sign-in-refused': () => ({ what: m.failure_sign_in_refused_what(), safe: m.failure_sign_in_refused_safe(), act: m.failure_sign_in_refused_act() }),
  'role-without-cases': () => ({ what: m.failure_role_without_cases_what(), safe: m.failure_role_without_cases_safe(), act: m.failure_role_without_cases_act() }),
  'no-role': () => ({ what: m.failure_no_role_what(), safe: m.failure_no_role_safe(), act: m.failure_no_role_act() }),
  'session-ended': () => ({ what: m.failure_session_ended_what(), safe: m.failure_session_ended_safe(), act: m.failure_session_ended_act() }),
  'not-allowed': () => ({ what: m.failure_not_allowed_what(), safe: m.failure_not_allowed_safe(), act: m.failure_not_allowed_act() }),
  'not-found': () => ({ what: m.failure_not_found_what(), safe: m.failure_not_found_safe(), act: m.failure_not_found_act() }),
  conflict: () => ({ what: m.failure_conflict_what(), safe: m.failure_conflict_safe(), act: m.failure_conflict_act() }),
  rejected: () => ({ what: m.failure_rejected_what(), safe: m.failure_rejected_safe(), act: m.failure_rejected_act() }),
  refused: () => ({ what: m.failure_refused_what(), safe: m.failure_refused_safe(), act: m.failure_refused_act() }),
  'too-large': () => ({ what: m.failure_too_large_what(), safe: m.failure_too_large_safe(), act: m.failure_too_large_act() }),
  'try-later': () => ({ what: m.failure_try_later_what(), safe: m.failure_try_later_safe(), act: m.failure_try_later_act() }),
  'platform-failed': () => ({ what: m.failure_platform_failed_what(), safe: m.failure_platform_failed_safe(), act: m.failure_platform_failed_act() }),
  'answer-unreadable': () => ({ what: m.failure_answer_unreadable_what(), safe: m.failure_answer_unreadable_safe(), act: m.failure_answer_unreadable_act() }),
  'keyring-unavailable': () => ({ what: m.failure_keyring_unavailable_what(), safe: m.failure_keyring_unavailable_safe(), act: m.failure_keyring_unavailable_act() }),
  'store-unreadable': () => ({ what: m.failure_store_unreadable_what(), safe: m.failure_store_unreadable_safe(), act: m.failure_store_unreadable_act() }),
  'store-newer': () => ({ what: m.failure_store_newer_what(), safe: m.failure_store_newer_safe(), act: m.failure_store_newer_act() }),
  'disk-full': () => ({ what: m.failure_disk_full_what(), safe: m.failure_disk_full_safe(), act: m.failure_disk_full_act() }),
  'machine-settings-unreadable': ({ detail }) => ({ what: m.failure_machine_settings_unreadable_what({ reason: detail }), safe: m.failure_machine_settings_unreadable_safe(), act: m.failure_machine_settings_unreadable_act() }),
  'profile-in-use': () => ({ what: m.failure_profile_in_use_what(), safe: m.failure_profile_in_use_safe(), act: m.failure_profile_in_use_act() }),
  'not-dicom': () => ({ what: m.failure_not_dicom_what(), safe: m.failure_not_dicom_safe(), act: m.failure_not_dicom_act() }),
  'image-truncated': () => ({ what: m.failure_image_truncated_what(), safe: m.failure_image_truncated_safe(), act: m.failure_image_truncated_act() }),
  'encoding-unsupported': () => ({ what: m.failure_encoding_unsupported_what(), safe: m.failure_encoding_unsupported_safe(), act: m.failure_encoding_unsupported_act() }),
  'image-damaged': () => ({ what: m.failure_image_damaged_what(), safe: m.failure_image_damaged_safe(), act: m.failure_image_damaged_act() }),
  'decoder-stopped': () => ({ what: m.failure_decoder_stopped_what(), safe: m.failure_decoder_stopped_safe(), act: m.failure_decoder_stopped_act() }),
  'other-patient': () => ({ what: m.failure_other_patient_what(), safe: m.failure_other_patient_safe(), act: m.failure_other_patient_act() }),
  'not-displayable': () => ({ what: m.failure_not_displayable_what(), safe: m.failure_not_displayable_safe(), act: m.failure_not_displayable_act() }),
  locked: () => ({ what: m.failure_locked_what(), safe: m.failure_locked_safe(), act: m.failure_locked_act() }),
  'invalid-input': () => ({ what: m.failure_invalid_input_what(), safe: m.failure_invalid_input_safe(), act: m.failure_invalid_input_act() }),
  'already-signed': () => ({ what: m.failure_already_signed_what(), safe: m.failure_already_signed_safe(), act: m.failure_already_signed_act() }),
  'recovery-key-wrong': () => ({ what: m.failure_recovery_key_wrong_what(), safe: m.failure_recovery_key_wrong_safe(), act: m.failure_recovery_key_wrong_act() }),
  'identity-changed': () => ({ what: m.failure_identity_changed_what(), safe: m.failure_identity_changed_safe(), act: m.failure_identity_changed_act() }),
  'nothing-to-compare': () => ({ what: m.failure_nothing_to_compare_what(), safe: m.failure_nothing_to_compare_safe(), act: m.failure_nothing_to_compare_act() }),
  'proof-impossible': () => ({ what: m.failure_proof_impossible_what(), safe: m.failure_proof_impossible_safe(), act: m.failure_proof_impossible_act() }),
  'chat-store-damaged': () => ({ what: m.failure_chat_store_damaged_what(), safe: m.failure_chat_store_damaged_safe(), act: m.failure_chat_store_damaged_act() }),
  'chat-sign-in-unknown': () => ({ what: m.failure_chat_sign_in_unknown_what(), safe: m.failure_chat_sign_in_unknown_safe(), act: m.failure_chat_sign_in_unknown_act() }),
  'message-too-long': () => ({ what: m.failure_message_too_long_what(), safe: m.failure_message_too_long_safe(), act: m.failure_message_too_long_act() }),
  'file-too-large': () => ({ what: m.failure_file_too_large_what(), safe: m.failure_file_too_large_safe(), act: m.failure_file_too_large_act() }),
  'file-unreadable': () => ({ what: m.failure_file_unreadable_what(), safe: m.failure_file_unreadable_safe(), act: m.failure_file_unreadable_act() }),
  'file-not-saved': () => ({ what: m.failure_file_not_saved_what(), safe: m.failure_file_not_saved_safe(), act: m.failure_file_not_saved_act() }),
  'file-altered': () => ({ what: m.failure_file_altered_what(), safe: m.failure_file_altered_safe(), act: m.failure_file_altered_act() }),
  'no-rounds': () => ({ what: m.failure_no_rounds_what(), safe: m.failure_no_rounds_safe(), act: m.failure_no_rounds_act() }),
  'round-refused': () => ({ what: m.failure_round_refused_what(), safe: m.failure_round_refused_safe(), act: m.failure_round_refused_act() }),
  internal: () => ({ what: m.failure_internal_what(), safe: m.failure_internal_safe(), act: m.failure_internal_act() }),
} satisfies Record<FailureCode, Words>;

export function failureWords(failure: Failure): FailureWords {
  return words[failure.code](failure);
}

export const failureCodes = Object.keys(words) as FailureCode[];

/** A short code in the form K-7F2-118, the same for the same fault, so that IT finds it in the log. */
export function codeForIt(failure: Failure): string {
  // FNV-1a, 32 bit.
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${failure.code} ${failure.detail}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  const hex = (hash >>> 20).toString(16).toUpperCase().padStart(3, '0');
  return `K-${hex}-${String(hash % 1000).padStart(3, '0')}`;
}
