use std::net::IpAddr;

use vitals::EventId;

use super::{Caller, Part, Who};
use crate::audit::{Action, Agent, Event, Outcome, Purpose, Record, Sameness, Unrecorded};
use crate::web::{Access, Method};

impl Caller {
    /// Writes down an access that needs no transaction; ends once that is durable.
    pub(crate) async fn record(&self, purpose: Purpose, event: Event) -> Result<(), Unrecorded> {
        let audit = self.desk().audit();
        let record = self.explain(EventId::new(self.desk().now()), purpose, event);
        match self.sameness(&record) {
            Some(same) => audit.record_once(same, record).await,
            None => audit.record(record).await,
        }
    }

    /// A GET that is asked again is the same access, and so is whatever is refused again.
    fn sameness(&self, record: &Record) -> Option<Sameness> {
        let request = self.request();
        let endpoint = request.endpoint?;
        let nobody = self.who() == Who::Nobody;
        let address = request.address.filter(|_| nobody).map(subscriber);
        match record.outcome {
            Outcome::Refused => Some(Sameness::of(record, endpoint.name().into(), address)),
            Outcome::Success | Outcome::Failed if endpoint.method == Method::Get && record.action == Action::Read => {
                Some(Sameness::of(record, request.target.clone(), address))
            }
            Outcome::Success | Outcome::Failed => None,
        }
    }

    /// The event with everything that its handler does not say: who, when, from where, by which right.
    pub(super) fn explain(&self, id: EventId, purpose: Purpose, event: Event) -> Record {
        let Event { category, action, outcome, entity, subjects, detail } = event;
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

/// The address that stands for all of one subscriber: 64 bits of an IPv6 address are his to choose.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) >> 64 << 64).into()),
    }
}
