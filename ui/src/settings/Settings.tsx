/** Settings: every change acts at once, nothing has to be saved. */
import { type ReactNode, useEffect, useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { Button } from '../components/Button';
import { copyText } from '../components/copy';
import { FailureNotice } from '../components/FailureNotice';
import { Icon, type IconName, Mark } from '../components/icons';
import { Notice } from '../components/Notice';
import { Segment } from '../components/Segment';
import { Select } from '../components/Select';
import { Skeleton } from '../components/Skeleton';
import { Slider } from '../components/Slider';
import { Switch } from '../components/Switch';
import { KeyTable } from '../keys/KeyTable';
import type { BulkWay, DiagnosisView, Drawing, Language, Permission, SettingsView, Theme } from '../host/contract';
import { isChatOffered, isFixed, type Load, useDesk, usePerson, useSettings } from '../host/desk';
import { asFailure, ask } from '../host/host';
import { useStore } from '../host/store';
import { bytes, dateTime } from '../i18n/format';
import { OwnCardDialog } from '../messages/ContactCards';
import { m } from '../paraglide/messages';
import { Devices } from '../trust/Devices';
import { Media } from './Media';
import { Permissions } from './Permissions';
import { PolicyRow } from './PolicyRow';
import { firstSection, section, type SectionId } from './section';
import styles from './Settings.module.css';

const sections: { id: SectionId; icon: IconName; title: () => string; fields: (keyof SettingsView)[]; Page: () => ReactNode }[] = [
  { id: 'person', icon: 'person', title: m.settings_person, fields: [], Page: Person },
  { id: 'appearance', icon: 'sun', title: m.settings_appearance, fields: ['theme', 'language', 'fontSize'], Page: Appearance },
  { id: 'media', icon: 'camera', title: m.settings_media, fields: [], Page: Media },
  { id: 'images', icon: 'image', title: m.settings_images, fields: ['imageTextSize', 'drawing'], Page: Images },
  { id: 'security', icon: 'locked', title: m.settings_security, fields: ['lockAfterMinutes'], Page: Security },
  { id: 'chat', icon: 'chat', title: m.frame_chat, fields: ['notices', 'noticeNames', 'typingNotices', 'readReceipts'], Page: Chat },
  { id: 'devices', icon: 'shield', title: m.settings_devices, fields: [], Page: Devices },
  { id: 'keyboard', icon: 'keyboard', title: m.settings_keyboard, fields: ['letterKeys'], Page: KeyboardPage },
  { id: 'connection', icon: 'monitor', title: m.settings_connection, fields: ['bulkWay'], Page: Connection },
  { id: 'about', icon: 'info', title: m.settings_about, fields: [], Page: About },
];

export function Settings() {
  const settings = useSettings();
  const shown = useStore(section);
  useEffect(() => () => section.set(firstSection), []);
  return (
    // Passing by a page that opens the camera is no look at it.
    <Tabs orientation="vertical" keyboardActivation="manual" className={styles['screen'] ?? ''} selectedKey={shown} onSelectionChange={(key) => section.set(key as SectionId)} data-testid="settings">
      <div className={styles['menu']}>
        <h1 className={styles['menuTitle']}>{m.frame_settings()}</h1>
        <TabList className={styles['menuList'] ?? ''} aria-label={m.frame_settings()}>
          {sections.map(({ id, icon, title }) => (
            <Tab key={id} id={id} className={styles['menuItem'] ?? ''} data-testid={`settings-${id}`}>
              <Icon name={icon} size="s" />
              {title()}
            </Tab>
          ))}
        </TabList>
      </div>
      {sections.map(({ id, title, fields, Page }) => {
        const fixed = fields.filter((field) => isFixed(settings, field)).length;
        return (
          <TabPanel key={id} id={id} className={styles['scroll'] ?? ''}>
            <div className={styles['page']}>
              <h2 className={styles['title']}>{title()}</h2>
              {fixed > 0 && (
                <div className={styles['lead']}>
                  <Notice icon="locked">{m.settings_fixed_count({ fixed, all: fields.length })}</Notice>
                </div>
              )}
              <Page />
            </div>
          </TabPanel>
        );
      })}
    </Tabs>
  );
}

function Person() {
  const desk = useDesk();
  const person = usePerson();
  const session = useStore(desk.session);
  if (!person) return null;
  const may: Record<Permission, () => string> = {
    'read-cases': m.settings_may_read,
    'write-decision': m.settings_may_write,
    'sign-decision': m.settings_may_sign,
  };
  return (
    <>
      <PolicyRow name={m.settings_name()}>
        <span className={styles['value']}>{person.name}</span>
      </PolicyRow>
      <PolicyRow name={m.settings_house()}>
        <span className={styles['value']}>{person.organization ?? m.settings_unknown()}</span>
      </PolicyRow>
      <PolicyRow name={m.settings_specialty()}>
        <span className={styles['value']}>{person.specialty ?? m.settings_unknown()}</span>
      </PolicyRow>
      <PolicyRow name={m.settings_may()} text={m.settings_may_text()}>
        <span className={styles['value']}>{person.may.length === 0 ? m.settings_may_nothing() : person.may.map((one) => may[one]()).join(', ')}</span>
      </PolicyRow>
      {session.state === 'signed-in' && (
        <PolicyRow name={m.settings_platform()} text={session.platform.signInHost}>
          <span className={styles['value']}>
            {session.platform.name}
            <br />
            <span className={styles['rowText']}>{session.platform.host}</span>
          </span>
        </PolicyRow>
      )}
      <div className={styles['buttons']}>
        <Button icon="locked" onPress={() => void desk.host.call({ type: 'lock' }).catch(() => undefined)}>
          {m.command_lock()}
        </Button>
        <Button icon="signOut" onPress={() => void desk.host.call({ type: 'sign-out' }).catch(() => undefined)} data-testid="sign-out">
          {m.action_sign_out()}
        </Button>
      </div>
    </>
  );
}

function Appearance() {
  const desk = useDesk();
  const settings = useSettings();
  const themes: { id: Theme; label: string }[] = [
    { id: 'office', label: m.settings_theme_office() },
    { id: 'reading-room', label: m.settings_theme_reading_room() },
  ];
  const languages: { id: Language; label: string }[] = [
    { id: 'de', label: m.settings_language_de() },
    { id: 'en', label: m.settings_language_en() },
  ];
  return (
    <>
      <PolicyRow name={m.settings_theme()} text={m.settings_theme_text()} fixed={isFixed(settings, 'theme')} value={themes.find((one) => one.id === settings.theme)?.label ?? ''}>
        <Segment label={m.settings_theme()} value={settings.theme} options={themes} onChange={(theme) => desk.changeSettings({ theme })} />
      </PolicyRow>
      <PolicyRow name={m.settings_language()} fixed={isFixed(settings, 'language')} value={languages.find((one) => one.id === settings.language)?.label ?? ''}>
        <Segment label={m.settings_language()} value={settings.language} options={languages} onChange={(language) => desk.changeSettings({ language })} />
      </PolicyRow>
      <PolicyRow name={m.settings_font_size()} text={m.settings_font_size_text()} fixed={isFixed(settings, 'fontSize')} value={m.settings_percent({ value: settings.fontSize })}>
        <Slider label={m.settings_font_size()} value={settings.fontSize} min={90} max={150} step={10} show={(value) => m.settings_percent({ value })} onChange={(fontSize) => desk.changeSettings({ fontSize })} />
      </PolicyRow>
    </>
  );
}

function Images() {
  const desk = useDesk();
  const settings = useSettings();
  const means: { id: Drawing; label: string }[] = [
    { id: 'auto', label: m.settings_drawing_auto() },
    { id: 'graphics', label: m.settings_drawing_graphics() },
    { id: 'processor', label: m.settings_drawing_processor() },
  ];
  return (
    <>
      <PolicyRow name={m.settings_image_text()} text={m.settings_image_text_text()} fixed={isFixed(settings, 'imageTextSize')} value={m.settings_pixels({ value: settings.imageTextSize })}>
        <Slider
          label={m.settings_image_text()}
          value={settings.imageTextSize}
          min={11}
          max={18}
          step={1}
          show={(value) => m.settings_pixels({ value })}
          onChange={(imageTextSize) => desk.changeSettings({ imageTextSize })}
        />
      </PolicyRow>
      <PolicyRow name={m.settings_drawing()} text={settings.computedGraphics ? m.settings_drawing_computed() : m.settings_drawing_text()} fixed={isFixed(settings, 'drawing')} value={means.find((one) => one.id === settings.drawing)?.label ?? ''}>
        <Segment label={m.settings_drawing()} value={settings.drawing} options={means} onChange={(drawing) => desk.changeSettings({ drawing })} />
      </PolicyRow>
    </>
  );
}

const lockMinutes = [3, 5, 10, 15, 30, 60];

function Security() {
  const desk = useDesk();
  const settings = useSettings();
  const choices = [...new Set([...lockMinutes, settings.lockAfterMinutes])].toSorted((a, b) => a - b);
  return (
    <>
      <h3 className={styles['group']}>{m.settings_locking()}</h3>
      <PolicyRow
        name={m.settings_lock_after()}
        text={m.settings_lock_after_text()}
        fixed={isFixed(settings, 'lockAfterMinutes')}
        value={m.settings_minutes({ count: settings.lockAfterMinutes })}
      >
        <Select
          label={m.settings_lock_after()}
          width={220}
          value={String(settings.lockAfterMinutes)}
          options={choices.map((minutes) => ({ id: String(minutes), label: m.settings_minutes({ count: minutes }) }))}
          onChange={(minutes) => desk.changeSettings({ lockAfterMinutes: Number(minutes) })}
        />
      </PolicyRow>
      <PolicyRow name={m.settings_unlock_with()} text={m.settings_unlock_with_text()}>
        <span className={styles['value']}>{m.settings_unlock_browser()}</span>
      </PolicyRow>
      <h3 className={styles['group']}>{m.settings_on_device()}</h3>
      <PolicyRow name={m.settings_encrypted()} text={m.settings_encrypted_text()} />
    </>
  );
}

function Chat() {
  const desk = useDesk();
  const settings = useSettings();
  const word = (on: boolean) => (on ? m.settings_on() : m.settings_off());
  const offered = isChatOffered(useStore(desk.chat));
  const [card, setCard] = useState(false);
  return (
    <>
      <PolicyRow name={m.settings_notices()} text={m.settings_notices_text()} fixed={isFixed(settings, 'notices')} value={word(settings.notices)}>
        <Switch label={m.settings_notices()} on={settings.notices} onChange={(notices) => desk.changeSettings({ notices })} testId="notices" />
      </PolicyRow>
      <PolicyRow name={m.settings_notice_names()} text={m.settings_notice_names_text()} fixed={isFixed(settings, 'noticeNames')} value={word(settings.noticeNames)}>
        <Switch label={m.settings_notice_names()} on={settings.noticeNames} onChange={(noticeNames) => desk.changeSettings({ noticeNames })} testId="notice-names" />
      </PolicyRow>
      <PolicyRow
        name={m.settings_typing()}
        text={m.settings_typing_text()}
        fixed={isFixed(settings, 'typingNotices')}
        value={settings.typingNotices ? m.settings_on() : m.settings_off()}
      >
        <Switch label={m.settings_typing()} on={settings.typingNotices} onChange={(typingNotices) => desk.changeSettings({ typingNotices })} testId="typing-notices" />
      </PolicyRow>
      <PolicyRow
        name={m.settings_receipts()}
        text={m.settings_receipts_text()}
        fixed={isFixed(settings, 'readReceipts')}
        value={settings.readReceipts ? m.settings_on() : m.settings_off()}
      >
        <Switch label={m.settings_receipts()} on={settings.readReceipts} onChange={(readReceipts) => desk.changeSettings({ readReceipts })} testId="read-receipts" />
      </PolicyRow>
      {offered && (
        <PolicyRow name={m.card_own()} text={m.card_own_text()}>
          <Button onPress={() => setCard(true)} data-testid="show-own-card">
            {m.card_show()}
          </Button>
        </PolicyRow>
      )}
      {offered && <Permissions />}
      {card && <OwnCardDialog close={() => setCard(false)} />}
    </>
  );
}

function KeyboardPage() {
  const desk = useDesk();
  const settings = useSettings();
  return (
    <>
      <PolicyRow
        name={m.settings_letter_keys()}
        text={m.settings_letter_keys_text()}
        fixed={isFixed(settings, 'letterKeys')}
        value={settings.letterKeys ? m.settings_on() : m.settings_off()}
      >
        <Switch label={m.settings_letter_keys()} on={settings.letterKeys} onChange={(letterKeys) => desk.changeSettings({ letterKeys })} testId="letter-keys" />
      </PolicyRow>
      <div className={styles['lead']}>
        <KeyTable query="" />
      </div>
    </>
  );
}

function Connection() {
  const desk = useDesk();
  const settings = useSettings();
  const [load, setLoad] = useState<Load<DiagnosisView>>(() => ({ state: 'waiting', since: performance.now() }));
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let current = true;
    ask(desk.host, { type: 'diagnose' }, 'diagnosis').then(
      (value) => current && setLoad({ state: 'here', value }),
      (thrown: unknown) => current && setLoad({ state: 'failed', failure: asFailure(thrown) }),
    );
    return () => {
      current = false;
    };
  }, [desk, attempt]);
  const ways: { id: BulkWay; label: string }[] = [
    { id: 'auto', label: m.settings_bulk_auto() },
    { id: 'socket', label: m.settings_bulk_socket() },
    { id: 'scheme', label: m.settings_bulk_scheme() },
  ];
  return (
    <>
      <PolicyRow name={m.settings_bulk()} text={m.settings_bulk_text()} fixed={isFixed(settings, 'bulkWay')} value={ways.find((one) => one.id === settings.bulkWay)?.label ?? ''}>
        <Segment label={m.settings_bulk()} value={settings.bulkWay} options={ways} onChange={(bulkWay) => desk.changeSettings({ bulkWay })} />
      </PolicyRow>
      <h3 className={styles['group']}>{m.settings_diagnosis()}</h3>
      <p className={styles['rowText']}>{m.settings_diagnosis_text()}</p>
      {load.state === 'waiting' && <Skeleton what={m.settings_diagnosis()} rows={5} since={load.since} retry={() => setAttempt(attempt + 1)} />}
      {load.state === 'failed' && <FailureNotice failure={load.failure} retry={() => setAttempt(attempt + 1)} />}
      {load.state === 'here' && (
        <>
          <dl className={styles['lines']} data-testid="diagnosis">
            {load.value.lines.map((line) => (
              <DiagnosisRow key={line.key} name={diagnosisWord(line.key)} value={diagnosisValue(line.key, line.value)} />
            ))}
          </dl>
          <div className={styles['buttons']}>
            <Button
              icon="copy"
              onPress={() => copyText(load.value.lines.map((line) => `${line.key}: ${line.value}`).join('\n'))}
            >
              {m.settings_diagnosis_copy()}
            </Button>
            <Button icon="reload" onPress={() => setAttempt(attempt + 1)}>
              {m.settings_diagnosis_again()}
            </Button>
          </div>
        </>
      )}
    </>
  );
}

function DiagnosisRow({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function diagnosisWord(key: string): string {
  const words: Record<string, () => string> = {
    version: m.diagnosis_version,
    profile: m.diagnosis_profile,
    platform: m.diagnosis_platform,
    keyring: m.diagnosis_keyring,
    workers: m.diagnosis_workers,
    bulk: m.diagnosis_bulk,
    webview: m.diagnosis_webview,
    graphics: m.diagnosis_graphics,
    fhir: m.diagnosis_fhir,
    dicomweb: m.diagnosis_dicomweb,
    oidc: m.diagnosis_oidc,
    clock: m.diagnosis_clock,
    proxy: m.diagnosis_proxy,
    authorities: m.diagnosis_authorities,
    system: m.diagnosis_system,
    os: m.diagnosis_system,
    store: m.diagnosis_store,
    disk: m.diagnosis_disk,
    provider: m.diagnosis_oidc,
    device: m.diagnosis_device,
    'token-until': m.diagnosis_token_until,
    'workers-replaced': m.diagnosis_workers_replaced,
    'frames-decoded': m.diagnosis_frames_decoded,
    'cache-bytes': m.diagnosis_cache,
    'kept-cases': m.diagnosis_kept_cases,
  };
  return words[key]?.() ?? key;
}

/** Times and sizes as they are read here; everything else as the program says it. */
function diagnosisValue(key: string, value: string): string {
  if (key === 'token-until') return dateTime(value);
  if (key === 'cache-bytes') return bytes(Number(value));
  return value;
}

function About() {
  const desk = useDesk();
  return (
    <>
      <div className={styles['about']}>
        <Mark size={48} />
        <div>
          <div className={styles['rowName']}>{m.app_name()}</div>
          <div className={styles['rowText']}>{m.about_version({ version: desk.version })}</div>
        </div>
      </div>
      <div className={styles['prose']}>
        <p>{m.about_purpose()}</p>
        <p>{m.about_device()}</p>
        <p>{m.about_licence()}</p>
        <p>{m.about_font()}</p>
      </div>
    </>
  );
}
