//! "Meine Aufgaben": what the board's coordination or a colleague asks of this person, and saying that it is done.

use crate::{
    Desk,
    around::Around,
    failures,
    record::{
        identity_view,
        read::{id, reference_id, sort_key, text, words},
    },
    session::Taken,
};
use contract::{Event, Failure, FailureCode, IdentityView, Part, TaskView, TodayView};
use jiff::{Timestamp, Zoned};
use platform::fhir::{FhirClient, FhirError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tasks that somebody still has to do (FHIR R4, task-status).
const OPEN: [&str; 6] = ["requested", "received", "accepted", "ready", "in-progress", "on-hold"];
/// Tasks that are read at most.
const CAP: usize = 200;

/// Tasks as they were read, with the patients whom they are about.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tasks {
    pub(crate) found: Part<Vec<Value>>,
    patients: Vec<Value>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { found: Part::Loading, patients: Vec::new() }
    }
}

/// A task as this desk wrote it.
pub(crate) struct Written {
    resource: Value,
    /// What its status was before.
    former: String,
    at: Timestamp,
}

/// Open tasks whose owner is this person.
pub(crate) async fn read(fhir: &FhirClient, taken: &Taken) -> Tasks {
    let Some(me) = taken.session.person().fhir_user else {
        // Nobody can give a task to an account that is no person of the record.
        return Tasks { found: Part::Empty, patients: Vec::new() };
    };
    let status = OPEN.join(",");
    let parameters = [
        ("owner", me.as_str()),
        ("status", status.as_str()),
        ("_include", "Task:patient"),
        ("_sort", "-authored-on"),
        ("_count", "50"),
    ];
    // A task that was just done must not come back from a server's memory.
    match fhir.search_fresh("Task", &parameters, CAP).await {
        Ok(found) => {
            let more = found.more || found.truncated || found.damaged > 0;
            let found_tasks = if found.matches.is_empty() && !more {
                Part::Empty
            } else {
                Part::Ready { value: found.matches, more }
            };
            Tasks { found: found_tasks, patients: found.included }
        }
        Err(error) => {
            tracing::warn!(%error, "tasks could not be read");
            Tasks { found: failures::part_of_fhir(&error), patients: Vec::new() }
        }
    }
}

impl Desk {
    /// The tasks of a reading with what this desk wrote since, the most urgent first.
    pub(crate) fn tasks(&self, around: &Around) -> Part<Vec<TaskView>> {
        let more = match &around.tasks.found {
            Part::Ready { more, .. } => *more,
            Part::Empty => false,
            unread @ (Part::Loading | Part::Denied | Part::Absent | Part::Failed { .. }) => {
                return failures::part_of_gap(&failures::without_value(unread));
            }
        };
        let mut views: Vec<TaskView> =
            self.newest(around).iter().filter(|task| is_open(task)).filter_map(|task| view(task, around)).collect();
        // What has no date comes last.
        views.sort_by_key(|task| (task.due.is_none(), task.due.as_deref().map(sort_key), task.title.clone()));
        if views.is_empty() && !more { Part::Empty } else { Part::Ready { value: views, more } }
    }

    fn newest(&self, around: &Around) -> Vec<Value> {
        let mut tasks = match &around.tasks.found {
            Part::Ready { value, .. } => value.clone(),
            Part::Loading | Part::Empty | Part::Denied | Part::Absent | Part::Failed { .. } => Vec::new(),
        };
        let state = self.state();
        // A reading that began after the writing knows better.
        let since = state.tasks_written.iter().filter(|(_, written)| around.read <= written.at);
        for (task, written) in since {
            tasks.retain(|known| known["id"] != task.as_str());
            tasks.push(written.resource.clone());
        }
        tasks
    }

    /// Says of a task of this person that it is done, or takes that back.
    pub(crate) async fn finish_task(&self, task: &str, done: bool) -> Result<TodayView, Failure> {
        let (taken, fhir) = self.seated()?;
        let missing = || Failure::new(FailureCode::NotFound, "the task is not on the screen");
        let (around, freshness) = self.state().today_from.clone().ok_or_else(missing)?;
        let shown = self.newest(&around).into_iter().find(|known| known["id"] == task);
        // What is done is read no longer; taken back is what this desk made of it.
        let shown = shown.or_else(|| self.state().tasks_written.get(task).map(|written| written.resource.clone()));
        let shown = shown.ok_or_else(missing)?;
        let before = text(&shown["status"]).unwrap_or_default();
        if is_open(&shown) == done {
            let former = self.state().tasks_written.get(task).map(|written| written.former.clone());
            let mut wanted = shown.clone();
            wanted["status"] = json!(if done { "completed".to_owned() } else { former.ok_or_else(missing)? });
            wanted["lastModified"] = json!(Timestamp::now().to_string());
            // Over the version that is on the screen: what somebody else made of the task since is not written over.
            let version = text(&shown["meta"]["versionId"]).unwrap_or_default();
            let written = match fhir.update(&wanted, &version).await {
                Ok(written) => written,
                Err(error) => {
                    self.note_reachability(&error);
                    if matches!(error, FhirError::Conflict(_) | FhirError::NotFound { .. }) {
                        let desk = self.clone();
                        tokio::spawn(async move { desk.refresh_today().await });
                    }
                    return Err(failures::of_fhir(&error));
                }
            };
            let mut resource = written.resource;
            resource["meta"]["versionId"] = json!(written.version);
            let written = Written { resource, former: before, at: Timestamp::now() };
            self.state().tasks_written.insert(task.to_owned(), written);
        }
        Ok(self.show_today(&taken, &Ok((around, freshness))))
    }
}

impl Desk {
    /// What somebody asked of this person about a decision is done with their signature. Where that cannot be said the task
    /// stays, and can be finished by hand.
    pub(crate) async fn finish_tasks_about(&self, plan: &str) {
        let Some((around, _)) = self.state().today_from.clone() else { return };
        let about = |task: &&Value| is_open(task) && reference_id(&task["focus"], "CarePlan").as_deref() == Some(plan);
        let asked: Vec<String> = self.newest(&around).iter().filter(about).filter_map(id).collect();
        for task in asked {
            match self.finish_task(&task, true).await {
                Ok(today) => self.tell(Event::TodayChanged(today)),
                Err(failure) => tracing::warn!(code = ?failure.code, "a task stays open although it is done"),
            }
        }
    }
}

fn is_open(task: &Value) -> bool {
    task["status"].as_str().is_some_and(|status| OPEN.contains(&status))
}

fn view(task: &Value, around: &Around) -> Option<TaskView> {
    let sources = &around.what.sources;
    let patient = reference_id(&task["for"], "Patient");
    let known = patient.as_deref().and_then(|wanted| {
        let mut patients = sources.patients.iter().chain(&around.tasks.patients);
        patients.find(|patient| patient["resourceType"] == "Patient" && patient["id"] == wanted)
    });
    let identity: Option<IdentityView> =
        known.map(|patient| identity_view(patient, sources.house.as_deref(), Zoned::now().date()));
    let plan = reference_id(&task["focus"], "CarePlan");
    let decided = plan.and_then(|wanted| {
        let plan = sources.plans.iter().find(|plan| plan["id"] == wanted.as_str())?;
        text(&plan["created"])
    });
    Some(TaskView {
        id: id(task)?,
        title: text(&task["description"]).or_else(|| words(&task["code"])).unwrap_or_default(),
        patient,
        identity,
        decided,
        due: text(&task["restriction"]["period"]["end"]),
    })
}
