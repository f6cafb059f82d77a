//! A video round: who is in it, what this person sends, and the door by which pictures reach the page.

use crate::{Failure, Presentation, PresentingView, SeenView, SenderView};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the page asks about rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "step", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RoundStep {
    /// What there is to speak, hear and be seen with. Answered by `RoundDevices`.
    OpenDevices,
    /// Take another device, now and from now on. Answered by `RoundDevices`.
    ChooseDevice {
        /// For what.
        what: RoundDeviceKind,
        /// Its id.
        device: String,
    },
    /// How the microphone hears this person, while somebody looks at it: asked for again and again, since it ends by itself
    /// two seconds after the last time. Nothing of it leaves the computer. Answered by `RoundCheck`.
    Check {
        /// The own voice is played back.
        listen: bool,
    },
    /// Play a tone on the speaker, while a check goes on.
    PlayTone,
    /// How the camera sees this person, while somebody looks at it; as `Check`. Answered by `RoundSight`.
    CheckCamera,
    /// No more check.
    EndCheck,
    /// Enter the round of a conversation, or begin it; the microphone is off. `RoundsChanged` tells the rest.
    Enter {
        /// The room's id.
        conversation: String,
        /// Whether this person is to be seen at once.
        camera: bool,
    },
    /// Say to whoever calls that one does not come; they are told.
    Decline {
        /// The room's id.
        conversation: String,
    },
    /// Leave it, or forget one that has ended.
    Leave,
    /// Be heard, or no longer.
    SetMicrophone {
        /// Heard.
        on: bool,
    },
    /// Be seen, or no longer.
    SetCamera {
        /// Seen.
        on: bool,
    },
    /// What of this computer's screens can be shown. Answered by `RoundSurfaces`.
    OpenSurfaces,
    /// Show a screen or a window to the others, in the place of one that is shown already.
    ShareSurface {
        /// Its id.
        surface: String,
    },
    /// Show no screen and no window any longer.
    StopSharing,
    /// How sound and picture travel, while somebody looks at it. Answered by `RoundWay`.
    OpenWay,
    /// Ask for the word, or no longer.
    SetHand {
        /// Raised.
        up: bool,
    },
    /// Hear and see somebody although their owner has not confirmed the device, and be heard and seen by them.
    Allow {
        /// The person's id in the view.
        person: String,
    },
    /// Where pictures come from. Answered by `PictureDoor`.
    OpenPictures,
    /// How loud somebody is here, from 0 to 2; 1 is as they are sent.
    SetVolume {
        /// The person's id in the view.
        person: String,
        /// How loud.
        volume: f32,
    },
    /// A moderator: somebody is not to be heard until they switch their microphone on again.
    Mute {
        /// The person's id in the view.
        person: String,
    },
    /// A moderator: somebody's wish to speak is done with.
    LowerHand {
        /// The person's id in the view.
        person: String,
    },
    /// A moderator: somebody leaves the round and the conversation.
    Remove {
        /// The person's id in the view.
        person: String,
    },
    /// A moderator: the round is over for everybody.
    EndForAll,
    /// Show images of a patient's case to the others; `Show` says what. Refused where somebody else shows and this person
    /// may not take over.
    Present {
        /// FHIR id of the patient.
        patient: String,
    },
    /// Show no longer.
    StopPresenting,
    /// Somebody else is to show.
    HandOver {
        /// The person's id in the view.
        person: String,
    },
    /// What is on this person's screen now; forgotten where they do not show.
    Show {
        /// FHIR id of the patient whose images they are: nothing is told of another's than the one that is shown.
        patient: String,
        /// All of it.
        presentation: Presentation,
    },
    /// What is shown, for a page that begins. Answered by `Presented`.
    OpenPresented,
    /// See the images of a case that is not the conversation's.
    OpenPresentedCase {
        /// The case that was asked about; nothing is done where it is another one by now.
        number: u32,
    },
    /// What this person sees of that which is shown.
    Seen {
        /// What.
        seen: SeenView,
    },
}

/// The rounds that this person can see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundsView {
    /// The homeserver names a media server, or one is used by others: rounds can be held.
    pub offered: bool,
    /// Going on in conversations of this person, whether or not they are in it.
    pub running: Vec<RunningRoundView>,
    /// Of these, somebody calls this person to them just now, the oldest call first.
    pub calls: Vec<RoundCallView>,
    /// The one that this person is in, is entering, or was in until it ended.
    pub round: Option<RoundView>,
}

/// Somebody has begun a round and calls the others of the conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundCallView {
    /// The room's id.
    pub conversation: String,
    /// The conversation's name.
    pub name: String,
    /// FHIR id of the patient whose case the conversation belongs to, where this person may open it.
    pub patient: Option<String>,
    /// Who calls.
    pub person: SenderView,
    /// A conversation of two: the call is for this person alone.
    pub direct: bool,
    /// When it stops, ISO instant.
    pub until: String,
}

/// A round that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunningRoundView {
    /// The room's id.
    pub conversation: String,
    /// The conversation's name.
    pub name: String,
    /// FHIR id of the patient whose case the conversation belongs to, where this person may open it.
    pub patient: Option<String>,
    /// Who is in it, one entry a person, who came first in front.
    pub people: Vec<SenderView>,
    /// When the first of them came, ISO instant.
    pub since: String,
}

/// A round with this person in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundView {
    /// The room's id.
    pub conversation: String,
    /// The conversation's name.
    pub name: String,
    /// FHIR id of the patient whose case the conversation belongs to, where this person may open it.
    pub patient: Option<String>,
    /// How far it is.
    pub phase: RoundPhase,
    /// When this person came in, ISO instant; absent before.
    pub since: Option<String>,
    /// Who is in it: this device first, then who came first.
    pub people: Vec<RoundPersonView>,
    /// Whether this person is heard.
    pub microphone: OwnMediaView,
    /// Whether this person is seen.
    pub camera: OwnMediaView,
    /// Whether a screen or a window of this person is seen; its device is a window's title, empty where it
    /// has none, and absent for a whole screen.
    pub screen: OwnMediaView,
    /// The media server says that it records. It has only what is encrypted.
    pub recorded: bool,
    /// Sound and picture are encrypted from end to end with keys of the members.
    pub encrypted: bool,
    /// Who shows images, if anybody does.
    pub presenting: Option<PresentingView>,
    /// This person may show images now: nobody does, or they may take over.
    pub may_present: bool,
    /// This person moderates the conversation.
    pub moderates: bool,
    /// Who was called and has said that they do not come.
    pub declined: Vec<SenderView>,
    /// What keeps this person from being heard or from hearing just now, the most urgent in front.
    pub advice: Vec<RoundAdvice>,
}

/// What keeps a person from being heard, or from hearing, and what they can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "advice", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RoundAdvice {
    /// They speak, and their microphone is off.
    SpeaksWhileMuted,
    /// The microphone has given nothing but silence for some seconds: it is switched off, or not allowed.
    MicrophoneSilent,
    /// Others hear themselves by this person's loudspeaker and microphone.
    Echo,
    /// The microphone is set too loud and cuts the voice off.
    MicrophoneClips,
    /// So much of what this person sends is lost on the way.
    SendsWithLoss {
        /// Of 100 packets.
        percent: u8,
    },
    /// So much of what others say has to be made up, since it did not come in time.
    HearsWithLoss {
        /// Of 100 moments.
        percent: u8,
    },
    /// What this person sends does not fit the way: the picture is made small, or held.
    NarrowWay,
    /// Not all pictures of others fit the way: some are held back, so that voices come in time.
    FewPictures,
}

/// How sound and picture travel between this computer and the media server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundWayView {
    /// By what; absent while there is none.
    pub path: Option<RoundPath>,
    /// There and back, in milliseconds; absent until it was measured.
    pub round_trip: Option<u32>,
    /// Bits in a second that leave this computer.
    pub sends: u32,
    /// Bits in a second that arrive.
    pub receives: u32,
    /// Bits in a second that could leave, by what is known.
    pub carries: u32,
    /// The part of what is sent that is lost, from 0 to 1.
    pub sends_with_loss: f32,
    /// The part of what others say that had to be made up in the last ten seconds, from 0 to 1; absent while nobody spoke.
    pub hears_with_loss: Option<f32>,
    /// Where the round is held: the media server's host.
    pub server: String,
}

/// By what sound and picture travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RoundPath {
    /// Straight to the media server by UDP.
    Udp,
    /// Straight to it by TCP: the network lets no UDP through, and what is lost holds up what follows.
    Tcp,
    /// By a relay (TURN, RFC 8656).
    Relay,
}

/// How far a round is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "phase", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RoundPhase {
    /// On the way in.
    Entering {
        /// What is being done.
        doing: Entering,
    },
    /// In it.
    In,
    /// The way to the media server broke; it is being mended, and nothing is sent meanwhile.
    Reconnecting {
        /// The number of the attempt, from 1 to 10.
        attempt: u32,
    },
    /// It is over for this person.
    Ended {
        /// Why.
        why: RoundEnd,
    },
}

/// A step on the way in, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Entering {
    /// Finding out where the round is held.
    Finding,
    /// Showing the token service who one is.
    Asking,
    /// Joining the media server.
    Joining,
    /// Sound and picture find their way.
    Connecting,
}

/// Why a round is over for this person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "end", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum RoundEnd {
    /// Somebody removed this person from it, or from the conversation.
    Removed,
    /// It was ended for all.
    Closed,
    /// This person entered it on another device under the same name.
    Elsewhere,
    /// The way to the media server could not be mended.
    Lost,
    /// It could not be entered.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// Somebody in a round, with one of their devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundPersonView {
    /// Their name on the media server; the same person may be there with two devices.
    pub id: String,
    /// Who it is.
    pub person: SenderView,
    /// What they are, in the directory's words; absent where it knows none.
    pub speciality: Option<String>,
    /// Where they work, by the directory.
    pub house: Option<String>,
    /// This device.
    pub here: bool,
    /// Heard at the moment.
    pub speaking: bool,
    /// Sends no sound.
    pub muted: bool,
    /// How loud they are here, from 0 to 2.
    pub volume: f32,
    /// Their program shows images and follows them, as it has said.
    pub shows: bool,
    /// Their place among those who ask for the word, from 1.
    pub hand: Option<u32>,
    /// Whether sound and picture of this person can be opened.
    pub key: RoundKey,
    /// How well they are connected, as far as it is known.
    pub line: Option<RoundLine>,
    /// The picture of their camera.
    pub camera: Option<RoundPictureView>,
    /// What they share of their screen.
    pub screen: Option<RoundPictureView>,
}

/// Whether sound and picture of a person can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RoundKey {
    /// On the way to the media server: their sound and picture are not expected yet.
    Coming,
    /// They can.
    Encrypted,
    /// Their key has not come yet; it is asked for.
    Missing,
    /// Their owner has not confirmed the device: neither heard nor seen until this person says so.
    Unconfirmed,
    /// What they send cannot be opened with their key; a new one is asked for.
    Failed,
    /// The media server names somebody who is not in the conversation: neither heard nor seen.
    Unassigned,
}

/// How well somebody is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RoundLine {
    /// Nothing to complain of.
    Good,
    /// Sound and picture suffer.
    Weak,
    /// Nothing comes through.
    Lost,
}

/// A picture that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundPictureView {
    /// Its number at the door of pictures.
    pub track: u32,
    /// It stands still because the line is narrow; the sound goes on.
    pub held: bool,
    /// Width in pixels as it is sent; 0 where not said.
    pub width: u32,
    /// Height in pixels as it is sent; 0 where not said.
    pub height: u32,
}

/// What this person sends.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "state", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum OwnMediaView {
    /// Nothing.
    Off,
    /// The device is being opened.
    Opening,
    /// It is sent.
    On {
        /// What it comes from, as its maker calls it; absent for the test picture.
        device: Option<String>,
    },
    /// Nothing, against this person's wish.
    Stopped {
        /// Why.
        why: MediaStopped,
    },
}

impl std::fmt::Debug for OwnMediaView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Opening => f.write_str("Opening"),
            // A window's title may name a patient.
            Self::On { .. } => f.write_str("On([not shown])"),
            Self::Stopped { why } => write!(f, "Stopped({why:?})"),
        }
    }
}

/// Why nothing is sent against the person's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum MediaStopped {
    /// There is no such device at this computer.
    NoDevice,
    /// Another program has it.
    DeviceBusy,
    /// The operating system does not let this program use it.
    DeviceDenied,
    /// It was pulled out, or failed.
    DeviceLost,
    /// A moderator or the media server switched it off.
    ByServer,
    /// The media server has no place for it.
    Refused,
}

/// How the microphone hears this person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundCheckView {
    /// The microphone.
    pub microphone: OwnMediaView,
    /// For a meter, from 0 to 1.
    pub level: f32,
}

/// How the camera sees this person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundSightView {
    /// The camera.
    pub camera: OwnMediaView,
    /// What it sees: a JPEG file in base64 (RFC 4648 §4), 320 pixels wide at most; absent before the first picture.
    pub picture: Option<String>,
}

impl std::fmt::Debug for RoundSightView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoundSightView({:?}, [not shown])", self.camera)
    }
}

/// What there is to speak, hear and be seen with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundDevicesView {
    /// To speak into.
    pub microphones: Vec<RoundDeviceView>,
    /// To hear with.
    pub speakers: Vec<RoundDeviceView>,
    /// To be seen with, a test picture among them.
    pub cameras: Vec<RoundDeviceView>,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundDeviceView {
    /// For `ChooseDevice`.
    pub id: String,
    /// As its maker or the operating system calls it; absent for the test picture and for the system's default, which
    /// the page has words for.
    pub name: Option<String>,
    /// It is the chosen one.
    pub chosen: bool,
}

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum RoundDeviceKind {
    /// To speak into.
    Microphone,
    /// To hear with.
    Speaker,
    /// To be seen with.
    Camera,
}

/// What of a computer's screens can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundSurfacesView {
    /// Whole screens first, then windows, the foremost in front.
    pub surfaces: Vec<RoundSurfaceView>,
    /// Why there are none: `no-device` where this system's screens cannot be taken, `device-denied` where the operating
    /// system forbids it.
    pub hindered: Option<MediaStopped>,
}

/// A screen or a window.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RoundSurfaceView {
    /// For `ShareSurface`.
    pub id: String,
    /// A window and no whole screen.
    pub window: bool,
    /// A window's title, absent for a screen and for a window that has none.
    pub name: Option<String>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How it looks now, small: a JPEG file in base64 (RFC 4648 §4).
    pub preview: Option<String>,
}

impl std::fmt::Debug for RoundSurfaceView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A title may name a patient.
        write!(f, "RoundSurfaceView({} × {} [not shown])", self.width, self.height)
    }
}

/// The door by which pictures reach the page: a WebSocket on the loopback address that opens once.
///
/// A picture is a binary message, little endian: u8 version 1, u8 kind (1 encoded, 2 I420), u8 flags (1 depends on no
/// other, 2 pictures are missing before it), u8 codec (1 VP8), u32 track, u64 time in µs of the track's clock, u16 width,
/// u16 height, u32 number, u64 µs of a monotonic clock when it came; then its bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PictureDoorView {
    /// Address with its token.
    pub socket: String,
}

impl std::fmt::Debug for PictureDoorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PictureDoorView([not shown])")
    }
}

/// What the page says at the door of pictures, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum PictureAsked {
    /// How a picture is shown; what is not shown is not sent. Nothing is shown before it is asked for.
    View {
        /// The picture's number.
        track: u32,
        /// Width in device pixels.
        width: u32,
        /// Height in device pixels.
        height: u32,
        /// Whether at all.
        visible: bool,
    },
    /// So many more may come, of all tracks together; 32 at the beginning.
    Credit {
        /// Pictures.
        pictures: u32,
    },
    /// A picture is wanted that depends on no other.
    Key {
        /// The picture's number.
        track: u32,
    },
    /// The page has no decoder for it, or one that stopped: pixels (kind 2) are wanted, at the size of the view.
    Cannot {
        /// The picture's number.
        track: u32,
    },
}
