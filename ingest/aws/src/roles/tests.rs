//! An issuer that counts, and a clock that the test sets.

use std::sync::atomic::{AtomicU32, Ordering};

use airshed_collect::CallError;
use jiff::Timestamp;

use super::*;

const MANAGEMENT: &str = "arn:aws:iam::111122223333:role/airshed/airshed-management";
const MEMBER: &str = "arn:aws:iam::444455556666:role/airshed/airshed-collector";

#[derive(Debug, Default)]
struct TestClock {
    elapsed: Mutex<Duration>,
    /// The time of day is ahead of the service's by so much.
    ahead: Duration,
}

impl TestClock {
    fn advance(&self, by: Duration) {
        *self.elapsed.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let started: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        started + self.elapsed() + self.ahead
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending::<()>().await;
    }
}

/// Issues credentials numbered by how many were issued before.
#[derive(Debug)]
struct Counting {
    clock: Arc<TestClock>,
    own: AtomicU32,
    assumed: Mutex<Vec<(String, String)>>,
    /// What the next AssumeRole calls answer instead of credentials.
    fails: Mutex<Vec<CallErrorKind>>,
    own_life: Option<Duration>,
}

#[derive(Debug, Clone)]
struct Shared(Arc<Counting>);

#[async_trait]
impl Issuer for Shared {
    async fn own(&self) -> Answer<Credentials> {
        let count = self.0.own.fetch_add(1, Ordering::Relaxed);
        let end = self.0.own_life.map(|life| (self.0.clock.now() + life).into());
        Ok(Credentials::new(format!("own-{count}"), "secret", None, end, "test"))
    }

    async fn assume(&self, source: Credentials, arn: &str) -> Answer<Credentials> {
        tokio::task::yield_now().await;
        if let Some(kind) = self.0.fails.lock().unwrap().pop() {
            return Err(CallError::new(kind, "AssumeRole", "no"));
        }
        let mut assumed = self.0.assumed.lock().unwrap();
        assumed.push((source.access_key_id().to_owned(), arn.to_owned()));
        let key = format!("session-{}", assumed.len());
        let end = self.0.clock.now() - self.0.clock.ahead + SESSION;
        Ok(Credentials::new(key, "secret", Some("token".into()), Some(end.into()), "test"))
    }
}

struct World {
    roles: Roles,
    clock: Arc<TestClock>,
    issuer: Arc<Counting>,
}

impl World {
    fn new() -> Self {
        Self::with(TestClock::default(), None)
    }

    fn with(clock: TestClock, own_life: Option<Duration>) -> Self {
        let clock = Arc::new(clock);
        let issuer = Arc::new(Counting {
            clock: Arc::clone(&clock),
            own: AtomicU32::default(),
            assumed: Mutex::default(),
            fails: Mutex::default(),
            own_life,
        });
        let roles = Roles::new(Shared(Arc::clone(&issuer)), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { roles, clock, issuer }
    }

    async fn key(&self, role: Option<&Arc<Role>>) -> String {
        self.roles.credentials(role).await.unwrap().access_key_id().to_owned()
    }

    fn fail(&self, kinds: &[CallErrorKind]) {
        self.issuer.fails.lock().unwrap().extend(kinds);
    }

    fn assumed(&self) -> usize {
        self.issuer.assumed.lock().unwrap().len()
    }
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn member() -> Option<Arc<Role>> {
    Role::chain([MEMBER])
}

#[tokio::test]
async fn a_session_serves_until_five_minutes_before_its_end() {
    let world = World::new();
    let role = member();
    assert_eq!(world.key(role.as_ref()).await, "session-1");
    world.clock.advance(minutes(54));
    assert_eq!(world.key(role.as_ref()).await, "session-1");
    world.clock.advance(minutes(1));
    assert_eq!(world.key(role.as_ref()).await, "session-2");
    assert_eq!(world.issuer.own.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn roles_are_assumed_one_through_the_other() {
    let world = World::new();
    let role = Role::chain([MANAGEMENT, MEMBER]);
    assert_eq!(world.key(role.as_ref()).await, "session-2");
    let assumed = world.issuer.assumed.lock().unwrap().clone();
    let expected = [("own-0", MANAGEMENT), ("session-1", MEMBER)];
    assert_eq!(assumed, expected.map(|(source, arn)| (source.to_owned(), arn.to_owned())));
    // The session of the hop is the one that calls of the management account use.
    assert_eq!(world.key(Role::chain([MANAGEMENT]).as_ref()).await, "session-1");
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_renewal() {
    let world = World::new();
    let role = member();
    let all = [(); 50].map(|()| world.key(role.as_ref()));
    let keys = Box::pin(futures_of(all)).await;
    assert!(keys.iter().all(|key| key == "session-1"));
    assert_eq!(world.assumed(), 1);
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_however_many_report_it() {
    let world = World::new();
    let role = member();
    let old = world.roles.credentials(role.as_ref()).await.unwrap();
    world.roles.forget(role.as_ref(), &old).await;
    assert_eq!(world.key(role.as_ref()).await, "session-2");
    world.roles.forget(role.as_ref(), &old).await;
    assert_eq!(world.key(role.as_ref()).await, "session-2");
}

#[tokio::test]
async fn a_role_whose_source_expired_makes_the_source_new() {
    let world = World::new();
    let role = Role::chain([MANAGEMENT, MEMBER]);
    world.key(Role::chain([MANAGEMENT]).as_ref()).await;
    world.fail(&[CallErrorKind::Expired]);
    let error = world.roles.credentials(role.as_ref()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Expired);
    assert_eq!(world.key(role.as_ref()).await, "session-3");
    assert_eq!(world.issuer.assumed.lock().unwrap()[1], ("own-0".to_owned(), MANAGEMENT.to_owned()));
}

#[tokio::test]
async fn the_old_session_serves_on_while_renewing_fails_for_a_time() {
    let world = World::new();
    let role = member();
    world.key(role.as_ref()).await;
    world.clock.advance(minutes(56));
    world.fail(&[CallErrorKind::Throttled, CallErrorKind::Transient]);
    assert_eq!(world.key(role.as_ref()).await, "session-1");
    assert_eq!(world.key(role.as_ref()).await, "session-1");
    assert_eq!(world.key(role.as_ref()).await, "session-2");

    world.clock.advance(minutes(61));
    world.fail(&[CallErrorKind::Transient]);
    assert!(world.roles.credentials(role.as_ref()).await.is_err(), "past its end it serves no longer");
}

#[tokio::test]
async fn a_denied_role_is_denied_though_the_old_session_is_still_good() {
    let world = World::new();
    let role = member();
    world.key(role.as_ref()).await;
    world.clock.advance(minutes(56));
    world.fail(&[CallErrorKind::Denied]);
    let error = world.roles.credentials(role.as_ref()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Denied);
}

#[tokio::test]
async fn a_wrong_time_of_day_does_not_renew_with_every_call() {
    // Two hours ahead: by the time of day every session would have ended before it began.
    let world = World::with(TestClock { ahead: minutes(120), ..TestClock::default() }, None);
    let role = member();
    world.key(role.as_ref()).await;
    world.clock.advance(minutes(54));
    assert_eq!(world.key(role.as_ref()).await, "session-1");

    // Half an hour ahead: renewed by then, not with every call.
    let world = World::with(TestClock { ahead: minutes(30), ..TestClock::default() }, None);
    world.key(role.as_ref()).await;
    world.clock.advance(minutes(24));
    assert_eq!(world.key(role.as_ref()).await, "session-1");
    world.clock.advance(minutes(1));
    assert_eq!(world.key(role.as_ref()).await, "session-2");
}

#[tokio::test]
async fn the_collectors_own_credentials_are_asked_for_again_when_they_end() {
    let world = World::with(TestClock::default(), Some(minutes(20)));
    assert_eq!(world.key(None).await, "own-0");
    world.clock.advance(minutes(14));
    assert_eq!(world.key(None).await, "own-0");
    world.clock.advance(minutes(1));
    assert_eq!(world.key(None).await, "own-1");

    // Those that came out of date are not asked for with every call.
    let world = World::with(TestClock::default(), Some(Duration::ZERO));
    assert_eq!(world.key(None).await, "own-0");
    world.clock.advance(Duration::from_secs(29));
    assert_eq!(world.key(None).await, "own-0");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.key(None).await, "own-1");
}

/// Runs futures side by side on this task.
async fn futures_of<F: Future, const N: usize>(futures: [F; N]) -> Vec<F::Output> {
    let mut futures = futures.map(|future| (Box::pin(future), None));
    std::future::poll_fn(|context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        let done = futures.iter().all(|(_, output)| output.is_some());
        if done { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}
