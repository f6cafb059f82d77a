//! Structured messages: what a person sends into a conversation of a case besides words, and what the reader's own
//! record says of what came.
//!
//! A message names a case and a decision only by where they lie. Which patient that is, and whether the decision is the
//! signed one, comes from the record of whoever reads it, after their own access check.

use super::{cases::SharedDecision, talk::of_conversation, views};
use crate::Desk;
use contract::{
    ConversationCaseView, DecisionCheck, DocumentFileView, Failure, FailureCode, FormAnswer, FormAnsweredView,
    FormStep, FormView, Language, MessageBodyView, Reply, ShareableView,
};
use jiff::{SignedDuration, Zoned, tz::TimeZone};
use tim::{Answer, Body, CaseLink, Conversation, Form, Line, MessageId, Moment, Structured};

/// A longer appointment is a mistake in a date.
const LONGEST_APPOINTMENT: SignedDuration = SignedDuration::from_hours(24);
/// Characters of a question.
const LONGEST_QUESTION: usize = 2000;

/// What the reader's own record says of a structured message.
pub(super) struct FormContext {
    case: Option<ConversationCaseView>,
    check: DecisionCheck,
}

/// What the page is told of a structured message.
pub(super) fn body(said: &Structured, context: FormContext) -> MessageBodyView {
    let form = match &said.form {
        Form::Invitation => FormView::Invitation,
        Form::Question { text } => FormView::Question { text: text.clone() },
        Form::Recommendation { .. } => FormView::Recommendation { check: context.check },
        Form::Appointment { start, end } => FormView::Appointment {
            start: start.to_string(),
            end: end.to_string(),
            answers: said
                .answers
                .iter()
                .map(|answered| FormAnsweredView {
                    by: views::sender(&answered.by),
                    answer: match answered.answer {
                        Answer::Accepted => FormAnswer::Accepted,
                        Answer::Declined => FormAnswer::Declined,
                        Answer::Tentative => FormAnswer::Tentative,
                    },
                })
                .collect(),
        },
        Form::Document { title, file } => FormView::Document {
            title: title.clone(),
            file: file.as_ref().map(|file| DocumentFileView {
                name: file.name.clone(),
                mimetype: file.mimetype.clone(),
                size: file.size,
            }),
        },
        Form::Answer { answer, .. } => FormView::Answer {
            answer: match answer {
                Answer::Accepted => FormAnswer::Accepted,
                Answer::Declined => FormAnswer::Declined,
                Answer::Tentative => FormAnswer::Tentative,
            },
        },
        Form::Newer => FormView::Newer,
    };
    MessageBodyView::Form { form, case: context.case, text: said.text.clone() }
}

impl Desk {
    /// What this person's own record says of a structured message; what is not known yet is looked up, and the
    /// conversation is told again then.
    pub(super) fn form_context(&self, room: &str, pinned: &[String], said: &Structured) -> FormContext {
        let mut chat = self.0.chat.state();
        let (case, look_for_case) = match &said.case {
            Some(link) => {
                let (view, look) = chat.cases.named(room, pinned, link);
                (Some(view), look)
            }
            None => (None, false),
        };
        let (check, look_for_decision) =
            if let (Form::Recommendation { decision, sha256 }, Some(case)) = (&said.form, &said.case) {
                let (decision, sha256) = (decision.clone(), sha256.clone());
                chat.cases.check(SharedDecision { case: case.clone(), decision, sha256 })
            } else {
                (DecisionCheck::Uncheckable, false)
            };
        drop(chat);
        if look_for_case || look_for_decision {
            self.0.chat.look_for_cases();
        }
        FormContext { case, check }
    }

    pub(crate) async fn form(&self, conversation: &str, step: FormStep) -> Result<Reply, Failure> {
        let open = self.conversation(conversation)?;
        let of = &open.conversation;
        match step {
            FormStep::ProposeAppointment { start, end } => {
                let (start, end) = (moment(&start, "start")?, moment(&end, "end")?);
                let long = end.at.duration_since(start.at);
                if long <= SignedDuration::ZERO || long > LONGEST_APPOINTMENT {
                    return Err(Failure::new(FailureCode::InvalidInput, "end"));
                }
                let case = self.one_case(of).map(|(link, _)| link);
                self.send_form(of, &Form::Appointment { start, end }, case.as_ref()).await
            }
            FormStep::AskBoard { question } => {
                let text = question.trim().to_owned();
                if text.is_empty() {
                    return Err(Failure::new(FailureCode::InvalidInput, "question"));
                }
                if text.chars().count() > LONGEST_QUESTION {
                    return Err(Failure::new(FailureCode::MessageTooLong, "question"));
                }
                let (link, _) = self.open_case_of(of)?;
                self.send_form(of, &Form::Question { text }, Some(&link)).await
            }
            FormStep::InviteToCase => {
                let (link, _) = self.open_case_of(of)?;
                self.send_form(of, &Form::Invitation, Some(&link)).await
            }
            FormStep::ListDecisions => {
                let (_, patient) = self.open_case_of(of)?;
                let decisions = self.shareable_decisions(&patient).await?;
                Ok(Reply::Shareable(ShareableView { decisions }))
            }
            FormStep::ShareDecision { decision } => {
                let (link, patient) = self.open_case_of(of)?;
                let sha256 = self.signed_hash(&patient, &decision).await?;
                let form = Form::Recommendation { decision: format!("CarePlan/{decision}"), sha256 };
                self.send_form(of, &form, Some(&link)).await
            }
            FormStep::ShareDocument { document } => {
                let (link, patient) = self.open_case_of(of)?;
                self.share_document(of, link, &patient, &document).await
            }
            FormStep::Answer { message, answer } => self.answer_form(of, MessageId(message), answer).await,
        }
    }

    async fn send_form(&self, of: &Conversation, form: &Form, case: Option<&CaseLink>) -> Result<Reply, Failure> {
        let text = sentence(form, case, self.state().settings.language);
        of.send_form(form, case, &text).await.map_err(|error| of_conversation(&error))?;
        Ok(Reply::Done)
    }

    async fn answer_form(&self, of: &Conversation, message: MessageId, answer: FormAnswer) -> Result<Reply, Failure> {
        let asked = of.lines().into_iter().find_map(|line| match line {
            Line::Message(line) if line.id == message => Some(line.body),
            Line::Message(_) | Line::Day { .. } | Line::Unread { .. } | Line::Changes { .. } => None,
        });
        let Some(Body::Form(asked)) = asked else {
            return Err(Failure::new(FailureCode::NotFound, "there is nothing to answer"));
        };
        let said = match (self.state().settings.language, answer) {
            (Language::De, FormAnswer::Accepted) => "Zugesagt",
            (Language::De, FormAnswer::Declined) => "Abgesagt",
            (Language::De, FormAnswer::Tentative) => "Vielleicht",
            (Language::En, FormAnswer::Accepted) => "Accepted",
            (Language::En, FormAnswer::Declined) => "Declined",
            (Language::En, FormAnswer::Tentative) => "Perhaps",
        };
        // The sender's words, but no more of them than one line.
        let about: String = asked.text.lines().next().unwrap_or_default().chars().take(200).collect();
        let text = if about.is_empty() { format!("{said}.") } else { format!("{said}: {about}") };
        let answer = match answer {
            FormAnswer::Accepted => Answer::Accepted,
            FormAnswer::Declined => Answer::Declined,
            FormAnswer::Tentative => Answer::Tentative,
        };
        of.answer_form(&message, answer, &text).await.map_err(|error| of_conversation(&error))?;
        Ok(Reply::Done)
    }

    fn one_case(&self, of: &Conversation) -> Option<(CaseLink, Option<String>)> {
        self.0.chat.state().cases.only(&of.id(), &of.pinned())
    }

    /// The one case of a conversation and its patient, if this person may open it.
    fn open_case_of(&self, of: &Conversation) -> Result<(CaseLink, String), Failure> {
        match self.one_case(of) {
            Some((link, Some(patient))) => Ok((link, patient)),
            Some((_, None)) => Err(Failure::new(FailureCode::NotAllowed, "the case is not open to this person")),
            None => Err(Failure::new(FailureCode::InvalidInput, "the conversation belongs to no single case")),
        }
    }
}

fn moment(text: &str, field: &str) -> Result<Moment, Failure> {
    Moment::parse(text).ok_or_else(|| Failure::new(FailureCode::InvalidInput, field))
}

/// For programs that do not know the form. A case is named by its number, and nobody else is.
fn sentence(form: &Form, case: Option<&CaseLink>, language: Language) -> String {
    let number = case.and_then(|case| case.number.as_deref());
    match (language, form) {
        (Language::De, Form::Invitation) => match number {
            Some(number) => format!("Einladung in Fall {number}."),
            None => "Einladung in den Fall dieses Gesprächs.".to_owned(),
        },
        (Language::En, Form::Invitation) => match number {
            Some(number) => format!("Invitation to case {number}."),
            None => "Invitation to the case of this conversation.".to_owned(),
        },
        (Language::De, Form::Question { text }) => match number {
            Some(number) => format!("Frage ans Board zu Fall {number}: {text}"),
            None => format!("Frage ans Board: {text}"),
        },
        (Language::En, Form::Question { text }) => match number {
            Some(number) => format!("Question to the board about case {number}: {text}"),
            None => format!("Question to the board: {text}"),
        },
        (Language::De, Form::Recommendation { .. }) => match number {
            Some(number) => format!("Empfehlung: gezeichneter Beschluss zu Fall {number}. Konsil öffnet ihn."),
            None => "Empfehlung: gezeichneter Beschluss zum Fall dieses Gesprächs. Konsil öffnet ihn.".to_owned(),
        },
        (Language::En, Form::Recommendation { .. }) => match number {
            Some(number) => format!("Recommendation: signed decision on case {number}. Konsil opens it."),
            None => "Recommendation: signed decision on the case of this conversation. Konsil opens it.".to_owned(),
        },
        (Language::De, Form::Appointment { start, end }) => {
            format!("Terminvorschlag: {}.", times(start, end, "%d.%m.%Y", " bis "))
        }
        (Language::En, Form::Appointment { start, end }) => {
            format!("Proposed appointment: {}.", times(start, end, "%-d %B %Y", " to "))
        }
        // A document stands beside its file; the others are not written here.
        (_, Form::Document { .. } | Form::Answer { .. } | Form::Newer) => String::new(),
    }
}

/// By the clock of whoever proposes it.
fn times(start: &Moment, end: &Moment, day: &str, to: &str) -> String {
    let at = |moment: &Moment| -> Zoned { moment.at.to_zoned(TimeZone::fixed(moment.offset)) };
    let (start, end) = (at(start), at(end));
    let (first, last) = (start.strftime(day).to_string(), end.strftime(day).to_string());
    let begins = format!("{first}, {}", start.strftime("%H:%M"));
    let ends = end.strftime("%H:%M");
    if first == last { format!("{begins}{to}{ends}") } else { format!("{begins}{to}{last}, {ends}") }
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::validator::given;
    use contract::Language;
    use serde_json::Value;
    use tim::{CaseLink, Form, Moment};

    fn case() -> CaseLink {
        CaseLink {
            base: "https://fhir.eschenland.example/fhir".to_owned(),
            reference: "ServiceRequest/sr-0417".to_owned(),
            number: Some("K-2026-0417".to_owned()),
        }
    }

    fn appointment(start: &str, end: &str) -> Form {
        let moment = |text| Moment::parse(text).expect("a moment");
        Form::Appointment { start: moment(start), end: moment(end) }
    }

    #[test]
    fn what_other_programs_show_names_the_case_by_its_number_and_nobody() {
        let case = case();
        let said = |form: &Form, language| sentence(form, Some(&case), language);
        assert_eq!(said(&Form::Invitation, Language::De), "Einladung in Fall K-2026-0417.", "German");
        assert_eq!(said(&Form::Invitation, Language::En), "Invitation to case K-2026-0417.", "English");
        let question = Form::Question { text: "Bestrahlung?".to_owned() };
        assert_eq!(said(&question, Language::De), "Frage ans Board zu Fall K-2026-0417: Bestrahlung?", "a question");
        let soon = appointment("2026-11-25T15:00:00+01:00", "2026-11-25T15:40:00+01:00");
        assert_eq!(said(&soon, Language::De), "Terminvorschlag: 25.11.2026, 15:00 bis 15:40.", "as it is agreed");
        assert_eq!(said(&soon, Language::En), "Proposed appointment: 25 November 2026, 15:00 to 15:40.", "English");
        let night = appointment("2026-11-25T23:30:00+01:00", "2026-11-26T00:15:00+01:00");
        assert_eq!(
            said(&night, Language::De),
            "Terminvorschlag: 25.11.2026, 23:30 bis 26.11.2026, 00:15.",
            "over midnight"
        );
    }

    #[test]
    fn written_resources_are_given_to_the_validator() {
        let Some(given) = given() else { return };
        let question = Form::Question { text: "Operation oder Bestrahlung?\nDie Lunge ist knapp.".to_owned() };
        for (name, form) in [
            ("invitation", Form::Invitation),
            ("question", question),
            ("appointment", appointment("2026-11-25T15:00:00+01:00", "2026-11-25T15:40:00+01:00")),
        ] {
            let resource: Value = form.resource(Some(&case())).expect("it is written");
            given.take(&format!("message-{name}"), &resource);
        }
    }
}
