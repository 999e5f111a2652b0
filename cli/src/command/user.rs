//! `airshed user`: who may use `airshed serve`.

use std::io::BufRead as _;

use airshed_query_api::{
    Scope,
    access::{Role, ScramVerifier, Secret, UserRecord},
};
use anyhow::Context as _;
use jiff::Timestamp;

use super::serve::{random, store};
use crate::{
    app::{self, App},
    args::UserCommand,
    failure::{Exit, Problem},
    output,
};

pub(super) async fn execute(app: &App, command: UserCommand) -> anyhow::Result<Exit> {
    let store = store(app)?;
    match command {
        UserCommand::Add { name, role, scope, password_stdin: _ } => {
            let wrong = |error: airshed_query_api::Error| Problem::usage(error.to_string());
            let role: Role = role.parse().map_err(wrong)?;
            let scope: Scope = scope.as_deref().unwrap_or_default().parse().map_err(wrong)?;
            let password = Secret::password(&password()?).map_err(wrong)?;
            let user = UserRecord {
                role: role.to_string(),
                scope: scope.to_string(),
                password: password.argon2id(random()?)?,
                scram: ScramVerifier::new(&password, random()?),
                created_at: now(),
                name,
            };
            store.add_user(&user).await?;
            app.progress.say(&format!("{} may sign in as {role}", user.name));
        }
        UserCommand::Remove { name } => {
            if !store.remove_user(&name).await? {
                return Err(Problem::failed(format!("there is no user `{name}`")).into());
            }
            app.progress.say(&format!("{name} is removed"));
        }
        UserCommand::List => {
            let users = store.users().await?.into_iter();
            let rows = users.map(|user| {
                let scope = Some(user.scope).filter(|scope| !scope.is_empty());
                vec![Some(user.name), Some(user.role), scope, Some(user.created_at)]
            });
            output::write_rows(
                app.form,
                &["name", "role", "scope", "created_at"],
                &rows.collect::<Vec<_>>(),
            )?;
        }
    }
    Ok(Exit::Done)
}

/// The first line of standard input.
fn password() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// The time, as records keep it.
pub(super) fn now() -> String {
    Timestamp::from_microsecond(app::now_us()).unwrap_or(Timestamp::MAX).to_string()
}
