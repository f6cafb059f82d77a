//! A cold start with a large store, without a network: until the list is there, and until a conversation is open.
//!
//! The store is made once, by sending every message, and kept; its files are in the system's memory when it is read.

use super::{Bench, median, room, took};
use crate::figures::Figures;
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::Instant;
use testkit::{AccountKit, Act};

const ROOMS: usize = 500;
const MESSAGES: usize = 200;
const STARTS: usize = 5;
const OPENED: usize = 20;
/// Of the library whose stores these are.
const GENERATION: u32 = 1;

pub(super) async fn measure(bench: &Bench<'_>, figures: &mut Figures) -> Result<()> {
    let (rooms, each) = (bench.amount(ROOMS, 20), bench.amount(MESSAGES, 40));
    let folder = bench.folder.join(format!("chat-store-{GENERATION}-{rooms}-{each}"));
    let whole = folder.join("whole");
    let ids: Vec<String> = match std::fs::read_to_string(&whole) {
        Ok(ids) => ids.lines().map(str::to_owned).collect(),
        Err(_) => {
            if folder.exists() {
                std::fs::remove_dir_all(&folder)?;
            }
            println!("The store is made, once: {rooms} conversations of {each} messages");
            let ids = make(bench, &folder, rooms, each).await?;
            std::fs::write(&whole, ids.join("\n"))?;
            ids
        }
    };
    let place = bench.place(folder, "dr-sonnkaya")?;
    let (mut lists, mut last_lines, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    for start in 0..STARTS {
        let began = Instant::now();
        let account = AccountKit::open(&place).await?;
        lists.push(began.elapsed().as_secs_f64() * 1000.0);
        ensure!(account.rows == rooms, "{} of {rooms} conversations are in the list", account.rows);
        account.does(Act::Listed).await?;
        last_lines.push(began.elapsed().as_secs_f64() * 1000.0);
        // Other ones each time.
        for id in ids.iter().skip(start).step_by(rooms.div_ceil(OPENED)) {
            opened.push(took(&account, Act::Open(id.clone())).await? * 1000.0);
        }
        account.close().await?;
    }
    let count = rooms * each;
    let list = format!("chat: start to the list, {rooms} conversations, {count} messages");
    let open = format!("chat: opening one of {rooms} conversations");
    if bench.quick {
        figures.note(list, median(lists), "ms");
        figures.note(open, median(opened), "ms");
    } else {
        figures.at_most(list, median(lists), "ms", 300.0);
        figures.at_most(open, median(opened), "ms", 50.0);
    }
    figures.note("chat: start to every last line of the list".to_owned(), median(last_lines), "ms");
    Ok(())
}

async fn make(bench: &Bench<'_>, folder: &Path, rooms: usize, each: usize) -> Result<Vec<String>> {
    let sender = bench.account("dr-falkenried").await?;
    let owner = AccountKit::open(&bench.place(folder.to_owned(), "dr-sonnkaya")?).await?;
    let mut ids = Vec::new();
    for number in 0..rooms {
        let room = room(&sender, Act::BeginGroup(format!("Gruppe {number}"))).await?;
        sender.does(Act::Invite { room: room.clone(), user: owner.user.clone() }).await?;
        owner.does(Act::Join(room.clone())).await?;
        sender.does(Act::Members { room: room.clone(), count: 2 }).await?;
        ids.push(room);
    }
    sender.does(Act::SendMany { rooms: ids.clone(), count: each }).await?;
    // What came faster than it was taken is read back.
    for room in &ids {
        owner.does(Act::Read { room: room.clone(), count: each }).await?;
    }
    sender.close().await?;
    owner.close().await?;
    Ok(ids)
}
