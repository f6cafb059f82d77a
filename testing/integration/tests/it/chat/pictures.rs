//! Pictures in a conversation: a small one goes before them, and what is no picture goes as a file.

use super::doors::{Talk, door, gives, page, takes, talk};
use super::files::{Basket, Shelf, bytes, file};
use contract::{FileSaid, LineView, MessageBodyView, PictureView, Request};
use tim::{Body, Conversation, Picture, Splitting, Thumbnail};

/// A PNG (ISO/IEC 15948) of one gray, whose pixels are not compressed: blocks of RFC 1951 in the frame of RFC 1950.
fn png(width: u32, height: u32, gray: u8) -> Vec<u8> {
    let row = [&[0][..], &vec![gray; width as usize]].concat();
    let raw = row.repeat(height as usize);
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut data = vec![0x78, 0x01];
    let blocks = raw.chunks(65_535);
    let last = blocks.len() - 1;
    for (number, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).expect("a block");
        data.push(u8::from(number == last));
        data.extend(length.to_le_bytes());
        data.extend((!length).to_le_bytes());
        data.extend(block);
    }
    data.extend(((b << 16) | a).to_be_bytes());
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &Vec::new())] {
        let body = [&name[..], content].concat();
        png.extend(u32::try_from(content.len()).expect("a chunk").to_be_bytes());
        png.extend(&body);
        png.extend(crc32fast::hash(&body).to_be_bytes());
    }
    png
}

impl Talk {
    /// The page sends a file that is called a picture.
    async fn sends_picture(&self, name: &str, content: &[u8]) {
        let begin = Request::BeginAttachment {
            conversation: self.room.clone(),
            name: name.to_owned(),
            size: content.len() as u64,
            modified: None,
            mimetype: Some("image/png".to_owned()),
            width: Some(9),
            height: Some(9),
        };
        let door = door(self.desk.call(begin).await);
        let last = gives(page(&door).await, content, u64::MAX).await;
        assert_eq!(last, Some(FileSaid::Done { size: content.len() as u64 }), "{name} went");
    }
}

/// What the other sees of a file.
async fn sees(conversation: &Conversation, wanted: &str) -> Box<tim::Message> {
    let is = |message: &tim::Message| {
        matches!(&message.body, Body::File { name, .. } if name == wanted) && message.event.is_some()
    };
    super::sees(conversation, wanted, is).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_picture_goes_before_a_large_one_encrypted_as_that_is() {
    let talk = talk().await;
    let theirs = talk.other.opens(&talk.room).await;
    let content = png(1600, 1000, 200);
    talk.sends_picture("Thorax.png", &content).await;
    let message = sees(&theirs, "Thorax.png").await;
    let Body::File { picture, mimetype, .. } = &message.body else { panic!("it is a file") };
    assert_eq!(mimetype.as_deref(), Some("image/png"), "of its type");
    let said = Picture { width: 1600, height: 1000, thumbnail: true };
    assert_eq!(*picture, Some(said), "as large as its header says, and not as the page said");
    let mut small = Basket::default();
    theirs.thumbnail(&message.id).expect("there is one").fetch(&mut small).await.expect("it comes");
    // ISO/IEC 10918-1 B.1.1.3: the start of an image.
    assert_eq!(small.0[..2], [0xff, 0xd8], "a JPEG");
    assert!(small.0.len() * 10 < content.len(), "and much smaller: {}", small.0.len());
    for path in super::Home::at(&talk.platform).await.uploads() {
        // Another test's upload may go away meanwhile.
        let Ok(found) = std::fs::read(&path) else { continue };
        assert!(memchr::memmem::find(&found, &small.0[..64]).is_none(), "nothing of it lies in clear");
    }
    let mut whole = Basket::default();
    theirs.file(&message.id).expect("it has one").fetch(&mut whole).await.expect("it comes");
    assert!(whole.0 == content, "all of it as it was");

    talk.sends_picture("Symbol.png", &png(64, 48, 9)).await;
    let message = sees(&theirs, "Symbol.png").await;
    let Body::File { picture, .. } = &message.body else { panic!("it is a file") };
    let said = Picture { width: 64, height: 48, thumbnail: false };
    assert_eq!(*picture, Some(said), "none goes before what is small itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_picture_or_a_trap_goes_as_a_file() {
    let talk = talk().await;
    let theirs = talk.other.opens(&talk.room).await;
    // A header that promises 4.3 thousand million pixels, with its sum.
    let mut bomb = png(8, 8, 0);
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let sum = crc32fast::hash(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    let half = png(900, 700, 5)[..300_000].to_vec();
    for (name, content) in [("Programm.png", bytes(5_000)), ("Bombe.png", bomb), ("Halb.png", half)] {
        talk.sends_picture(name, &content).await;
        let message = sees(&theirs, name).await;
        let Body::File { mimetype, picture, .. } = &message.body else { panic!("it is a file") };
        assert_eq!((mimetype, picture), (&None, &None), "nobody shows {name}");
        let mut whole = Basket::default();
        theirs.file(&message.id).expect("it has one").fetch(&mut whole).await.expect("it comes");
        assert!(whole.0 == content, "{name} goes all the same");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_picture_of_another_program_comes_to_the_page() {
    let talk = talk().await;
    let theirs = talk.other.opens(&talk.room).await;
    let new = file("MRT.png", "image/png", 5_000);
    let mut outgoing = theirs.attach(new, Splitting::default()).await.expect("it is taken");
    let small = bytes(700);
    let thumbnail = Thumbnail { bytes: small.clone(), mimetype: "image/jpeg".to_owned(), size: (80, 60) };
    outgoing.shows((4000, 3000), Some(thumbnail));
    outgoing.send(&mut Shelf::of(&bytes(5_000))).await.expect("it goes");
    let message = talk.message_of("MRT.png").await;
    let view = talk.desk.seen().conversation.expect("it is open");
    let picture = view.lines.iter().find_map(|line| match line {
        LineView::Message(line) if line.id == message => match &line.body {
            MessageBodyView::File { picture, .. } => *picture,
            MessageBodyView::Text { .. }
            | MessageBodyView::Emote { .. }
            | MessageBodyView::Form { .. }
            | MessageBodyView::Redacted { .. }
            | MessageBodyView::Undecryptable { .. }
            | MessageBodyView::Repeated
            | MessageBodyView::Unsupported { .. } => None,
        },
        LineView::Message(_) | LineView::Day { .. } | LineView::Unread { .. } | LineView::Notice { .. } => None,
    });
    assert_eq!(picture, Some(PictureView { width: 4000, height: 3000, thumbnail: true }), "the page knows of it");
    let open = Request::OpenThumbnail { conversation: talk.room.clone(), message };
    let (came, last) = takes(page(&door(talk.desk.call(open).await)).await, 300_000).await;
    assert!(came == small, "as the other sent it");
    assert_eq!(last, FileSaid::Done { size: 700 }, "and whole");
}
