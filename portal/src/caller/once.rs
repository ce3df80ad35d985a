//! A creation that is asked for twice is done once (`Idempotency-Key`, decision 0021).

use std::pin::Pin;
use std::sync::Arc;

use aws_lc_rs::digest;
use keys::Field;
use serde::{Deserialize, Serialize};
use store::time::At;
use store::{Client, Error};
use uuid::Uuid;
use vitals::Timestamp;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::Caller;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::web::{ApiError, Asked, etag};

/// Answers are asked for again within seconds; secrets among them are kept no longer than somebody would try.
const KEPT_MS: i64 = 15 * 60_000;

/// Of a key; a UUID has 36.
const LONGEST_KEY: usize = 255;

const ANSWER: Field = Field::new("idempotency", "response_sealed");

const FIND: &str = "-- portal::caller::once::find
    SELECT request_hash, response_sealed FROM idempotency
    WHERE key_hash = $1 AND user_id = $2 AND endpoint = $3 AND expires_at > $4";

/// Of two at once the second waits for the first, and finds that it is there.
const CLAIM: &str = "-- portal::caller::once::claim
    INSERT INTO idempotency (key_hash, user_id, endpoint, request_hash, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (key_hash, user_id, endpoint) DO UPDATE
        SET request_hash = excluded.request_hash, response_sealed = NULL, expires_at = excluded.expires_at
        WHERE idempotency.expires_at <= $6";

const KEEP: &str = "-- portal::caller::once::keep
    UPDATE idempotency SET response_sealed = $4 WHERE key_hash = $1 AND user_id = $2 AND endpoint = $3";

/// Each that comes takes more away than it brings.
const FORGET: &str = "-- portal::caller::once::forget
    DELETE FROM idempotency WHERE (key_hash, user_id, endpoint) IN (
        SELECT key_hash, user_id, endpoint FROM idempotency WHERE expires_at <= $1
        ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)";

/// An answer as it can be given again: without cookies.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) version: Option<i32>,
    /// JSON.
    pub(crate) body: String,
}

impl Kept {
    fn response(self) -> Response {
        let mut response = Response::new(self.body.into());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(version) = self.version {
            response.headers_mut().insert(header::ETAG, etag(version));
        }
        response
    }
}

/// Which request it is: whose, where, by which key, and what it asks for.
pub(super) struct Claim {
    key: [u8; 32],
    user: Uuid,
    endpoint: String,
    request: [u8; 32],
}

impl Claim {
    fn new(caller: &Caller, key: &HeaderValue, asked: &[u8; 32]) -> Result<Self, ApiError> {
        let key = key.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
        let invalid = || {
            ApiError::bad_request(
                "invalid_idempotency_key",
                format!("1 to {LONGEST_KEY} characters that can be printed"),
            )
        };
        let (key, request) = (key.ok_or_else(invalid)?, caller.request());
        let endpoint = request.endpoint.ok_or(ApiError::NotSignedIn)?.name();
        let request = digest_of(&[request.target.as_bytes(), b"\0", asked]);
        let user = caller.user().ok_or(ApiError::NotSignedIn)?.0;
        Ok(Self { key: digest_of(&[key.as_bytes()]), user, endpoint, request })
    }

    /// None: it was not asked for before.
    async fn find(&self, db: &Client, now: Timestamp) -> Result<Option<Option<Vec<u8>>>, ApiError> {
        let known = [self.key.as_slice(), self.request.as_slice()];
        let row = db.query_opt(FIND, &[&known[0], &self.user, &self.endpoint, &At(now)]).await.map_err(Error::from)?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<_, &[u8]>(0).map_err(Error::from)? != known[1] {
            return Err(ApiError::KeyReused);
        }
        Ok(Some(row.try_get(1).map_err(Error::from)?))
    }

    /// In the transaction that does it: a crash leaves both or neither.
    pub(super) async fn make(&self, db: &Client, now: Timestamp) -> Result<(), ApiError> {
        let (key, request) = (self.key.as_slice(), self.request.as_slice());
        db.execute(FORGET, &[&At(now)]).await.map_err(Error::from)?;
        let until = At(now.plus_millis(KEPT_MS));
        let claimed = db.execute(CLAIM, &[&key, &self.user, &self.endpoint, &request, &until, &At(now)]).await;
        if claimed.map_err(Error::from)? == 1 { Ok(()) } else { Err(in_flight()) }
    }

    async fn keep(&self, caller: &Caller, answer: &Kept) -> Result<(), ApiError> {
        let text = serde_json::to_vec(answer).expect("text and numbers");
        let sealed = caller.desk().audit().keyring().system().seal(ANSWER, &self.id(), &text);
        let db = caller.desk().pool().get().await?;
        let kept = db.execute(KEEP, &[&self.key.as_slice(), &self.user, &self.endpoint, &sealed]).await;
        kept.map(drop).map_err(|error| Error::from(error).into())
    }

    fn open(&self, caller: &Caller, sealed: &[u8]) -> Result<Kept, ApiError> {
        let text = caller.desk().audit().keyring().system().open(ANSWER, &self.id(), sealed)?;
        serde_json::from_slice(&text).map_err(|_| in_flight())
    }

    fn id(&self) -> Vec<u8> {
        [self.key.as_slice(), self.user.as_bytes(), self.endpoint.as_bytes()].concat()
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// A handler whose request may come again: with a key it is done once, and answered alike each time.
pub(crate) fn once<T, R, F, H>(handler: H) -> impl Fn(App, Caller, Asked<T>) -> Answering + Clone
where
    T: Send + 'static,
    R: Into<Kept>,
    F: Future<Output = Result<R, ApiError>> + Send,
    H: Fn(App, Caller, T) -> F + Clone + Send + Sync + 'static,
{
    move |app, caller, Asked { body, digest }| {
        let handler = handler.clone();
        Box::pin(async move {
            let Some(key) = caller.request().key.clone() else {
                return Ok(handler(app, caller, body).await?.into().response());
            };
            let claim = Arc::new(Claim::new(&caller, &key, &digest)?);
            let known = claim.find(&caller.desk().pool().get().await?, caller.now()).await?;
            if let Some(answer) = known {
                let answer = claim.open(&caller, &answer.ok_or_else(in_flight)?)?;
                let again = Event::new(Category::Rights, Action::Read, Entity::all(EntityKind::Endpoint));
                caller.record(Purpose::Operations, again).await?;
                return Ok(answer.response());
            }
            let answer = handler(app, caller.claiming(claim.clone()), body).await?.into();
            if let Err(error) = claim.keep(&caller, &answer).await {
                // It is done, and whoever asks again is told that it is not known how it ended.
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an answer is not kept for its second request"
                );
            }
            Ok(answer.response())
        })
    }
}

impl Caller {
    fn claiming(&self, claim: Arc<Claim>) -> Self {
        let request = super::Request { claim: Some(claim), ..self.request().clone() };
        Self::new(self.identity().clone(), request, self.desk())
    }
}

fn in_flight() -> ApiError {
    ApiError::Conflict {
        code: "in_flight",
        detail: "this request is at work, or was broken off before it could answer",
    }
}

fn digest_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| digest.update(part));
    digest.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}
