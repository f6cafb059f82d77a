//! A conversation's lines as the library follows them, read anew where it has taken something in twice.
//!
//! The library asks to be told of what comes before it reads what is there, and what is there is told a moment after it
//! can be read: what comes at that moment stands there two times. From then on it counts wrongly, and what is deleted,
//! changed or decrypted is so on one of the two, or on another line.

use super::{Shared, event_of, foreign};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use matrix_sdk::Room;
use matrix_sdk::event_cache::PaginationStatus;
use matrix_sdk_ui::Timeline;
use matrix_sdk_ui::eyeball_im::{Vector, VectorDiff};
use matrix_sdk_ui::timeline::{
    Error, MsgLikeContent, RoomExt as _, TimelineDetails, TimelineFocus, TimelineItem, TimelineItemContent,
    default_event_filter,
};
use ruma::OwnedEventId;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

/// How often a conversation is read anew. What comes twice each time comes so from the homeserver, and stays.
const ANEW: u32 = 8;

/// What is there, what changes of it, and who is asked.
pub(super) struct Followed {
    pub(super) timeline: Arc<Timeline>,
    pub(super) items: Vector<Arc<TimelineItem>>,
    changes: BoxStream<'static, Vec<VectorDiff<Arc<TimelineItem>>>>,
}

impl Followed {
    /// `times` it was read before: lines have other names each time.
    pub(super) async fn read(room: &Room, focus: TimelineFocus, times: u32) -> Result<Self, Error> {
        // The library leaves out what it does not know; a person would not learn that something was said.
        let mut builder = room
            .timeline_builder()
            .with_focus(focus)
            .event_filter(|event, rules| default_event_filter(event, rules) || foreign::is_said(event));
        if times > 0 {
            builder = builder.with_internal_id_prefix(format!("{times}-"));
        }
        let timeline = Arc::new(builder.build().await?);
        let (items, changes) = timeline.subscribe().await;
        Ok(Self { timeline, items, changes: changes.boxed() })
    }
}

pub(super) fn live() -> TimelineFocus {
    TimelineFocus::Live { hide_threaded_events: false }
}

/// Follows until the conversation is closed.
pub(super) async fn follow(room: Room, shared: Arc<Shared>, mut followed: Followed, is_live: bool) {
    let mut asked = BTreeSet::new();
    let mut times = 0;
    // What was there when it was opened is shown already.
    let mut is_shown = true;
    loop {
        while is_live && times < ANEW && is_doubled(&followed.items) {
            times += 1;
            tracing::debug!(times, "a conversation was taken in twice and is read anew");
            match Followed::read(&room, live(), times).await {
                Ok(anew) => followed = anew,
                Err(error) => {
                    // Tried again with what comes next.
                    tracing::warn!(%error, "a conversation that was taken in twice cannot be read anew");
                    break;
                }
            }
            asked.clear();
            shared.timeline.send_replace(followed.timeline.clone());
            is_shown = false;
        }
        if !is_shown {
            *shared.items() = followed.items.clone();
            shared.changed();
        }
        shared.fetch_replied(&followed.timeline, &mut asked);
        let alike = shared.replays().take(&followed.items);
        for events in alike {
            tokio::spawn(super::replays::judge(room.clone(), shared.clone(), events));
        }
        let Some(diffs) = followed.changes.next().await else { return };
        for diff in diffs {
            diff.apply(&mut followed.items);
        }
        is_shown = false;
    }
}

/// Whether an event stands there two times as it came from the homeserver. One that this device sent stands there for a
/// moment also as it was sent.
fn is_doubled(items: &Vector<Arc<TimelineItem>>) -> bool {
    let mut seen = BTreeSet::new();
    let came = items.iter().filter(|item| item.as_event().is_some_and(|event| !event.is_local_echo()));
    came.filter_map(|item| event_of(item)).any(|event| !seen.insert(event))
}

/// Notices that there are lines again before the first one.
pub(super) async fn follow_gaps(shared: Arc<Shared>) {
    let mut timelines = shared.timeline.subscribe();
    loop {
        let timeline = timelines.borrow_and_update().clone();
        let Some((_now, status)) = timeline.live_back_pagination_status().await else { return };
        let gaps = async {
            let mut status = pin!(status);
            while let Some(status) = status.next().await {
                if matches!(status, PaginationStatus::Idle { hit_timeline_start: false }) {
                    shared.has_gap();
                }
            }
        };
        tokio::select! {
            () = gaps => return,
            changed = timelines.changed() => if changed.is_err() { return },
        }
    }
}

impl Shared {
    /// Asks once for each message that is answered and not known.
    fn fetch_replied(&self, timeline: &Arc<Timeline>, asked: &mut BTreeSet<OwnedEventId>) {
        let unknown: Vec<_> = self
            .items()
            .iter()
            .filter_map(|item| {
                let event = item.as_event()?;
                let TimelineItemContent::MsgLike(MsgLikeContent { in_reply_to: Some(reply), .. }) = event.content()
                else {
                    return None;
                };
                let missing = matches!(reply.event, TimelineDetails::Unavailable);
                missing.then(|| event.event_id().map(ToOwned::to_owned)).flatten()
            })
            .filter(|id| asked.insert(id.clone()))
            .collect();
        for id in unknown {
            let timeline = timeline.clone();
            tokio::spawn(async move {
                if let Err(error) = timeline.fetch_details_for_event(&id).await {
                    tracing::debug!(%error, "an answered message could not be read");
                }
            });
        }
    }
}
