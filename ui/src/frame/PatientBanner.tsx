/**
 * Who the patient is: the same line in the same place on every screen of a case. It never scrolls and never goes below name, birth date and number.
 */
import { Chip } from '../components/Chip';
import type { AllergyView, CaseView, IdentityView, Part, SimilarView } from '../host/contract';
import { bannerName, date, gender, kvnr } from '../i18n/format';
import { m } from '../paraglide/messages';
import styles from './frame.module.css';

export function PatientBanner({
  identity,
  tumour,
  allergies,
  similar,
}: {
  identity: IdentityView | null;
  /** "Lunge re. · cT2b cN3 cM0 · IIIB"; the first thing to go when space is short. */
  tumour?: string | undefined;
  allergies?: Part<AllergyView[]> | undefined;
  similar?: CaseView['similar'] | undefined;
}) {
  const about = identity ? [identity.age === null ? '' : m.identity_age({ years: identity.age }), gender(identity.gender)].filter((word) => word !== '').join(' · ') : '';
  return (
    <section className={styles['banner']} role="region" aria-label={m.identity_region()} data-testid="patient-banner">
      <h1 className={styles['bannerName']}>{identity ? bannerName(identity) : m.case_opening()}</h1>
      {identity && (
        <dl className={styles['bannerFacts']}>
          <div>
            <dt className="visually-hidden">{m.identity_birth_date()}</dt>
            <dd className={styles['birth']}>{identity.birthDate === null ? m.identity_no_birth_date() : `*${date(identity.birthDate)}`}</dd>
            {about !== '' && <dd className={styles['aside']}>{about}</dd>}
          </div>
          {identity.kvnr !== null && (
            <div>
              <dt>{m.identity_kvnr()}</dt>
              <dd>{kvnr(identity.kvnr)}</dd>
            </div>
          )}
          {identity.number !== null && (
            <div>
              <dt>{m.identity_number()}</dt>
              <dd>{identity.number}</dd>
            </div>
          )}
          {tumour !== undefined && tumour !== '' && (
            <div className={styles['tumourFact']}>
              <dt className="visually-hidden">{m.identity_tumour()}</dt>
              <dd className={styles['tumour']} title={tumour}>
                {tumour}
              </dd>
            </div>
          )}
        </dl>
      )}
      <span className={styles['grow']} />
      <div className={styles['chips']}>
        {identity !== null && identity.deceased !== null && <Chip>{identity.deceased === 'yes' ? m.identity_deceased() : m.identity_deceased_on({ date: date(identity.deceased) })}</Chip>}
        {similar?.map((other) => <SimilarChip key={`${other.name} ${other.birthDate ?? ''}`} other={other} />)}
        {allergies && <AllergyChips allergies={allergies} />}
      </div>
    </section>
  );
}

function SimilarChip({ other }: { other: SimilarView }) {
  const title = other.birthDate === null ? other.name : `${other.name} · *${date(other.birthDate)}`;
  return (
    <Chip tone="warn" icon="warn" title={title} testId="similar-chip">
      {m.identity_similar({ name: other.name })}
    </Chip>
  );
}

function AllergyChips({ allergies }: { allergies: Part<AllergyView[]> }) {
  switch (allergies.state) {
    case 'ready':
      return allergies.value.map((allergy) =>
        allergy.noneKnown ? (
          <Chip key={allergy.text}>{allergy.text}</Chip>
        ) : (
          <Chip key={allergy.text} tone="danger" icon="danger">
            {m.identity_allergy({ text: allergy.text })}
          </Chip>
        ),
      );
    case 'empty':
    case 'absent':
      return <Chip tone="outline">{m.identity_allergies_unknown()}</Chip>;
    case 'denied':
    case 'failed':
      return (
        <Chip tone="warn" icon="warn">
          {m.identity_allergies_failed()}
        </Chip>
      );
    case 'loading':
      return null;
    default: {
      const unknown: never = allergies;
      return unknown;
    }
  }
}
