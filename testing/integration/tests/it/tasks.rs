//! "Meine Aufgaben", against the demonstration's recipe.

use crate::{MODERATOR, at_work_on, client::records, code, platforms::on_each_platform, recipe};
use contract::{FailureCode, Part, Reply, Request, TaskView, TodayView};
use jiff::{Timestamp, ToSpan as _};
use sandbox::Options;
use serde_json::{Value, json};
use testkit::{DeskKit, Platform};

on_each_platform![the_tasks_of_the_recipe_are_listed_and_one_is_done_until_that_is_taken_back];

const OTHERS: &str = include_str!("../../../../assets/demo/othercases.json");

async fn today(desk: &DeskKit, request: Request) -> TodayView {
    let answer = desk.call(request).await;
    let Ok(Reply::Today(today)) = answer else { panic!("today: {:?}", code(&answer)) };
    today
}

fn tasks(today: &TodayView) -> &[TaskView] {
    match &today.tasks {
        Part::Ready { value, .. } => value,
        Part::Empty => &[],
        Part::Loading | Part::Denied | Part::Absent | Part::Failed { .. } => panic!("tasks: {:?}", today.tasks),
    }
}

fn ids(today: &TodayView) -> Vec<&str> {
    tasks(today).iter().map(|task| task.id.as_str()).collect()
}

/// What the record says of a task, read as another program would.
async fn on_the_platform(platform: &Platform, task: &str) -> Value {
    let (fhir, _) = records(platform, MODERATOR).await;
    fhir.read("Task", task).await.expect("the task is there").resource
}

fn finish(task: &str, done: bool) -> Request {
    Request::FinishTask { task: task.to_owned(), done }
}

async fn the_tasks_of_the_recipe_are_listed_and_one_is_done_until_that_is_taken_back(platform: &Platform) {
    let (_folder, desk) = at_work_on(platform, MODERATOR).await;
    let recipe = recipe(OTHERS);
    let told = today(&desk, Request::OpenToday).await;
    // The recipe's days are those of its place.
    let here = Timestamp::now().to_zoned(sandbox::berlin()).date();
    let day = |days: i64| here.saturating_add(days.days()).to_string();
    for expected in recipe["my_tasks"].as_array().expect("tasks") {
        let task = tasks(&told).iter().find(|task| expected["id"] == task.id.as_str());
        let task = task.unwrap_or_else(|| panic!("{} is listed: {:?}", expected["id"], ids(&told)));
        assert_eq!(expected["de"], task.title.as_str(), "what is to do");
        assert_eq!(task.patient.as_deref(), expected["patient"].as_str(), "whose case opens");
        assert!(task.identity.is_some(), "who that is");
        assert_eq!(task.due, expected["due_d"].as_i64().map(day), "until when");
    }
    let decided = |id: &str| tasks(&told).iter().find(|task| task.id == id).and_then(|task| task.decided.clone());
    let board = &recipe["cases"].as_array().expect("cases").iter().find(|case| case["id"] == "pat-wiesenquell");
    let board = board.and_then(|case| case["board_d"].as_i64()).expect("a day");
    assert_eq!(decided("task-zweitzeichnen"), Some(day(board)), "the conference of the decision to countersign");
    assert_eq!(ids(&told).last(), Some(&"task-brief"), "what is due tomorrow comes last");

    let without = today(&desk, finish("task-brief", true)).await;
    assert!(!ids(&without).contains(&"task-brief"), "it is done");
    assert_eq!(on_the_platform(platform, "task-brief").await["status"], "completed", "the platform knows");
    let anew = today(&desk, Request::OpenToday).await;
    assert!(!ids(&anew).contains(&"task-brief"), "and it does not come back by itself");
    let back = today(&desk, finish("task-brief", false)).await;
    assert_eq!(ids(&back), ids(&told), "taken back it is where it was");
    assert_eq!(on_the_platform(platform, "task-brief").await["status"], "requested", "also on the platform");
    let again = today(&desk, finish("task-brief", true)).await;
    assert!(!ids(&again).contains(&"task-brief"), "done again, over its newest version");
    today(&desk, finish("task-brief", false)).await;
}

#[tokio::test]
async fn a_task_that_somebody_else_changed_is_not_written_over() {
    let platform = Platform::start(Options::default()).await.expect("a platform starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    let told = today(&desk, Request::OpenToday).await;
    assert!(ids(&told).contains(&"task-studie"), "it is to do");
    let (fhir, _) = records(&platform, MODERATOR).await;
    let mut found = fhir.read("Task", "task-studie").await.expect("the task is there");
    found.resource["status"] = json!("cancelled");
    fhir.update(&found.resource, &found.version).await.expect("a colleague cancels it");
    let answer = desk.call(finish("task-studie", true)).await;
    assert_eq!(code(&answer), Some(FailureCode::Conflict), "the person is told");
    assert_eq!(on_the_platform(&platform, "task-studie").await["status"], "cancelled", "nothing is written over");
    let told = desk
        .eventually("today anew", |seen| seen.today.clone().filter(|told| !ids(told).contains(&"task-studie")))
        .await;
    assert_eq!(tasks(&told).len(), 2, "the others are there");
    let answer = desk.call(finish("task-nobody", true)).await;
    assert_eq!(code(&answer), Some(FailureCode::NotFound), "what is not on the screen is not written");
}
