// Facts about the servers and about this peer before a client of ours takes part. `KONSIL_SERVERS` names the list that
// `cargo xtask servers up livekit` writes; with coturn in it one fact more is tried, with two nodes another.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PATIENCE = 60_000;
const servers = process.env.KONSIL_SERVERS ? JSON.parse(readFileSync(process.env.KONSIL_SERVERS, 'utf8')) : {};
const without = (...names) => names.filter((name) => !servers[name]).map((name) => `${name} does not run; start it with \`cargo xtask servers up ${name}\``)[0];

// Colors of one person's camera, far from the other's at every place.
const RED = { colors: [[191, 0, 0], [191, 191, 0], [0, 191, 0], [0, 191, 191], [0, 0, 191]], hz: 440 };
const BLUE = { colors: [[0, 0, 191], [0, 191, 191], [191, 0, 191], [191, 0, 0], [191, 191, 0]], hz: 1000 };

/** One more program in the round. */
class Peer {
  static #all = [];
  #child = spawn(process.execPath, [join(dirname(fileURLToPath(import.meta.url)), 'peer.mjs')], { stdio: ['pipe', 'pipe', process.env.KONSIL_PEER_LOG ? 'inherit' : 'ignore'] });
  #ended = new Promise((end) => this.#child.once('exit', end));
  #asked = new Map();

  constructor() {
    Peer.#all.push(this);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, ok, error } = JSON.parse(line);
      this.#asked.get(id)(error, ok);
      this.#asked.delete(id);
    });
  }

  does(act, rest = {}) {
    return new Promise((done, failed) => {
      const id = randomUUID();
      this.#asked.set(id, (error, ok) => (error === undefined ? done(ok) : failed(new Error(`${act}: ${error}`))));
      this.#child.stdin.write(`${JSON.stringify({ id, do: act, ...rest })}\n`);
    });
  }

  /** Asks again until the answer is what is wanted. */
  async until(what, act, rest, wanted) {
    for (const began = performance.now(); ; await pause(100)) {
      const answer = await this.does(act, rest);
      if (wanted(answer)) return answer;
      if (performance.now() - began > PATIENCE) assert.fail(`not in time: ${what}; the last answer: ${JSON.stringify(answer)}`);
    }
  }

  sees = (who, { colors }) => this.until(`the picture of ${who}`, 'pixels', { who }, (picture) => picture?.frames > 10 && near(picture.colors, colors));
  // The measurement's own width, and the device's clock.
  hears = (who, { hz }) => this.until(`the sound of ${who}`, 'peak', { who }, (peak) => peak?.db > -40 && Math.abs(peak.hz - hz) <= 9);

  /** A person joins with devices of their own and publishes both. */
  static async joins(round, identity, devices, how) {
    const peer = new Peer();
    await peer.does('devices', devices);
    const joined = await peer.does('join', { url: servers[how.server ?? 'livekit'].address, token: token(how.server ?? 'livekit', identity, round), ...how });
    assert.equal(joined.identity, identity, 'it is who the token says');
    await peer.does('publish', { video: true, audio: true });
    return peer;
  }

  static async end() {
    await Promise.all(Peer.#all.splice(0).map(async (peer) => {
      peer.#child.stdin.end();
      await peer.#ended;
    }));
  }
}

/** Video is no copy: every part may be off by this. */
const near = (seen, shown) => seen.every((color, at) => color.every((part, of) => Math.abs(part - shown[at][of]) < 40));

/** RFC 7519 with LiveKit's grant of one room. */
function token(server, identity, room) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: servers[server].key, sub: identity, nbf: now - 10, exp: now + 600, video: { room, roomJoin: true } };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', servers[server].secret).update(signed).digest('base64url')}`;
}

/** Both see, hear and read the other. */
async function meet(one, other) {
  await Promise.all([one.sees('other', BLUE), one.hears('other', BLUE), other.sees('one', RED), other.hears('one', RED)]);
  await one.does('say', { topic: 'pointer', text: '0.25 0.75' });
  const heard = await other.until('the words', 'heard', {}, (lines) => lines.length > 0);
  assert.deepEqual(heard.map(({ who, topic, text }) => [who, topic, text]), [['one', 'pointer', '0.25 0.75']], 'the words came once');
  return heard[0];
}

const of = (round, server, how) => Promise.all([Peer.joins(round, 'one', RED, { server, ...how }), Peer.joins(round, 'other', BLUE, { server, ...how })]);

after(Peer.end);

for (const [kind, how] of [['random bytes', { key: randomBytes(32).toString('base64') }], ['a passphrase', { passphrase: 'Eschenland am Montag' }]]) {
  test(`two browsers see and hear each other under a key from ${kind}`, { skip: without('livekit') }, async () => {
    const [one, other] = await of(randomUUID(), 'livekit', how);
    const words = await meet(one, other);
    assert.ok(words.encrypted, 'words are encrypted');
    const tracks = await other.does('tracks');
    assert.deepEqual(tracks.map(({ who, kind: of_, encrypted }) => [who, of_, encrypted]).sort(), [['one', 'audio', true], ['one', 'video', true]], 'both tracks are encrypted');
    assert.deepEqual([...(await one.does('errors')), ...(await other.does('errors'))], [], 'nothing went wrong');
    await one.does('leave');
    await other.until('that the other one has left', 'participants', {}, (people) => people.length === 0);
    await Peer.end();
  });
}

test('a browser with another key gets neither picture nor sound', { skip: without('livekit') }, async () => {
  const round = randomUUID();
  const [one, other] = await Promise.all([Peer.joins(round, 'one', RED, { key: randomBytes(32).toString('base64') }), Peer.joins(round, 'other', BLUE, { key: randomBytes(32).toString('base64') })]);
  await Promise.all([one, other].map((peer) => peer.until('the complaint', 'errors', {}, (errors) => errors.some(({ what }) => what === 'encryption'))));
  for (const [peer, who] of [[one, 'other'], [other, 'one']]) {
    assert.equal(await peer.does('pixels', { who }), null, 'no picture was drawn');
    const peak = await peer.does('peak', { who });
    assert.ok(peak === null || peak.db < -60, `no tone was heard: ${JSON.stringify(peak)}`);
  }
  await Peer.end();
});

test('no server elsewhere is named to a browser', { skip: without('livekit') }, async () => {
  const peer = await Peer.joins(randomUUID(), 'one', RED, {});
  const named = await peer.does('servers');
  assert.ok(named.length > 0, 'its own list is there, for an empty one would mean the default');
  assert.deepEqual(named.filter((url) => !/^(stun|turn):127\.0\.0\.1:\d+(\?|$)/u.test(url)), [], 'all of them are here');
  await Peer.end();
});

const named = () => (servers.livekit.turn_port === servers.coturn.port ? undefined : 'LiveKit was started without coturn; start both with `cargo xtask servers up livekit coturn`');

test('two browsers meet through the TURN server alone', { skip: without('livekit', 'coturn') ?? named() }, async () => {
  const [one, other] = await of(randomUUID(), 'livekit', { relay: true });
  const words = await meet(one, other);
  assert.ok(!words.encrypted, 'without a key words are in clear, and the peer says so');
  for (const peer of [one, other]) assert.equal((await peer.does('route')).kind, 'relay', 'the way is through it');
  await Peer.end();
});

test('two browsers at two nodes meet in one round', { skip: without('livekit-two', 'livekit-one') }, async () => {
  const round = randomUUID();
  const key = randomBytes(32).toString('base64');
  const [one, other] = await Promise.all([Peer.joins(round, 'one', RED, { server: 'livekit-one', key }), Peer.joins(round, 'other', BLUE, { server: 'livekit-two', key })]);
  await meet(one, other);
  await Peer.end();
});
