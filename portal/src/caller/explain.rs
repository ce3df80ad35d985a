use vitals::EventId;

use super::{Caller, Part, Who};
use crate::audit::{Agent, Event, Purpose, Record, Unrecorded};
use crate::web::Access;

impl Caller {
    /// Writes down an access that needs no transaction; ends once that is durable.
    pub(crate) async fn record(&self, purpose: Purpose, event: Event) -> Result<(), Unrecorded> {
        let id = EventId::new(self.desk().now());
        self.desk().audit().record(self.explain(id, purpose, event)).await
    }

    /// The event with everything that its handler does not say: who, when, from where, by which right.
    pub(super) fn explain(&self, id: EventId, purpose: Purpose, event: Event) -> Record {
        let Event { category, action, outcome, entity, subjects } = event;
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
            detail_sealed: None,
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
