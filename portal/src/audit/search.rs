use std::sync::LazyLock;

use ahash::AHashSet;
use keys::Keyring;
use store::time::At;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::{PatientId, Realm, Timestamp, UserId};

use super::DETAIL;
use super::event::{Action, Category, Entity, EntityKind, Event};
use super::model::AuditEvent;

const COLUMNS: &str =
    "e.id, e.at, e.realm, e.category, e.action, e.outcome, e.user_id, u.display_name, e.role, e.session_id,
        e.station_id, e.system_part, host(e.address) AS address, e.purpose, e.endpoint, e.entity_kind, e.entity_id,
        e.entity_version, e.detail_sealed, e.times, e.correlation_id,
        ARRAY(SELECT patient_id FROM audit_subjects WHERE event_id = e.id ORDER BY patient_id) AS patients";

/// What touched no realm was done by nobody who is known, or by Vigil itself.
const OF_REALM: &str = "($6::text IS NULL OR e.realm IS NULL OR e.realm = $6)";

/// 45 CFR 164.528 (a)(1)(i): what was for treatment, payment or operations is not accounted for; what was refused was told
/// to nobody.
const DISCLOSED: &str =
    "(NOT $8 OR (e.outcome = 'success' AND coalesce(e.purpose, '') NOT IN ('TREAT', 'PAY', 'OPS')))";

/// The first comparison is what the index can use, the second what decides between events of one moment.
static EVENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "-- portal::audit::events
        SELECT {COLUMNS} FROM audit_events e LEFT JOIN users u ON u.id = e.user_id
        WHERE e.at <= $1 AND (e.at, e.id) < ($1, $2) AND e.at >= $3 AND ($4::uuid IS NULL OR e.user_id = $4)
            AND {OF_REALM}
        ORDER BY e.at DESC, e.id DESC LIMIT $5"
    )
});

static OF_PATIENT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "-- portal::audit::events_of_patient
        SELECT {COLUMNS} FROM audit_subjects s JOIN audit_events e ON e.id = s.event_id LEFT JOIN users u ON u.id = e.user_id
        WHERE s.patient_id = $7 AND s.at <= $1 AND (s.at, s.event_id) < ($1, $2) AND s.at >= $3
            AND ($4::uuid IS NULL OR e.user_id = $4) AND {OF_REALM} AND {DISCLOSED}
        ORDER BY s.at DESC, s.event_id DESC LIMIT $5"
    )
});

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// Whoever looks learns of no other; None: all of them.
    pub(crate) realm: Option<Realm>,
    /// Of one patient, only what is accounted for to him.
    pub(crate) disclosures: bool,
    pub(crate) user: Option<UserId>,
    pub(crate) patient: Option<PatientId>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// Where the page before ended.
    pub(crate) before: Option<(Timestamp, Uuid)>,
    pub(crate) most: u16,
}

/// A page, newest first, and whether there is another.
pub(crate) struct Page {
    pub(crate) events: Vec<AuditEvent>,
    pub(crate) more: bool,
}

impl Search {
    pub(crate) async fn page(&self, db: &impl Db, keyring: &Keyring) -> Result<Page, Error> {
        let latest = Timestamp::from_micros(i64::MAX);
        // An id below all others: `to` itself is not within.
        let (at, id) = self.before.unwrap_or((self.to.unwrap_or(latest), Uuid::nil()));
        let from = At(self.from.unwrap_or(Timestamp::from_micros(i64::MIN)));
        let (user, limit) = (self.user.map(|user| user.0), i64::from(self.most) + 1);
        let realm = self.realm.map(Realm::word);
        let mut rows = match self.patient {
            None => db.query(&*EVENTS, &[&At(at), &id, &from, &user, &limit, &realm]).await?,
            Some(PatientId(patient)) => {
                let only = self.disclosures;
                db.query(&*OF_PATIENT, &[&At(at), &id, &from, &user, &limit, &realm, &patient, &only]).await?
            }
        };
        let more = rows.len() > usize::from(self.most);
        rows.truncate(usize::from(self.most));
        Ok(Page { events: rows.iter().map(|row| read(row, keyring)).collect::<Result<_, _>>()?, more })
    }
}

impl Page {
    /// Looking into the audit is an access to whomever it tells about.
    pub(crate) fn event(&self, action: Action, detail: String) -> Event {
        let patients: AHashSet<_> = self.events.iter().flat_map(|event| &event.patients).copied().collect();
        Event::new(Category::Audit, action, Entity::all(EntityKind::AuditEvent))
            .about(patients.into_iter().map(PatientId))
            .detail(detail)
    }
}

fn read(row: &Row, keyring: &Keyring) -> Result<AuditEvent, Error> {
    let id: Uuid = row.try_get("id")?;
    let sealed: Option<&[u8]> = row.try_get("detail_sealed")?;
    let open = |sealed| keyring.system().open(DETAIL, id.as_bytes(), sealed).ok();
    let detail = sealed.and_then(open).map(|text| String::from_utf8_lossy(&text).into_owned());
    Ok(AuditEvent {
        id,
        at: row.try_get::<_, At>("at")?.0,
        realm: row.try_get("realm")?,
        category: row.try_get("category")?,
        action: row.try_get("action")?,
        outcome: row.try_get("outcome")?,
        user: row.try_get("user_id")?,
        user_name: row.try_get("display_name")?,
        role: row.try_get("role")?,
        session: row.try_get("session_id")?,
        station: row.try_get("station_id")?,
        part: row.try_get("system_part")?,
        address: row.try_get("address")?,
        purpose: row.try_get("purpose")?,
        endpoint: row.try_get("endpoint")?,
        entity_kind: row.try_get("entity_kind")?,
        entity: row.try_get("entity_id")?,
        entity_version: row.try_get("entity_version")?,
        patients: row.try_get("patients")?,
        detail,
        times: row.try_get("times")?,
        correlation: row.try_get("correlation_id")?,
    })
}
