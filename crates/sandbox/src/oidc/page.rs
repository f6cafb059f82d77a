//! The provider's pages: sign-in, signed out, and what went wrong. Plain HTML, no script.

use crate::people::{PASSWORD, Person};

/// Escapes text for HTML content and attribute values.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

struct Words {
    lang: &'static str,
    title: &'static str,
    lead: &'static str,
    again: &'static str,
    user: &'static str,
    password: &'static str,
    submit: &'static str,
    people: &'static str,
    hint: &'static str,
    wrong: &'static str,
    signed_out: &'static str,
    close: &'static str,
    ask_out: &'static str,
    out: &'static str,
    failed: &'static str,
}

const GERMAN: Words = Words {
    lang: "de",
    title: "Anmelden",
    lead: "Klinikverbund Eschenland, Evaluierungsplattform. Alle Personen sind erfunden.",
    again: "Bitte bestätigen Sie, dass Sie es sind.",
    user: "Benutzername",
    password: "Passwort",
    submit: "Anmelden",
    people: "Als erfundene Person anmelden",
    hint: "Das Passwort aller Personen ist „konsil“.",
    wrong: "Benutzername oder Passwort ist nicht richtig.",
    signed_out: "Sie sind abgemeldet.",
    close: "Sie können dieses Fenster schließen.",
    ask_out: "Möchten Sie sich abmelden?",
    out: "Abmelden",
    failed: "Die Anmeldung ist nicht möglich",
};

const ENGLISH: Words = Words {
    lang: "en",
    title: "Sign in",
    lead: "Klinikverbund Eschenland, evaluation platform. All people are invented.",
    again: "Please confirm that it is you.",
    user: "User name",
    password: "Password",
    submit: "Sign in",
    people: "Sign in as an invented person",
    hint: "Everybody's password is “konsil”.",
    wrong: "User name or password is not correct.",
    signed_out: "You are signed out.",
    close: "You may close this window.",
    ask_out: "Do you want to sign out?",
    out: "Sign out",
    failed: "Sign-in is not possible",
};

fn words(english: bool) -> &'static Words {
    if english { &ENGLISH } else { &GERMAN }
}

const STYLE: &str = "
:root{color-scheme:light dark;--bg:#f3f3f0;--card:#fff;--text:#232524;--soft:#555855;--line:#82827b;--solid:#0b6375;--on:#fff;--bad:#a00b3c;--badbg:#fbe8ed}
@media(prefers-color-scheme:dark){:root{--bg:#0b0b0b;--card:#191919;--text:#dedede;--soft:#a8a8a8;--line:#6f6f6f;--solid:#1c6f80;--on:#fff;--bad:#f8705f;--badbg:#2a1310}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:1rem/1.5 system-ui,'Segoe UI',sans-serif}
main{max-width:64rem;margin:0 auto;padding:3rem 1.5rem;display:grid;gap:2rem;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));align-items:start}
header{grid-column:1/-1}
h1{margin:0;font-size:1.875rem;font-weight:600}
h2{margin:0 0 1rem;font-size:1.0625rem;font-weight:600}
p{margin:.25rem 0;color:var(--soft)}
section{background:var(--card);border-radius:10px;padding:1.5rem}
label{display:block;margin:0 0 .25rem;font-weight:600}
input{width:100%;min-height:2.75rem;padding:.5rem .75rem;margin:0 0 1rem;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:6px}
button{font:inherit;cursor:pointer;min-height:2.75rem;border-radius:6px}
.go{width:100%;border:0;background:var(--solid);color:var(--on);font-weight:600}
.people{list-style:none;margin:0;padding:0;display:grid;gap:.5rem}
.people button{width:100%;text-align:left;padding:.5rem .75rem;background:transparent;color:inherit;border:1px solid var(--line)}
.people span{display:block;color:var(--soft);font-size:.875rem}
.bad{color:var(--bad);background:var(--badbg);border-radius:6px;padding:.5rem .75rem;margin:0 0 1rem}
:focus-visible{outline:3px solid var(--solid);outline-offset:2px}
";

fn frame(words: &Words, title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{STYLE}</style></head>\n\
         <body><main>{body}</main></body></html>\n",
        words.lang,
        escape(title),
    )
}

/// What the login page shows.
#[derive(Debug)]
pub(crate) struct Login<'a> {
    /// Where the form goes.
    pub(crate) action: &'a str,
    /// Who is expected, when a session is to be confirmed or the program said so.
    pub(crate) username: &'a str,
    /// True when somebody is signed in and has to prove it anew.
    pub(crate) again: bool,
    /// True after a wrong password.
    pub(crate) wrong: bool,
    /// English instead of German.
    pub(crate) english: bool,
    /// Who may be chosen.
    pub(crate) people: &'a [Person],
}

/// The login page: one form with user name and password, and one button for each invented person.
pub(crate) fn login(page: &Login<'_>) -> String {
    let words = words(page.english);
    let action = escape(page.action);
    let wrong = if page.wrong { format!("<p class=\"bad\" role=\"alert\">{}</p>", words.wrong) } else { String::new() };
    let again = if page.again { format!("<p>{}</p>", words.again) } else { String::new() };
    let rows: String = page.people.iter().map(|person| row(person, page.english)).collect();
    let body = format!(
        "<header><h1>{title}</h1><p>{lead}</p>{again}</header>\n\
         <section><form id=\"login\" method=\"post\" action=\"{action}\">{wrong}\
         <label for=\"username\">{user}</label><input id=\"username\" name=\"username\" value=\"{username}\" \
         autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" required autofocus>\
         <label for=\"password\">{password}</label><input id=\"password\" name=\"password\" type=\"password\" \
         autocomplete=\"current-password\" aria-describedby=\"hint\" required>\
         <button class=\"go\" type=\"submit\">{submit}</button><p id=\"hint\">{hint}</p></form></section>\n\
         <section aria-labelledby=\"people\"><h2 id=\"people\">{people}</h2><form method=\"post\" action=\"{action}\">\
         <input type=\"hidden\" name=\"password\" value=\"{PASSWORD}\"><ul class=\"people\">{rows}</ul></form></section>",
        title = words.title,
        lead = words.lead,
        user = words.user,
        username = escape(page.username),
        password = words.password,
        submit = words.submit,
        hint = words.hint,
        people = words.people,
    );
    frame(words, words.title, &body)
}

fn row(person: &Person, english: bool) -> String {
    let specialty = if english { &person.specialty_en } else { &person.specialty_de };
    format!(
        "<li><button type=\"submit\" name=\"username\" value=\"{}\">{}<span>{}, {}</span></button></li>",
        escape(&person.username),
        escape(&person.name),
        escape(specialty),
        escape(&person.organization),
    )
}

/// The page after signing out.
pub(crate) fn signed_out(english: bool) -> String {
    let words = words(english);
    frame(words, words.signed_out, &format!("<header><h1>{}</h1><p>{}</p></header>", words.signed_out, words.close))
}

/// Asks before signing out when the program did not prove whose session it is.
pub(crate) fn ask_sign_out(english: bool, action: &str) -> String {
    let words = words(english);
    let body = format!(
        "<header><h1>{}</h1></header><section><form method=\"post\" action=\"{}\"><input type=\"hidden\" \
         name=\"confirmed\" value=\"yes\"><button class=\"go\" type=\"submit\">{}</button></form></section>",
        words.ask_out,
        escape(action),
        words.out
    );
    frame(words, words.out, &body)
}

/// Says what is wrong with a request that must not be answered by a redirect.
pub(crate) fn failed(english: bool, why: &str) -> String {
    let words = words(english);
    let body = format!("<header><h1>{}</h1><p role=\"alert\">{}</p></header>", words.failed, escape(why));
    frame(words, words.failed, &body)
}
