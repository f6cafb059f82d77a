// The participant: what livekit-client sees, hears and says in one round. `peer.mjs` calls `acts` by name.
/* global LivekitClient */
const { ExternalE2EEKeyProvider, Room, RoomEvent, Track, createLocalTracks } = LivekitClient;

let room;
const errors = [];
const heard = [];
/** By the track's id: the element that plays it, and for sound what measures it. */
const playing = new Map();
let sound;

const note = (what, error, participant) => errors.push({ what, text: String(error?.message ?? error), who: participant?.identity ?? null });
addEventListener('error', ({ message }) => note('page', message));
addEventListener('unhandledrejection', ({ reason }) => note('page', reason));

/** Sound flows into a measurement only while an element plays it as well. */
function play(track, { trackSid }) {
  const element = track.attach();
  element.playsInline = true;
  document.body.append(element);
  let analyser = null;
  if (track.kind === Track.Kind.Audio) {
    sound ??= new AudioContext();
    sound.resume();
    analyser = new AnalyserNode(sound, { fftSize: 8192, smoothingTimeConstant: 0 });
    sound.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser);
  }
  playing.set(trackSid, { element, analyser });
}

const stop = (track, { trackSid }) => {
  track.detach().forEach((element) => element.remove());
  playing.delete(trackSid);
};

const publications = () => [...room.remoteParticipants.values()].flatMap((who) => [...who.trackPublications.values()].map((publication) => [who, publication]));

/** What is played of somebody: `camera`, `microphone`, `screen_share`, `screen_share_audio`. */
function played(who, source) {
  const found = publications().find(([{ identity }, publication]) => identity === who && publication.source === source);
  return found && playing.get(found[1].trackSid);
}

/**
 * Whether words came out of the decryption. livekit-client's own event says "not encrypted" of all that other browsers
 * send, since they leave `EncryptedPacket.encryption_type` (livekit_models.proto) empty.
 */
function deciphered(manager) {
  // Packets are taken one after the other.
  let last = '';
  const text = (from) => new TextDecoder('latin1').decode(from);
  const open = manager?.handleEncryptedData;
  if (open) {
    manager.handleEncryptedData = async (...sealed) => {
      const opened = await open.apply(manager, sealed);
      last = text(opened.payload);
      return opened;
    };
  }
  return (payload) => {
    const found = last.includes(text(payload));
    last = '';
    return found;
  };
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Of the pair of addresses that carries the media: where it begins. */
async function route() {
  const report = await room.engine.pcManager.publisher.pc.getStats();
  const transport = [...report.values()].find(({ type }) => type === 'transport');
  const pair = report.get(transport?.selectedCandidatePairId);
  const local = pair && report.get(pair.localCandidateId);
  return local ? { kind: local.candidateType, protocol: local.relayProtocol ?? local.protocol } : null;
}

const acts = {
  /**
   * `key` is base64 of random bytes, from which HKDF makes the frames' key; `passphrase` is a text, from which PBKDF2 does.
   * With neither nothing is encrypted. With `relay` no way but through a TURN server is taken.
   */
  async join({ url, token, key, passphrase, relay }) {
    const keyProvider = new ExternalE2EEKeyProvider({ keyringSize: 256 });
    const secret = key === undefined ? passphrase : bytes(key).buffer;
    const encryption = secret === undefined ? undefined : { keyProvider, worker: new Worker('livekit-client.e2ee.worker.js') };
    room = new Room({ encryption });
    room.on(RoomEvent.TrackSubscribed, play);
    room.on(RoomEvent.TrackUnsubscribed, stop);
    room.on(RoomEvent.TrackSubscriptionFailed, (sid, who, error) => note('subscription', error ?? sid, who));
    room.on(RoomEvent.EncryptionError, (error, who) => note('encryption', error, who));
    room.on(RoomEvent.MediaDevicesError, (error) => note('devices', error));
    const encrypted = deciphered(room.e2eeManager);
    room.on(RoomEvent.DataReceived, (payload, who, _kind, topic) =>
      heard.push({ who: who?.identity ?? null, topic: topic ?? null, text: new TextDecoder().decode(payload), encrypted: encrypted(payload) }));
    if (encryption) {
      await keyProvider.setKey(secret);
      await room.setE2EEEnabled(true);
    }
    await room.connect(url, token, { rtcConfig: relay ? { iceTransportPolicy: 'relay' } : undefined });
    return { identity: room.localParticipant.identity, sid: room.localParticipant.sid, server: room.serverInfo?.version ?? null, node: room.serverInfo?.nodeId ?? null };
  },
  /** The devices' picture and sound; gives the ids of the tracks. */
  async publish({ video = false, audio = false, simulcast = true }) {
    const tracks = await createLocalTracks({
      video: video ? { resolution: { width: 640, height: 360, frameRate: 20 } } : false,
      // A tone is a noise to those who remove noise.
      audio: audio ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false } : false,
    });
    const published = await Promise.all(tracks.map((track) => room.localParticipant.publishTrack(track, { simulcast })));
    return published.map(({ trackSid }) => trackSid);
  },
  state: async () => room.state,
  participants: async () => [...room.remoteParticipants.values()].map(({ identity, sid, name, isSpeaking }) => ({ who: identity, sid, name: name ?? null, speaking: isSpeaking })),
  tracks: async () =>
    publications().map(([{ identity }, { trackSid, kind, source, isMuted, isSubscribed, isEncrypted, mimeType }]) => ({
      who: identity, sid: trackSid, kind, source, muted: isMuted, subscribed: isSubscribed, encrypted: isEncrypted, mime: mimeType ?? null,
    })),
  /** Five colors across the middle of the picture, each red, green, blue from 0 to 255, and how many pictures were drawn. */
  async pixels({ who, source = 'camera' }) {
    const video = played(who, source)?.element;
    if (!video?.videoWidth) return null;
    const [width, height] = [video.videoWidth, video.videoHeight];
    const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    canvas.drawImage(video, 0, 0);
    const color = (part) => [...canvas.getImageData(Math.floor(width * part), Math.floor(height / 2), 1, 1).data.slice(0, 3)];
    return { width, height, frames: video.getVideoPlaybackQuality().totalVideoFrames, colors: [0.1, 0.3, 0.5, 0.7, 0.9].map(color) };
  },
  /** The loudest frequency, to 6 Hz, and how loud: 0 dB is a full tone. */
  async peak({ who, source = 'microphone' }) {
    const analyser = played(who, source)?.analyser;
    if (!analyser) return null;
    const spectrum = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(spectrum);
    const loudest = spectrum.reduce((best, db, at) => (at > 0 && db > spectrum[best] ? at : best), 1);
    const db = spectrum[loudest];
    return Number.isFinite(db) ? { hz: Math.round((loudest * sound.sampleRate) / analyser.fftSize), db: Math.round(db) } : null;
  },
  errors: async () => errors,
  async say({ topic, text }) {
    await room.localParticipant.publishData(new TextEncoder().encode(text), { reliable: true, topic });
  },
  heard: async () => heard,
  /** The addresses of STUN and TURN servers that the server named. */
  servers: async () => room.engine.pcManager.publisher.pc.getConfiguration().iceServers.flatMap(({ urls }) => urls),
  route,
  async leave() {
    await room.disconnect();
  },
  /** Joins a round of its own without encryption and leaves it; milliseconds until the first picture was shown and the first sound arrived. */
  async first({ url, token }) {
    const own = new Room();
    const began = performance.now();
    const elements = [];
    const shown = new Promise((done) => {
      const first = {};
      const note = (what) => {
        first[what] ??= performance.now() - began;
        if (first.picture && first.sound) done(first);
      };
      own.on(RoomEvent.TrackSubscribed, (track) => {
        const element = track.attach();
        elements.push(element);
        document.body.append(element);
        if (track.kind === Track.Kind.Video) element.requestVideoFrameCallback(() => note('picture'));
        else
          (async function look() {
            const report = await track.receiver.getStats();
            const [inbound] = [...report.values()].filter(({ type }) => type === 'inbound-rtp');
            if (inbound?.packetsReceived > 0) note('sound');
            else setTimeout(look, 2);
          })();
      });
    });
    await own.connect(url, token);
    const first = await shown;
    await own.disconnect();
    elements.forEach((element) => element.remove());
    return first;
  },
};
