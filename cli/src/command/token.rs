//! `airshed token`: what programs use instead of a password.

use airshed_query_api::access::{ScramVerifier, Secret, TokenRecord};

use super::{
    serve::{random, store},
    user::now,
};
use crate::{
    app::App,
    args::TokenCommand,
    failure::{Exit, Problem},
    output,
};

pub(super) async fn execute(app: &App, command: TokenCommand) -> anyhow::Result<Exit> {
    let store = store(app)?;
    match command {
        TokenCommand::Create { name } => {
            if !store.users().await?.iter().any(|user| user.name == name) {
                let problem = Problem::failed(format!("there is no user `{name}`"));
                return Err(problem.hint("airshed user add NAME --role ROLE --password-stdin").into());
            }
            let secret = Secret::token(random()?);
            let id = format!("t{:08x}", u32::from_le_bytes(random()?));
            let scram = ScramVerifier::new(&secret, random()?);
            let token = TokenRecord { user: name, sha256: secret.sha256(), scram, created_at: now(), id };
            store.add_token(&token).await?;
            app.progress
                .say(&format!("token {} of {}; Postgres clients sign in as `{0}`", token.id, token.user));
            output::write_text(secret.reveal())?;
        }
        TokenCommand::Revoke { id } => {
            if !store.remove_token(&id).await? {
                return Err(Problem::failed(format!("there is no token `{id}`")).into());
            }
            app.progress.say(&format!("{id} is revoked"));
        }
        TokenCommand::List => {
            let tokens = store.tokens().await?.into_iter();
            let rows = tokens.map(|token| vec![Some(token.id), Some(token.user), Some(token.created_at)]);
            output::write_rows(app.form, &["id", "user", "created_at"], &rows.collect::<Vec<_>>())?;
        }
    }
    Ok(Exit::Done)
}
