use std::time::Duration;

use airshed_query_api::Scope;
use tonic::Code;

use super::{sessions::SIGNED_IN, *};

fn door() -> (Door, Secret) {
    let token = Secret::token([1; 32]);
    (Door::new(Gatekeeper::with_one_token(&token, [2; 16]), [3; 32]), token)
}

fn with(header: &str) -> Request<()> {
    let mut request = Request::new(());
    request.metadata_mut().insert(AUTHORIZATION, header.parse().unwrap());
    request
}

async fn sign_in(door: &Door, name: &str, secret: &str) -> Result<Secret, Status> {
    let message = BasicAuth { username: name.to_owned(), password: secret.to_owned() };
    door.sign_in(&MetadataMap::new(), async { Ok(message) }).await
}

#[test]
fn headers_are_read() {
    // base64 of `ada:pass:word` and of `ada:x`, with and without padding.
    for (header, found) in [
        ("Basic YWRhOnBhc3M6d29yZA==", Some(("ada", "pass:word"))),
        ("basic YWRhOng=", Some(("ada", "x"))),
        ("Basic YWRhOng", Some(("ada", "x"))),
        ("Basic YWRh", None),
        ("Basic !!!", None),
        ("Negotiate YWRhOng=", None),
        ("Bearer", None),
        ("", None),
    ] {
        let read = match presented(with(header).metadata()) {
            Ok(Some(Presented::Basic { name, secret })) => Some((name, secret.reveal().to_owned())),
            Ok(other) => panic!("{header}: {other:?}"),
            Err(status) => {
                assert_eq!(status.code(), Code::Unauthenticated);
                None
            }
        };
        assert_eq!(read, found.map(|(name, secret)| (name.to_owned(), secret.to_owned())), "{header}");
    }
    assert!(matches!(presented(&MetadataMap::new()), Ok(None)));
}

#[tokio::test]
async fn a_token_is_good_by_itself_and_in_a_handshake() {
    let (door, token) = door();
    let caller = door.caller(&with(&format!("Bearer {}", token.reveal()))).unwrap();
    assert_eq!((caller.name.as_str(), caller.role), ("admin", Role::Admin));
    let bearer = sign_in(&door, "admin", token.reveal()).await.unwrap();
    assert_eq!(bearer.reveal(), token.reveal());
}

#[tokio::test]
async fn what_is_wrong_lets_nobody_in() {
    let (door, token) = door();
    for (name, secret) in [("admin", "wrong"), ("ada", token.reveal()), ("", "")] {
        assert_eq!(sign_in(&door, name, secret).await.unwrap_err().code(), Code::Unauthenticated, "{name}");
    }
    for header in ["Bearer wrong", "Bearer ", "Basic YWRtaW46eA=="] {
        assert_eq!(door.caller(&with(header)).unwrap_err().code(), Code::Unauthenticated, "{header}");
    }
    assert_eq!(door.caller(&Request::new(())).unwrap_err().code(), Code::Unauthenticated);
}

fn principal(name: &str, role: Role) -> Principal {
    Principal { name: name.to_owned(), role, scope: Scope::default() }
}

#[test]
fn a_session_lasts_until_the_user_is_changed_or_signs_out() {
    let (door, _) = door();
    let now = Instant::now();
    let call = |id: &Secret| door.caller(&with(&format!("Bearer {}", id.reveal())));
    let id = door.sessions.add(principal("admin", Role::Admin), now);
    let other = door.sessions.add(principal("admin", Role::Admin), now);
    assert_ne!(id.reveal(), other.reveal());
    door.sign_out(with(&format!("Bearer {}", other.reveal())).metadata());
    assert_eq!(call(&other).unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(call(&id).unwrap().name, "admin");
    // Somebody who has another role by now, or is gone.
    for changed in [principal("admin", Role::Analyst), principal("gone", Role::Analyst)] {
        let id = door.sessions.add(changed, now);
        assert!(call(&id).unwrap_err().message().contains("access was changed"));
    }
}

#[test]
fn a_session_lasts_for_its_time() {
    let sessions = Sessions::new([3; 32]);
    let now = Instant::now();
    let id = sessions.add(principal("ada", Role::Analyst), now);
    assert_eq!(sessions.find(&id, now + SIGNED_IN - Duration::from_secs(1)).unwrap().name, "ada");
    assert_eq!(sessions.find(&id, now + SIGNED_IN), None);
    assert_eq!(sessions.find(&Secret::presented("airshed_session_"), now), None);
}
