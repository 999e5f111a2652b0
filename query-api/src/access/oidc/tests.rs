use std::sync::atomic::AtomicUsize;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp, jwk::Jwk};
use serde_json::json;

use super::*;
use crate::{
    access::{Denied, Gatekeeper, Secret},
    error::{Error, ErrorKind},
};

/// A test key, of nobody: RSA, 2048 bits, PKCS #1.
const RSA: &str = "\
    MIIEpAIBAAKCAQEA2QSarvf0VgdcaqDawfHfDuiF4SepX1tywFKz84S4cMqu0c5rHis1LqeqhrThyP4e0jYrVbwvPpRlNbPAu4AP\
    M00um4zkypCPGLDWfzIElv7Gwu87pirnz+EAcUPFEp5OntRddo1+koSI1r5/pv3T1+cHGLbn9E01SwCFPJSN+dF10KK0nPABdFRk\
    5UtsMIVuwDVC6ud7GfCBiANksghVkFlxNWZHfhD4/U7ikww7TGb/HSOEo7aC8JdAMyoKYuASxPQgaDIUHcX3HsNjieY2SKacrMxb\
    0N+UgOcCyhNhe23mVkpovhQcKG6iUEQMzpt8gJl2Xe/A7bIQdJwGL+OINwIDAQABAoIBAEBGHtIHWfRIxdRGw8OBMUEnGM+wgXde\
    jEPtuqI7Aq1VOiWlbxBGV7/zpIu08tImgVZc+MSxsYRlSvx2unRN3zKgf1dOiUx9OARmC4EsfTODTbbaR95VAscMqqbhHXMAM+TS\
    nMPJ8FzQp/6B+SiqMJ3XLMDjGxu96jTGeK+Sh+Ie3XsEDV79Hy55dSK5JrFp06o5i8pggqLh5sYfXmnNSwRdcL+iswDfHn17TtJy\
    OUcajTjqwoaW/Z0PSuBZNSJCUPdTToXM53kvVFbGHmaJiW7Req5XxXPm5MLCZ3lkdRJxt0kfEOIiq3klMO72Bsn2INt6PCvNIk6j\
    Y0t5cjO/0VECgYEA9aWpR7IiGDjt+rRH3mFjtTTuVkv9btChow+/hnV1VTVJwaAoY2RVnliNY9AhkFa+F2quikNnjgRtkHxvy8KZ\
    HbUjsEvmR+m8a4SVTR7UVhjLD82lt/qgG9T2TMDNZ+yeUEXLKD1/EZ6Sp5WeYnR7913JKkSF1Rf0BxSaX6sNg+UCgYEA4ioOp58K\
    LtKrnB939+vFhNb+JZJ8dbOUHcArilaxRdBb4K9WSEpYXYLIj30G8ubWZzCSNl5jom/2aHibGU7a5Wyb5QfBS6lN0XoE3pEpJEOn\
    1E5a81hQZbyYjV0hYdhegbCAmOEvVQhptUy+Og91+hNXdqxSp338eX9H+pjAUesCgYEA5soG+iJFYCaUiBe68hbj+8rIJfHtIKEJ\
    S88u7WALpcuUCUO0znTk8AlYha906Uxl+lAzvhlIAKjuW3JeAr1I6B1Yc3lL2MKkUQvWzgcqDd3rYmSezvS8WonCAiiek4Y+00JP\
    dfYZHW+zb5nlnbC9C5Jkvr50UtnXXpOf2kQ2RXUCgYBwahU0rfGCyoYwKNgZq+BWogJbLI+edW82xnEd5u9gUyuH578MWZ/Igxwr\
    birJC4Igcl0KlyoQ8HPbA6+cCbz18mEemxcyA2pBp9PJyP9ZHiPKfFPqxsfXecGd6l+QYdq/vbp9wtgi/PaF/ipDc7HhZkHAI/FF\
    fXLD9UcSwWA+lwKBgQDO4zljwMR91GFHnHRfbJTWSx8+PFeHwb6meFX/FwP0Z6EoB67GOK0KJV5ijyiUKOD3dxSqXepM2AiCfViv\
    PLF7lGTaAyCggp74coBRk153Mfiyc4iiYv59clZjtAY2atsXLGsUjQsXySwOsRO5UAtqWhlJg4iFhP5wBXs8jvuaeg==";
/// Another one, which the provider does not publish.
const OTHER_RSA: &str = "\
    MIIEpAIBAAKCAQEAmdTNDM2r5i5ysL/hrMw3EW2fqU6FeVGTBvL3kb5uPXoNHvmrfUmU4tw+Rv7zkfimeknLs4UcScWcnSkM9xOC\
    dnujoR0FaV1JSk3JeTXumwv5h5U7S+x4Yw47rSs9E8P3aG1AYumSir27BeBjD6Os7xkKUBq7Gl+8RRfVYeZS/r/m2RwhF9KAamL8\
    Bo13LyfOWsQ71WxkjfW8N3jqxBxkpCBkrxdwK/3SUaQa3vcxQOpVGgcdMv10eBuFDLy0NynJzYy0TOphGIkGnHqtsXi5+AljqR4A\
    AK604bou+ZoxfGvWb5tebwM7+DMjN/O5SfvNuDG13SHdnacXqdNYxp5SaQIDAQABAoIBAEJpsxUh/mLkDrPsQ3wctnGZyGKJ+eoE\
    o9tOLkAH3QRBm0SSOc1fZR4ERAbWr0WH+ie1kHIyt6HJ5PGc9XH+REbu3hgCtYFluuyPZLol5Jufsd0tOmpu7xKk5HLAxh+wbTHy\
    aOfLO28WtpW06E+qNFENmHw47ipWxqt1vLQFgjNk7tgIB3Fi6lyj0VMPEFs8AYHTHKzRbSEETlC3R3iTYSBC3fWfv5qtiO7U8FxY\
    aTwReJmd5uGjveNqMHPobRrB45AkimaHYyX99/zLbLFxfT+Fo1Gckw2uHtXmIteAC2VWm7O17WoFu1m1ihZxoTRSiIpp0Ee+ve/2\
    L9Qh+MaX45kCgYEAy2SiM8dCkIEH+7E9qXVt9mfOD1dHyU0ARNWyZZa79W/wzwTQv5hF0mY1FcWEHU/V1yroQDZz+XUbr3IlV0jx\
    NZfat2HqzSLj6c+/Qm+e+YQ57GU5mt/qQe4k3pe50jdbwN80Vm4yutUUyfXA2KmMI9whUmfYeCo8kO3hjJ64nSMCgYEAwZ6BNMxM\
    JyTHuHxADCvMS2IU7paEWfE7+Se1www8Wq/C9D85fKNzozrpQ4Sa9vKzyEwuqAGiZw9NwXZkUu5WtJUq04FbhnKalLsvQRYckq3f\
    HG546ykd8hwgf95nMfa1V8qepbUuoDsNFlKdNgVSd6Kt58cpGSvKzCDZFq/cyQMCgYEAo11GBu6yIVzyK5AV5eljFDoWQS4qg54s\
    bB10d7JVb/KkabMFdA57bl4Xn1ARKHX6XSOifgj+p8wPG6FEKtJ0o0ZAL3EfZfrzMtZhWZxMBT/WQnCfjyzwfFoqFPurDhTWxpjA\
    8fb7GiOR2hFg/uVXoWnq/cRZE1NhaEsZEZhe0h8CgYBq29ofk6lr6Sa5MQoALaQA7s7ypuvA4BzjdAEi9vvQaTTFrKdDnMpTik33\
    T5ZfOK/0meceHljNXGrjnT3db2E3JSSPutMSrumVsIFyAIwggAmlHWtrDjRSzSc6qzp1Ht4S5+cLOaXUFQMyEMJncCSFlqk4RHjw\
    RXUVmAN4O/M0lQKBgQCKanYeU384zq1jYaHRt/kDBrk/MmDdEZTUYEdijrqilIOkNP4WmRJCKe6sMx/Z/0jX824emL7ftgSLuOWB\
    uVvqFwInwYjw4FICGUX2Nq9g+BsaDXeZcHkVW5OsUPSleLp/SgcsrZbHgpCfTGDaui7LFdxwiSPrlu2L05eT/qQ+QQ==";
/// A test key, of nobody: P-256, PKCS #8.
const P256: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+aLXIgv7uHDkcuGRRBCbgHNoGfoz7HlVZKKkWsS9G0OhRANCAATZ\
    b3fXFtughX4T6mV36AsbOe3ajI96EomAqHp0bxlKh1NdBCEONh7bGVvC/OpqqG6jrax9yTrC0Kl0GQiU3MOU";
/// A test key, of nobody: Ed25519, PKCS #8.
const ED25519: &str = "\
    MC4CAQAwBQYDK2VwBCIEIEP0m6+InlRSRmooXmSPa5p0Tof0cvjzL/lt+YKiZpox";

const ISSUER: &str = "https://id.example";

fn signing_key(algorithm: Algorithm, key: &str) -> EncodingKey {
    let der = STANDARD.decode(key).unwrap();
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(&der),
        Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
        _ => EncodingKey::from_rsa_der(&der),
    }
}

/// A key as the provider publishes it.
fn published(id: &str, algorithm: Algorithm, key: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&signing_key(algorithm, key), algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

fn signed(algorithm: Algorithm, key: &str, id: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    encode(&header, claims, &signing_key(algorithm, key)).unwrap()
}

/// A token of the provider's RSA key, good for an hour, with some claims changed.
fn token(changes: Value) -> String {
    signed(Algorithm::RS256, RSA, Some("r"), &claims(changes))
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER,
        "aud": ["other", "airshed"],
        "exp": get_current_timestamp() + 3600,
        "email": "ada@acme.example",
        "groups": ["everybody", "carbon"],
        "airshed_scope": "account=1,tag.team=web",
    });
    let Value::Object(changes) = changes else { panic!("claims have names") };
    for (name, value) in changes {
        claims[name] = value;
    }
    claims
}

fn settings() -> OidcSettings {
    OidcSettings {
        issuer: ISSUER.to_owned(),
        audience: "airshed".to_owned(),
        name_claim: "email".to_owned(),
        role_claim: "groups".to_owned(),
        roles: [("carbon".to_owned(), Role::Analyst), ("carbon-admins".to_owned(), Role::Admin)].into(),
        scope_claim: Some("airshed_scope".to_owned()),
    }
}

/// A provider's keys, or none while it cannot be reached; counts how often it was asked.
#[derive(Default)]
struct Provider {
    keys: Mutex<Option<Vec<Value>>>,
    asked: AtomicUsize,
}

impl Provider {
    fn publish(&self, keys: Option<Vec<Value>>) {
        *self.keys.lock().unwrap() = keys;
    }
}

#[async_trait]
impl KeySource for Provider {
    async fn fetch(&self) -> Result<Vec<u8>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let keys = self.keys.lock().unwrap().clone();
        let keys = keys.ok_or_else(|| Error::new(ErrorKind::Retry, "the provider cannot be reached"))?;
        Ok(serde_json::to_vec(&json!({ "keys": keys })).unwrap())
    }
}

async fn provider(settings: OidcSettings) -> IdentityProvider {
    let source = Provider::default();
    source.publish(Some(vec![
        json!({ "kty": "RSA", "use": "enc", "kid": "r", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "ML-DSA", "kid": "later" }),
        published("r", Algorithm::RS256, RSA),
        published("e", Algorithm::ES256, P256),
        published("d", Algorithm::EdDSA, ED25519),
    ]));
    let provider = IdentityProvider::new(settings, Arc::new(source));
    provider.refresh(Instant::now()).await.unwrap();
    provider
}

#[tokio::test]
async fn claims_become_a_principal() {
    let provider = provider(settings()).await;
    let found = provider.principal(&token(json!({}))).unwrap();
    assert_eq!(found.name, "ada@acme.example");
    assert_eq!(found.role, Role::Analyst);
    assert_eq!(found.scope.to_string(), "account=1,tag.team=web");

    let both =
        token(json!({ "groups": ["carbon-admins", "carbon"], "airshed_scope": ["account=2", "account=3"] }));
    let found = provider.principal(&both).unwrap();
    assert_eq!((found.role, found.scope.to_string()), (Role::Admin, "account=2,account=3".to_owned()));
    let all = provider.principal(&token(json!({ "groups": "carbon", "airshed_scope": "*" }))).unwrap();
    assert!(all.scope.is_everything());
}

#[tokio::test]
async fn roles_may_lie_deeper_and_scopes_may_be_nobody_s_business() {
    let settings =
        OidcSettings { role_claim: "/realm_access/roles".to_owned(), scope_claim: None, ..settings() };
    let provider = provider(settings).await;
    let found = provider.principal(&token(json!({ "realm_access": { "roles": ["carbon"] } }))).unwrap();
    assert_eq!(found.role, Role::Analyst);
    assert!(found.scope.is_everything());
    assert!(matches!(provider.principal(&token(json!({}))), Err(Refusal::NoRole(_))), "no role, no way in");
}

#[tokio::test]
async fn each_algorithm_of_the_provider_is_taken_with_its_own_key() {
    let provider = provider(settings()).await;
    let claims = claims(json!({}));
    assert!(provider.principal(&signed(Algorithm::RS256, RSA, Some("r"), &claims)).is_ok());
    assert!(provider.principal(&signed(Algorithm::ES256, P256, Some("e"), &claims)).is_ok());
    assert!(provider.principal(&signed(Algorithm::EdDSA, ED25519, Some("d"), &claims)).is_ok());
    let refused = [
        ("another algorithm of the key", signed(Algorithm::RS512, RSA, Some("r"), &claims)),
        ("another key under the id", signed(Algorithm::RS256, OTHER_RSA, Some("r"), &claims)),
        ("the id of another key", signed(Algorithm::ES256, P256, Some("r"), &claims)),
        ("no id among many keys", signed(Algorithm::RS256, RSA, None, &claims)),
    ];
    for (what, token) in refused {
        assert!(provider.principal(&token).is_err(), "{what}");
    }
}

/// The public key as the secret of an HMAC, and no signature at all: attacks as old as JWTs.
#[tokio::test]
async fn forged_tokens_are_refused() {
    let provider = provider(settings()).await;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("r".to_owned());
    let n = published("r", Algorithm::RS256, RSA)["n"].as_str().unwrap().to_owned();
    let forged = encode(&header, &claims(json!({})), &EncodingKey::from_secret(n.as_bytes())).unwrap();
    assert!(provider.principal(&forged).is_err());

    let good = token(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let none = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"r"}"#);
    assert!(provider.principal(&format!("{none}.{}.", parts[1])).is_err());
    let other = token(json!({ "groups": ["carbon-admins"] }));
    let swapped = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
    assert!(provider.principal(&swapped).is_err());

    header = Header::new(Algorithm::RS256);
    header.kid = Some("r".to_owned());
    header.crit = Some(vec!["b64".to_owned()]);
    let extended = encode(&header, &claims(json!({})), &signing_key(Algorithm::RS256, RSA)).unwrap();
    assert!(matches!(provider.principal(&extended), Err(Refusal::Extensions)));
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let provider = provider(settings()).await;
    let now = get_current_timestamp();
    for (what, changes) in [
        ("another issuer", json!({ "iss": "https://id.example/" })),
        ("no issuer", json!({ "iss": null })),
        ("another audience", json!({ "aud": "other" })),
        ("no audience", json!({ "aud": null })),
        ("over", json!({ "exp": now - 120 })),
        ("no end", json!({ "exp": null })),
        ("not yet", json!({ "nbf": now + 120 })),
        ("no name", json!({ "email": null })),
        ("a name of several lines", json!({ "email": "ada\nadmin" })),
        ("no group with a role", json!({ "groups": ["everybody"] })),
        ("groups that are no texts", json!({ "groups": { "carbon": true } })),
        ("no scope", json!({ "airshed_scope": null })),
        ("an empty scope", json!({ "airshed_scope": "" })),
        ("an empty list of scopes", json!({ "airshed_scope": [] })),
        ("what is no scope", json!({ "airshed_scope": "accounts=1" })),
    ] {
        assert!(provider.principal(&token(changes)).is_err(), "{what}");
    }
    assert!(provider.principal(&token(json!({ "exp": now - 30, "nbf": now + 30 }))).is_ok(), "clocks differ");
}

#[tokio::test]
async fn keys_are_fetched_when_one_is_missing_and_once_a_minute_at_most() {
    let source = Arc::new(Provider::default());
    let provider = IdentityProvider::new(settings(), Arc::<Provider>::clone(&source));
    let asked = || source.asked.load(Ordering::Relaxed);
    let begin = Instant::now();
    let at = |seconds| begin + Duration::from_secs(seconds);

    provider.refresh(at(0)).await.unwrap_err();
    provider.refresh(at(59)).await.unwrap();
    assert_eq!(asked(), 1, "a provider that cannot be reached is not asked again at once");
    source.publish(Some(vec![published("r", Algorithm::RS256, RSA)]));
    provider.refresh(at(60)).await.unwrap();
    assert!(provider.principal(&token(json!({}))).is_ok());
    provider.refresh(at(200)).await.unwrap();
    assert_eq!(asked(), 2, "nothing is missing");

    let turned = signed(Algorithm::ES256, P256, Some("e"), &claims(json!({})));
    source.publish(Some(vec![published("e", Algorithm::ES256, P256)]));
    assert!(matches!(provider.principal(&turned), Err(Refusal::UnknownKey)));
    provider.refresh(at(201)).await.unwrap();
    assert_eq!(asked(), 3);
    assert!(provider.principal(&turned).is_ok());
    assert!(provider.principal(&token(json!({}))).is_err(), "a key that was withdrawn is good no more");

    source.publish(None);
    provider.refresh(at(262)).await.unwrap_err();
    assert!(provider.principal(&turned).is_ok(), "keys that are known stay while the provider is away");
    source.publish(Some(vec![json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "e" })]));
    provider.refresh(at(322)).await.unwrap_err();
    assert!(provider.principal(&turned).is_ok(), "and while it has none that can be used");
}

#[tokio::test]
async fn the_gatekeeper_lets_them_in_but_never_as_a_user_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::access::AccessStore::at(
        &airshed_lake::Location::parse(folder.path().to_str().unwrap(), &airshed_lake::StoreOptions::new())
            .unwrap(),
    );
    let secret = Secret::password("correct horse battery").unwrap();
    let user = crate::access::UserRecord {
        name: "eve".to_owned(),
        role: "viewer".to_owned(),
        scope: String::new(),
        password: secret.argon2id([1; 16]).unwrap(),
        scram: crate::access::ScramVerifier::new(&secret, [1; 16]),
        created_at: "2026-11-22T00:00:00Z".to_owned(),
    };
    store.add_user(&user).await.unwrap();
    let gatekeeper = Gatekeeper::open_with_provider(store, provider(settings()).await).await.unwrap();
    assert!(gatekeeper.knows_somebody());
    let found = gatekeeper.token(&Secret::presented(token(json!({})))).unwrap();
    assert_eq!((found.name.as_str(), found.role), ("ada@acme.example", Role::Analyst));
    let eve = Secret::presented(token(json!({ "email": "eve" })));
    assert_eq!(gatekeeper.token(&eve), Err(Denied::Wrong));
    assert_eq!(gatekeeper.token(&Secret::presented("eyJ.a.b")), Err(Denied::Wrong));
}
