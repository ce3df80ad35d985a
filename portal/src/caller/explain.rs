use std::sync::atomic::Ordering;

use vitals::{EventId, PatientId, subscriber};
use warp::http::StatusCode;
use warp::reply::{Reply, Response};

use super::{Caller, Part, Who};
use crate::audit::{
    Action, Agent, Category, Entity, EntityKind, Event, Outcome, Purpose, Record, Sameness, Unrecorded,
};
use crate::web::{Access, ApiError, Endpoint, Method};

impl Caller {
    /// Writes down an access that needs no transaction; ends once that is durable.
    pub(crate) async fn record(&self, purpose: Purpose, event: Event) -> Result<(), Unrecorded> {
        let audit = self.desk().audit();
        let record = self.explain(EventId::new(self.desk().now()), purpose, event);
        match self.sameness(&record) {
            Some(same) => audit.record_once(same, record).await?,
            None => audit.record(record).await?,
        }
        self.is_explained();
        Ok(())
    }

    /// The same, of which each is an event: how long it takes tells nobody whether there was one before, of whom.
    pub(crate) async fn record_each(&self, purpose: Purpose, event: Event) -> Result<(), Unrecorded> {
        let record = self.explain(EventId::new(self.desk().now()), purpose, event);
        self.desk().audit().record(record).await?;
        self.is_explained();
        Ok(())
    }

    pub(super) fn is_explained(&self) {
        self.request().trace.explained.store(true, Ordering::Relaxed);
    }

    /// What the body of a request turned out to ask for: its refusal will say so.
    pub(crate) fn asks_for(&self, entity: Entity, patients: impl IntoIterator<Item = PatientId>) {
        *self.request().trace.asked.lock() = Some((entity, patients.into_iter().collect()));
    }

    /// The answer, once it is written down that it is a no: a handler that found out on the way had nothing to explain.
    pub(crate) async fn explained(&self, answer: Response) -> Response {
        let outcome = match answer.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Outcome::Refused,
            StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::TOO_MANY_REQUESTS => Outcome::Failed,
            _ => return answer,
        };
        let request = self.request();
        let Some(endpoint) = request.endpoint.filter(|endpoint| endpoint.access != Access::Open) else { return answer };
        if request.trace.explained.load(Ordering::Relaxed) {
            return answer;
        }
        let asked = request.trace.asked.lock().take();
        let (entity, patients) = asked.unwrap_or_else(|| (in_path(endpoint, &request.target), Vec::new()));
        let event = Event::new(Category::Rights, endpoint.method.action(), entity).about(patients).outcome(outcome);
        match self.record(Purpose::Operations, event).await {
            Ok(()) => answer,
            Err(unrecorded) => ApiError::from(unrecorded).into_response(),
        }
    }

    /// A GET that is asked again is the same access, and so is whatever is refused again.
    fn sameness(&self, record: &Record) -> Option<Sameness> {
        let request = self.request();
        let endpoint = request.endpoint?;
        let nobody = self.who() == Who::Nobody;
        let address = request.address.filter(|_| nobody).map(subscriber);
        match record.outcome {
            Outcome::Refused => Some(Sameness::of(record, &endpoint.name(), address)),
            Outcome::Success | Outcome::Failed if endpoint.method == Method::Get && record.action == Action::Read => {
                Some(Sameness::of(record, &request.target, address))
            }
            Outcome::Success | Outcome::Failed => None,
        }
    }

    /// The event with everything that its handler does not say: who, when, from where, by which right.
    pub(super) fn explain(&self, id: EventId, purpose: Purpose, event: Event) -> Record {
        let Event { category, action, outcome, entity, subjects, worn, detail } = event;
        let request = self.request();
        Record {
            id,
            at: self.desk().now(),
            realm: self.realm(),
            agent: self.agent(),
            purpose,
            category,
            action,
            outcome,
            endpoint: request.endpoint.map(crate::web::Endpoint::name),
            address: request.address,
            entity,
            subjects,
            worn,
            detail_sealed: detail.map(|text| self.desk().audit().seal(id, &text)),
            times: 1,
            correlation: request.correlation,
        }
    }

    fn agent(&self) -> Agent {
        let role = match self.request().endpoint.map(|endpoint| endpoint.access) {
            Some(Access::Needs(permission)) => self.role_that_may(permission),
            Some(Access::Open | Access::SignedIn) | None => None,
        };
        let part = match self.who() {
            Who::System(part) => Some(part),
            // Nobody is known, so it is the portal that says so.
            Who::Nobody => Some(Part::Portal),
            Who::User { .. } | Who::Station(_) => None,
        };
        Agent {
            user: self.user(),
            role: role.map(|role| role.word().to_owned()),
            session: self.session(),
            station: self.station(),
            part: part.map(|part| part.word().to_owned()),
        }
    }
}

/// The one thing that the path of a request names.
fn in_path(endpoint: &Endpoint, target: &str) -> Entity {
    let path = target.split('?').next().unwrap_or_default();
    let segments = endpoint.path.split('/').zip(path.split('/'));
    let named = segments.filter(|(template, _)| template.starts_with('{')).find_map(|(_, id)| id.parse().ok());
    match named {
        Some(id) => Entity::one(EntityKind::Endpoint, id),
        None => Entity::all(EntityKind::Endpoint),
    }
}
