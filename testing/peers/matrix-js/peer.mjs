// matrix-js-sdk as somebody else's program, driven line by line: `{"id":1,"do":"send",…}` on stdin is answered by
// `{"id":1,"ok":…}` or `{"id":1,"error":"…"}` on stdout.
import { createHash, webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';
import * as sdk from 'matrix-js-sdk';
import { CryptoEvent, VerificationPhase, VerificationRequestEvent, VerifierEvent } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { decodeRecoveryKey } from 'matrix-js-sdk/lib/crypto-api/recovery-key.js';
import { logger } from 'matrix-js-sdk/lib/logger.js';
import { MatrixRTCSessionEvent } from 'matrix-js-sdk/lib/matrixrtc/index.js';

// Standard output belongs to the answers.
logger.setLevel?.('silent');
for (const level of ['log', 'info', 'debug', 'trace']) console[level] = (...words) => console.error(...words);

let client;
let base;
let account;
let secretStorageKey = null;
let comparison = null;
let shown = null;
// While it is away nothing reaches the homeserver.
let away = false;
let line = new AbortController();
const inTimeline = new Set();
const arrivals = new Map();
const awaited = new Map();
/** Media keys of a round, by the names of the participants, in the order in which they came. */
const mediaKeys = new Map();

const reach = (resource, options = {}) => {
  if (away) return Promise.reject(new TypeError('away'));
  if (!String(resource).includes('/sync')) return fetch(resource, options);
  return fetch(resource, { ...options, signal: options.signal ? AbortSignal.any([options.signal, line.signal]) : line.signal });
};
const pause = (milliseconds) => new Promise((over) => setTimeout(over, milliseconds));
/** Milliseconds of the epoch. */
const now = () => performance.timeOrigin + performance.now();

/** A message is there once it stands in the timeline and can be read. */
function arrive(event) {
  if (!inTimeline.has(event.getId()) || event.getType() !== 'm.room.message' || event.isDecryptionFailure()) return;
  const key = `${event.getRoomId()} ${event.getContent().body}`;
  if (!arrivals.has(key)) arrivals.set(key, now());
  awaited.get(key)?.(arrivals.get(key));
  awaited.delete(key);
}

const crypto = () => client.getCrypto();
const unpadded = (bytes) => Buffer.from(bytes).toString('base64').replace(/=+$/u, '');
const room = (id) => {
  const found = client.getRoom(id);
  if (!found) throw new Error('no such room');
  return found;
};

const round = (id) => client.matrixRTC.getRoomSession(room(id));

function compare(request) {
  comparison = request;
  shown = null;
  const attach = () => {
    const verifier = request.verifier;
    if (!verifier || verifier.attached) return;
    verifier.attached = true;
    verifier.on(VerifierEvent.ShowSas, (sas) => {
      shown = sas;
    });
    verifier.verify().catch((error) => console.error('verify', String(error)));
  };
  request.on(VerificationRequestEvent.Change, attach);
  attach();
}

const acts = {
  async login({ base: address, user, password }) {
    base = address.replace(/\/$/u, '');
    const login = await sdk.createClient({ baseUrl: base }).loginRequest({ type: 'm.login.password', identifier: { type: 'm.id.user', user }, password, initial_device_display_name: 'another program' });
    account = { ...login, password };
    client = sdk.createClient({
      baseUrl: base,
      userId: login.user_id,
      deviceId: login.device_id,
      accessToken: login.access_token,
      timelineSupport: true,
      fetchFn: reach,
      cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => (secretStorageKey === null ? null : [Object.keys(keys)[0], secretStorageKey]),
      },
    });
    await client.initRustCrypto({ useIndexedDB: false });
    client.on(CryptoEvent.VerificationRequestReceived, compare);
    await client.startClient({ initialSyncLimit: 50 });
    if (client.getSyncState() !== 'SYNCING') await new Promise((prepared) => client.on('sync', (state) => ['PREPARED', 'SYNCING'].includes(state) && prepared()));
    return { user: login.user_id, device: login.device_id, crypto: crypto().getVersion() };
  },
  async crossSign() {
    await crypto().bootstrapCrossSigning({
      authUploadDeviceSigningKeys: (make) => make({ type: 'm.login.password', identifier: { type: 'm.id.user', user: account.user_id }, password: account.password }),
    });
    return await crypto().isCrossSigningReady();
  },
  async makeBackup() {
    const key = await crypto().createRecoveryKeyFromPassphrase();
    secretStorageKey = key.privateKey;
    await crypto().bootstrapSecretStorage({ createSecretStorageKey: async () => key, setupNewSecretStorage: true, setupNewKeyBackup: true });
    await crypto().checkKeyBackupAndEnable();
    return key.encodedPrivateKey;
  },
  async recover({ key }) {
    secretStorageKey = decodeRecoveryKey(key);
    await crypto().bootstrapCrossSigning({});
    await crypto().loadSessionBackupPrivateKeyFromSecretStorage();
    const { imported } = await crypto().restoreKeyBackup();
    return imported;
  },
  join: async ({ room: id }) => (await client.joinRoom(id)).roomId,
  send: async ({ room: id, text }) => (await client.sendMessage(id, { msgtype: 'm.text', body: text })).event_id,
  // Client-server API v1.11, "User and room mentions".
  name: async ({ room: id, user, name, text }) =>
    (
      await client.sendMessage(id, {
        msgtype: 'm.text',
        body: `${name}${text}`,
        format: 'org.matrix.custom.html',
        formatted_body: `<a href="https://matrix.to/#/${user}">${name}</a>${text}`,
        'm.mentions': { user_ids: [user] },
      })
    ).event_id,
  reply: async ({ room: id, event, text }) => (await client.sendMessage(id, { msgtype: 'm.text', body: text, 'm.relates_to': { 'm.in_reply_to': { event_id: event } } })).event_id,
  edit: async ({ room: id, event, text }) =>
    (await client.sendMessage(id, { msgtype: 'm.text', body: `* ${text}`, 'm.new_content': { msgtype: 'm.text', body: text }, 'm.relates_to': { rel_type: 'm.replace', event_id: event } })).event_id,
  react: async ({ room: id, event, key }) => (await client.sendEvent(id, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } })).event_id,
  // Client-server API v1.11 §11.12.4.1, "Sending encrypted attachments".
  async file({ room: id, name, text }) {
    const key = await webcrypto.subtle.generateKey({ name: 'AES-CTR', length: 256 }, true, ['encrypt', 'decrypt']);
    const counter = new Uint8Array(16);
    webcrypto.getRandomValues(counter.subarray(0, 8));
    const plain = Buffer.from(text);
    const sealed = Buffer.from(await webcrypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 64 }, key, plain));
    const { content_uri: url } = await client.uploadContent(sealed, { type: 'application/octet-stream', includeFilename: false });
    const jwk = await webcrypto.subtle.exportKey('jwk', key);
    const file = { v: 'v2', url, key: { alg: 'A256CTR', ext: true, k: jwk.k, key_ops: ['encrypt', 'decrypt'], kty: 'oct' }, iv: unpadded(counter), hashes: { sha256: unpadded(createHash('sha256').update(sealed).digest()) } };
    return (await client.sendMessage(id, { msgtype: 'm.file', body: name, filename: name, info: { size: plain.length, mimetype: 'text/plain' }, file })).event_id;
  },
  async open({ room: id, event }) {
    const { file } = room(id).findEventById(event).getContent();
    const [, server, media] = /^mxc:\/\/([^/]+)\/(.+)$/u.exec(file.url);
    const answer = await fetch(`${base}/_matrix/client/v1/media/download/${server}/${media}`, { headers: { authorization: `Bearer ${client.getAccessToken()}` } });
    if (!answer.ok) throw new Error(`the file: ${answer.status}`);
    const sealed = Buffer.from(await answer.arrayBuffer());
    if (unpadded(createHash('sha256').update(sealed).digest()) !== file.hashes.sha256) throw new Error('the file is not what was sent');
    const key = await webcrypto.subtle.importKey('jwk', file.key, { name: 'AES-CTR' }, false, ['decrypt']);
    const plain = await webcrypto.subtle.decrypt({ name: 'AES-CTR', counter: Buffer.from(file.iv, 'base64'), length: 64 }, key, sealed);
    return Buffer.from(plain).toString();
  },
  /** Every message as this program shows it. */
  async lines({ room: id }) {
    const found = room(id);
    const events = found.getLiveTimeline().getEvents();
    return events
      .filter((event) => ['m.room.message', 'm.room.encrypted'].includes(event.getType()) && event.getRelation()?.rel_type !== 'm.replace')
      .map((event) => ({
        event: event.getId(),
        own: event.getSender() === client.getUserId(),
        encrypted: event.isEncrypted(),
        readable: !event.isDecryptionFailure() && event.getType() === 'm.room.message',
        kind: event.getContent().msgtype ?? null,
        text: event.getContent().body ?? null,
        markup: event.getContent().formatted_body ?? null,
        mentions: event.getContent()['m.mentions'] ?? null,
        // Whom the last change names anew.
        anew: event.replacingEvent()?.getContent()['m.mentions'] ?? null,
        highlighted: client.getPushActionsForEvent(event, true)?.tweaks?.highlight === true,
        edited: Boolean(event.replacingEvent()),
        answers: event.replyEventId ?? null,
        reactions: (found.relations.getChildEventsForEvent(event.getId(), 'm.annotation', 'm.reaction')?.getSortedAnnotationsByKey() ?? []).map(([key]) => key),
      }));
  },
  async compareWith({ user, room: id }) {
    await crypto().userHasCrossSigningKeys(user, true);
    compare(await crypto().requestVerificationDM(user, id));
    return null;
  },
  // A question from a device that it does not know is dropped.
  knows: async ({ user }) => ((await crypto().getUserDeviceInfo([user])).get(user)?.size ?? 0) > 0,
  async accept() {
    if (comparison?.phase !== VerificationPhase.Requested) return false;
    await comparison.accept();
    return true;
  },
  async begin() {
    if (comparison?.phase !== VerificationPhase.Ready) return false;
    // Its verifier comes by the change of the request.
    await comparison.startVerification('m.sas.v1');
    return true;
  },
  shown: async () => (shown === null ? null : { emoji: shown.sas.emoji.map(([picture]) => picture), numbers: shown.sas.decimal }),
  async same() {
    await shown.confirm();
    return null;
  },
  compared: async () => (comparison?.phase === VerificationPhase.Done ? 'done' : comparison?.phase === VerificationPhase.Cancelled ? 'cancelled' : null),
  async create({ user }) {
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    return (await client.createRoom({ preset: 'private_chat', room_version: '10', is_direct: true, invite: [user], initial_state: [encryption] })).room_id;
  },
  members: async ({ room: id, count }) => room(id).getJoinedMemberCount() >= count,
  async watch() {
    client.on('Room.timeline', (event) => {
      inTimeline.add(event.getId());
      arrive(event);
    });
    client.on('Event.decrypted', arrive);
    return null;
  },
  arrived: ({ room: id, text }) => arrivals.get(`${id} ${text}`) ?? new Promise((come) => awaited.set(`${id} ${text}`, come)),
  async sendAt({ room: id, text }) {
    const at = now();
    await client.sendMessage(id, { msgtype: 'm.text', body: text });
    return at;
  },
  async away() {
    away = true;
    line.abort();
    return null;
  },
  /** Comes back, and reads so many messages of each room. */
  async back({ rooms, count }) {
    const [began, spent] = [performance.now(), process.cpuUsage()];
    line = new AbortController();
    away = false;
    const synced = new Promise((come) => client.on('sync', (state) => state === 'SYNCING' && come()));
    client.retryImmediately();
    await synced;
    const events = (id) => room(id).getLiveTimeline().getEvents().filter((event) => event.getWireType() === 'm.room.encrypted');
    const readable = (id) => events(id).filter((event) => event.getType() === 'm.room.message' && !event.isDecryptionFailure()).length;
    let read = 0;
    for (const id of rooms) {
      while (events(id).length < count && room(id).oldState.paginationToken !== null) await client.scrollback(room(id), 50);
      while (readable(id) < Math.min(count, events(id).length)) await pause(20);
      read += readable(id);
    }
    const { user, system } = process.cpuUsage(spent);
    return { read, wall: performance.now() - began, processor: (user + system) / 1000 };
  },
  async rtcJoin({ room: id, service }) {
    const session = round(id);
    // It encrypts only for devices that it knows.
    await crypto().getUserDeviceInfo(room(id).getJoinedMembers().map(({ userId }) => userId), true);
    session.on(MatrixRTCSessionEvent.EncryptionKeyChanged, (key, index, participant) => {
      mediaKeys.set(participant, [...(mediaKeys.get(participant) ?? []), { index, key: Buffer.from(key).toString('hex') }]);
    });
    const focus = { type: 'livekit', livekit_service_url: service, livekit_alias: id };
    session.joinRoomSession([focus], { type: 'livekit', focus_selection: 'oldest_membership' }, { manageMediaKeys: true, useExperimentalToDeviceTransport: true, useNewMembershipManager: true });
    return null;
  },
  rtcLeave: async ({ room: id }) => round(id).leaveRoomSession(10_000),
  rtcMembers: async ({ room: id }) =>
    round(id).memberships.map((member) => ({ user: member.sender, device: member.deviceId, foci: member.getPreferredFoci(), selection: member.getFocusSelection(), lasts: member.getMsUntilExpiry() })),
  rtcKeys: async () => Object.fromEntries(mediaKeys),
  trusts: async ({ user }) => (await crypto().getUserVerificationStatus(user)).isCrossSigningVerified(),
  async end() {
    client?.stopClient();
    setTimeout(() => process.exit(0), 50);
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: act, ...rest } = JSON.parse(line);
  // One after the other is not needed: an answer says to what it belongs.
  Promise.resolve()
    .then(() => acts[act](rest))
    .then(
      (ok) => process.stdout.write(`${JSON.stringify({ id, ok: ok ?? null })}\n`),
      (error) => process.stdout.write(`${JSON.stringify({ id, error: String(error?.message ?? error) })}\n`),
    );
}
process.exit(0);
